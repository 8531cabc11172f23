"""The facts of a chunk of loans as integer arrays, one row an event, sorted by loan and effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fengkong.book.replay._arrow import Column, array, pc
from fengkong.book.replay._terms import (
    DAY_COUNT_CODES,
    METHOD_CODES,
    T_DAY_COUNT,
    T_DUE_DAY,
    T_FEE,
    T_FIRST_DUE,
    T_METHOD,
    T_PRINCIPAL,
    T_RATE,
    T_START,
    T_TERM,
    TERMS,
)
from fengkong.foundation.money import scaled_rate, to_cents

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[str, list[str]], pa.Table]

Array = np.ndarray[Any, Any]

(K_CHARGE, K_PAYMENT, K_PREPAYMENT, K_SETTLEMENT, K_PAYOFF, K_RECOVERY, K_REVERSAL, K_EXTENSION,
 K_RESTRUCTURE, K_VERSION, K_WRITE_OFF, K_DEFAULT, K_CURE, K_WATCH,
 K_UNWATCH) = range(15)  # fmt: skip
(E_DAY, E_KIND, E_AMOUNT, E_OTHER, E_PLACE, E_REVERSED_ON) = range(6)
EVENT = 6
M_PRINCIPAL, M_CAPITALISED, M_TERMS = 0, 1, 2
(V_NUMBER, V_DUE, V_PRINCIPAL, V_INTEREST, V_FEE) = range(5)
NEVER = np.int64(1) << 40

PAYMENT_CODES = {
    "payment": K_PAYMENT,
    "prepayment": K_PREPAYMENT,
    "settlement": K_SETTLEMENT,
    "payoff": K_PAYOFF,
    "recovery": K_RECOVERY,
    "reversal": K_REVERSAL,
}
STATUS_CODES = {
    "write_off": K_WRITE_OFF,
    "default": K_DEFAULT,
    "cure": K_CURE,
    "watch": K_WATCH,
    "unwatch": K_UNWATCH,
}
# Order within a day: fees, money by sequence, changes of contract, statuses, money after them.
_CLASS = np.array([0, 1, 1, 1, 1, 5, 1, 2, 2, 3, 4, 4, 4, 4, 4], dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The facts of some loans.

    Attributes
    ----------
    events : ndarray of int64, shape (events, EVENT)
        Sorted by loan, then order of effect; ``events_at`` holds the start of each loan.
    payment_rows : ndarray of int64, shape (events,)
        Row of ``payment_ids`` an event comes from; -1 for other facts.
    contract, versions : ndarray of int64, shape (5, instalments)
        Schedule of version 0 (``contract_at``) and the rows of later versions.
    changes : ndarray of int64, shape (restructures, 2 + TERMS)
        New principal (-1: computed), amount capitalised, new terms (-1: as before).
    """

    terms: Array
    graces: Array
    events: Array
    events_at: Array
    payment_rows: Array
    payment_ids: Column
    contract: Array
    contract_at: Array
    versions: Array
    changes: Array


def days_of(column: Column, absent: int) -> Array:
    """Return dates as int64 day numbers, null as ``absent``."""
    days = column.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
    return np.asarray(pc.fill_null(days, absent), dtype=np.int64)


def integers_of(column: Column, absent: int) -> Array:
    """Return integers as int64, null as ``absent``."""
    return np.asarray(pc.fill_null(column.cast(pa.int64()), absent), dtype=np.int64)


def floats_of(column: Column) -> Array:
    """Return numbers as float64, null as NaN."""
    return np.asarray(pc.fill_null(column.cast(pa.float64()), float("nan")), dtype=np.float64)


def codes_of(column: Column, codes: dict[str, int], absent: int) -> Array:
    """Return coded text as int64, null as ``absent``; an unknown code is ``absent`` too."""
    places = pc.index_in(column, value_set=array(list(codes), type=pa.string()))
    table = np.array([*codes.values(), absent], dtype=np.int64)
    return table[np.asarray(pc.fill_null(places, len(codes)), dtype=np.int64)]


def terms_of(loans: pa.Table, *, start: Array | None = None) -> Array:
    """Return the contract terms as int64, shape (loans, TERMS)."""
    terms = np.zeros((len(loans), TERMS), dtype=np.int64)
    terms[:, T_PRINCIPAL] = to_cents(loans["principal_amount"])
    terms[:, T_RATE] = scaled_rate(floats_of(loans["rate_annual"]))
    terms[:, T_TERM] = integers_of(loans["term_months"], -1)
    terms[:, T_METHOD] = codes_of(loans["method"], METHOD_CODES, -1)
    terms[:, T_DAY_COUNT] = codes_of(loans["day_count"], DAY_COUNT_CODES, 0)
    terms[:, T_START] = days_of(loans["disbursed_on"], 0) if start is None else start
    terms[:, T_FIRST_DUE] = days_of(loans["first_due_on"], -1)
    terms[:, T_DUE_DAY] = integers_of(loans["due_day"], 0)
    terms[:, T_FEE] = to_cents(loans["instalment_fee_amount"])
    return terms


