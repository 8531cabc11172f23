"""Designs of reject inference by hand, and their refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fengkong.foundation.errors import InputError, OneClassError, OutOfRangeError
from fengkong.scorecard.validation import (
    acceptance_by_band,
    accepted_only,
    fuzzy_augmentation,
    parcelling,
    reject_sensitivity,
    reweighting,
)


def test_fuzzy_by_hand():
    design = fuzzy_augmentation([0, 1], [0.2, 0.6], factor=2.0)
    assert design.index.tolist() == [0, 1, 2, 3, 2, 3]
    assert design.bad.tolist() == [False, True, True, True, False, False]
    assert design.weight.tolist() == pytest.approx([1, 1, 0.4, 1.0, 0.6, 0.0])
    assert design.rejected.tolist() == [False, False, True, True, True, True]
    assert design.rejected_bad_rate() == pytest.approx(0.7)
    assert design.to_frame().columns.tolist() == ["index", "bad", "weight", "rejected"]


def test_parcelling_gives_each_band_its_rate_times_the_factor():
    # Two bands of 100 accepted and 50 rejected: 10 and 30 bads of 100, so 10 and 30 of 50 at 2.
    p = np.repeat([0.1, 0.3], 100)
    bad = np.concatenate([np.arange(100) < 10, np.arange(100) < 30])
    rejected = np.repeat([0.1, 0.3], 50)
    design = parcelling(bad, p, rejected, factor=2.0, bands=2, seed=1)
    drawn = design.bad[200:]
    assert (drawn[:50].sum(), drawn[50:].sum()) == (10, 30)
    assert design.weight.tolist() == [1.0] * 300
    assert design.seed == 1
    again = parcelling(bad, p, rejected, factor=2.0, bands=2, seed=1)
    assert (again.bad == design.bad).all()
    other = parcelling(bad, p, rejected, factor=2.0, bands=2, seed=2)
    assert (other.bad != design.bad).any()
    assert other.bad.sum() == design.bad.sum()
    assert parcelling(bad, p, rejected, factor=9.0, bands=2, seed=1).rejected_bad_rate() == 0.95


def test_a_band_almost_without_accepted_uses_the_probability_of_its_rejects():
    p = np.concatenate([np.full(100, 0.1), np.full(2, 0.8)])
    bad = np.concatenate([np.arange(100) < 10, [False, False]])
    design = parcelling(bad, p, np.full(100, 0.8), bands=2, seed=1)
    assert design.rejected_bad_rate() == pytest.approx(0.8)


def test_reweighting_by_hand():
    design = reweighting([0, 1, 0], [0.5, 0.25, 0.001], rejected_rows=7)
    assert design.weight.tolist() == pytest.approx([2.0, 4.0, 100.0])
    assert design.rejected_bad_rate() is None
    assert (design.accepted_rows, design.rejected_rows) == (3, 7)
    assert accepted_only([0, 1]).weight.tolist() == [1.0, 1.0]


def test_acceptance_by_band_by_hand():
    # Lower half: 4 accepted of 5; upper half: 1 of 5.
    found = acceptance_by_band([1, 2, 3, 4, 9], [5, 6, 7, 8, 10], bands=2)
    assert found.tolist() == pytest.approx([0.8, 0.8, 0.8, 0.8, 0.2])


def fit(X, bad, weight):
    rate = float(np.average(bad, weights=weight))
    return lambda X: np.full(len(X["a"]) if isinstance(X, dict) else len(X), rate)


def as_kind(kind, values):
    made = {"a": np.asarray(values, dtype=float)}
    return {
        "frame": lambda: pd.DataFrame(made), "arrow": lambda: pa.table(made),
        "array": lambda: made["a"][:, None], "mapping": lambda: made,
    }[kind]()  # fmt: skip


@pytest.mark.parametrize("kind", ["frame", "arrow", "array", "mapping"])
def test_every_kind_of_table_is_taken(kind):
    table = reject_sensitivity(
        fit, as_kind(kind, [1, 2, 3, 4]), [0, 1, 0, 0], as_kind(kind, [5, 6]),
        cutoff=0.3, factors=(2.0,), seed=1,
        check=(as_kind(kind, [1, 2]), [0, 1]),
    )  # fmt: skip
    assert table.mean_pd_accepted[0] == pytest.approx(0.25)
    # Fuzzy at 2: two rejects half bad: (1 + 1) / 6; above the cut-off, so nobody passes.
    fuzzy = table[table.method == "fuzzy"].iloc[0]
    assert fuzzy.mean_pd_rejected == pytest.approx(2 / 6)
    assert (fuzzy.approval_rate, fuzzy.accepted_now_declined) == (0.0, 4)
    assert np.isnan(fuzzy.approved_mean_pd)
    assert table.rejected_now_approved[0] == 2


def test_refusals():
    with pytest.raises(OneClassError):
        fuzzy_augmentation([0, 0], [0.1])
    with pytest.raises(OutOfRangeError, match="factor"):
        fuzzy_augmentation([0, 1], [0.1], factor=0.0)
    with pytest.raises(OutOfRangeError, match="factor"):
        parcelling([0, 1], [0.1, 0.2], [0.1], factor=np.inf, seed=1)
    with pytest.raises(OutOfRangeError, match="probability_rejected"):
        parcelling([0, 1], [0.1, 0.2], [1.1], seed=1)
    with pytest.raises(InputError, match="empty"):
        fuzzy_augmentation([0, 1], [])
    with pytest.raises(OutOfRangeError, match="least_probability"):
        reweighting([0, 1], [0.5, 0.5], least_probability=0.0)
    with pytest.raises(InputError, match="rejected_rows"):
        accepted_only([0, 1], rejected_rows=-1)
    X = pd.DataFrame({"a": [1.0, 2.0]})
    settings = {"cutoff": 0.3, "seed": 1}
    with pytest.raises(InputError, match="one kind"):
        reject_sensitivity(fit, X, [0, 1], X.to_numpy(), **settings)
    with pytest.raises(InputError, match="different columns"):
        reject_sensitivity(fit, X, [0, 1], X.rename(columns={"a": "b"}), **settings)
    with pytest.raises(InputError, match="needs accepted and rejected"):
        reject_sensitivity(fit, X, [0, 1], X.iloc[:0], **settings)
    with pytest.raises(InputError, match="bad has 3 rows"):
        reject_sensitivity(fit, X, [0, 1, 1], X, **settings)
