"""The rows of the book that come from the contracts and lives of one chunk of loans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from fengkong.book.simulate import _contracts as names
from fengkong.book.simulate._arrow import code, day, flag, identity, money, repeated, same, whole
from fengkong.book.simulate._model import GRADES

PAYMENT_KINDS = ("payment", "payoff", "recovery")
EVENT_KINDS = ("default", "cure", "write_off", "workout_closed")
SUB_GRADES = tuple(f"{grade}{number}" for grade in GRADES for number in range(1, 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What happened to the loans of one chunk; columns as the kernel writes them.

    Attributes
    ----------
    number : int
        Chunk.
    seed : int
        Seed of the book.
    contracts : Contracts
        The contracts.
    rows, flow, posted, event, modification : int64 arrays
        Loan-months, payments, fees, events, modifications.
    starts : int64 array
        First day of each month; ``months`` of them lie in the book.
    probability : float array of shape (grades, horizon + 1)
        Chance to be over 90 days late by that many months, at macro 0.
    """

    number: int
    seed: int
    contracts: names.Contracts
    rows: Any
    flow: Any
    posted: Any
    event: Any
    modification: Any
    starts: Any
    months: int
    probability: Any


def disbursed(life: Life) -> Any:
    """Day of disbursement of each loan."""
    terms = life.contracts.terms
    return life.starts[terms[:, 4]] + terms[:, 5] - 1


def loans(life: Life) -> dict[str, Any]:
    """Contracts, shape (loans,)."""
    made = life.contracts
    terms, size = made.terms, made.size
    number = made.first + np.arange(size)
    bullet = terms[:, 3] == 3
    first = life.starts[terms[:, 4] + np.where(bullet, terms[:, 2], 1)] + terms[:, 5] - 1
    ids = identity("L", number)
    grade, term = terms[:, 7], terms[:, 2]
    return {
        "loan_id": ids,
        "borrower_id": identity("B", made.borrower),
        "facility_id": pa.array(identity("F", number).to_pylist(), mask=~made.facility),
        "currency": same("CNY", size),
        "principal_amount": money(terms[:, 0]),
        "rate_annual": pa.array(terms[:, 1] / 1e6),
        "term_months": whole(term),
        "method": code(terms[:, 3], names.METHODS),
        "day_count": same("30/360", size),
        "disbursed_on": day(disbursed(life)),
        "first_due_on": day(first),
        "due_day": whole(terms[:, 5]),
        "grace_days": whole(np.zeros(size)),
        "upfront_fee_amount": money(np.zeros(size)),
        "instalment_fee_amount": money(terms[:, 6]),
        "product": code(made.product, names.PRODUCTS),
        "grade": code(grade, GRADES),
        "sub_grade": code(grade * 5 + made.sub_grade - 1, SUB_GRADES),
        "channel": code(made.channel, names.CHANNELS),
        "region": code(names.region_of(made.borrower, life.seed), names.REGIONS),
        "purpose": code(made.purpose, names.PURPOSES),
        "partner_id": code(made.partner, names.PARTNERS),
        "security": code(made.security, names.SECURITY),
        "pd_12m_origination": pa.array(life.probability[grade, np.minimum(12, term)]),
        "pd_lifetime_origination": pa.array(life.probability[grade, term]),
    }


def loan_months(life: Life) -> dict[str, Any]:
    """The platform's own end of day, sorted by loan and month."""
    rows = life.rows
    return {
        "loan_id": repeated("L", rows[:, 0]),
        "month_end": day(life.starts[rows[:, 1] + 1] - 1),
        "status": code(rows[:, 2], ("active", "closed", "written_off")),
        "days_past_due": whole(rows[:, 3], rows[:, 3] >= 0),
        "outstanding_principal_amount": money(rows[:, 4]),
        "scheduled_principal_amount": money(rows[:, 5]),
        "paid_principal_amount": money(rows[:, 6]),
        "paid_interest_amount": money(rows[:, 7]),
        "written_off_amount": money(rows[:, 8]),
        "recovered_amount": money(rows[:, 9]),
        "recovery_cost_amount": money(rows[:, 10]),
        "defaulted": flag(rows[:, 11] == 1),
    }


def payments(life: Life) -> dict[str, Any]:
    """Money received, with its date."""
    flow = life.flow
    return {
        "payment_id": identity(f"P{life.number:05d}", np.arange(len(flow))),
        "loan_id": repeated("L", flow[:, 0]),
        "paid_on": day(flow[:, 1]),
        "kind": code(flow[:, 2], PAYMENT_KINDS),
        "amount": money(flow[:, 3]),
        "cost_amount": money(flow[:, 4], flow[:, 2] == 2),
    }


def fees(life: Life) -> dict[str, Any]:
    """Late fees and prepayment fees; each is paid on the day it is charged."""
    posted = life.posted
    return {
        "fee_id": identity(f"E{life.number:05d}", np.arange(len(posted))),
        "loan_id": repeated("L", posted[:, 0]),
        "charged_on": day(posted[:, 1]),
        "amount": money(posted[:, 2]),
        "label": code(posted[:, 3], ("late fee", "prepayment fee")),
    }


def loan_events(life: Life) -> dict[str, Any]:
    """Default, cure, write-off, end of the workout."""
    event = life.event
    return {
        "event_id": identity(f"V{life.number:05d}", np.arange(len(event))),
        "loan_id": repeated("L", event[:, 0]),
        "occurred_on": day(event[:, 1]),
        "kind": code(event[:, 2], EVENT_KINDS),
    }


def modifications(life: Life) -> dict[str, Any]:
    """Extensions and restructurings, on the first day of a month."""
    change = life.modification
    new = change[:, 2] == 1
    month = np.searchsorted(life.starts, change[:, 1])
    due_day = life.contracts.terms[change[:, 0] - life.contracts.first, 5]
    return {
        "modification_id": identity(f"M{life.number:05d}", np.arange(len(change))),
        "loan_id": repeated("L", change[:, 0]),
        "modified_on": day(change[:, 1]),
        "kind": code(change[:, 2], ("extension", "restructure")),
        "extension_months": whole(change[:, 3], ~new),
        "new_principal_amount": money(change[:, 4], new),
        "capitalised_interest_amount": money(change[:, 5], new),
        "capitalised_fee_amount": money(np.zeros(len(change)), new),
        "new_rate_annual": pa.array(change[:, 6] / 1e6, mask=~new),
        "new_term_months": whole(change[:, 7], new),
        "new_method": code(np.where(new, 1, -1), names.METHODS),
        "new_day_count": code(np.where(new, 0, -1), ("30/360",)),
        "new_first_due_on": day(life.starts[month + 1] + due_day - 1, new),
        "new_due_day": whole(due_day, new),
        "distressed": flag(change[:, 8] == 1),
    }
