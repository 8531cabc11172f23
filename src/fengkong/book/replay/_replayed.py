"""Chunks of loans that are replayed from their facts, as tables of the schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fengkong.book.replay import _kernel as kn
from fengkong.book.replay import _loan as ln
from fengkong.book.replay import _path as path
from fengkong.book.replay import _terms as tm
from fengkong.book.replay._arrow import Column, array, pc
from fengkong.book.replay._eir import effective_rates
from fengkong.book.replay._events import M_TERMS, Chunk, floats_of, read_chunk
from fengkong.book.replay._panel import (
    NULL,
    bucket,
    coded,
    dates,
    money,
    month_of,
    panel_table,
)
from fengkong.book.schema import STATES
from fengkong.book.schema._derived import STATE_CODES
from fengkong.foundation.money import to_cents

if TYPE_CHECKING:
    from datetime import date

Array = np.ndarray[Any, Any]

EBA_LIMITS = {"EUR": 100_00}
"""Absolute limit in cents by currency, retail; elsewhere the EBA columns are null."""

STATUS_NAMES = ("active", "closed", "written_off")
_NO_FINAL = np.zeros((tm.SCHEDULE_ROWS, 0), dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What `_kernel.replay_many` returns, with what went in."""

    loans: pa.Table
    chunk: Chunk
    states: Array
    histories: Array
    outcomes: Array
    rows: Array
    rows_at: Array
    given: Array
    exposed: Array
    final: Array
    final_at: Array


def last_whole_month(as_of: int) -> int:
    """Return the month number of the last month-end up to ``as_of``."""
    return int(month_of(np.array([as_of + 1]))[0]) - 1


def schedule_rooms(chunk: Chunk) -> Array:
    """Return for each loan the most instalments any of its schedules can have."""
    rooms = np.maximum(np.diff(chunk.contract_at), np.maximum(chunk.terms[:, tm.T_TERM], 1))
    loan_of = np.repeat(np.arange(len(rooms)), np.diff(chunk.events_at))
    from fengkong.book.replay._events import (
        E_KIND,
        E_OTHER,
        E_PLACE,
        K_RESTRUCTURE,
        K_VERSION,
    )

    kind = chunk.events[:, E_KIND]
    changed = kind == K_RESTRUCTURE
    terms = chunk.changes[chunk.events[changed, E_PLACE], M_TERMS + tm.T_TERM]
    np.maximum.at(rooms, loan_of[changed], terms)
    switched = kind == K_VERSION
    sizes = chunk.events[switched, E_OTHER] - chunk.events[switched, E_PLACE]
    np.add.at(rooms, loan_of[switched], sizes)  # arrears of the schedule before may stay
    return rooms


def material_limits(loans: pa.Table) -> Array:
    """Return the EBA limit of each loan in cents, -1 where the definition does not apply."""
    names = array(list(EBA_LIMITS))
    places = np.asarray(pc.fill_null(pc.index_in(loans["currency"], value_set=names), -1))
    limits = np.array([*EBA_LIMITS.values(), -1], dtype=np.int64)
    return limits[places]


