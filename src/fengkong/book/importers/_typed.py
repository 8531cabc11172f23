"""From text cells to typed fields, and the reasons why a row cannot enter: Ibis expressions."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt

from fengkong.book.importers._mapping import words
from fengkong.book.schema import TABLES
from fengkong.foundation.columns import IBIS_TYPE, Column, Kind
from fengkong.foundation.errors import TapeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fengkong.book.importers._mapping import Field, FileMap, Target
    from fengkong.book.quality import Rule

_FACTOR = {
    "percent": "0.01",
    "basis_points": "0.0001",
    "wan": "10000",
    "thousand": "1000",
    "cents": "0.01",
}
_FIRST, _LAST = date(1900, 1, 1), date(2200, 12, 31)
_TRUE, _FALSE = ("true", "t", "1", "y", "yes", "是"), ("false", "f", "0", "n", "no", "否")
_DATES = ("%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日")
_STAMP = Column(name="recorded_at", kind=Kind.INSTANT, unit="UTC", meaning="")
_BARE = "bare_"


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.string), dt.timestamp))
def _try_strptime(text, pattern):  # type: ignore[no-untyped-def]
    ...


def usable_targets(part: FileMap, columns: Sequence[str], name: str) -> tuple[Target, ...]:
    """Return the targets that the header supports.

    Raises
    ------
    TapeError
        A column that the mapping names is missing.
    """
    have = set(columns)
    kept = [target for target in part.targets if set(target.needs) <= have]
    for target in kept:
        for to, spec in target.fields.items():
            required = to == "recorded_at" or TABLES[target.table][to].required
            if spec.sources and not have & set(spec.sources) and (required or not part.lenient):
                raise TapeError(
                    f"the column is missing (it becomes {target.table}.{to}); "
                    "correct the header or the mapping",
                    file=name, line=1, column=spec.sources[0], rule="W-01",
                )  # fmt: skip
        missing = [
            c.name
            for c in TABLES[target.table].columns
            if c.required and c.name not in target.fields
        ]
        if missing:
            raise TapeError(
                f"the mapping says nothing of {target.table}.{', '.join(missing)}",
                file=name,
                rule="V-02",
            )
    if not kept:
        raise TapeError("no table of the mapping is supported by these columns", file=name, line=1)
    return tuple(kept)


def stripped_cells(raw: Any, names: Sequence[str]) -> Any:
    """Add to a table of raw cells each of them without white space around it, blank as null.

    What follows reads these columns many times; as columns they are made once.
    """
    return raw.mutate(**{_BARE + name: _stripped(raw[name]).nullif("") for name in names})


def _stripped(text: Any) -> Any:
    """Return the text without white space around it.

    The engine's strip costs more than the reading of the file, and next to no cell needs it. Every
    character that it takes away sorts before "!", so a text that begins and ends with others stays.
    """
    bare = (text >= "!") & (text.right(1) >= "!")
    return ibis.ifelse(bare, text, text.strip())


class Typed:
    """One target over the cells of a file.

    The fields are made in two steps, so that a condition reads a typed column instead of making it
    again: first ``values`` become columns of the table, then ``reasons`` is asked about that table.

    Attributes
    ----------
    values : dict
        Column (``prefix`` and field) to typed Ibis value, in order of the schema; recorded_at last
        when mapped.
    """

    def __init__(
        self, target: Target, cells: Any, columns: Sequence[str], line: Any, prefix: str = ""
    ) -> None:
        self.target = target
        self.values: dict[str, Any] = {}
        self._line, self._prefix = line, prefix
        self._place = {name: place for place, name in enumerate(columns)}
        self._columns = [
            column
            for column in (*TABLES[target.table].columns, _STAMP)
            if column.name in target.fields and self._readable(target.fields[column.name])
        ]
        for column in self._columns:
            self.values[prefix + column.name] = self._value(column, cells)

    def _readable(self, spec: Field) -> bool:
        return not spec.sources or any(source in self._place for source in spec.sources)

    def _cell(self, header: str, cells: Any) -> Any:
        return cells[f"{_BARE}c{self._place[header]}"]

    def _text(self, spec: Field, cells: Any) -> tuple[Any, str]:
        """Return the cell as text, and the header it comes from."""
        if spec.row_prefix is not None and spec.sources:
            return ibis.literal(spec.row_prefix).concat(self._cell(spec.sources[0], cells)), ""
        if spec.row_prefix is not None:
            return ibis.literal(spec.row_prefix).concat(cells[self._line].cast("string")), ""
        if spec.sources:
            header = next(source for source in spec.sources if source in self._place)
            value = self._cell(header, cells)
        else:
            header, value = "", ibis.literal(spec.constant, type="string")
        if spec.default is not None:
            value = value.fill_null(spec.default)
        return value, header

    def _value(self, column: Column, cells: Any) -> Any:
        spec = self.target.fields[column.name]
        if spec.derive is not None:
            return self._derived(column, spec.derive, cells)
        text, _ = self._text(spec, cells)
        value = _typed(self._decoded(text, column, spec), column, spec)
        return value.truncate("Y") if column.name == "birth_date" else value

    def _decoded(self, text: Any, column: Column, spec: Field) -> Any:
        """Return the code of the book: by the codes of the mapping, else by the words we know."""
        if spec.codes is not None:
            return text.cases(*spec.codes.items(), else_=None)
        known = words().get(f"{self.target.table}.{column.name}")
        if known is None:
            return text
        plain = text.isin(sorted(set(known.values())))
        return ibis.ifelse(plain, text, text.cases(*known.items(), else_=text))

    def _derived(self, column: Column, derive: Mapping[str, Any], cells: Any) -> Any:
        """Principal of an annuity: instalment (1 - (1 + r)^-n) / r, with r a month's rate."""
        paid = self._cell(derive["instalment"], cells).try_cast("float64")
        rate = self._cell(derive["rate_percent"], cells).try_cast("float64") / 1200.0
        months = float(derive["months"])
        made = ibis.ifelse(
            rate == 0, paid * months, paid * (1.0 - (rate + 1.0).pow(-months)) / rate
        )
        return made.nullif(float("nan")).try_cast(IBIS_TYPE[column.kind])

    def reasons(self, table: Any, rules: Sequence[Rule]) -> list[tuple[str, str, Any]]:
        """Return why a row cannot enter: rule, column, and a condition true where it is broken.

        Parameters
        ----------
        table : Ibis table
            The cells with ``values`` as further columns. A condition that is null is not broken.
        rules : sequence of Rule
            Quality rules over the typed row; one over columns that the tape lacks is left out.
        """
        values = {column.name: table[self._prefix + column.name] for column in self._columns}
        found: list[tuple[str, str, Any]] = []
        for column in self._columns:
            found += self._broken(column, values[column.name], table)
        for rule in rules:
            if rule.table == self.target.table:
                expression = rule.compiled()
                missing = set(expression.columns) - set(values)
                if not missing or rule.absent == "null":
                    broken = ~expression.to_ibis({**values, **_nulls(rule.table, missing)})
                    found.append((rule.rule_id, self.header_of(rule.column), broken))
        return found

    def _broken(self, column: Column, value: Any, cells: Any) -> Iterator[tuple[str, str, Any]]:
        spec = self.target.fields[column.name]
        if spec.derive is not None:
            yield "V-01", spec.derive["instalment"], value.isnull()
            return
        text, header = self._text(spec, cells)
        place = header or column.name
        coded = self._decoded(text, column, spec)
        if spec.codes is not None:
            yield "V-03", place, text.notnull() & coded.isnull()
        if spec.codes is not None or column.kind is not Kind.TEXT:
            yield "V-01", place, coded.notnull() & value.isnull()
        if column.kind is Kind.FLOAT:
            yield "V-04", place, value.isnan() | value.isinf()
        if column.values:
            yield "V-03", place, value.notnull() & ~value.isin(column.values)
        if column.required:
            yield "V-02", place, text.isnull()

    def header_of(self, name: str) -> str:
        """Return the header from which a field comes; its own name when none."""
        spec = self.target.fields.get(name)
        return next((s for s in spec.sources if s in self._place), name) if spec else name


