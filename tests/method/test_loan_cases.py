"""Every worked loan of ../shared/cases/loans.yaml, through the book: to the cent and the day."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import yaml
from tests.method.tape_door import load_tape

from fengkong import portfolio
from fengkong.book.replay import allocations, make_schedules, schedules_in_force
from fengkong.book.schema import TABLES
from fengkong.book.store import Book
from fengkong.formula.measures import measure
from fengkong.foundation.columns import Kind

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.shared

ARROW = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.MONEY: pa.decimal128(18, 2),
    Kind.FLOAT: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.DATE: pa.date32(),
}
INSTANT = pa.timestamp("us", tz="UTC")
MONEY_KINDS = ("payment", "prepayment", "payoff", "settlement", "recovery", "reversal")
LAST_DAY = date(2026, 12, 31)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def loan_row(case: dict[str, Any]) -> dict[str, Any]:
    loan = case["loan"]
    return {
        "loan_id": case["id"],
        "currency": loan["currency"],
        "principal_amount": Decimal(loan["principal"]),
        "rate_annual": float(loan["annual_rate_nominal"]),
        "term_months": loan["term_months"],
        "method": loan["method"],
        "day_count": loan["day_count"],
        "disbursed_on": loan["disbursed"],
        "first_due_on": loan["first_due"],
        "due_day": loan["due_day"],
        "grace_days": loan["grace_days"],
        "upfront_fee_amount": Decimal(loan["fees"]["upfront"]),
        "instalment_fee_amount": Decimal(loan["fees"]["per_instalment"]),
        "recorded_at": datetime.combine(loan["disbursed"], datetime.min.time(), tzinfo=UTC),
    }


def event_row(
    case: dict[str, Any], place: int, event: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the table an event belongs to and its row."""
    key = f"{case['id']}-{event['id']}"
    row = {"loan_id": case["id"], "recorded_at": instant(event["recorded_at"])}
    kind = event["kind"]
    if kind in MONEY_KINDS:
        return "payments", row | {
            "payment_id": key,
            "paid_on": event["date"],
            "kind": kind,
            "amount": Decimal(event["amount"]) if "amount" in event else None,
            "reverses_payment_id": f"{case['id']}-{event['reverses']}"
            if "reverses" in event
            else None,
            "sequence_number": place,
        }
    if kind == "charge":
        return "fees", row | {
            "fee_id": key,
            "charged_on": event["date"],
            "amount": Decimal(event["amount"]),
            "instalment_number": event["instalment"],
            "label": event["label"],
        }
    if kind == "write_off":
        return "loan_events", row | {"event_id": key, "occurred_on": event["date"], "kind": kind}
    row |= {"modification_id": key, "modified_on": event["date"], "kind": kind}
    if kind == "extension":
        return "modifications", row | {"extension_months": event["months"]}
    new, taken = event["new"], event["capitalised"]
    return "modifications", row | {
        "new_principal_amount": Decimal(new["principal"]),
        "capitalised_interest_amount": Decimal(taken["interest"]),
        "capitalised_fee_amount": Decimal(taken["fees"]),
        "new_rate_annual": float(new["annual_rate_nominal"]),
        "new_term_months": new["term_months"],
        "new_method": new["method"],
        "new_day_count": new["day_count"],
        "new_first_due_on": new["first_due"],
        "new_due_day": new["due_day"],
    }