def replay(read: Any, loans: pa.Table, as_of: int, *, keep_schedules: bool = False) -> Replayed:
    """Replay a chunk of loans up to ``as_of`` (day number)."""
    chunk = read_chunk(read, loans, as_of)
    rooms = schedule_rooms(chunk)
    months = last_whole_month(as_of) - month_of(chunk.terms[:, tm.T_START]) + 1
    rows_at = np.concatenate([[0], np.cumsum(np.maximum(months, 0))])
    width = int(rooms.max(initial=1))
    years = min(60, width // 12 + 4)
    final_at = np.zeros(1, dtype=np.int64)
    final = _NO_FINAL
    if keep_schedules:
        final_at = np.concatenate([[0], np.cumsum(rooms)])
        final = np.zeros((tm.SCHEDULE_ROWS, final_at[-1]), dtype=np.int64)
    states, histories, outcomes, rows, given, exposed = kn.replay_many(
        chunk.terms, chunk.graces, material_limits(loans), chunk.contract, chunk.contract_at,
        chunk.events, chunk.events_at, chunk.changes, chunk.versions, rows_at, width, years,
        as_of, final, final_at,
    )  # fmt: skip
    return Replayed(
        loans=loans, chunk=chunk, states=states, histories=histories, outcomes=outcomes,
        rows=rows, rows_at=rows_at, given=given, exposed=exposed, final=final, final_at=final_at,
    )  # fmt: skip


def panel_of(done: Replayed) -> pa.Table:
    """Return the panel of a chunk."""
    return panel_table(done.loans, done.chunk.terms[:, tm.T_START], done.rows, done.rows_at)


def exposures_of(loan_ids: Column, exposed: Array) -> pa.Table:
    """Return the rows above zero of exposures by year, shape (loans, years)."""
    loan, year = np.nonzero(exposed > 0)
    return pa.table(
        {
            "loan_id": loan_ids.take(array(loan)),
            "year_number": array(year + 1),
            "exposure_amount": money(exposed[loan, year]),
        }
    )


def contract_rates(loans: pa.Table, chunk: Chunk) -> Column:
    """Return the stated effective rate of each loan, computed where it is absent."""
    stated = floats_of(loans["eir_annual"])
    if not np.isnan(stated).any():
        return array(stated)
    width = int(max(np.diff(chunk.contract_at).max(initial=1), chunk.terms[:, tm.T_TERM].max(), 1))
    made = effective_rates(
        chunk.terms, chunk.contract, chunk.contract_at, to_cents(loans["upfront_fee_amount"]),
        width,
    )  # fmt: skip
    rates = np.where(np.isnan(stated), made, stated)
    return array(rates, mask=np.isnan(rates))


CARRIED = (
    "loan_id", "borrower_id", "disbursed_on", "pd_12m_origination", "pd_lifetime_origination",
    *STATES.dimensions,
)  # fmt: skip
"""Columns of the states that the loan itself says."""


def states_table(loans: pa.Table, columns: dict[str, Column]) -> pa.Table:
    """Put state columns into the schema: what the loan says is carried, the rest is null."""
    from fengkong.book._intake import arrow_schema

    full = {name: loans[name] for name in CARRIED}
    full["disbursed_amount"] = loans["principal_amount"]
    full |= columns
    schema = arrow_schema(STATES, stamps=False)
    return pa.table(
        [
            full[field.name].cast(field.type)
            if field.name in full
            else pa.nulls(len(loans), field.type)
            for field in schema
        ],
        schema=schema,
    )


def states_of(done: Replayed, as_of: date, day: int) -> pa.Table:
    """Return the states of a chunk at the close of ``as_of``."""
    state, history, outcome = done.states, done.histories, done.outcomes
    status = state[:, ln.S_STATUS]
    active = status == ln.ACTIVE
    days = outcome[:, kn.O_DAYS]
    buckets = np.where(active, np.minimum(7, (np.maximum(days, 0) + 29) // 30), -1)
    applies = material_limits(done.loans) >= 0
    in_default = history[:, path.H_DEFAULT_TO] >= day
    rate = outcome[:, kn.O_RATE] / 1e10
    months = (as_of.year * 12 + as_of.month - 1) - month_of(done.chunk.terms[:, tm.T_START])
    off = status == ln.WRITTEN_OFF
    late = (kn.O_LATE_FEE, kn.O_LATE_INTEREST, kn.O_LATE_PRINCIPAL)
    columns: dict[str, Any] = {
        "status": coded(status, STATUS_NAMES),
        "months_on_book": array(months),
        "outstanding_principal_amount": money(state[:, ln.S_OUTSTANDING]),
        "accrued_interest_amount": money(outcome[:, kn.O_ACCRUED]),
        "fees_due_amount": money(outcome[:, kn.O_FEES_DUE]),
        "overdue_fee_amount": money(outcome[:, kn.O_LATE_FEE]),
        "overdue_interest_amount": money(outcome[:, kn.O_LATE_INTEREST]),
        "overdue_principal_amount": money(outcome[:, kn.O_LATE_PRINCIPAL]),
        "overdue_amount": money(outcome[:, late].sum(axis=1)),
        "credit_amount": money(state[:, ln.S_CREDIT]),
        "days_past_due": array(days, mask=off),
        "bucket": coded(buckets, STATE_CODES[:8]),
        "ever_over_30": array(history[:, path.H_WORST] > 30),
        "ever_over_90": array(history[:, path.H_WORST] > 90),
        "days_past_due_max": array(history[:, path.H_WORST]),
        "eba_material_days": array(history[:, path.H_MATERIAL_DAYS], mask=~applies),
        "eba_default": array(history[:, path.H_EBA_DEFAULT] == 1, mask=~applies),
        "declared_default": array(state[:, ln.S_DECLARED] == 1),
        "default_on": dates(np.where(in_default, history[:, path.H_DEFAULT_FROM], ln.NO_DAY)),
        "restructured_on": dates(state[:, ln.S_RESTRUCTURED]),
        "restructured_first_due_on": dates(state[:, ln.S_RESTRUCTURED_FIRST]),
        "watch": array(state[:, ln.S_WATCH] == 1),
        "written_off_on": dates(state[:, ln.S_OFF_DAY]),
        "written_off_fee_amount": money(np.where(off, state[:, ln.S_OFF_FEE], NULL)),
        "written_off_interest_amount": money(np.where(off, state[:, ln.S_OFF_INTEREST], NULL)),
        "written_off_principal_amount": money(np.where(off, state[:, ln.S_OFF_PRINCIPAL], NULL)),
        "recovered_amount": money(state[:, ln.S_RECOVERED]),
        "recovery_cost_amount": money(state[:, ln.S_RECOVERY_COST]),
        "first_due_on": dates(outcome[:, kn.O_FIRST_DUE]),
        "first_paid_in_full_on": dates(history[:, path.H_FIRST_PAID]),
        "matures_on": dates(outcome[:, kn.O_MATURES]),
        "rate_annual": array(rate, mask=outcome[:, kn.O_RATE] < 0),
        "eir_annual": contract_rates(done.loans, done.chunk),
    }
    return states_table(done.loans, columns)


__all__ = ["Replayed", "bucket", "exposures_of", "panel_of", "replay", "states_of"]
