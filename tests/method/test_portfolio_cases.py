"""P1 to P7 of portfolios.yaml: measures over tables as the replay would make them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.method import portfolio_answers as answers
from tests.unit.portfolio.panel_maker import memory, month_end, month_of, panel_of

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, dict[str, Any]]:
    text = (shared / "cases" / "portfolios.yaml").read_text(encoding="utf-8")
    return {case["id"]: case for case in yaml.safe_load(text)["cases"]}


@pytest.mark.parametrize(
    ("case_id", "check", "key"),
    [
        ("P1", answers.assert_vintage, "vintage"),
        ("P2", answers.assert_transition, None),
        ("P3", answers.assert_flow, None),
    ],
)
def test_month_end_paths(cases: dict[str, Any], case_id: str, check: Any, key: str | None) -> None:
    case = cases[case_id]
    expected = case["expected"] if key is None else case["expected"][key]
    check(panel_of(case["loans"], case["panel"]["first_month"]), expected)


def test_p4_first_payment_default(cases: dict[str, Any]) -> None:
    case = cases["P4"]
    states = memory("states", [
        {"loan_id": row["id"], "disbursed_amount": Decimal(row["principal"]),
         "first_due_on": row["first_due"], "first_paid_in_full_on": row["first_paid_in_full"]}
        for row in case["first_instalments"]
    ])  # fmt: skip
    answers.assert_first_payment(states, case["as_of"], case["expected"])


def test_p5_prepayment_and_default_speed(cases: dict[str, Any]) -> None:
    case = cases["P5"]
    panel = memory("panel", [
        {"loan_id": row["id"], "month_end": month_end(month_of(row["month"])),
         "opening_principal_amount": Decimal(row["opening"]),
         "scheduled_principal_amount": Decimal(row["scheduled"]),
         "paid_principal_amount": Decimal(row["paid"]), "default_entered": row["defaulted"]}
        for row in case["loan_months"]
    ])  # fmt: skip
    answers.assert_speed(panel, case["expected"])


@pytest.mark.parametrize("book", ["book_1", "book_2"])
def test_p6_concentration(cases: dict[str, Any], book: str) -> None:
    case = cases["P6"]
    states = memory("states", [
        {"loan_id": row["id"], "outstanding_principal_amount": Decimal(row["balance"]),
         "borrower_id": row["borrower"], "region": row["region"], "status": "active"}
        for row in case[book]
    ])  # fmt: skip
    answers.assert_concentration(states, case["expected"][book])


def test_p7_recovery(cases: dict[str, Any]) -> None:
    case = cases["P7"]
    states, events, payments, panel = [], [], [], []
    for row in case["workouts"]:
        loan, began, ead = row["id"], row["default_date"], Decimal(row["ead"])
        number = began.year * 12 + began.month - 1
        states.append({"loan_id": loan, "status": "active", "eir_annual": float(row["eir"]),
                       "outstanding_principal_amount": ead})  # fmt: skip
        panel.append({"loan_id": loan, "month_end": month_end(number), "exposure_amount": ead})
        panel.append({"loan_id": loan, "month_end": month_end(number - 1),
                      "exposure_amount": ead + 7})  # fmt: skip
        events.append({"event_id": loan, "loan_id": loan, "occurred_on": began, "kind": "default"})
        if row["closed"]:
            events.append({"event_id": f"{loan}c", "loan_id": loan,
                           "occurred_on": date(2024, 12, 30),
                           "kind": "workout_closed"})  # fmt: skip
        payments += [
            {"payment_id": f"{loan}-{n}", "loan_id": loan, "paid_on": cash["date"],
             "kind": "recovery", "amount": Decimal(cash["amount"]),
             "cost_amount": Decimal(cash["cost"])}
            for n, cash in enumerate(row["recoveries"])
        ]  # fmt: skip
    tables = (
        memory("states", states), memory("loan_events", events), memory("payments", payments),
        memory("panel", panel),
    )  # fmt: skip
    answers.assert_recovery(tables, case["as_of"], case["expected"])
