"""Write the derived tables of a view, run of loans by run of loans."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fengkong.book._intake import arrow_schema
from fengkong.book.replay import _kernel as kn
from fengkong.book.replay import _months, _replayed
from fengkong.book.replay._arrow import Column, array, pc
from fengkong.book.replay._source import chunks, read_loans, reader, sources
from fengkong.book.schema import DERIVED
from fengkong.foundation.calendar import day_number

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from fengkong.book.replay._months import Months
    from fengkong.book.replay._replayed import Replayed
    from fengkong.book.replay._source import Sources
    from fengkong.book.view import View

VERSION = 6
"""Raise it when a derived table can come out otherwise: kept results are then computed anew."""

_SCHEMAS = {name: arrow_schema(table, stamps=False) for name, table in DERIVED.items()}


class _Parts:
    """Numbered Parquet files of one derived table."""

    def __init__(self, folder: Path, pool: ThreadPoolExecutor) -> None:
        self.folder, self.pool = folder, pool
        self.waiting: list[Future[None]] = []
        self.counts = dict.fromkeys(DERIVED, 0)
        for name in DERIVED:
            (folder / name).mkdir(parents=True, exist_ok=True)

    def write(self, name: str, table: pa.Table) -> None:
        """Write one part beside the next run's work, at most one waiting (memory)."""
        if len(table) == 0 and self.counts[name]:
            return
        path = self.folder / name / f"part-{self.counts[name]:05d}.parquet"
        self.counts[name] += 1
        while len(self.waiting) > len(DERIVED):
            self.waiting.pop(0).result()
        self.waiting.append(self.pool.submit(_store, _typed(table, _SCHEMAS[name]), path))

    def finish(self) -> None:
        """Leave an empty file for a table without rows and wait for the last part."""
        for name, schema in _SCHEMAS.items():
            if not self.counts[name]:
                self.write(name, schema.empty_table())
        for job in self.waiting:
            job.result()


def _store(table: pa.Table, path: Path) -> None:
    """Write a part; text that came as a dictionary is stored as such."""
    pq.write_table(table, path, compression="zstd", compression_level=1, store_schema=False)


def _typed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Cast columns to the schema; dictionaries of text stay as they are."""
    columns = []
    for field in schema:
        column = table[field.name]
        if not pa.types.is_dictionary(column.type) and column.type != field.type:
            column = column.cast(field.type)
        columns.append(column)
    return pa.table(columns, names=schema.names)


def derive(view: View, folder: Path, progress: Callable[[str, float], None] | None = None) -> None:
    """Compute panel, states and exposures of a view and write them as Parquet.

    Parameters
    ----------
    view : View
        The facts, as of a date and as known at an instant; DuckDB.
    folder : Path
        Gets ``panel/``, ``states/`` and ``exposures/``, parts sorted by key.
    progress : callable, optional
        Gets a text and the share done, 0 to 1.

    Notes
    -----
    A loan with loan_months takes its history from them, and its state from its payments where there
    are some and they agree; else a loan with a schedule or terms, in a
    book that has payments or schedules, is replayed. A loan of which only totals are known
    (loan_outcomes) has neither history nor state at a date and gets no row.
    """
    found = sources(view)
    with ThreadPoolExecutor(max_workers=1) as pool:
        parts = _Parts(folder, pool)
        _derive(view, found, parts, progress)
        parts.finish()


def _derive(
    view: View, found: Sources, parts: _Parts, progress: Callable[[str, float], None] | None
) -> None:
    total = max(1, len(found.months) + len(found.replayed))
    day = day_number(view.as_of)
    done = 0
    runs: list[tuple[Any, bool]] = [(ids, True) for ids in chunks(found.months)]
    runs += [(ids, False) for ids in chunks(found.replayed)]
    horizon = _horizon(view) if len(found.months) else 0
    for ids, has_months in runs:
        read = reader(view, ids)
        loans = read_loans(read, ids)
        if has_months:
            months = _months.months_of(read, loans, horizon)
            parts.write("panel", _months.panel_of(months))
            states = _months.states_of(months, view.as_of)
            exposed = _months.exposures(months, view.as_of, day)
            both = ids.filter(pc.is_in(ids, value_set=found.both))
            if len(both):
                paid = _replayed.replay(read, read_loans(read, both), day)
                states, exposed = _to_the_day(view, months, paid, states, exposed)
            parts.write("states", states)
            parts.write("exposures", exposed)
        else:
            result = _replayed.replay(read, loans, day)
            parts.write("panel", _replayed.panel_of(result))
            parts.write("states", _replayed.states_of(result, view.as_of, day))
            exposed = _replayed.exposures_of(loans["loan_id"], result.exposed)
            parts.write("exposures", exposed)
        done += len(ids)
        if progress is not None:
            progress("loans replayed", done / total)


def _to_the_day(
    view: View, months: Months, paid: Replayed, states: pa.Table, exposed: pa.Table
) -> tuple[pa.Table, pa.Table]:
    """Take the state of a loan from its payments where they lead to its last month-end.

    Month-ends cannot show what is overdue, when the first instalment was paid or the EBA counter.
    Where the payments lead elsewhere (to another status or principal) the platform's own end of
    day stands, and these stay unknown.
    """
    owner = pc.index_in(paid.loans["loan_id"], value_set=months.loans["loan_id"]).to_numpy()
    told = months.rows[months.last[owner]]
    last = np.maximum(paid.rows_at[1:] - 1, 0)
    agrees = (np.diff(paid.rows_at) > 0) & (last < len(paid.rows))
    rows = paid.rows[np.minimum(last, len(paid.rows) - 1)]
    for column in (kn.R_STATUS, kn.R_OUTSTANDING):
        agrees &= rows[:, column] == told[:, column]
    agreed = paid.loans["loan_id"].filter(array(agrees))
    own = _replayed.states_of(paid, view.as_of, day_number(view.as_of))
    ahead = _replayed.exposures_of(paid.loans["loan_id"], paid.exposed)
    return _replaced(states, own, agreed), _replaced(exposed, ahead, agreed)


def _replaced(rows: pa.Table, others: pa.Table, loan_ids: Column) -> pa.Table:
    """Return ``rows`` with those of some loans from ``others``, sorted by loan."""
    kept = rows.filter(pc.invert(pc.is_in(rows["loan_id"], value_set=loan_ids)))
    taken = others.filter(pc.is_in(others["loan_id"], value_set=loan_ids))
    together = pa.concat_tables([kept, taken.select(kept.column_names).cast(kept.schema)])
    key = [name for name in ("loan_id", "year_number") if name in kept.column_names]
    return together.take(pc.sort_indices(together, [(name, "ascending") for name in key]))


def _horizon(view: View) -> int:
    """Return the month number of the last month-end in loan_months."""
    last = view.table("loan_months").month_end.max().to_pyarrow().as_py()
    return int(last.year * 12 + last.month - 1)
