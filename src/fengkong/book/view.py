"""A view: the book as it was on a business date, as far as it was known at an instant."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from fengkong.book import _disk, engines
from fengkong.book.schema import DERIVED, TABLES
from fengkong.foundation.columns import IBIS_TYPE, Kind, Table
from fengkong.foundation.errors import BookError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fengkong.book.batch import Batch, TableManifest
    from fengkong.book.store import Book

    Progress = Callable[[str, float], None]

STAMPS = ("recorded_at", "batch_id")


class View:
    """The facts with a business date up to ``as_of``, as known at ``known_at``.

    A view sees the batches that were there when it was made: a load that comes later does not
    change it. Use it in a ``with`` statement, or call `close`.

    Attributes
    ----------
    as_of : date
        Last business date seen.
    known_at : datetime or None
        Rows recorded later are not seen; None: all that the book holds.
    engine : str
        "duckdb" or "spark".
    inputs : list of dict
        batch_id, content_hash and rows of each batch it stands on, in order of arrival.
    connection : ibis backend
        For a caller that wants to run its own expressions.
    """

    def __init__(
        self,
        book: Book,
        *,
        as_of: date,
        known_at: datetime | None = None,
        engine: str = "duckdb",
        memory_limit: str | None = None,
    ) -> None:
        if not isinstance(as_of, date) or isinstance(as_of, datetime):
            raise InputError(f"as_of must be a date without a time; got {as_of!r}")
        if known_at is not None and known_at.tzinfo is None:
            raise InputError(f"known_at must say its time zone; got {known_at!r}")
        if engine not in engines.ENGINES:
            raise InputError(f"engine must be one of {', '.join(engines.ENGINES)}; got {engine!r}")
        self.book, self.as_of, self.known_at, self.engine = book, as_of, known_at, engine
        self.memory_limit = memory_limit
        self._batches = [batch for batch in book.batches() if any(_seen(batch, known_at))]
        self._tables: dict[str, Any] = {}
        self._sums: dict[str, Any] = {}
        self._history: list[Any] = []
        self._stack = ExitStack()
        scratch = self._stack.enter_context(book.scratch("view"))
        self._scratch: Path = scratch
        try:
            self._engine: Any = engines.start(engine, scratch, memory_limit)
        except BaseException:
            self._stack.close()
            raise
        self._stack.callback(self._engine.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the engine and remove its temporary files; a second call does nothing."""
        for kept in (self._tables, self._sums, self._history):
            kept.clear()
        self._stack.close()

    @property
    def connection(self) -> Any:
        """Return the Ibis backend."""
        return self._engine.connection

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """Return the batches this view stands on."""
        return [
            {"batch_id": batch.batch_id, "content_hash": batch.content_hash, "rows": batch.rows}
            for batch in self._batches
        ]

    def table(self, name: str) -> Any:
        """Rows of a fact table: one a key, the latest known, dated up to ``as_of``.

        Parameters
        ----------
        name : str
            A table of `fengkong.book.schema.TABLES`.

        Returns
        -------
        ibis Table
            All columns of the schema in their types (null where no batch brought them), then
            ``recorded_at`` and ``batch_id``. No order of rows.

        Raises
        ------
        InputError
            The schema has no such table.

        Notes
        -----
        The latest row of a key is chosen before the business date is looked at: a payment that was
        corrected to a later date is gone from its first date. Two rows of a key with the same
        ``recorded_at``: the one of the later batch wins. Where the manifests say that no key
        comes twice, the Parquet files are read as they are; else only the keys that do come twice
        pass through a window.
        """
        if name not in TABLES:
            raise InputError(f"the book has no table {name!r}; it has {', '.join(TABLES)}")
        if name not in self._tables:
            self._tables[name] = self._facts(TABLES[name])
        return self._tables[name]

    def has(self, name: str) -> bool:
        """Whether the table, of facts or derived, has a row in this view."""
        if name in TABLES and not self._parts(name):
            return False
        return bool(self.get(name).limit(1).count().execute() > 0)

    def get(self, name: str) -> Any:
        """Return the table of that name, of facts or derived."""
        return self._derived(name) if name in DERIVED else self.table(name)

    def blank(self, name: str) -> Any:
        """Return a table of that name without rows or engine: to see what an expression reads."""
        import ibis

        return ibis.table((DERIVED | TABLES)[name].ibis_schema(), name=name)

    def panel(self) -> Any:
        """Return one row a loan and month-end (`fengkong.book.schema.PANEL`)."""
        return self._derived("panel")

    def states(self) -> Any:
        """Return one row a loan at the close of ``as_of`` (`fengkong.book.schema.STATES`)."""
        return self._derived("states")

    def exposures(self) -> Any:
        """Return exposure by loan and year ahead (`fengkong.book.schema.EXPOSURES`)."""
        return self._derived("exposures")

    def summed(self, columns: Sequence[str], by: Sequence[str] = ()) -> Any:
        """Return the panel by some of its columns, its amounts added up over all others.

        Parameters
        ----------
        columns : sequence of str
            Columns of the panel. Amounts are added, the others tell the rows of the answer apart.
        by : sequence of str
            Those of them that are to group by: an amount among them wants the rows.

        Returns
        -------
        ibis Table
            ``columns`` (maybe more) and loan_months, the rows of the panel that a row stands for;
            an amount that is not known is 0. The panel itself, row by row and without loan_months,
            where it cannot be had so (`replay.widened` and `replay.summed` say when).
        """
        from fengkong.book import replay

        wanted = replay.widened(columns, by) if self.engine == "duckdb" else None
        key = ",".join(wanted or ())
        if key not in self._sums:
            found = replay.summed(self, wanted) if wanted else None
            self._sums[key] = self.panel() if found is None else self._held(found)
        return self._sums[key]

    def narrow(self, name: str, columns: Sequence[str]) -> Any:
        """Return a derived table with at least these columns, cheaper than all of it if it can be.

        Only the states of a book of month-ends have such columns (`replay.last_states`), and only
        as long as the derived tables are not kept anyway.
        """
        from fengkong.book import replay

        key = f"{name}:{','.join(columns)}"
        if key not in self._sums:
            wanted = name == "states" and self.engine == "duckdb" and not self._kept().is_dir()
            found = replay.last_states(self, columns) if wanted else None
            self._sums[key] = self.get(name) if found is None else self._held(found)
        return self._sums[key]

    def batches(self, expression: Any, rows: int) -> Any:
        """Yield the answer of an expression in Arrow batches of about ``rows``; DuckDB only."""
        return self._engine.batches(expression, rows)

    def history(self) -> Any:
        """Return the month-ends of the view in memory (`fengkong.book.replay.History`), or None."""
        from fengkong.book import replay

        if not self._history:
            self._history.append(replay.read_history(self))
        return self._history[0]

    def _held(self, table: Any) -> Any:
        """Return a table in memory as one of this view's engine."""
        import ibis

        name = ibis.util.gen_name("fengkong_held")
        self.connection.con.register(name, table)
        return self.connection.table(name)

    def derive(self, progress: Progress | None = None) -> Path:
        """Compute the derived tables where they are not yet kept, and return their folder.

        Notes
        -----
        Kept in the book under a hash of all that they depend on, and made whole by one rename:
        two processes may compute the same at once, and a killed one leaves nothing behind.
        """
        from fengkong.book import replay

        target = self._kept()
        if target.is_dir():
            return target
        with ExitStack() as stack:
            folder = stack.enter_context(self.book.staging()) / "derived"
            folder.mkdir()
            view = self
            if self.engine != "duckdb":
                view = stack.enter_context(
                    View(
                        self.book,
                        as_of=self.as_of,
                        known_at=self.known_at,
                        memory_limit=self.memory_limit,
                    )
                )
                view._batches = self._batches  # noqa: SLF001  the same snapshot
            replay.derive(view, folder, progress=progress)
            target.parent.mkdir(exist_ok=True)
            try:
                _disk.commit_folder(folder, target)
            except OSError:
                if not target.is_dir():  # else another process was faster with the same content
                    raise
        return target

    def _kept(self) -> Path:
        """Return the folder of the derived tables, there or not."""
        from fengkong.book import replay

        return self.book.path / "derived" / self._derived_key(str(replay.VERSION))

    def _derived_key(self, version: str) -> str:
        """Hash what the derived tables depend on."""
        partial = self.known_at is not None and any(
            manifest.recorded_at_max > self.known_at
            for batch in self._batches
            for manifest in batch.tables.values()
        )
        content = {
            "batches": [(batch.batch_id, batch.content_hash) for batch in self._batches],
            "as_of": self.as_of.isoformat(),
            # An instant after everything the batches say changes nothing.
            "known_at": self.known_at.isoformat() if partial and self.known_at else None,
            "version": version,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _derived(self, name: str) -> Any:
        if name not in self._tables:
            files = sorted((self.derive() / name).glob("*.parquet"))
            schema = DERIVED[name]
            source = self._engine.read(files) if files else self._empty(schema)
            self._tables[name] = source.select(**_columns_of(source, schema))
        return self._tables[name]

    def rows_at_most(self, name: str) -> int:
        """Return the rows of a fact table before dates and later versions are looked at."""
        return sum(part.rows for _, part in self._parts(name))

    def keeps_order(self, name: str) -> bool:
        """Whether a fact table is read as its files lie: no key of it comes twice."""
        return not any(part.again for _, part in self._parts(name))

    def _parts(self, name: str) -> list[tuple[Batch, TableManifest]]:
        """List the parts of a table that may hold a visible row, in order of arrival."""
        return [
            (batch, batch.tables[name])
            for batch in self._batches
            if name in batch.tables
            and batch.tables[name].rows > 0
            and (self.known_at is None or batch.tables[name].recorded_at_min <= self.known_at)
        ]

    def versions(self, name: str) -> Any:
        """Rows of a fact table in every version that is known, whatever their business date.

        For whoever asks what was known at many instants: of the versions of a key recorded by an
        instant, the one recorded last (of equals, the one with the greater batch_id) held then.

        Returns
        -------
        ibis Table
            As `table`, but a corrected key has a row for each version. No order of rows.
        """
        if name not in TABLES:
            raise InputError(f"the book has no table {name!r}; it has {', '.join(TABLES)}")
        return self._known(TABLES[name])

    def _known(self, schema: Table) -> Any:
        import ibis

        parts = self._parts(schema.name)
        if not parts:
            return _stamped(self._empty(schema), schema)
        pieces = list(self._pieces(schema, parts))
        rows = pieces[0] if len(pieces) == 1 else ibis.union(*pieces, distinct=False)
        known_at = self.known_at
        if known_at is not None and any(part.recorded_at_max > known_at for _, part in parts):
            rows = rows.filter(rows.recorded_at <= ibis.literal(known_at, type=_INSTANT))
        return rows

    def _facts(self, schema: Table) -> Any:
        import ibis

        parts, rows = self._parts(schema.name), self._known(schema)
        again = [batch.folder / part.again for batch, part in parts if part.again]
        if again:
            rows = _latest(rows, self._engine.read(again), schema)
        column = schema.business_date
        if column and any(
            part.business_date_max is None or part.business_date_max > self.as_of
            for _, part in parts
        ):
            rows = rows.filter(rows[column] <= ibis.literal(self.as_of, type="date"))
        return rows

    def _pieces(self, schema: Table, parts: Sequence[tuple[Batch, TableManifest]]) -> Iterator[Any]:
        """Read files of equal columns at once; files without stamps batch by batch."""
        together: dict[tuple[str, ...], list[Path]] = {}
        for batch, part in parts:
            files = [batch.folder / name for name in part.files]
            _check_there(files)
            if set(STAMPS) <= set(part.columns):
                together.setdefault(part.columns, []).extend(files)
            else:
                yield _stamped(self._engine.read(files), schema, batch)
        for files in together.values():
            yield _stamped(self._engine.read(files), schema)

    def _empty(self, schema: Table) -> Any:
        """Return a typed table without rows that belongs to this view's engine."""
        import pyarrow.parquet as pq

        from fengkong.book._intake import arrow_schema

        path = self._scratch / f"empty-{schema.name}.parquet"
        if not path.exists():
            pq.write_table(arrow_schema(schema, stamps=not schema.derived).empty_table(), path)
        return self._engine.read([path])


_INSTANT = IBIS_TYPE[Kind.INSTANT]


def _check_there(files: Sequence[Path]) -> None:
    for path in files:
        if not path.is_file():
            raise BookError(f"{path}: this part of the book is gone; restore it from a backup")


def _seen(batch: Batch, known_at: datetime | None) -> Iterator[bool]:
    for part in batch.tables.values():
        yield known_at is None or part.recorded_at_min <= known_at


def _columns_of(source: Any, schema: Table) -> dict[str, Any]:
    """Each column of the schema in its type; null where the source has none."""
    import ibis

    columns = {}
    for name, kind in schema.ibis_schema().items():
        target = ibis.dtype(kind)
        if name not in source.columns:
            columns[name] = ibis.null(target)
        elif source[name].type().copy(nullable=True) == target:
            columns[name] = source[name]
        else:
            columns[name] = source[name].cast(target)
    return columns


def _stamped(source: Any, schema: Table, batch: Batch | None = None) -> Any:
    """Columns of the schema, then recorded_at and batch_id (from ``batch`` when not stored)."""
    import ibis

    columns = _columns_of(source, schema)
    if batch is None:
        known = source.recorded_at.cast(_INSTANT)
        return source.select(**columns, recorded_at=known, batch_id=source.batch_id)
    filled = ibis.literal(batch.recorded_at, type=_INSTANT)
    if "recorded_at" in source.columns:
        filled = ibis.coalesce(source.recorded_at.cast(_INSTANT), filled)
    return source.select(**columns, recorded_at=filled, batch_id=ibis.literal(batch.batch_id))


def _latest(rows: Any, again: Any, schema: Table) -> Any:
    """Keep the latest row of each key; only the keys in ``again`` can come twice."""
    import ibis

    keys = list(schema.key)
    again = again.select(keys).distinct()
    twice = rows.semi_join(again, keys)
    window = ibis.window(group_by=keys, order_by=[ibis.desc("recorded_at"), ibis.desc("batch_id")])
    twice = twice.mutate(place_=ibis.row_number().over(window))
    newest = twice.filter(twice.place_ == 0).drop("place_")
    return ibis.union(rows.anti_join(again, keys), newest, distinct=False)