def _nulls(table: str, names: set[str]) -> dict[str, Any]:
    """Return columns of a table as null."""
    return {name: ibis.null(IBIS_TYPE[TABLES[table][name].kind]) for name in sorted(names)}


def _typed(text: Any, column: Column, spec: Field) -> Any:
    kind = column.kind
    if spec.unit == "digits":
        text = text.re_extract(r"(\d+)", 1).nullif("")
    if kind is Kind.TEXT:
        return text
    if kind is Kind.DATE:
        return _date(text, spec)
    if kind is Kind.INSTANT:
        return _instant(text.try_cast(IBIS_TYPE[kind]))
    if kind is Kind.BOOLEAN:
        low = text.lower()
        return low.cases(*((w, True) for w in _TRUE), *((w, False) for w in _FALSE), else_=None)
    return _number(text, kind, spec)


def _date(text: Any, spec: Field) -> Any:
    found = text.try_cast("date")
    if spec.dates:
        # 05-06-25 is the year 5 by ISO 8601; the pattern of the mapping knows better.
        found = _in_range(found)
    for pattern in spec.dates or _DATES:
        found = found.fill_null(_try_strptime(text, pattern).date())
    return _in_range(found)


def _in_range(found: Any) -> Any:
    return ibis.ifelse(found.between(_FIRST, _LAST), found, ibis.null("date"))


