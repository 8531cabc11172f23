"""Payment tapes that lead to given month-end states: loans, schedules, payments and events.

With P the principal paid by a month-end, the oldest unpaid due date is the first whose cumulative
scheduled principal exceeds P. So each level of P gets one due date D(P), not before the one of the
level below, such that month-end - D(P) lies in the days of the bucket at every month-end with that
P; the instalment due then is what leads to the next level.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tests.unit.portfolio.panel_maker import month_end, month_of

Rows = dict[str, list[dict[str, Any]]]
DAY = timedelta(days=1)
NEVER = date(2099, 1, 1)


def empty() -> Rows:
    return {"loans": [], "instalments": [], "payments": [], "loan_events": []}


def add_loan(tape: Rows, loan: str, disbursed: date, principal: Decimal, **more: Any) -> None:
    tape["loans"].append({
        "loan_id": loan, "currency": "CNY", "principal_amount": principal,
        "disbursed_on": disbursed, "rate_annual": 0.0, **more,
    })  # fmt: skip


def add_schedule(tape: Rows, loan: str, disbursed: date, due: Mapping[date, Decimal]) -> None:
    tape["instalments"] += [
        {"loan_id": loan, "schedule_version": 0, "instalment_number": number,
         "effective_on": disbursed, "due_on": day, "principal_amount": due[day],
         "interest_amount": Decimal(0)}
        for number, day in enumerate(sorted(due), start=1)
    ]  # fmt: skip


def add_payment(tape: Rows, loan: str, day: date, amount: Decimal, **more: Any) -> None:
    number = len(tape["payments"])
    tape["payments"].append({
        "payment_id": f"{loan}-{number}", "loan_id": loan, "paid_on": day, "amount": amount,
        "kind": "payment", "sequence_number": number, **more,
    })  # fmt: skip


def add_event(tape: Rows, loan: str, day: date, kind: str) -> None:
    tape["loan_events"].append(
        {"event_id": f"{loan}-{kind}", "loan_id": loan, "occurred_on": day, "kind": kind}
    )


def _window(state: str, close: date, disbursed: date) -> tuple[date, date]:
    """Return the earliest and latest due date that put a loan in ``state`` at ``close``."""
    if state == "C":
        return close, NEVER
    number = int(state[1])
    latest = close - timedelta(days=30 * (number - 1) + 1)
    earliest = close - timedelta(days=30 * number) if number < 7 else disbursed + DAY
    return max(earliest, disbursed + DAY), latest


def due_dates(
    levels: Mapping[Decimal, list[tuple[str, date]]], disbursed: date
) -> dict[Decimal, date]:
    """Return a due date for each level of principal paid, ascending."""
    found: dict[Decimal, date] = {}
    before = disbursed + DAY
    for paid in sorted(levels):
        windows = [_window(state, close, disbursed) for state, close in levels[paid]]
        day = max([before, *(low for low, _ in windows)])
        assert all(day <= high for _, high in windows), f"no due date for {paid}"
        found[paid] = before = day
    return found


def add_path(tape: Rows, loan: Mapping[str, Any], first_month: str) -> None:
    """Add a loan whose month-ends are ``path``."""
    born = month_of(loan["disbursed"])
    start = max(born, month_of(first_month))
    disbursed = month_end(born).replace(day=1)
    principal = Decimal(loan["principal"])
    levels: dict[Decimal, list[tuple[str, date]]] = {}
    reached: dict[Decimal, int] = {}
    left = principal
    for number, (state, balance) in enumerate(loan["path"], start=start):
        if state == "W":
            if not any(e["loan_id"] == loan["id"] for e in tape["loan_events"]):
                add_event(tape, loan["id"], month_end(number).replace(day=20), "write_off")
            continue
        assert Decimal(balance) <= left, "a balance may not rise between months"
        left = Decimal(balance)
        reached.setdefault(principal - left, number)
        if state != "P":
            levels.setdefault(principal - left, []).append((state, month_end(number)))
    found = due_dates(levels, disbursed)
    steps = [*sorted(found), principal]
    due: dict[date, Decimal] = {}
    for paid, after in pairwise(steps):
        due[found[paid]] = due.get(found[paid], Decimal(0)) + after - paid
    if steps[0]:  # paid before the first month-end shown
        first = disbursed + DAY
        due[first] = due.get(first, Decimal(0)) + steps[0]
    add_loan(tape, loan["id"], disbursed, principal)
    add_schedule(tape, loan["id"], disbursed, due)
    levels_paid = sorted(level for level in reached if level)
    before = Decimal(0)
    for level in levels_paid:
        day = month_end(reached[level]).replace(day=25)
        add_payment(tape, loan["id"], day, level - before)
        before = level


def paths(case: Mapping[str, Any]) -> Rows:
    tape = empty()
    for loan in case["loans"]:
        add_path(tape, loan, case["panel"]["first_month"])
    return tape


def first_payments(case: Mapping[str, Any]) -> Rows:
    """P4: two instalments, the first paid (or not) on the day given."""
    tape = empty()
    for row in case["first_instalments"]:
        principal, due = Decimal(row["principal"]), row["first_due"]
        disbursed = due - timedelta(days=40)
        add_loan(tape, row["id"], disbursed, principal)
        half = principal / 2
        add_schedule(tape, row["id"], disbursed, {due: half, due + timedelta(days=365): half})
        if row["first_paid_in_full"]:
            add_payment(tape, row["id"], row["first_paid_in_full"], half)
    return tape


def speeds(case: Mapping[str, Any]) -> Rows:
    """P5: monthly instalments of ``scheduled``, payments of ``paid``, default events."""
    tape = empty()
    by_loan: dict[str, list[dict[str, Any]]] = {}
    for row in case["loan_months"]:
        by_loan.setdefault(row["id"], []).append(row)
    for loan, rows in by_loan.items():
        start = month_of(rows[0]["month"])
        disbursed = month_end(start - 1).replace(day=10)
        left = principal = Decimal(rows[0]["opening"])
        usual = Decimal(rows[0]["scheduled"])
        add_loan(tape, loan, disbursed, principal)
        due: dict[date, Decimal] = {}
        number, scale = start, Decimal(1)
        while left:
            part = min((usual * scale).quantize(Decimal("0.01")), left)
            due[month_end(number).replace(day=10)] = part
            left, number = left - part, number + 1
            scale *= _shrinks(rows, number - 1, usual)
        add_schedule(tape, loan, disbursed, due)
        for row in rows:
            _month_of_speed(tape, loan, row, usual, left_open=row is not rows[-1])
    return tape


def _shrinks(rows: list[dict[str, Any]], number: int, usual: Decimal) -> Decimal:
    """Return by what a prepayment in the month shrinks the instalments that follow, inverted.

    The book keeps the term and shrinks what is left in proportion; the case wants the instalments
    after it to be ``usual``, so the contract has them larger by as much.
    """
    row = next((r for r in rows if month_of(r["month"]) == number), None)
    if row is None or not usual < Decimal(row["paid"]) < Decimal(row["opening"]):
        return Decimal(1)
    return (Decimal(row["opening"]) - usual) / (Decimal(row["opening"]) - Decimal(row["paid"]))


def _month_of_speed(
    tape: Rows, loan: str, row: Mapping[str, Any], usual: Decimal, *, left_open: bool
) -> None:
    month = month_end(month_of(row["month"]))
    paid, opening = Decimal(row["paid"]), Decimal(row["opening"])
    if paid == opening:
        add_payment(tape, loan, month.replace(day=20), paid, kind="payoff")
    elif paid:
        add_payment(tape, loan, month.replace(day=15), min(paid, usual))
        if paid > usual:
            add_payment(tape, loan, month.replace(day=16), paid - usual, kind="prepayment")
    if row["defaulted"]:
        add_event(tape, loan, month.replace(day=20), "default")
        if month < date(2024, 3, 1):  # no rows after: it left the book
            add_event(tape, loan, month.replace(day=25), "write_off")
    assert left_open or paid == opening or row["defaulted"] or month >= date(2024, 3, 1)


def balances(rows: list[dict[str, Any]]) -> Rows:
    """P6: loans disbursed at that balance, nothing due yet."""
    tape = empty()
    disbursed = date(2024, 1, 1)
    for row in rows:
        amount = Decimal(row["balance"])
        add_loan(
            tape, row["id"], disbursed, amount, borrower_id=row["borrower"], region=row["region"]
        )
        add_schedule(tape, row["id"], disbursed, {date(2030, 1, 1): amount})
    return tape


def workouts(case: Mapping[str, Any]) -> Rows:
    """P7: default events, recoveries with cost, closed workouts, the effective rate on the loan."""
    tape = empty()
    for row in case["workouts"]:
        disbursed = date(2021, 1, 1)
        ead = Decimal(row["ead"])
        add_loan(tape, row["id"], disbursed, ead, eir_annual=float(row["eir"]))
        add_schedule(tape, row["id"], disbursed, {date(2021, 6, 1): ead})
        add_event(tape, row["id"], row["default_date"], "default")
        if row["closed"]:
            add_event(tape, row["id"], case["as_of"], "workout_closed")
        for cash in row["recoveries"]:
            add_payment(tape, row["id"], cash["date"], Decimal(cash["amount"]),
                        kind="recovery", cost_amount=Decimal(cash["cost"]))  # fmt: skip
    return tape
