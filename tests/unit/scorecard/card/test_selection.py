"""Selection: each step keeps and leaves out what it should, and says so with its figure."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard import SelectionSettings
from fengkong.scorecard.binning.bins import ColumnBins, weight_of_evidence
from fengkong.scorecard.card._design import Design, Outcomes, gram
from fengkong.scorecard.card._filters import correlations, early_half, inflation_factors
from fengkong.scorecard.card._selection_table import TEXTS, Selection
from fengkong.scorecard.card.selection import select

sm = pytest.importorskip("statsmodels.api", reason="statsmodels: for tests only")
OFF = {"missing_share_max": None, "iv_min": None, "correlation_max": None, "vif_max": None}


def candidates(codes, bad, names=None, regular=4):
    """Count bins of coded columns: ``regular`` bins, then missing, then unseen."""
    bins = []
    for place, column in enumerate(codes):
        count = np.bincount(column, minlength=regular + 2).astype(float)
        bad_count = np.bincount(column, weights=bad, minlength=regular + 2)
        bins.append(
            ColumnBins(
                name=names[place] if names else f"x{place}", kind="numeric",
                cuts=np.arange(1.0, regular), count=count, bad_count=bad_count,
                woe=weight_of_evidence(count, bad_count),
            )
        )  # fmt: skip
    design = Design.of(codes, [b.woe for b in bins], names=[b.name for b in bins])
    return bins, design, Outcomes.of(bad)


def sample(rows=4_000, columns=4, seed=0, strength=0.6):
    """Draw columns whose first half bears on the outcome."""
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, 4, size=(columns, rows)).astype(np.uint8)
    log_odds = 1.0 + strength * (codes[: (columns + 1) // 2].astype(float) - 1.5).sum(axis=0)
    return codes, draw.random(rows) > 1 / (1 + np.exp(-log_odds))


def run(codes, bad, *, period=None, names=None, **settings):
    bins, design, outcomes = candidates(codes, bad, names)
    return select(
        bins, design, outcomes, settings=SelectionSettings(**settings), seed=1, period=period
    )


def reason_of(found, name):
    return found.why(name)[-1].reason


def test_weak_variables_leave_by_iv_with_their_figure():
    codes, bad = sample()
    found = run(codes, bad, iv_min=0.05)
    assert found.kept == ("x0", "x1")
    bins, _, _ = candidates(codes, bad)
    line = found.why("x3")[-1]
    assert (line.reason, line.figure, line.limit) == ("iv_low", bins[3].iv, 0.05)
    assert set(found.left()) == {"x2", "x3"}
    assert "0.05" in found.left()["x3"]


def test_too_strong_a_variable_leaves_when_a_limit_says_so():
    codes, bad = sample()
    codes[0] = np.where(bad, 0, 3)
    found = run(codes, bad, iv_max=2.0)
    assert reason_of(found, "x0") == "iv_high"


def test_missing_and_constant_columns_leave():
    codes, bad = sample()
    codes[2], codes[3] = 4, 1  # all missing; one bin
    found = run(codes, bad, forced=("x3",))
    assert reason_of(found, "x2") == "missing_high"
    assert reason_of(found, "x3") == "constant"  # forced or not
    assert run(codes, bad, missing_share_max=None).why("x2")[-1].reason == "constant"


def test_forced_variables_stay_and_excluded_ones_never_enter():
    codes, bad = sample()
    found = run(codes, bad, iv_min=0.05, forced=("x3",), excluded=("x0",))
    assert found.kept == ("x1", "x3")
    assert reason_of(found, "x0") == "excluded"
    assert [line.reason for line in found.why("x3") if line.step == "iv"] == ["forced"]


def test_of_two_alike_the_higher_iv_stays():
    codes, bad = sample()
    draw = np.random.default_rng(3)
    codes[1] = np.where(draw.random(codes.shape[1]) < 0.1, codes[1], codes[0])
    found = run(codes, bad, iv_min=None, correlation_max=0.7, vif_max=None)
    line = found.why("x1")[-1]
    assert (line.reason, line.other, line.limit) == ("correlated", "x0", 0.7)
    bins, design, _ = candidates(codes, bad)
    assert line.figure == pytest.approx(abs(np.corrcoef(design.matrix().T)[0, 1]))
    assert bins[0].iv > bins[1].iv
    kept = run(codes, bad, iv_min=None, correlation_max=0.7, vif_max=None, forced=("x1",))
    assert "x1" in kept.kept
    assert reason_of(kept, "x0") == "correlated"


def test_stability_needs_a_period_and_takes_out_what_moved():
    codes, bad = sample()
    period = np.arange(codes.shape[1])
    codes[0, codes.shape[1] // 2 :] = np.minimum(codes[0, codes.shape[1] // 2 :], 1)
    assert "psi: not measured, no period was given" in run(codes, bad).notes
    found = run(codes, bad, period=period, psi_max=0.25)
    assert reason_of(found, "x0") == "psi_high"
    early, late = (np.bincount(part, minlength=4) / 2_000 for part in np.split(codes[0], 2))
    late = np.where(late == 0, 0.5 / 2_000, late)
    assert found.why("x0")[-1].figure == pytest.approx(
        np.sum((late - early) * np.log(late / early))
    )
    assert "x1" in found.kept


@pytest.mark.parametrize(
    "period",
    [np.arange(10), pd.date_range("2024-01-01", periods=10),
     [date(2024, 1, i + 1) for i in range(10)], ["2024-0" + str(i) for i in range(10)]],
)  # fmt: skip
def test_halves_of_time(period):
    assert early_half(period, np.ones(10)).tolist() == [True] * 5 + [False] * 5


def test_halves_of_time_follow_weights_and_given_halves():
    weight = np.array([9.0, 1.0, 1.0, 1.0])
    assert early_half([1, 2, 3, 4], weight).tolist() == [True, False, False, False]
    assert early_half(["later", "earlier"] * 2, np.ones(4)).tolist() == [False, True] * 2


@pytest.mark.parametrize(
    "period", [[1, 1, 1], [1, 2], [1.0, np.nan, 2.0], [date(2024, 1, 1), None, date(2024, 1, 2)],
               np.array(["2024-01-01", "NaT", "2024-01-03"], dtype="datetime64[D]")]
)  # fmt: skip
def test_periods_that_tell_nothing_are_refused(period):
    with pytest.raises(InputError):
        early_half(period, np.ones(3))


def test_correlation_and_inflation_equal_numpy_and_statsmodels():
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    codes, bad = sample(columns=5)
    codes[4] = np.maximum(codes[0], codes[1])
    _, design, _ = candidates(codes, bad)
    weight = np.random.default_rng(0).random(design.rows)
    matrix = design.matrix()
    found = correlations(gram(design, weight))
    covariance = np.cov(matrix.T, aweights=weight, ddof=0)
    spread = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(found, covariance / np.outer(spread, spread), atol=1e-12)
    plain = inflation_factors(correlations(gram(design, np.ones(design.rows))))
    whole = sm.add_constant(matrix)
    peer = [variance_inflation_factor(whole, place) for place in range(1, 6)]
    np.testing.assert_allclose(plain, peer, rtol=1e-9)


def test_inflation_takes_out_one_at_a_time_and_no_more_than_needed():
    codes, bad = sample(columns=3, rows=8_000)
    codes = np.vstack([codes, ((codes[0] > 1) * 2 + (codes[1] > 1))[None].astype(np.uint8)])
    found = run(codes, bad, iv_min=None, correlation_max=None, vif_max=2.0)
    out = [line.variable for line in found.lines if line.reason == "vif_high"]
    assert len(out) == 1
    assert all(line.figure <= 2.0 for line in found.lines if line.reason == "vif_ok")


def test_a_copy_leaves_even_when_limits_are_off():
    codes, bad = sample()
    codes[1] = codes[0]
    found = run(codes, bad, **OFF)
    assert reason_of(found, "x1") == "collinear"
    assert "x1" in run(codes, bad, **OFF, forced=("x1",)).kept


@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
@pytest.mark.parametrize("criterion", ["aic", "bic", "p"])
def test_steps_keep_what_bears_on_the_outcome(direction, criterion):
    codes, bad = sample(columns=8, rows=6_000, strength=0.4)
    found = run(codes, bad, **OFF, stepwise=direction, criterion=criterion)
    assert {"x0", "x1", "x2", "x3"} <= set(found.kept)
    if criterion == "bic":
        assert found.kept == ("x0", "x1", "x2", "x3")


def test_the_figure_of_a_step_is_the_change_of_the_criterion():
    codes, bad = sample(columns=4, rows=3_000, strength=0.4)
    found = run(codes, bad, **OFF, stepwise="forward", criterion="aic")
    entered = [line for line in found.lines if line.reason == "entered"]
    _, design, _ = candidates(codes, bad)
    matrix, good, before = design.matrix(), (~bad).astype(float), []
    aic = sm.Logit(good, np.ones((3_000, 1))).fit(disp=0).aic
    for line in entered:
        before.append(int(line.variable[1:]))
        now = sm.Logit(good, sm.add_constant(matrix[:, before])).fit(disp=0).aic
        assert line.figure == pytest.approx(now - aic, rel=1e-5, abs=1e-5)
        aic = now


def test_a_variable_that_runs_against_its_bad_rate_never_enters_by_steps():
    codes, bad = sample(columns=2, rows=3_000)
    bins, design, outcomes = candidates(codes, bad)
    turned = Design.of(codes, [bins[0].woe, -bins[1].woe], names=design.names)
    found = select(bins, turned, outcomes, seed=0,
                   settings=SelectionSettings(**OFF, stepwise="forward"))  # fmt: skip
    assert found.kept == ("x0",)


def test_many_rows_are_judged_on_a_part_that_is_noted():
    codes, bad = sample(rows=5_000)
    found = run(codes, bad, rows_at_most=1_000)
    assert any("random rows" in note for note in found.notes)
    assert found.kept == run(codes, bad, rows_at_most=1_000).kept


def test_every_reason_reads_in_both_languages():
    codes, bad = sample()
    found = run(codes, bad, iv_min=0.05)
    english, chinese = found.table("en"), found.table("zh")
    assert (english.text != chinese.text).all()
    assert set(TEXTS) >= {line.reason for line in found.lines}
    for en, zh in TEXTS.values():
        assert all(("{" + part + "}" in en) == ("{" + part + "}" in zh)
                   for part in ("figure", "limit", "other"))  # fmt: skip


def test_the_table_goes_through_plain_values():
    codes, bad = sample()
    found = run(codes, bad, iv_min=0.05)
    assert Selection.from_dict(found.to_dict()) == found
    with pytest.raises(InputError, match="never saw"):
        found.why("nobody")


@pytest.mark.parametrize(
    "settings",
    [{"missing_share_max": 1.1}, {"iv_min": -0.1}, {"psi_max": -1}, {"correlation_max": 0.0},
     {"correlation_max": 1.5}, {"vif_max": 0.5}, {"p_enter": 0.2, "p_stay": 0.1}, {"p_stay": 0.0},
     {"rows_at_most": 10}, {"iv_max": float("nan")}],
)  # fmt: skip
def test_limits_outside_their_intervals_are_refused(settings):
    with pytest.raises(OutOfRangeError):
        SelectionSettings(**settings)


@pytest.mark.parametrize(
    "settings",
    [{"stepwise": "sideways"}, {"criterion": "r2"}, {"forced": ("a",), "excluded": ("a",)}],
)
def test_settings_that_contradict_are_refused(settings):
    with pytest.raises(InputError):
        SelectionSettings(**settings)


def test_names_that_are_no_columns_are_refused():
    codes, bad = sample()
    with pytest.raises(InputError, match="nobody"):
        run(codes, bad, forced=("nobody",))
