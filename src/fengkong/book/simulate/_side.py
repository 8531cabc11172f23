"""What stands beside the loans of a chunk: applications, lines, security, funding, collection."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from fengkong.book.simulate import _contracts as names
from fengkong.book.simulate._arrow import code, day, identity, money, repeated, same, whole
from fengkong.book.simulate._tables import Life, disbursed

GUARANTORS = ("GR01", "GR02", "GR03", "GR04", "GR05")
AGENCIES = ("AG01", "AG02", "AG03")
TOPICS = ("collection", "fees", "contract", "service", "privacy")
_OUTCOMES = ("approve", "decline", "withdrawn", "counter_offer")


def _numbers(life: Life) -> Any:
    return life.contracts.first + np.arange(life.contracts.size)


def applications(life: Life, rng: np.random.Generator, borrowers: int) -> dict[str, Any]:
    """One approved application a loan, and as many again that came to nothing by 70 %."""
    made, size = life.contracts, life.contracts.size
    origin = np.flatnonzero(rng.random(size) < 0.7)
    place = np.concatenate([np.arange(size), origin])
    lost = np.arange(len(place)) >= size
    party = np.where(lost, rng.integers(0, borrowers, len(place)), made.borrower[place])
    outcome = np.where(
        lost, 1 + (rng.random(len(place)) < 0.15) + (rng.random(len(place)) < 0.1), 0
    )
    score = 720 - 30 * made.terms[place, 7] - 60 * lost + np.round(12 * rng.normal(size=len(place)))
    return {
        "application_id": identity(f"A{life.number:05d}", np.arange(len(place))),
        "party_id": identity("B", party),
        "applied_on": day(disbursed(life)[place] - 2),
        "product": code(made.product[place], names.PRODUCTS),
        "channel": code(made.channel[place], names.CHANNELS),
        "partner_id": code(made.partner[place], names.PARTNERS),
        "purpose": code(made.purpose[place], names.PURPOSES),
        "requested_amount": money(made.terms[place, 0]),
        "requested_term_months": whole(made.terms[place, 2]),
        "outcome": code(outcome, _OUTCOMES),
        "score": pa.array(score.astype(np.float64)),
        "loan_id": pa.array(identity("L", made.first + place).to_pylist(), mask=lost),
    }


def lines(life: Life) -> dict[str, dict[str, Any]]:
    """A facility for each loan drawn on a line, half as large again as the drawdown."""
    made = life.contracts
    place = np.flatnonzero(made.facility)
    number, on = made.first + place, disbursed(life)[place]
    amount = made.terms[place, 0]
    ids = identity("F", number)
    facility = {
        "facility_id": ids,
        "borrower_id": identity("B", made.borrower[place]),
        "opened_on": day(on - 1),
        "expires_on": day(on + 730),
        "limit_amount": money(-(-amount * 3 // 200_000) * 100_000),
        "currency": same("CNY", len(place)),
        "product": code(made.product[place], names.PRODUCTS),
    }
    drawn = {
        "facility_id": ids,
        "loan_id": identity("L", number),
        "drawn_on": day(on),
        "drawn_amount": money(amount),
    }
    return {"facilities": facility, "drawdowns": drawn}


def loan_parties(life: Life) -> dict[str, Any]:
    """Borrower of every loan, its guarantor and its partner, sorted by loan."""
    made, number = life.contracts, _numbers(life)
    guarded, sent = np.flatnonzero(made.security == 1), np.flatnonzero(made.partner >= 0)
    place = np.concatenate([np.arange(made.size), guarded, sent])
    role = np.repeat([0, 1, 2], [made.size, len(guarded), len(sent)])
    order = np.lexsort((role, place))
    party = pa.concat_arrays([
        identity("B", made.borrower), code(number[guarded] % 5, GUARANTORS).cast(pa.string()),
        code(made.partner[sent], names.PARTNERS).cast(pa.string()),
    ])  # fmt: skip
    return {
        "loan_id": identity("L", number[place[order]]),
        "party_id": party.take(pa.array(order)),
        "role": code(role[order], ("borrower", "guarantor", "partner")),
    }


def funding_shares(life: Life) -> dict[str, Any]:
    """Loans of partners are funded 70 to 30 with the platform, the others by one funder."""
    made, number = life.contracts, _numbers(life)
    joint = np.flatnonzero(made.partner >= 0)
    place = np.concatenate([np.arange(made.size), joint])
    second = np.arange(len(place)) >= made.size
    order = np.lexsort((second, place))
    place, second = place[order], second[order]
    shared = made.partner[place] >= 0
    return {
        "loan_id": identity("L", number[place]),
        "funder_id": code(np.where(second, 3, number[place] % 3), (*names.FUNDERS, "PLATFORM")),
        "funding_share": pa.array(np.where(shared, np.where(second, 0.3, 0.7), 1.0)),
    }


def statements(life: Life, rng: np.random.Generator, borrowers: int) -> dict[str, Any]:
    """Income and debts of each borrower at the first application."""
    made = life.contracts
    place = np.flatnonzero(_numbers(life) < borrowers)
    income = np.round(90_000 * np.exp(0.5 * rng.normal(size=len(place)))) * 100
    ratio = np.round(
        np.clip(0.12 + 0.05 * made.terms[place, 7] + 0.1 * rng.normal(size=len(place)), 0, 0.9), 4
    )
    service = np.floor(income / 12 * ratio + 0.5)
    return {
        "party_id": identity("B", made.borrower[place]),
        "statement_date": day(disbursed(life)[place] - 2),
        "income_annual_amount": money(income.astype(np.int64)),
        "debt_amount": money((service * 20).astype(np.int64)),
        "debt_service_monthly_amount": money(service.astype(np.int64)),
        "debt_to_income": pa.array(ratio),
        "verification": code(rng.integers(0, 3, len(place)), ("verified", "stated", "bank_flow")),
    }


def security(life: Life) -> dict[str, dict[str, Any]]:
    """Collateral of secured loans, guarantees and what guarantors paid after a default."""
    made, number, on = life.contracts, _numbers(life), disbursed(life)
    pledged, guarded = np.flatnonzero(made.security == 2), np.flatnonzero(made.security == 1)
    collateral = {
        "collateral_id": identity("C", number[pledged]),
        "loan_id": identity("L", number[pledged]),
        "collateral_type": code(number[pledged] % 3, ("vehicle", "real_estate", "receivables")),
        "valued_on": day(on[pledged]),
        "value_amount": money(made.terms[pledged, 0] * 7 // 5),
        "haircut": pa.array(np.array([0.4, 0.3, 0.5])[number[pledged] % 3]),
    }
    guarantee = {
        "guarantee_id": identity("G", number[guarded]),
        "loan_id": identity("L", number[guarded]),
        "guarantor_id": code(number[guarded] % 5, GUARANTORS),
        "guaranteed_on": day(on[guarded]),
        "guaranteed_amount": money(made.terms[guarded, 0]),
    }
    return {
        "collateral": collateral,
        "guarantees": guarantee,
        "compensations": _compensations(life),
    }


def _compensations(life: Life) -> dict[str, Any]:
    """Ten days after its first default the guarantor of a loan pays 60 % of principal."""
    event, made = life.event, life.contracts
    end = life.starts[life.months] - 1
    first = event[event[:, 2] == 0]
    first = first[np.unique(first[:, 0], return_index=True)[1]]
    first = first[(made.security[first[:, 0] - made.first] == 1) & (first[:, 1] + 10 <= end)]
    month = np.searchsorted(life.starts, first[:, 1], side="right") - 1
    keys = life.rows[:, 0] * 10_000 + life.rows[:, 1]
    owed = life.rows[np.searchsorted(keys, first[:, 0] * 10_000 + month), 4]
    return {
        "compensation_id": identity("K", first[:, 0]),
        "guarantee_id": identity("G", first[:, 0]),
        "loan_id": identity("L", first[:, 0]),
        "compensated_on": day(first[:, 1] + 10),
        "compensated_amount": money((owed * 6 + 5) // 10),
        "recovered_amount": money(np.zeros(len(first))),
    }


def contacts(life: Life, rng: np.random.Generator) -> dict[str, Any]:
    """One contact for each month-end in arrears; outsourced over 90 days."""
    late = life.rows[life.rows[:, 3] > 0]
    late_days = late[:, 3]
    return {
        "contact_id": identity(f"T{life.number:05d}", np.arange(len(late))),
        "loan_id": repeated("L", late[:, 0]),
        "contacted_on": day(life.starts[late[:, 1] + 1] - 1 - np.minimum(late_days - 1, 5)),
        "contact_method": code(np.searchsorted([31, 61, 91], late_days, side="right"),
                               ("message", "call", "letter", "visit")),
        "agency_id": code(np.where(late_days > 90, late[:, 0] % 3, -1), AGENCIES),
        "result": code(rng.integers(0, 4, len(late)),
                       ("promise", "no_answer", "refused", "reached")),
    }  # fmt: skip


def complaints(life: Life, rng: np.random.Generator) -> dict[str, Any]:
    """About one complaint in 250 loans, closed within two weeks when time allows."""
    made = life.contracts
    end = life.starts[life.months] - 1
    place = np.flatnonzero(rng.random(made.size) < 0.004)
    on = np.minimum(disbursed(life)[place] + rng.integers(5, 200, len(place)), end)
    closed = on + rng.integers(1, 15, len(place))
    return {
        "complaint_id": identity("Q", made.first + place),
        "received_on": day(on),
        "closed_on": day(closed, closed <= end),
        "party_id": identity("B", made.borrower[place]),
        "loan_id": identity("L", made.first + place),
        "topic": code(rng.integers(0, len(TOPICS), len(place)), TOPICS),
        "channel": code(rng.integers(0, 2, len(place)), ("app", "hotline")),
    }
