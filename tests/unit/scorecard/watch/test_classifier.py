"""The classifier of then and now: 0.5 without a change, and the right columns to blame."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from fengkong.foundation.errors import ColumnTypeError, InputError, OutOfRangeError
from fengkong.scorecard.watch import drift, drift_classifier


def sample(rng, rows, shift=0.0):
    return pd.DataFrame({
        "a": rng.normal(shift, 1, size=rows), "b": rng.normal(size=rows),
        "c": rng.choice(["x", "y", None], size=rows),
    })  # fmt: skip


def test_half_without_a_change():
    rng = np.random.default_rng(6)
    runs, areas, outside, called = 250, [], 0, 0
    for run in range(runs):
        found = drift_classifier(sample(rng, 400), sample(rng, 400), trees=15, seed=run, n_jobs=1)
        areas.append(found.auc)
        outside += not found.lower <= 0.5 <= found.upper
        called += found.changed
    assert np.mean(areas) == pytest.approx(0.5, abs=4 * np.std(areas) / np.sqrt(runs))
    # 95 % intervals, rather wide than narrow: at most 5 % may miss 0.5, half of them above.
    assert outside <= binom.ppf(0.999, runs, 0.05)
    assert called <= binom.ppf(0.999, runs, 0.025)


def test_a_moved_column_is_found_and_blamed():
    rng = np.random.default_rng(7)
    found = drift_classifier(sample(rng, 3_000), sample(rng, 3_000, shift=0.5))
    assert found.changed
    # Best possible AUC of a shift of half a standard deviation: Phi(0.5 / sqrt 2) = 0.638.
    assert 0.60 < found.auc < 0.638 + 0.02
    assert found.columns["column"].iloc[0] == "a"
    assert found.columns["share"].iloc[0] > 0.9
    assert found.columns["share"].sum() == pytest.approx(1.0)
    json.dumps(found.to_dict(), allow_nan=False)


def test_it_sees_a_joint_change_that_no_single_column_shows():
    rng = np.random.default_rng(8)
    sides = []
    for rho in (-0.8, 0.8):
        first, noise = rng.normal(size=(2, 4_000))
        second = rho * first + np.sqrt(1 - rho**2) * noise
        sides.append(pd.DataFrame({"u": first, "v": second, "w": rng.normal(size=4_000)}))
    assert drift(*sides).columns["psi"].max() < 0.02
    found = drift_classifier(*sides)
    assert found.lower > 0.8
    assert set(found.columns["column"][:2]) == {"u", "v"}


def test_new_labels_and_missing_values_are_seen():
    rng = np.random.default_rng(9)
    reference = sample(rng, 1_000)
    current = sample(rng, 1_000).assign(c=rng.choice(["x", "z"], size=1_000))
    found = drift_classifier(reference, current)
    assert found.columns["column"].iloc[0] == "c"
    assert found.lower > 0.7


def test_the_same_seed_gives_the_same_whatever_the_threads():
    rng = np.random.default_rng(10)
    sides = sample(rng, 600), sample(rng, 700)
    one = drift_classifier(*sides, seed=3, n_jobs=1, rows_at_most=500)
    two = drift_classifier(*sides, seed=3, n_jobs=2, rows_at_most=500)
    assert one.auc == two.auc
    assert (one.rows_reference, one.rows_current) == (500, 500)
    assert drift_classifier(*sides, seed=4, n_jobs=1, rows_at_most=500).auc != one.auc


def test_bad_input_is_refused():
    rng = np.random.default_rng(11)
    frame = sample(rng, 100)
    with pytest.raises(InputError, match="at least 50 rows"):
        drift_classifier(frame, frame[:49])
    with pytest.raises(InputError, match="lacks columns"):
        drift_classifier(frame, frame[["a"]])
    with pytest.raises(ColumnTypeError):
        drift_classifier(frame, frame.assign(a="text"))
    with pytest.raises(OutOfRangeError):
        drift_classifier(frame, frame, folds=1)
    constant = pd.DataFrame({"a": np.ones(100), "b": np.full(100, np.nan)})
    assert drift_classifier(constant, constant).auc == 0.5
