"""Rank order over time, fairness at a cut-off, and the leakage alarm."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, norm
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from fengkong.foundation.errors import (
    InputError,
    OneClassError,
    OutOfRangeError,
    ProtectedFeatureError,
)
from fengkong.scorecard.validation import (
    approved_at,
    fairness,
    leakage_findings,
    rank_order,
    refuse_group_features,
)


def rows_of(*cells: tuple[str, str, int, int]):
    """Outcomes, bands and periods from (period, band, rows, bads)."""
    bad = np.concatenate([np.arange(n) < k for _, _, n, k in cells]).astype(int)
    band = np.concatenate([[b] * n for _, b, n, _ in cells])
    period = np.concatenate([[p] * n for p, _, n, _ in cells])
    return bad, band, period


def test_inversions_and_correlations_by_hand():
    bad, band, period = rows_of(
        ("Q1", "1", 100, 20), ("Q1", "2", 100, 10), ("Q1", "3", 100, 2),
        ("Q2", "1", 100, 20), ("Q2", "2", 100, 3), ("Q2", "3", 100, 12),
    )  # fmt: skip
    found = rank_order(bad, band, period=period)
    assert found.rates.bad_rate.tolist() == pytest.approx([0.2, 0.1, 0.02, 0.2, 0.03, 0.12])
    assert len(found.inversions) == 1
    line = found.inversions.iloc[0]
    assert (line.period, line.riskier, line.safer) == ("Q2", "2", "3")
    expected = fisher_exact([[12, 88], [3, 97]], "greater").pvalue
    assert line.p_value == pytest.approx(expected)
    assert line.significant
    assert found.periods.spearman.tolist() == pytest.approx([1.0, 0.5])
    # Kendall of (20, 3, 12): two pairs in order, one against: 1/3.
    assert found.periods.kendall.tolist() == pytest.approx([1.0, 1 / 3])
    assert found.periods.significant_inversions.tolist() == [0, 1]


def test_order_given_and_bands_without_rows():
    bad, band, period = rows_of(("a", "D", 10, 5), ("a", "A", 10, 0), ("b", "A", 5, 0))
    found = rank_order(bad, band, period=period, order=["D", "C", "A"])
    assert found.rates.place.tolist() == [1, 3, 3]
    assert found.periods.note.tolist() == ["", "fewer than two bands have rows"]
    assert found.periods.spearman[0] == pytest.approx(1.0)
    assert found.inversions.empty
    assert found.inversions.significant.dtype == bool
    equal = rank_order(*rows_of(("a", "1", 10, 2), ("a", "2", 10, 2))[:2])
    assert equal.periods.note.tolist() == ["all bands have the same bad rate"]
    assert equal.inversions.empty
    with pytest.raises(InputError, match="lacks the bands A"):
        rank_order(bad, band, order=["D"])
    with pytest.raises(InputError, match="twice"):
        rank_order(bad, band, order=["D", "A", "D"])
    with pytest.raises(OutOfRangeError):
        rank_order(bad, band, significance=0.0)


def fair_case():
    """F: 100 rows, 30 approved, 80 goods of which 28; M: 100 rows, 50 approved, 90 goods, 47."""
    sex = np.repeat(["F", "M"], 100)
    approved = np.concatenate([np.arange(100) < 30, np.arange(100) < 50])
    bad = np.zeros(200, dtype=int)
    bad[[0, 1, *range(82, 100)]] = 1  # F: two bads approved, eighteen not
    bad[[100, 101, 102, *range(193, 200)]] = 1  # M: three approved, seven not
    return approved, sex, bad


def test_adverse_impact_and_equal_opportunity_by_hand():
    approved, sex, bad = fair_case()
    found = fairness(approved, {"sex": sex}, bad=bad)
    table = found.table.set_index("group")
    assert table.reference.tolist() == ["M", "M"]
    assert table.ratio["F"] == pytest.approx(0.3 / 0.5)
    assert table.ratio_below.tolist() == [True, False]
    # Katz: ln 0.6 +- 1.96 sqrt(1/30 - 1/100 + 1/50 - 1/100).
    half = norm.ppf(0.975) * np.sqrt(1 / 30 - 1 / 100 + 1 / 50 - 1 / 100)
    assert table.ratio_lower["F"] == pytest.approx(0.6 * np.exp(-half))
    assert table.ratio_upper["F"] == pytest.approx(0.6 * np.exp(half))
    assert not table.ratio_below_surely["F"]
    assert table.goods_approved_rate.tolist() == pytest.approx([28 / 80, 47 / 90])
    assert table.gap["F"] == pytest.approx(47 / 90 - 28 / 80)
    assert (found.worst_ratio, found.worst_group) == (pytest.approx(0.6), "sex: F")
    assert found.largest_gap == pytest.approx(47 / 90 - 28 / 80)
    assert found.smallest_group_rows == 100


def test_intervals_agree_with_statsmodels():
    approved, sex, bad = fair_case()
    table = fairness(approved, {"sex": sex}, bad=bad).table.set_index("group")
    wilson = proportion_confint(30, 100, method="wilson")
    assert (table.approval_lower["F"], table.approval_upper["F"]) == pytest.approx(wilson)
    gap = confint_proportions_2indep(47, 90, 28, 80, method="newcomb", compare="diff")
    assert (table.gap_lower["F"], table.gap_upper["F"]) == pytest.approx(gap)
    assert bool(table.gap_real["F"]) == (gap[0] > 0)
    ratio = confint_proportions_2indep(30, 100, 50, 100, method="log", compare="ratio")
    assert (table.ratio_lower["F"], table.ratio_upper["F"]) == pytest.approx(ratio)


def test_intersections_and_small_groups():
    approved, sex, bad = fair_case()
    region = np.where(np.arange(200) % 100 < 98, "north", "south")
    found = fairness(approved, {"sex": sex, "region": region}, bad=bad)
    assert found.table.attribute.unique().tolist() == ["sex", "region", "sex x region"]
    crossed = found.table[found.table.attribute == "sex x region"].set_index("group")
    assert crossed.rows.to_dict() == {
        "F x north": 98, "F x south": 2, "M x north": 98, "M x south": 2,
    }  # fmt: skip
    assert crossed.small.to_dict()["F x south"]
    assert found.smallest_group_rows == 2
    # South approves nobody, a ratio of 0, but with two rows it does not judge.
    assert found.worst_ratio == pytest.approx((30 / 98) / (50 / 98))
    assert fairness(approved, {"a": sex, "b": region}, intersections=1).table.shape[0] == 4


def test_reference_missing_values_and_figures_that_do_not_exist():
    approved = np.array([1, 0, 0, 0])
    found = fairness(
        approved, {"sex": ["F", "F", None, None]}, reference={"sex": "(missing)"}, minimum_rows=1
    )
    assert found.table.group.tolist() == ["F", "(missing)"]
    assert found.table.ratio.isna().all()
    assert found.worst_ratio is None
    assert found.largest_gap is None
    with pytest.raises(InputError, match="no group 'X' in sex"):
        fairness(approved, {"sex": ["F", "F", "M", "M"]}, reference={"sex": "X"})
    with pytest.raises(InputError, match="at least one"):
        fairness(approved, {})
    with pytest.raises(InputError, match="bad has 2 rows"):
        fairness(approved, {"sex": ["F"] * 4}, bad=[0, 1])


def test_group_columns_are_never_features():
    with pytest.raises(ProtectedFeatureError, match="Sex") as caught:
        refuse_group_features(["income", " sex "], ["Sex", "region"])
    assert caught.value.columns == ("Sex",)
    assert caught.value.code == "fengkong.input.protected_feature"
    refuse_group_features(["income", "sex_of_horse"], ["sex"])
    with pytest.raises(ProtectedFeatureError):
        fairness([1, 0], {"sex": ["F", "M"]}, features=["sex"])


def test_a_cut_off_takes_its_own_side():
    assert approved_at([0.1, 0.2, 0.3], cutoff=0.2).tolist() == [True, False, False]
    assert approved_at([500, 600], cutoff=600, higher_is_safer=True).tolist() == [False, True]
    with pytest.raises(InputError, match="cutoff"):
        approved_at([0.1], cutoff=np.nan)


@pytest.fixture(scope="module")
def honest():
    random = np.random.default_rng(3)
    truth = random.beta(1, 6, 8000)
    bad = (random.random(8000) < truth).astype(int)
    features = {
        "income": truth + random.normal(0, 0.2, 8000),
        "job": random.choice(["a", "b", "c"], 8000),
        "identifier": [f"id{k}" for k in range(8000)],
        "empty": [None] * 8000,
        "gone": np.full(8000, np.nan),
        "opened": pd.to_datetime("2026-01-01") + pd.to_timedelta(random.integers(0, 99, 8000), "D"),
    }
    return bad, features


def test_honest_features_are_silent(honest):
    bad, features = honest
    assert leakage_findings(bad, features) == []
    assert leakage_findings(bad, pd.DataFrame(features)) == []


def kinds(bad, **features):
    return {(f.subject, f.kind) for f in leakage_findings(bad, features)}


def test_every_kind_of_leak_is_found(honest):
    bad, features = honest
    random = np.random.default_rng(4)
    recovered = np.where(bad == 1, random.uniform(1, 100, bad.size), 0.0)
    found = kinds(bad, recovered=recovered)
    assert {kind for _, kind in found} == {
        "leakage.function_of_target", "leakage.auc", "leakage.iv",
    }  # fmt: skip
    status = np.where(bad == 1, "charged off", "paid")
    assert ("status", "leakage.function_of_target") in kinds(bad, status=status)
    date = pd.Series(pd.to_datetime("2026-05-01")).repeat(bad.size).reset_index(drop=True)
    present = date.where(bad == 1)
    assert ("default_date", "leakage.auc") in kinds(bad, default_date=present)
    noisy = np.where(random.random(bad.size) < 0.3, bad, features["income"] > 0.2)
    assert kinds(bad, noisy=noisy) == {("noisy", "leakage.iv")}
    later = leakage_findings(bad, features, known_after=["job", "not here"])
    assert [(f.kind, f.subject) for f in later] == [("leakage.known_after", "job")]
    assert "only after the decision" in later[0].reason
    assert json.loads(json.dumps(later[0].to_dict()))["value"] is None


def test_a_sorted_identifier_is_found_by_its_area():
    bad = (np.arange(1000) >= 900).astype(int)
    assert ("row", "leakage.auc") in kinds(bad, row=np.arange(1000))
    assert ("row", "leakage.auc") in kinds(bad, row=-np.arange(1000.0))


def test_information_value_is_that_of_the_formula():
    # Two levels: goods 80/20, bads 30/70. IV = .5 ln(.8/.3) + (-.5) ln(.2/.7) = 1.1168.
    bad = np.repeat([0, 1], [200, 100])
    level = np.concatenate([np.repeat(["x", "y"], [160, 40]), np.repeat(["x", "y"], [30, 70])])
    found = [f for f in leakage_findings(bad, {"level": level}) if f.kind == "leakage.iv"]
    assert found[0].value == pytest.approx(0.5 * np.log(0.8 / 0.3) - 0.5 * np.log(0.2 / 0.7))


def test_leakage_refusals():
    with pytest.raises(OneClassError):
        leakage_findings([0, 0], {"a": [1, 2]})
    with pytest.raises(InputError, match="a has 1 rows"):
        leakage_findings([0, 1], {"a": [1]})
    with pytest.raises(OutOfRangeError, match="auc_above"):
        leakage_findings([0, 1], {"a": [1, 2]}, auc_above=1.2)
    with pytest.raises(OutOfRangeError, match="iv_above"):
        leakage_findings([0, 1], {"a": [1, 2]}, iv_above=0.0)
