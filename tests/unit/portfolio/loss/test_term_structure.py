"""PD term structure: by hand, against Kaplan-Meier loan by loan, and pooling of thin cells."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.unit.portfolio.loss.loss_tables import derived

from fengkong.foundation.errors import UnsupportedError
from fengkong.portfolio.loss import load_settings, pd_term_structure
from fengkong.portfolio.loss.term_structure import (
    exposed,
    monthly_hazards,
    term_structure,
    yearly_marginal,
)


def path(loan: str, states: list[str], *, default_at: int | None, grade: str = "A") -> list[Any]:
    rows, before = [], None
    for month, state in enumerate(states):
        rows.append({
            "loan_id": loan, "months_on_book": month, "opening_state": before, "state": state,
            "month_end": date(2024 + month // 12, month % 12 + 1, 28), "grade": grade,
            "cohort_month": date(2024, 1, 1),
            "default_entered": default_at == month,
            "defaulted": default_at is not None and month >= default_at,
        })  # fmt: skip
        before = state
    return rows


# Four loans. a defaults in month 2, b prepays in month 1, c is seen to month 2, d defaults in 3.
PANEL = (
    path("a", ["C", "M3", "M4", "M5"], default_at=2)
    + path("b", ["C", "P", "P", "P"], default_at=None)
    + path("c", ["C", "C", "C"], default_at=None)
    + path("d", ["C", "C", "M3", "W"], default_at=3)
)


def test_at_risk_by_hand():
    counts = exposed(derived("panel", PANEL)).execute()
    # Month 0 and 1: all four. Month 2: a, c, d (b is gone). Month 3: d alone (a has defaulted).
    assert counts["loan_months"].tolist() == [4, 4, 3, 1]
    assert counts["defaults"].tolist() == [0, 0, 1, 1]
    hazards = monthly_hazards(counts, minimum_loan_months=1)
    assert hazards["A"].tolist() == [0, 0, 1 / 3, 1]
    # A new loan: alive after month 2 with 2/3, after month 3 with 0; all default is in year 1.
    assert yearly_marginal(hazards["A"], years=2)[0].tolist() == [1.0, 0.0]


def test_pooling_joins_months_and_thin_grades():
    counts = pd.DataFrame({
        "grade": ["A"] * 4 + ["B"],
        "months_on_book": [0, 1, 2, 3, 0],
        "loan_months": [6, 5, 4, 3, 2],
        "defaults": [0, 1, 2, 0, 1],
    })  # fmt: skip
    hazards = monthly_hazards(counts, minimum_loan_months=10)
    # Months 0 and 1 fill a band of 11; months 2 and 3 hold 7, so they join it: 3 of 18.
    assert hazards["A"].tolist() == [3 / 18] * 4
    # B has 2 loan-months: it takes the hazards of all, where bands are 13 (0, 1) then 7 (2, 3).
    assert hazards["B"].tolist() == [4 / 20] * 4
    # With 5: month 0; month 1; months 2 and 3 (4 + 3).
    assert monthly_hazards(counts, minimum_loan_months=5)["A"].tolist() == [0, 1 / 5, 2 / 7, 2 / 7]
    with pytest.raises(UnsupportedError, match="at least 21 loan-months"):
        monthly_hazards(counts, minimum_loan_months=21)


def test_equals_kaplan_meier_loan_by_loan():
    rng = np.random.default_rng(7)
    rows, ends = [], []
    for loan in range(60):
        last = int(rng.integers(1, 20))
        default = last if rng.random() < 0.4 else None
        rows += path(f"L{loan}", ["C"] * last + ["M4" if default else "P"], default_at=default)
        ends.append((last, default is not None))
    hazard = monthly_hazards(exposed(derived("panel", rows)).execute(), minimum_loan_months=1)["A"]
    survival = 1.0
    for month in range(max(last for last, _ in ends) + 1):
        at_risk = sum(last >= month for last, _ in ends)
        survival *= 1 - sum(end == (month, True) for end in ends) / at_risk
        assert np.prod(1 - hazard[: month + 1]) == pytest.approx(survival, rel=1e-12)


def test_conditional_on_survival_adds_up():
    hazard = np.array([0.0, 0.01, 0.02, 0.03])
    yearly = yearly_marginal(hazard, years=3)
    # Aged 1, the months 2, 3, 3, ... follow: survival of year 1 is 0.98 x 0.97 ** 11.
    assert yearly[1, 0] == pytest.approx(1 - 0.98 * 0.97**11, rel=1e-12)
    assert yearly[1].sum() == pytest.approx(1 - 0.98 * 0.97**35, rel=1e-12)


def test_scalar_multiplies_the_conditional_yearly_pd():
    settings = load_settings(
        {
            "scenarios": {"base": {"weight": "0.5"}, "down": {"weight": "0.5", "pd_scalar": "2"}},
            "pd": {"source": "given", "given": {"A": ["0.1", "0.45", "0.2"]}},
            "lgd": {"source": "given", "given": {"*": "0.5"}},
        }
    )
    array = term_structure(settings.pd, settings.scenarios).pd_marginal["A"][0]
    assert array[:, 0].tolist() == [0.1, 0.45, 0.2]
    # Conditional: 0.1, 0.45/0.9 = 0.5, 0.2/0.45; doubled: 0.2, 1, then nobody is left.
    assert array[:, 1] == pytest.approx([0.2, 0.8, 0.0])


def test_measure_is_long_and_sorted():
    settings = load_settings(
        {
            "scenarios": {"one": {"weight": 1}},
            "pd": {"source": "panel", "minimum_loan_months": 1},
            "lgd": {"source": "workout"},
        }
    )
    table = pd_term_structure(derived("panel", PANEL), settings=settings, years=1).execute()
    assert table["grade"].unique().tolist() == ["*", "A"]
    # Ages 0 to 3 of one grade; a loan aged 1 meets hazards 1/3 then 1.
    assert table[table["grade"] == "A"]["pd_marginal"].tolist() == [1.0] * 4
