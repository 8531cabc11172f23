"""From text cells to typed fields, and the reasons why a row cannot enter: Ibis expressions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt

from fengkong.book.quality import Rule
from fengkong.book.schema import TABLES
from fengkong.foundation.columns import IBIS_TYPE, Column, Kind
from fengkong.foundation.errors import TapeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fengkong.book.importers._mapping import Field, FileMap, Target

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


class Typed:
    """One target over the raw columns of a file.

    Attributes
    ----------
    values : dict
        Field to typed Ibis value, in order of the schema; recorded_at last when mapped.
    reasons : list of (rule, column, condition)
        The condition is true where the row breaks the rule (null: not broken).
    """

    def __init__(
        self, target: Target, raw: Any, columns: Sequence[str], rules: Sequence[Rule], line: Any
    ) -> None:
        self.target = target
        self.values: dict[str, Any] = {}
        self.reasons: list[tuple[str, str, Any]] = []
        self._raw, self._line = raw, line
        self._place = {name: place for place, name in enumerate(columns)}
        schema = TABLES[target.table]
        for column in schema.columns:
            spec = target.fields.get(column.name)
            if spec is not None and self._readable(spec):
                self._add(column, spec)
        if "recorded_at" in target.fields:
            stamp = Column(name="recorded_at", kind=Kind.INSTANT, unit="UTC", meaning="")
            self._add(stamp, target.fields["recorded_at"])
        self._add_rules(rules)

    def _readable(self, spec: Field) -> bool:
        return not spec.sources or any(source in self._place for source in spec.sources)

    def _cell(self, header: str) -> Any:
        return self._raw[f"c{self._place[header]}"].strip().nullif("")

    def _text(self, spec: Field) -> tuple[Any, str]:
        """Return the cell as text, and the header it comes from."""
        if spec.row_prefix is not None and spec.sources:
            return ibis.literal(spec.row_prefix).concat(self._cell(spec.sources[0])), ""
        if spec.row_prefix is not None:
            return ibis.literal(spec.row_prefix).concat(self._line.cast("string")), ""
        if spec.sources:
            header = next(source for source in spec.sources if source in self._place)
            value = self._cell(header)
        else:
            header, value = "", ibis.literal(spec.constant, type="string")
        if spec.default is not None:
            value = value.fill_null(spec.default)
        return value, header

    def _add(self, column: Column, spec: Field) -> None:
        if spec.derive is not None:
            self._derive(column, spec.derive)
            return
        text, header = self._text(spec)
        place = header or column.name
        if spec.codes is not None:
            coded = text.cases(*spec.codes.items(), else_=None)
            self.reasons.append(("V-03", place, text.notnull() & coded.isnull()))
            value = _typed(coded, column, spec)
            self.reasons.append(("V-01", place, coded.notnull() & value.isnull()))
        else:
            value = _typed(text, column, spec)
            if column.kind is not Kind.TEXT:
                self.reasons.append(("V-01", place, text.notnull() & value.isnull()))
        if column.kind is Kind.FLOAT:
            self.reasons.append(("V-04", place, value.isnan() | value.isinf()))
        if column.values:
            self.reasons.append(("V-03", place, value.notnull() & ~value.isin(column.values)))
        if column.required:
            self.reasons.append(("V-02", place, text.isnull()))
        if column.name == "birth_date":
            value = value.truncate("Y")
        self.values[column.name] = value

    def _derive(self, column: Column, derive: Mapping[str, Any]) -> None:
        """Principal of an annuity: instalment (1 - (1 + r)^-n) / r, with r a month's rate."""
        paid = self._cell(derive["instalment"]).try_cast("float64")
        rate = self._cell(derive["rate_percent"]).try_cast("float64") / 1200.0
        months = float(derive["months"])
        made = ibis.ifelse(
            rate == 0, paid * months, paid * (1.0 - (rate + 1.0).pow(-months)) / rate
        )
        whole = made.nullif(float("nan"))
        self.values[column.name] = whole.try_cast(IBIS_TYPE[column.kind])
        self.reasons.append(("V-01", derive["instalment"], self.values[column.name].isnull()))

    def _add_rules(self, rules: Sequence[Rule]) -> None:
        """Quality rules over the typed row; columns that the tape lacks are null."""
        mine = [rule for rule in rules if rule.table == self.target.table]
        for rule in mine:
            expression = rule.compiled()
            if set(expression.columns) <= set(self.values):
                broken = ~expression.to_ibis(self.values)
                self.reasons.append((rule.rule_id, self.header_of(rule.column), broken))

    def header_of(self, name: str) -> str:
        """Return the header from which a field comes; its own name when none."""
        spec = self.target.fields.get(name)
        return next((s for s in spec.sources if s in self._place), name) if spec else name


def _typed(text: Any, column: Column, spec: Field) -> Any:
    kind = column.kind
    if spec.unit == "digits":
        text = text.re_extract(r"(\d+)", 1).nullif("")
    if kind is Kind.TEXT:
        return text
    if kind is Kind.DATE:
        return _date(text, spec)
    if kind is Kind.INSTANT:
        return text.try_cast("timestamp('UTC')")
    if kind is Kind.BOOLEAN:
        low = text.lower()
        return low.cases(*((w, True) for w in _TRUE), *((w, False) for w in _FALSE), else_=None)
    return _number(text, kind, spec)


def _date(text: Any, spec: Field) -> Any:
    found = text.try_cast("date")
    for pattern in spec.dates or _DATES:
        found = found.fill_null(_try_strptime(text, pattern).date())
    return ibis.ifelse(found.between(_FIRST, _LAST), found, ibis.null("date"))


def _number(text: Any, kind: Kind, spec: Field) -> Any:
    if spec.thousands:
        text = text.replace(spec.thousands, "")
    if spec.unit == "percent":
        text = text.replace("%", "").strip()
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
