"""One load: read, check, set apart what breaks a rule, and commit all or nothing."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from fengkong.book._intake import increasing
from fengkong.book.importers import _quarantine
from fengkong.book.importers._mapping import (
    FORMATS,
    Plan,
    Target,
    built_in_mapping,
    parse_mapping,
    read_mapping,
)
from fengkong.book.importers._reading import REASONS, Part, Reading
from fengkong.book.importers._report import (
    Example,
    FileAccount,
    ImportReport,
    RuleAccount,
    report_of,
    supported,
)
from fengkong.book.importers._scan import LINE
from fengkong.book.importers._unpack import Limits, file_hash
from fengkong.book.quality import built_in_rules, rule_text
from fengkong.book.schema import TABLES
from fengkong.book.vault import personal_columns
from fengkong.foundation.errors import BookError, InputError, TapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from fengkong.book.store import Book

_CHILDREN = {
    "instalments": None, "payments": "paid_on", "fees": "charged_on", "modifications": "modified_on",  # noqa: E501
    "loan_events": "occurred_on", "loan_months": "month_end", "loan_outcomes": "observed_on",
    "funding_shares": None, "drawdowns": None, "collateral": None, "guarantees": None,
    "compensations": None, "collection_contacts": None,
}  # fmt: skip
_FILE = "__file"
_ENGINE = ("duckdb", "_duckdb")


def import_tape(
    book: Book,
    files: Sequence[Path],
    *,
    format: str,  # noqa: A002  the word of the command line
    mapping: Mapping[str, Any] | Path | None = None,
    recorded_at: datetime,
    progress: Callable[[str, float], None] | None = None,
    limits: Limits | None = None,
    source: Mapping[str, Any] | None = None,
) -> ImportReport:
    """Load the files of one tape as one batch.

    Parameters
    ----------
    files : sequence of Path
        CSV (UTF-8, with BOM, GB18030), gzip of it, Parquet or Excel.
    format : str
        "lendingclub", "taiwan" or "mapping".
    mapping : mapping or Path, optional
        For "mapping": its content or its YAML file; without it the headers must all be known.
    recorded_at : datetime
        Instant, with time zone, from which the rows are known.
    source : mapping, optional
        More to keep with the batch about where it comes from; part of what makes it the same.

    Returns
    -------
    ImportReport
        Rows read = accepted + quarantined, for every file.

    Raises
    ------
    TapeError
        A file cannot be read as a whole; nothing entered the book.
    InputError
        The format or the mapping is wrong.
    BookError
        The disk or the engine refused; the book holds all of it or nothing.
    """
    if format not in FORMATS:
        raise InputError(f"format {format!r} is not known; choose from {', '.join(FORMATS)}")
    paths = [Path(path) for path in files]
    if not paths:
        raise InputError("no file was given")
    if len({path.name for path in paths}) < len(paths):
        raise InputError("two files have the same name; rename one, so that a line can be found")
    say = progress or (lambda _text, _share: None)
    for path in paths:
        if not path.is_file():
            raise TapeError("there is no such file", file=path.name)
    plan = _plan(format, mapping)
    name = _content_hash(format, plan, paths, source or {})
    for batch in book.batches():
        if batch.content_hash == name:
            return report_of(batch.source["report"], batch_id=batch.batch_id, already_loaded=True)
    with _refusals(book), book.staging() as folder:
        load = _Load(book, folder, plan, limits or Limits(), say)
        load.source = {"format": format, **(source or {})}
        try:
            return load.run(paths, recorded_at=recorded_at, content_hash=name)
        finally:
            load.connection.disconnect()


@contextmanager
def _refusals(book: Book) -> Iterator[None]:
    """Say in our words that the disk or the engine refused; the book then holds all or nothing."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or type(error).__module__.split(".")[0] in _ENGINE:
            raise BookError(
                f"{book.path}: the disk or the engine refused the import ({error}); the book holds "
                "all of it or nothing, so import again once this is mended"
            ) from error
        raise