def _instant(found: Any) -> Any:
    """Keep to the days that a date may have; the engine also reads infinity and year 99999."""
    day = found.date()
    return ibis.ifelse(day.between(_FIRST, _LAST), found, ibis.null(found.type()))


def _number(text: Any, kind: Kind, spec: Field) -> Any:
    if spec.thousands:
        # 12,34 may be 12.34 of a tape with decimal commas: groups of three, or of four (万), only.
        mark = re.escape(spec.thousands)
        rest = rf"([^\d{mark}][^{mark}]*)?$"
        by_three = text.re_search(rf"^[+-]?\d{{1,3}}({mark}\d{{3}})+{rest}")
        by_four = text.re_search(rf"^[+-]?\d{{1,4}}({mark}\d{{4}})+{rest}")
        sound = ~text.contains(spec.thousands) | by_three | by_four
        text = ibis.ifelse(sound, text.replace(spec.thousands, ""), ibis.null("string"))
    if spec.unit == "percent":
        text = _stripped(text.replace("%", ""))
    if kind is Kind.INTEGER:
        value = text.try_cast("int64")
        value = ibis.ifelse(
            text.try_cast("float64") == value.cast("float64"), value, ibis.null("int64")
        )
    elif spec.unit in _FACTOR and kind is Kind.MONEY:
        exact = text.try_cast("decimal(30, 8)") * ibis.literal(
            Decimal(_FACTOR[spec.unit]), type="decimal(10, 4)"
        )
        value = exact.try_cast("decimal(18, 2)")
    elif spec.unit in ("percent", "basis_points") and kind is Kind.FLOAT:
        value = text.try_cast("float64") / (100.0 if spec.unit == "percent" else 10000.0)
    else:
        value = text.try_cast(IBIS_TYPE[kind])
    if spec.sign == "negate":
        return -value if kind is not Kind.MONEY else (-value).cast("decimal(18, 2)")
    if spec.sign == "absolute":
        return value.abs()
    if spec.sign == "floor_zero":
        return ibis.ifelse(value < 0, ibis.literal(0).cast(IBIS_TYPE[kind]), value)
    return value
