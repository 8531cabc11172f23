"""The movement table over a quarter and a year: adds up, names its dates and what is lacking."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.report.conftest import FakeView

import fengkong.portfolio.loss  # noqa: F401  registers its measures
from fengkong.portfolio.loss import load_settings
from fengkong.report._compute import Missing, Result, Support, compute
from fengkong.report._movement import loss_movement
from fengkong.report._plan import Entry

OPENING, CLOSING = date(2025, 9, 30), date(2026, 9, 30)
SETTINGS = {
    "scenarios": {"one": {"weight": 1}},
    "pd": {"source": "given", "given": {"A": ["0.1"]}},
    "lgd": {"source": "given", "given": {"*": "0.5"}},
    "exposure": {"credit_conversion_factor": "1"},
}


def view(day: date, loans: dict[str, str], **more: Any) -> FakeView:
    states = [
        {"loan_id": name, "status": "active", "grade": "A", "days_past_due": 0, "eir_annual": 0.0,
         "outstanding_principal_amount": Decimal(amount)}
        for name, amount in loans.items()
    ]  # fmt: skip
    exposures = [
        {"loan_id": name, "year_number": 1, "exposure_amount": Decimal(amount)}
        for name, amount in loans.items()
    ]
    panel = [{"loan_id": name, "month_end": day} for name in loans]
    tables = {"states": states, "exposures": exposures, "panel": panel} | more
    return FakeView(day, None, "duckdb", tables)


def moved(opening: FakeView, closing: FakeView, span: str = "year") -> Result | Missing:
    return loss_movement(opening, closing, Support(closing), span, load_settings(SETTINGS))


@pytest.mark.parametrize("span", ["quarter", "year"])
def test_adds_up_with_the_undrawn_part_of_a_line(span: str):
    lines: dict[str, Any] = {
        "facilities": [{"facility_id": "F", "opened_on": OPENING, "limit_amount": Decimal(700)}],
        "drawdowns": [{"facility_id": "F", "loan_id": "new", "drawn_on": CLOSING,
                       "drawn_amount": Decimal(300)}],
    }  # fmt: skip
    result = moved(
        view(OPENING, {"kept": "1000.00", "gone": "200.00"}),
        view(CLOSING, {"kept": "600.00", "new": "300.00"}, **lines), span,
    )  # fmt: skip
    assert isinstance(result, Result)
    rows = {row["line"]: row["total_amount"] for row in result.rows}
    # 5 % of each: 1,200 before; 900 and the 400 undrawn of F now.
    wanted = {"opening": "60.00", "originated": "35.00", "derecognised": "-10.00",
              "remeasurement_in_stage": "-20.00", "closing": "65.00"}  # fmt: skip
    assert {line: str(rows[line]) for line in wanted} == wanted
    assert result.parameters["since"] == OPENING
    word = {"quarter": ("in a quarter", "三个月"), "year": ("in a year", "一年")}[span]
    assert word[0] in result.measure.title["en"]
    assert word[1] in result.measure.title["zh"]


def test_book_that_begins_later_is_said_in_both_languages():
    answer = moved(FakeView(OPENING, None, "duckdb", {}), view(CLOSING, {"new": "300.00"}))
    assert isinstance(answer, Missing)
    assert answer.needs == ("loans on 2025-09-30 (the book begins later)",)
    assert "账簿起始晚于该日" in answer.needs[0].zh  # type: ignore[attr-defined]


def test_what_the_earlier_date_lacks_names_that_date():
    opening = view(OPENING, {"kept": "1.00"})
    opening._tables["states"][0]["grade"] = "Z"
    answer = moved(opening, view(CLOSING, {"kept": "1.00"}))
    assert isinstance(answer, Missing)
    assert answer.needs == ("the PD of grade 'Z', on 2025-09-30",)


@pytest.mark.parametrize(("lgd", "loss"), [("0.5", "50.00"), ("0.2", "20.00")])
def test_settings_given_reach_the_expected_loss_and_are_kept_beside_it(lgd: str, loss: str):
    at = view(CLOSING, {"kept": "1000.00"})
    settings = load_settings(SETTINGS | {"lgd": {"source": "given", "given": {"*": lgd}}})
    found = compute(at, Entry(measure="expected_loss"), Support(at), {"settings": settings})
    assert isinstance(found, Result)
    # 1,000.00 x a PD of 0.1 x LGD, within a year of no interest.
    assert sum(row["expected_loss_amount"] for row in found.rows) == Decimal(loss)
    kept = found.parameters["settings"]
    assert kept["lgd"]["given"] == {"*": {"one": lgd}}
    assert kept["scenarios"][0]["weight"] == "1"
    assert {rule["stage"] for rule in kept["staging"]} == {2, 3}