def arrow(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    fields = [(column.name, ARROW[column.kind]) for column in TABLES[name].columns]
    return pa.Table.from_pylist(rows, schema=pa.schema([*fields, ("recorded_at", INSTANT)]))


@pytest.fixture(scope="module")
def cases(shared: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load((shared / "cases" / "loans.yaml").read_text(encoding="utf-8"))
    assert len(content["cases"]) == 24
    return list(content["cases"])


@pytest.fixture(scope="module")
def book(cases: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Book:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in cases:
        rows["loans"].append(loan_row(case))
        for place, event in enumerate(case["events"]):
            table, row = event_row(case, place, event)
            rows[table].append(row)
    folder = tmp_path_factory.mktemp("cases")
    made = Book.create(folder / "book")
    load_tape(made, folder / "tape", rows, recorded_at=datetime(2026, 1, 1, tzinfo=UTC))
    return made


def five_class(days: int | None, status: str) -> str | None:
    if status != "active" or days is None:
        return None
    limits = ((0, "normal"), (90, "special_mention"), (270, "substandard"), (360, "doubtful"))
    return next((name for limit, name in limits if days <= limit), "loss")


def answer(state: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Put a state into the words of a question; only what is asked for."""
    told = {
        "status": state["status"],
        "outstanding_principal": str(state["outstanding_principal_amount"]),
        "accrued_interest": str(state["accrued_interest_amount"]),
        "amount_overdue": str(state["overdue_amount"]),
        "overdue": {
            "fees": str(state["overdue_fee_amount"]),
            "interest": str(state["overdue_interest_amount"]),
            "principal": str(state["overdue_principal_amount"]),
        },
        "days_past_due": state["days_past_due"],
        "bucket": state["bucket"],
        "ever_30": state["ever_over_30"],
        "ever_90": state["ever_over_90"],
        "months_on_book": state["months_on_book"],
        "eba_material_days": state["eba_material_days"],
        "eba_default": state["eba_default"],
        "credit_balance": str(state["credit_amount"]),
        "recovered_to_date": str(state["recovered_amount"]),
        "written_off": {
            "fees": str(state["written_off_fee_amount"]),
            "interest": str(state["written_off_interest_amount"]),
            "principal": str(state["written_off_principal_amount"]),
        },
        "five_class_floor": five_class(state["days_past_due"], state["status"]),
    }
    return {name: told[name] for name in asked if name in told}


# Classification with excuses and floors is a measure, asked below, and so are waivers.
ELSEWHERE = {"five_class_technical", "five_class_restructured", "waived"}


def test_schedules(cases: list[dict[str, Any]]) -> None:
    made = make_schedules(arrow("loans", [loan_row(case) for case in cases]))
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in made.to_pylist():
        told[row["loan_id"]].append(row)
    for case in cases:
        assert_schedule(case["id"], told[case["id"]], case["schedule"])


def assert_schedule(name: str, told: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    seen = [
        {
            "n": row["instalment_number"],
            "due": row["due_on"],
            "fees": str(row["fee_amount"]),
            "interest": str(row["interest_amount"]),
            "principal": str(row["principal_amount"]),
        }
        for row in told
    ]
    keys = ("n", "due", "fees", "interest", "principal")
    assert seen == [{key: row[key] for key in keys} for row in wanted], name
    left = sum((row["principal_amount"] for row in told), Decimal(0))
    for row, line in zip(told, wanted, strict=True):
        left -= row["principal_amount"]
        total = row["principal_amount"] + row["interest_amount"] + row["fee_amount"]
        assert (str(total), str(left)) == (line["total"], line["balance"]), name


def test_schedules_after_a_change(cases: list[dict[str, Any]], book: Book) -> None:
    with book.view(as_of=LAST_DAY) as view:
        told = schedules_in_force(view).to_pylist()
    changed = [case for case in cases if "schedule_after" in case]
    assert len(changed) == 3
    for case in changed:
        numbers = {row["n"] for row in case["schedule_after"]}
        mine = [
            row
            for row in told
            if row["loan_id"] == case["id"] and row["instalment_number"] in numbers
        ]
        assert_schedule(case["id"], mine, case["schedule_after"])


def test_allocations(cases: list[dict[str, Any]], book: Book) -> None:
    with book.view(as_of=LAST_DAY) as view:
        told: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in allocations(view).to_pylist():
            line = {
                "event": row["payment_id"].split("-")[1],
                "fees": str(row["fee_amount"]),
                "interest": str(row["interest_amount"]),
                "principal": str(row["principal_amount"]),
            }
            if row["credit_amount"]:
                line["credit"] = str(row["credit_amount"])
            told[row["loan_id"]].append(line)
    for case in cases:
        assert told[case["id"]] == case["allocation"], case["id"]


def test_waived(cases: list[dict[str, Any]], book: Book) -> None:
    asked = 0
    for case in cases:
        for question in case["questions"]:
            wanted = question["expected"].get("waived")
            if wanted is None:
                continue
            asked += 1
            with book.view(as_of=question["as_of"]) as view:
                rows = [r for r in allocations(view).to_pylist() if r["loan_id"] == case["id"]]
            told = {
                part: str(sum((r[f"waived_{column}_amount"] for r in rows), Decimal("0.00")))
                for part, column in (
                    ("fees", "fee"),
                    ("interest", "interest"),
                    ("principal", "principal"),
                )
            }
            assert told == wanted, case["id"]
    assert asked > 0


@pytest.mark.parametrize(
    ("key", "technical_days", "wanted_count"),
    [("five_class_technical", 7, 6), ("five_class_restructured", 0, 5)],
)
def test_classified(
    cases: list[dict[str, Any]], book: Book, key: str, technical_days: int, wanted_count: int
) -> None:
    rule = portfolio.ClassRule(technical_days=technical_days)
    asked = 0
    for case in cases:
        for question in case["questions"]:
            if key not in question["expected"]:
                continue
            asked += 1
            as_of = question["as_of"]
            with book.view(as_of=as_of) as view:
                mine = view.states().filter(lambda table, name=case["id"]: table.loan_id == name)
                table = measure("classification").function(mine, as_of=as_of, rule=rule)
                (row,) = table.to_pyarrow().to_pylist()
            assert (row["loans"], row["five_class"]) == (1, question["expected"][key]), as_of
    assert asked == wanted_count


def test_every_question(cases: list[dict[str, Any]], book: Book) -> None:
    by_view: dict[tuple[date, str | None], list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for case in cases:
        for question in case["questions"]:
            key = (question["as_of"], question.get("known_at"))
            by_view[key].append((case["id"], question["expected"]))
    count = 0
    for (as_of, known_at), questions in sorted(by_view.items(), key=str):
        known = instant(known_at) if known_at else None
        with book.view(as_of=as_of, known_at=known) as view:
            states = {row["loan_id"]: row for row in view.states().to_pyarrow().to_pylist()}
        for loan, expected in questions:
            wanted = {name: value for name, value in expected.items() if name not in ELSEWHERE}
            assert answer(states[loan], wanted) == wanted, (loan, as_of, known_at)
            count += 1
    assert count == 206
