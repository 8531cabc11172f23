"""Vintages at the same age: counted by hand, immature cells left out, verdicts at their level."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.watch import vintage_adjusted


def book():
    """Return three cohorts of 100 loans: two old ones, and one of five months."""
    rows = []
    for cohort, age, bad_months in (
        ("2025-01", 14, [2] * 4 + [5] * 6 + [11] * 5),
        ("2025-02", 13, [3] * 6 + [6] * 4 + [12] * 10),
        ("2025-10", 5, [1] * 12 + [4] * 5),
    ):
        months = [*bad_months, *[None] * (100 - len(bad_months))]
        rows += [(cohort, age, month) for month in months]
    return pd.DataFrame(rows, columns=["cohort", "age", "bad"])


def test_counted_by_hand():
    loans = book()
    found = vintage_adjusted(
        loans["cohort"], loans["age"], loans["bad"], reference=["2025-01", "2025-02"]
    )
    curve = found.curve.set_index("age_months")
    assert curve["bads"].to_dict() == {3: 10, 6: 20, 12: 35}
    assert curve["loans"].to_dict() == {3: 200, 6: 200, 12: 200}
    cells = found.cells.set_index(["cohort", "age_months"])
    assert cells["bads"].to_dict() == {
        ("2025-01", 3): 4, ("2025-02", 3): 6, ("2025-10", 3): 12, ("2025-01", 6): 10,
        ("2025-02", 6): 10, ("2025-01", 12): 15, ("2025-02", 12): 20,
    }  # fmt: skip
    young = cells.loc["2025-10", 3]
    assert young["expected_rate"] == pytest.approx(0.05)
    assert young["ratio"] == pytest.approx(12 / 5)
    # z = (12 - 5) / sqrt(5 x 0.95 + 25 x 0.95 / 10)
    assert young["z"] == pytest.approx(7 / np.sqrt(5 * 0.95 + 25 * 0.95 / 10))
    assert young["verdict"] == "worse"
    assert not young["is_reference"]
    limits = proportion_confint(12, 100, method="wilson")
    assert (young["lower"], young["upper"]) == pytest.approx(limits)
    left = found.left_out.set_index(["cohort", "age_months"])
    assert list(left.index) == [("2025-10", 6), ("2025-10", 12)]
    assert set(left["reason"]) == {"immature"}
    last = found.cohorts.set_index("cohort")["age_months"].to_dict()
    assert last == {"2025-01": 12, "2025-02": 12, "2025-10": 3}
    json.dumps(found.to_dict(), allow_nan=False)


def test_one_young_loan_makes_the_cell_immature():
    loans = book()
    loans.loc[loans["cohort"] == "2025-10", "age"] = 6
    args = loans["cohort"], loans["bad"]
    whole = vintage_adjusted(args[0], loans["age"], args[1], reference=["2025-01"], ages=[6])
    assert "2025-10" in set(whole.cells["cohort"])
    loans.loc[299, "age"] = 5
    partly = vintage_adjusted(args[0], loans["age"], args[1], reference=["2025-01"], ages=[6])
    assert "2025-10" not in set(partly.cells["cohort"])


def test_a_riskier_mix_explains_more_bads():
    loans = book()
    p = np.where(loans["cohort"] == "2025-10", 0.24, 0.10)
    found = vintage_adjusted(
        loans["cohort"], loans["age"], loans["bad"], reference=["2025-01", "2025-02"],
        probability=p, ages=[3],
    )  # fmt: skip
    young = found.cells.set_index("cohort").loc["2025-10"]
    assert young["expected_rate"] == pytest.approx(0.05 * 2.4)
    assert young["verdict"] == "as expected"
    assert young["auc"] == pytest.approx(0.5)


def test_thin_and_unreferenced_cells_are_listed():
    loans = book()
    thin = vintage_adjusted(
        loans["cohort"], loans["age"], loans["bad"], reference=["2025-01"], loans_at_least=101
    )
    assert thin.cells.empty
    assert set(thin.left_out["reason"]) == {"thin", "immature"}
    young = vintage_adjusted(loans["cohort"], loans["age"], loans["bad"], reference=["2025-10"])
    reasons = young.left_out.set_index(["cohort", "age_months"])["reason"]
    assert reasons["2025-01", 12] == "no reference"
    assert young.left_out["reason_zh"].str.len().min() > 0


def test_verdicts_without_a_change_are_wrong_as_often_as_stated():
    rng = np.random.default_rng(4)
    runs, wrong = 600, 0
    cohort = np.repeat(["a", "b", "c"], [800, 800, 600])
    for _ in range(runs):
        bad = np.where(rng.random(cohort.size) < 0.08, 3.0, np.nan)
        found = vintage_adjusted(
            cohort, np.full(cohort.size, 6), bad, reference=["a", "b"], ages=[3]
        )
        wrong += found.cells.set_index("cohort").loc["c", "verdict"] != "as expected"
    assert binom.ppf(1e-4, runs, 0.04) <= wrong <= binom.ppf(1 - 1e-4, runs, 0.06)


def test_cohorts_of_dates_and_periods():
    loans = book()
    plain = vintage_adjusted(loans["cohort"], loans["age"], loans["bad"], reference=["2025-01"])
    dates = pd.to_datetime(loans["cohort"])
    for made in (dates, dates.dt.to_period("M")):
        found = vintage_adjusted(made, loans["age"], loans["bad"], reference=[made.iloc[0]])
        assert found.cells["bads"].tolist() == plain.cells["bads"].tolist()
        json.dumps(found.to_dict(), allow_nan=False)


def test_bad_input_is_refused():
    loans = book()
    cohort, age, bad = loans["cohort"], loans["age"], loans["bad"]
    with pytest.raises(InputError, match="not in the data"):
        vintage_adjusted(cohort, age, bad, reference=["2024-01"])
    with pytest.raises(InputError, match="none was named"):
        vintage_adjusted(cohort, age, bad, reference=[])
    with pytest.raises(InputError, match="was not observed"):
        vintage_adjusted(cohort, np.minimum(age, 1), bad, reference=["2025-01"])
    with pytest.raises(InputError, match="have no cohort"):
        vintage_adjusted(cohort.where(cohort != "2025-10"), age, bad, reference=["2025-01"])
    with pytest.raises(InputError, match="0 or more"):
        vintage_adjusted(cohort, age - 100, bad, reference=["2025-01"])
    with pytest.raises(InputError, match="no loans"):
        vintage_adjusted([], [], [], reference=["a"])
    with pytest.raises(InputError, match="300 loans but"):
        vintage_adjusted(cohort, age[:3], bad, reference=["2025-01"])
    for ages in ([], [0, 3]):
        with pytest.raises(OutOfRangeError):
            vintage_adjusted(cohort, age, bad, reference=["2025-01"], ages=ages)
