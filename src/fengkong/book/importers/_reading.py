"""Reading of the files of one load: in one quick pass, or carefully when anything is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from fengkong.book.engines import connect_duckdb
from fengkong.book.importers import _quarantine
from fengkong.book.importers._mapping import FileMap, Plan, Target, parse_mapping, propose
from fengkong.book.importers._scan import LINE, Head, find_encoding, read_head, scan
from fengkong.book.importers._typed import Typed, stripped_cells, usable_targets
from fengkong.book.importers._unpack import Limits, Plain, unpack
from fengkong.book.quality import built_in_rules
from fengkong.book.schema import TABLES
from fengkong.book.vault import personal_columns
from fengkong.foundation.errors import TapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fengkong.book.quality import Rule
    from fengkong.book.store import Book

REASONS = "__reasons"
_MOST_APART = 100_000
# What the engine raises when memory or the disk is short: no fault of the file it reads.
_NOT_THE_FILE = ("OutOfMemoryException", "IOException", "InterruptException")


@dataclass(slots=True)
class Part:
    """One file of the load and what was made of it."""

    number: int
    plain: Plain
    part: FileMap
    head: Head
    targets: tuple[Target, ...]
    rows: int = 0
    fast: Path | None = None
    detail: Path | None = None
    refused: list[_quarantine.Row] = field(default_factory=list)


class Reading:
    """The files of one load, read in its staging folder."""

    def __init__(
        self,
        book: Book,
        folder: Path,
        plan: Plan | None,
        limits: Limits,
        say: Callable[[str, float], None],
    ) -> None:
        self.book, self.folder, self.plan, self.limits, self.say = book, folder, plan, limits, say
        self.connection = connect_duckdb(folder / "engine", limits.memory or None)
        self.rules = built_in_rules() + (plan.rules if plan else ())
        self.parts: list[Part] = []
        self.source: dict[str, Any] = {}

    # -- reading ---------------------------------------------------------------------------------

    def read(self, number: int, path: Path) -> Part:
        sheet = next((p.sheet for p in self.plan.files if p.sheet), None) if self.plan else None
        inside = self.folder / f"in{number}"
        inside.mkdir()
        plain = unpack(path, inside, self.limits, sheet=sheet)
        parquet = plain.kind == "parquet"
        head = self._parquet_head(plain) if parquet else self._csv_head(plain)
        part = self._part_of(plain.name, head)
        targets = usable_targets(part, head.columns, plain.name)
        made = Part(number, plain, part, head, targets)
        simple = (
            plain.kind == "csv" and head.encoding == "utf-8" and len(targets) == 1
            and not part.skip_footer and not targets[0].distinct and targets[0].skip_if_empty is None  # noqa: E501
            and not personal_columns(TABLES[targets[0].table])
            and not any(spec.row_prefix is not None for spec in targets[0].fields.values())
        )  # fmt: skip
        if not (simple and self._quick(made)):
            self.careful(made)
        return made

    def _csv_head(self, plain: Plain) -> Head:
        with plain.path.open("rb") as stream:
            start = stream.read(1 << 20)
        cut = start[: start.rfind(b"\n") + 1] or start
        try:
            cut.decode("utf-8")
            encoding = "utf-8"
        except UnicodeDecodeError:
            encoding = find_encoding(plain.path)
        return read_head(plain.path, plain.name, encoding)

    def _parquet_head(self, plain: Plain) -> Head:
        try:
            meta = pq.read_metadata(plain.path)
        except (pa.ArrowException, OSError) as error:
            raise TapeError(
                f"the Parquet file is damaged ({error})", file=plain.name, rule="L-03"
            ) from error
        size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        if size > self.limits.unpacked_bytes:
            raise TapeError("it unpacks to more than the limit", file=plain.name, rule="L-01")
        return Head(tuple(meta.schema.to_arrow_schema().names), ",", "utf-8")

    def _part_of(self, name: str, head: Head) -> FileMap:
        if self.plan is not None:
            return self.plan.of(name, head.columns)
        part = propose(name, head.columns)
        if part.get("unknown") or part.get("missing"):
            raise TapeError(
                f"not all columns are known (unknown: {', '.join(part.get('unknown', [])) or 'none'}; "  # noqa: E501
                f"missing: {', '.join(part.get('missing', [])) or 'none'}); write a mapping, beginning "  # noqa: E501
                "with: fk import mapping FILE --propose",
                file=name, line=1, column=next(iter(part.get("unknown", [])), None),
            )  # fmt: skip
        return parse_mapping({"files": [{**part, "pattern": "*"}]}).files[0]

    def _quick(self, made: Part) -> bool:
        """Write typed rows in one pass; False when the careful way is needed."""
        names = [f"c{place}" for place in range(len(made.head.columns))]
        target = self.folder / f"fast{made.number}.parquet"
        key = TABLES[made.targets[0].table].key[0]
        try:
            raw = self.connection.read_csv(
                str(made.plain.path), columns=dict.fromkeys(names, "VARCHAR"), header=True,
                delim=made.head.delimiter, quote='"', escape='"', strict_mode=True,
                null_padding=False, auto_detect=False,
            )  # fmt: skip
            cells = stripped_cells(raw, names)
            typed = Typed(made.targets[0], cells, made.head.columns, LINE)
            table = cells.mutate(**typed.values)
            bad = _any(typed.reasons(table, self.rules))
            columns = {name: table[name] for name in typed.values}
            columns[key] = ibis.ifelse(bad, ibis.null(table[key].type()), table[key])
            self.connection.to_parquet(table.select(**columns), target, compression="zstd")
        except Exception as error:
            if not _is_of_engine(error):
                raise
            target.unlink(missing_ok=True)
            return False
        rows = pq.read_metadata(target).num_rows
        done = self.connection.read_parquet(str(target))
        refused = done.filter(done[key].isnull()).count().execute()
        if rows + 1 != made.plain.lines or refused > _MOST_APART:
            target.unlink()
            return False
        made.rows, made.fast = rows, target
        return not refused or self._set_apart(made, key)

    def _set_apart(self, made: Part, key: str) -> bool:
        """Read only the bad rows carefully; False when the two readers do not agree on them.

        As many records as lines means that each record is one line, so the place of a row in the
        quick copy is its line.
        """
        whole = made.fast
        done = self.connection.read_parquet(str(whole), file_row_number=True)
        found = done.filter(done[key].isnull()).select("file_row_number").to_pyarrow()
        lines = sorted(place + 2 for place in found["file_row_number"].to_pylist())
        few = self.folder / f"few{made.number}.csv"
        _copy_lines(made.plain.path, lines, few)
        plain = replace(made.plain, path=few, lines=len(lines) + 1)
        small = Part(made.number, plain, made.part, made.head, made.targets)
        self.careful(small)
        rows = [*small.refused, *self.refused_of(small, {})]
        made.fast = None
        if small.rows != len(lines) or len(rows) != len(lines):
            return False
        made.refused = [replace(row, line=lines[row.line - 2]) for row in rows]
        made.fast = self.folder / f"sound{made.number}.parquet"
        sound = done.filter(done[key].notnull()).drop("file_row_number")
        self.connection.to_parquet(sound, made.fast, compression="zstd")
        return True

    def refused_of(
        self, part: Part, more: Mapping[int, Sequence[tuple[str, str]]]
    ) -> list[_quarantine.Row]:
        """Return the rows of a careful copy that break a rule, ``more`` reasons by line added."""
        table = self.connection.read_parquet(str(part.detail))
        lines = table[LINE].isin(list(more)) if more else False
        cells = [f"c{place}" for place in range(len(part.head.columns))]
        bad = table.filter((table[REASONS] != "") | lines).select(LINE, REASONS, *cells)
        rows = []
        for raw in bad.to_pyarrow().to_pylist():
            own = [tuple(one.split("\x1f")) for one in raw[REASONS].split("\x1e") if one]
            reasons = tuple(dict.fromkeys([*own, *more.get(raw[LINE], [])]))
            values = tuple("" if raw[cell] is None else raw[cell] for cell in cells)
            rows.append(
                _quarantine.Row(part.plain.name, raw[LINE], reasons, part.head.columns, values)  # type: ignore[arg-type]
            )
        return rows

    def careful(self, made: Part) -> None:
        """Read with exact lines, keep the cells, and note every broken rule by row."""
        head, names = made.head, [f"c{place}" for place in range(len(made.head.columns))]
        if made.plain.kind == "parquet":
            source = self.connection.read_parquet(str(made.plain.path))
            raw = source.select(
                ibis.row_number().cast("int64").name(LINE),
                *(
                    source[old].cast("string").name(new)
                    for old, new in zip(head.columns, names, strict=True)
                ),
            )
            raw = raw.mutate(**{LINE: raw[LINE] + 1})
            made.rows = pq.read_metadata(made.plain.path).num_rows
        else:
            raw = self._scanned(made, names)
        cells = stripped_cells(raw, names)
        fields = [
            Typed(target, cells, head.columns, LINE, f"t{place}__")
            for place, target in enumerate(made.targets)
        ]
        values = {name: value for typed in fields for name, value in typed.values.items()}
        table = cells.mutate(**values)
        made.detail = self.folder / f"detail{made.number}.parquet"
        table = table.select(
            LINE, *names, *values, **{REASONS: _reasons(fields, table, self.rules)}
        )
        try:
            self.connection.to_parquet(table, made.detail, compression="zstd")
        except Exception as error:
            if not _is_of_engine(error) or type(error).__name__ in _NOT_THE_FILE:
                raise
            raise TapeError(
                f"the file is damaged inside ({str(error).splitlines()[0]}); "
                "ask the sender for it again",
                file=made.plain.name, rule="L-03",
            ) from error  # fmt: skip
        made.fast = None

    def _scanned(self, made: Part, names: list[str]) -> Any:
        """Read the careful copy of a CSV; switch encoding when that reads more of it."""
        head = made.head
        if head.encoding == "utf-8":
            found = find_encoding(made.plain.path)
            if found != head.encoding:
                head = made.head = read_head(made.plain.path, made.plain.name, found)
        clean = self.folder / f"clean{made.number}.csv"
        made.rows, refused = scan(made.plain.path, head, clean, skip_footer=made.part.skip_footer)
        made.refused = [
            _quarantine.Row(made.plain.name, one.line, ((one.rule, ""),), head.columns, one.text)
            for one in refused
        ]
        kinds = {LINE: "BIGINT", **dict.fromkeys(names, "VARCHAR")}
        return self.connection.read_csv(
            str(clean), columns=kinds, header=True, delim=head.delimiter, quote='"', escape='"',
            strict_mode=True, null_padding=False, auto_detect=False, max_line_size=1 << 24,
        )  # fmt: skip


def _copy_lines(path: Path, lines: Sequence[int], target: Path) -> None:
    """Copy the header and the given physical lines, which rise."""
    with path.open("rb") as source, target.open("wb") as sink:
        sink.write(source.readline())
        at = 1
        for line in lines:
            raw = next(islice(source, line - at - 1, None)).rstrip(b"\r\n")
            sink.write(raw + b"\n")
            at = line


def _is_of_engine(error: Exception) -> bool:
    return type(error).__module__.split(".")[0] in ("duckdb", "_duckdb")


def _any(reasons: Sequence[tuple[str, str, Any]]) -> Any:
    """Return whether a row breaks any rule."""
    bad: Any = ibis.literal(False)
    for _, _, broken in reasons:
        bad = bad | broken.fill_null(False)
    return bad


def _reasons(fields: Sequence[Typed], table: Any, rules: Sequence[Rule]) -> Any:
    """Return the rules that a row breaks, with their columns, as one text."""
    text: Any = ibis.literal("")
    for place, typed in enumerate(fields):
        only = typed.target.skip_if_empty
        used = table[f"t{place}__{only}"].notnull() if only else True
        for rule, column, broken in typed.reasons(table, rules):
            flag = (broken & used).fill_null(False)
            text = text.concat(ibis.ifelse(flag, f"{rule}\x1f{column}\x1e", ""))
    return text