def places_of(column: Column, loan_ids: Column) -> Array:
    """Return the place of each loan in ``loan_ids``; -1 for a loan that is not there."""
    return np.asarray(pc.fill_null(pc.index_in(column, value_set=loan_ids), -1), dtype=np.int64)


def _block(count: int) -> Array:
    block = np.zeros((count, EVENT + 2), dtype=np.int64)  # + loan, + sequence
    block[:, E_REVERSED_ON] = NEVER
    return block


LOAN, SEQUENCE = EVENT, EVENT + 1


def _of_chunk(read: Reader, name: str, columns: list[str], loan_ids: Column) -> tuple[Any, Array]:
    """Read a table of facts; keep the rows of these loans."""
    table = read(name, ["loan_id", *columns])
    places = places_of(table["loan_id"], loan_ids)
    if len(places) and places.min() < 0:
        keep = places >= 0
        table, places = table.filter(array(keep)), places[keep]
    return table, places


def _payments(read: Reader, loan_ids: Column) -> tuple[Array, Column]:
    columns = [
        "payment_id", "paid_on", "kind", "amount", "cost_amount", "reverses_payment_id",
        "sequence_number",
    ]  # fmt: skip
    table, places = _of_chunk(read, "payments", columns, loan_ids)
    block = _block(len(table))
    block[:, LOAN] = places
    block[:, E_DAY] = days_of(table["paid_on"], 0)
    block[:, E_KIND] = codes_of(table["kind"], PAYMENT_CODES, K_PAYMENT)
    block[:, E_AMOUNT] = to_cents(table["amount"])
    block[:, E_OTHER] = to_cents(table["cost_amount"])
    block[:, SEQUENCE] = integers_of(table["sequence_number"], 0)
    block[:, E_PLACE] = np.arange(len(table))
    ids = table["payment_id"].combine_chunks()
    undo = np.flatnonzero(block[:, E_KIND] == K_REVERSAL)
    if len(undo):
        target = places_of(table["reverses_payment_id"].take(array(undo)), ids)
        known = target >= 0
        np.minimum.at(block[:, E_REVERSED_ON], target[known], block[undo[known], E_DAY])
    return block, ids


def _fees(read: Reader, loan_ids: Column) -> Array:
    table, places = _of_chunk(read, "fees", ["charged_on", "amount", "instalment_number"], loan_ids)
    block = _block(len(table))
    block[:, LOAN] = places
    block[:, E_DAY] = days_of(table["charged_on"], 0)
    block[:, E_KIND] = K_CHARGE
    block[:, E_AMOUNT] = to_cents(table["amount"])
    block[:, E_OTHER] = integers_of(table["instalment_number"], 0)
    return block


def _statuses(read: Reader, loan_ids: Column) -> Array:
    table, places = _of_chunk(read, "loan_events", ["occurred_on", "kind"], loan_ids)
    block = _block(len(table))
    block[:, LOAN] = places
    block[:, E_DAY] = days_of(table["occurred_on"], 0)
    block[:, E_KIND] = codes_of(table["kind"], STATUS_CODES, -1)
    # Of opposite statuses on one day the later in this list stands: default, cure.
    block[:, SEQUENCE] = block[:, E_KIND]
    return block[block[:, E_KIND] >= 0]


def _changes(read: Reader, loan_ids: Column) -> tuple[Array, Array]:
    columns = [
        "modified_on", "kind", "extension_months", "new_principal_amount",
        "capitalised_interest_amount", "capitalised_fee_amount", "new_rate_annual",
        "new_term_months", "new_method", "new_day_count", "new_first_due_on", "new_due_day",
    ]  # fmt: skip
    table, places = _of_chunk(read, "modifications", columns, loan_ids)
    block = _block(len(table))
    block[:, LOAN] = places
    block[:, E_DAY] = days_of(table["modified_on"], 0)
    codes = {"extension": K_EXTENSION, "restructure": K_RESTRUCTURE}
    block[:, E_KIND] = codes_of(table["kind"], codes, K_EXTENSION)
    block[:, E_AMOUNT] = integers_of(table["extension_months"], 0)
    block[:, E_PLACE] = np.arange(len(table))
    changes = np.full((len(table), M_TERMS + TERMS), -1, dtype=np.int64)
    given = np.asarray(pc.is_valid(table["new_principal_amount"]))
    changes[:, M_PRINCIPAL] = np.where(given, to_cents(table["new_principal_amount"]), -1)
    changes[:, M_CAPITALISED] = to_cents(table["capitalised_interest_amount"]) + to_cents(
        table["capitalised_fee_amount"]
    )
    changes[:, M_TERMS + T_RATE] = scaled_rate(floats_of(table["new_rate_annual"]))
    changes[:, M_TERMS + T_TERM] = integers_of(table["new_term_months"], -1)
    changes[:, M_TERMS + T_METHOD] = codes_of(table["new_method"], METHOD_CODES, -1)
    changes[:, M_TERMS + T_DAY_COUNT] = codes_of(table["new_day_count"], DAY_COUNT_CODES, -1)
    changes[:, M_TERMS + T_FIRST_DUE] = days_of(table["new_first_due_on"], -1)
    changes[:, M_TERMS + T_DUE_DAY] = integers_of(table["new_due_day"], 0)
    return block, changes