def _plan(format_name: str, mapping: Mapping[str, Any] | Path | None) -> Plan | None:
    if format_name != "mapping":
        return built_in_mapping(format_name)
    if mapping is None:
        return None
    return read_mapping(mapping) if isinstance(mapping, Path) else parse_mapping(dict(mapping))


def _content_hash(
    format_name: str, plan: Plan | None, paths: Sequence[Path], more: Mapping[str, Any]
) -> str:
    rules = [(rule.rule_id, rule.table, rule.expression) for rule in built_in_rules()]
    found = sorted([path.name, file_hash(path)] for path in paths)
    mapping = plan.text if plan else ""
    text = json.dumps([format_name, mapping, rules, found, dict(more)], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class _Load(Reading):
    """The steps of one load."""

    def run(
        self, paths: Sequence[Path], *, recorded_at: datetime, content_hash: str
    ) -> ImportReport:
        """Read every file, then check across rows and tables, then commit."""
        for number, path in enumerate(paths):
            self.say(f"reading {path.name}", 0.05 + 0.6 * number / len(paths))
            self.parts.append(self.read(number, path))
        self.say("checking keys and tables against each other", 0.7)
        extra = self._across()
        self.say("setting apart refused rows", 0.8)
        rows = self._refused(extra)
        tables = self._accepted(rows)
        report = self._account(rows, tables)
        self.say("committing", 0.9)
        _quarantine.write(
            self.book, content_hash, rows, retention_days=self.limits.retention_days,
            recorded_at=recorded_at,
            source={
                "format": self.source["format"], "mapping": self.plan.text if self.plan else None,
            },
        )  # fmt: skip
        batch = self.book.append(
            tables, recorded_at=recorded_at, content_hash=content_hash,
            source={**self.source, "report": report.to_dict()},
        )  # fmt: skip
        self.say("done", 1.0)
        return report_of(report.to_dict(), batch_id=batch.batch_id, already_loaded=False)

    # -- across rows and tables ------------------------------------------------------------------

    def _rows(self, table: str, *, distinct: bool = False) -> Any | None:
        """Return keys, file and line of all sound rows of a table over all files."""
        schema, found = TABLES[table], []
        wanted = list(
            dict.fromkeys(
                (*schema.key, "loan_id", schema.business_date, "disbursed_on", "recorded_at")
            )
        )
        for part in self.parts:
            for place, target in enumerate(part.targets):
                if target.table != table or (target.distinct and not distinct):
                    continue
                source = self._open(part)
                prefix = "" if part.fast else f"t{place}__"
                columns = {
                    name: source[prefix + name] if prefix + name in source.columns else ibis.null(_type(table, name))  # noqa: E501
                    for name in wanted if name and (name in schema or name == "recorded_at")
                }  # fmt: skip
                line = ibis.null("int64") if part.fast else source[LINE]
                found.append(
                    source.select(
                        **columns, **{_FILE: ibis.literal(part.number, "int64"), LINE: line}
                    )
                )
        return ibis.union(*found) if len(found) > 1 else (found[0] if found else None)

    def _open(self, part: Part) -> Any:
        source = self.connection.read_parquet(str(part.fast or part.detail))
        return source if part.fast else source.filter(source[REASONS] == "")

    def _slow_down(self, table: str) -> None:
        """Read the files of a table the careful way, because something in it is wrong."""
        for part in self.parts:
            if part.fast and part.targets[0].table == table:
                self.careful(part)

    def _across(self) -> list[tuple[int, int, str, str]]:
        """Find duplicate keys, unknown loans and dates before disbursement."""
        tables = list(dict.fromkeys(t.table for part in self.parts for t in part.targets))
        bad = [found for table in tables for found in self._duplicates(table)]
        children = [table for table in tables if table in _CHILDREN]
        if children:
            loans = self._loans(bad)
            bad += [found for table in children for found in self._orphans(table, loans)]
        return bad

    def _duplicates(self, table: str) -> list[tuple[int, int, str, str]]:
        rows = self._rows(table)
        if rows is None or self._rising(table):
            return []
        keys = [*TABLES[table].key, "recorded_at"]
        counted = rows.group_by(keys).agg(n=rows.count())
        if not counted.filter(counted.n > 1).count().execute():
            return []
        self._slow_down(table)
        rows = self._rows(table)
        assert rows is not None  # noqa: S101  it was there a line above
        number = ibis.row_number().over(ibis.window(group_by=keys, order_by=[_FILE, LINE]))
        again = rows.mutate(__n=number)
        again = again.filter(again["__n"] > 0).select(_FILE, LINE).distinct().to_pyarrow()
        return [
            (f, n, "K-01", TABLES[table].key[0])
            for f, n in zip(*(c.to_pylist() for c in again.columns), strict=True)
        ]

    def _rising(self, table: str) -> bool:
        """Whether the rows came in rising order of their key, so that none can be there twice."""
        parts = [part for part in self.parts if table in {one.table for one in part.targets}]
        paths = [part.fast for part in parts if part.fast]
        return len(paths) == len(parts) and increasing(paths, TABLES[table].key)

    def _loans(self, bad: Sequence[tuple[int, int, str, str]]) -> Any:
        """Return loan and date of disbursement of the book and of the sound rows of this tape."""
        from datetime import date

        found = []
        mine = self._rows("loans", distinct=True)
        if mine is not None:
            found.append(self._without(mine, bad).select("loan_id", "disbursed_on"))
        with self.book.view(as_of=date(9999, 12, 31)) as view:
            if view.has("loans"):
                old = view.table("loans").select("loan_id", "disbursed_on").to_pyarrow()
                path = self.folder / "loans-of-book.parquet"
                pq.write_table(old, path)
                found.append(
                    self.connection.read_parquet(str(path)).select("loan_id", "disbursed_on")
                )
        if not found:
            return ibis.memtable(
                pa.table(
                    {"loan_id": pa.array([], pa.string()), "known_on": pa.array([], pa.date32())}
                )
            )
        rows = ibis.union(*found) if len(found) > 1 else found[0]
        return rows.group_by("loan_id").agg(known_on=rows.disbursed_on.min())

    def _without(self, rows: Any, bad: Sequence[tuple[int, int, str, str]]) -> Any:
        if not bad:
            return rows
        table = ibis.memtable(pa.table({
            _FILE: pa.array([one[0] for one in bad], pa.int64()),
            LINE: pa.array([one[1] for one in bad], pa.int64()),
        }))  # fmt: skip
        return rows.anti_join(table.distinct(), [_FILE, LINE])

    def _orphans(self, table: str, loans: Any) -> list[tuple[int, int, str, str]]:
        wrong = self._orphan_rows(table, loans)
        if wrong is None or not wrong.count().execute():
            return []
        self._slow_down(table)
        wrong = self._orphan_rows(table, loans)
        assert wrong is not None  # noqa: S101  it was there a line above
        day = _CHILDREN[table] or ""
        found = wrong.select(_FILE, LINE, "__known").distinct().to_pyarrow().to_pylist()
        return [
            (
                one[_FILE],
                one[LINE],
                "X-02" if one["__known"] else "X-01",
                day if one["__known"] else "loan_id",
            )
            for one in found
        ]

    def _orphan_rows(self, table: str, loans: Any) -> Any | None:
        rows = self._rows(table)
        if rows is None or "loan_id" not in rows.columns:
            return None
        day = _CHILDREN[table]
        joined = rows.left_join(loans.rename(known_loan="loan_id"), [("loan_id", "known_loan")])
        joined = joined.mutate(__known=joined.known_loan.notnull())
        wrong = ~joined["__known"]
        if day is not None and day in joined.columns:
            wrong = wrong | (joined[day] < joined.known_on).fill_null(False)
        return joined.filter(wrong)

    # -- what goes where -------------------------------------------------------------------------

    def _refused(self, extra: Sequence[tuple[int, int, str, str]]) -> list[_quarantine.Row]:
        """Return every refused row once, with all its reasons and its cells as they came."""
        rows: list[_quarantine.Row] = []
        for part in self.parts:
            rows += part.refused
            if part.detail is None:
                continue
            more: dict[int, list[tuple[str, str]]] = {}
            for number, line, rule, column in extra:
                if number == part.number:
                    more.setdefault(line, []).append((rule, column))
            rows += self.refused_of(part, more)
        return sorted(rows, key=lambda row: (row.file, row.line))

    def _accepted(self, refused: Sequence[_quarantine.Row]) -> dict[str, list[Path]]:
        """Return the Parquet files of each table."""
        tables: dict[str, list[Path]] = {}
        for part in self.parts:
            if part.fast:
                if pq.read_metadata(part.fast).num_rows:
                    tables.setdefault(part.targets[0].table, []).append(part.fast)
                continue
            lines = [row.line for row in refused if row.file == part.plain.name]
            source = self._open(part)
            if lines:
                gone = ibis.memtable(pa.table({LINE: pa.array(lines, pa.int64())})).distinct()
                source = source.anti_join(gone, LINE)
            for place, target in enumerate(part.targets):
                path = self._write_target(source, part, place, target)
                if path is not None:
                    tables.setdefault(target.table, []).append(path)
        return tables

    def _write_target(self, source: Any, part: Part, place: int, target: Target) -> Path | None:
        prefix = f"t{place}__"
        names = [name.removeprefix(prefix) for name in source.columns if name.startswith(prefix)]
        rows = source
        if target.skip_if_empty:
            rows = rows.filter(rows[prefix + target.skip_if_empty].notnull())
        if target.distinct:
            keys = [prefix + name for name in TABLES[target.table].key]
            first = ibis.row_number().over(ibis.window(group_by=keys, order_by=LINE))
            rows = rows.mutate(__n=first)
            rows = rows.filter(rows["__n"] == 0)
        rows = rows.order_by(LINE).select(**{name: rows[prefix + name] for name in names})
        path = self.folder / f"out{part.number}_{place}.parquet"
        if personal_columns(TABLES[target.table]) or "birth_date" in names:
            table = rows.to_pyarrow()
            pq.write_table(self.book.vault.tokenise(table, target.table), path, compression="zstd")
        else:
            self.connection.to_parquet(rows, path, compression="zstd")
        return path if pq.read_metadata(path).num_rows else None

    def _account(
        self, refused: Sequence[_quarantine.Row], tables: Mapping[str, Sequence[Path]]
    ) -> ImportReport:
        files = []
        for part in self.parts:
            bad = sum(row.file == part.plain.name for row in refused)
            files.append(
                FileAccount(
                    file=part.plain.name, read=part.rows, accepted=part.rows - bad, quarantined=bad
                )
            )
        rules: dict[str, list[Example]] = {}
        for row in refused:
            for rule in dict.fromkeys(rule for rule, _ in row.reasons):
                column = next(column for one, column in row.reasons if one == rule)
                rules.setdefault(rule, []).append(
                    Example(file=row.file, line=row.line, column=column, rule=rule)
                )
        stored = {
            name: sum(pq.read_metadata(path).num_rows for path in paths)
            for name, paths in sorted(tables.items())
        }
        supports, needs = supported([name for name, count in stored.items() if count])
        says = [text for part in self.parts for text in part.part.says]
        return ImportReport(
            batch_id="", already_loaded=False, files=tuple(files), tables=stored,
            rules=tuple(
                RuleAccount(rule=rule, rows=len(found), en=rule_text(rule, self.rules),
                            zh=rule_text(rule, self.rules, "zh"), examples=tuple(found[: self.limits.examples]))  # noqa: E501
                for rule, found in sorted(rules.items())
            ),
            supports=supports, needs=tuple(dict.fromkeys([*says, *needs])),
        )  # fmt: skip


def _type(table: str, name: str) -> str:
    return "timestamp('UTC')" if name == "recorded_at" else TABLES[table].ibis_schema()[name]