def _instalments(
    read: Reader, loan_ids: Column, starts: Array, as_of: int
) -> tuple[Array, Array, Array, Array]:
    """Return contract, contract_at, versions and the events that put versions in force."""
    columns = [
        "schedule_version", "instalment_number", "effective_on", "due_on", "principal_amount",
        "interest_amount", "fee_amount",
    ]  # fmt: skip
    table, places = _of_chunk(read, "instalments", columns, loan_ids)
    version = integers_of(table["schedule_version"], 0)
    rows = np.stack(
        [
            integers_of(table["instalment_number"], 0),
            days_of(table["due_on"], 0),
            to_cents(table["principal_amount"]),
            to_cents(table["interest_amount"]),
            to_cents(table["fee_amount"]),
        ]
    )
    effective = days_of(table["effective_on"], int(-NEVER >> 10))
    order = np.lexsort((rows[V_NUMBER], rows[V_DUE], version, places))
    rows, version, places, effective = (
        rows[:, order], version[order], places[order], effective[order],
    )  # fmt: skip
    first = version == 0
    contract_at = np.searchsorted(places[first], np.arange(len(loan_ids) + 1))
    later = ~first & (effective <= as_of)
    versions = np.ascontiguousarray(rows[:, later])
    key = places[later] * 100_000 + version[later]
    _, begin = np.unique(key, return_index=True)
    block = _block(len(begin))
    block[:, LOAN] = places[later][begin]
    block[:, E_DAY] = np.maximum(effective[later][begin], starts[block[:, LOAN]])
    block[:, E_KIND] = K_VERSION
    block[:, E_PLACE] = begin
    block[:, E_OTHER] = np.append(begin[1:], len(key))
    block[:, SEQUENCE] = version[later][begin]
    return np.ascontiguousarray(rows[:, first]), contract_at, versions, block


def _order(block: Array, payment_ids: Column) -> Array:
    """Return the order of effect; only ties of money look at the payment's number."""
    kind = block[:, E_KIND]
    keys = (kind, block[:, SEQUENCE], _CLASS[kind], block[:, E_DAY], block[:, LOAN])
    order = np.lexsort(keys)
    if len(order) < 2:
        return order
    tie = np.ones(len(order) - 1, dtype=bool)
    for key in keys:
        ranked = key[order]
        tie &= ranked[1:] == ranked[:-1]
    tie &= (kind[order][1:] >= K_PAYMENT) & (kind[order][1:] <= K_RECOVERY)
    if not tie.any():
        return order
    rank = np.zeros(len(block), dtype=np.int64)
    money = (kind >= K_PAYMENT) & (kind <= K_REVERSAL)
    by_id = np.asarray(pc.sort_indices(payment_ids), dtype=np.int64)
    place_of = np.empty(len(by_id), dtype=np.int64)
    place_of[by_id] = np.arange(len(by_id))
    rank[money] = place_of[block[money, E_PLACE]]
    return np.lexsort((rank, *keys))


def read_chunk(read: Reader, loans: pa.Table, as_of: int) -> Chunk:
    """Read the facts of a chunk of loans.

    Parameters
    ----------
    read : callable
        Takes a table name and columns, returns its rows (more loans than asked may come).
    loans : pyarrow.Table
        Loans of the chunk, sorted by loan_id.
    as_of : int
        Day number; later schedule versions are not seen.
    """
    loan_ids = loans["loan_id"].combine_chunks()
    terms = terms_of(loans)
    payments, payment_ids = _payments(read, loan_ids)
    restructures, changes = _changes(read, loan_ids)
    contract, contract_at, versions, switches = _instalments(
        read, loan_ids, terms[:, T_START], as_of
    )
    block = np.concatenate(
        [payments, _fees(read, loan_ids), restructures, switches, _statuses(read, loan_ids)]
    )
    order = _order(block, payment_ids)
    block = block[order]
    money = (block[:, E_KIND] >= K_PAYMENT) & (block[:, E_KIND] <= K_REVERSAL)
    return Chunk(
        terms=terms,
        graces=integers_of(loans["grace_days"], 0),
        events=np.ascontiguousarray(block[:, :EVENT]),
        events_at=np.searchsorted(block[:, LOAN], np.arange(len(loan_ids) + 1)),
        payment_rows=np.where(money, block[:, E_PLACE], -1),
        payment_ids=payment_ids,
        contract=contract,
        contract_at=contract_at,
        versions=versions,
        changes=changes,
    )
