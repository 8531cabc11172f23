"""A card as SQL: a tree of sqlglot, written out for DuckDB or for Spark."""

from __future__ import annotations

import math
from functools import reduce
from typing import Literal, TypeAlias

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from fengkong.foundation.errors import InputError
from fengkong.scorecard.card.document import Card, Variable
from fengkong.scorecard.export._formula import Call, Formula, Ref, Steps, formulas
from fengkong.scorecard.export._rules import Rule, check_exportable, rules_of

SqlDialect: TypeAlias = Literal["duckdb", "spark"]
DIALECTS = ("duckdb", "spark")
_BINARY: dict[str, type[exp.Binary]] = {
    "+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div,
}  # fmt: skip


_UNARY: dict[str, type[exp.Func]] = {"exp": exp.Exp, "ln": exp.Ln}


def to_sql(card: Card, *, dialect: SqlDialect, value: str = "score") -> str:
    """Return one SQL expression that can stand in a SELECT.

    Parameters
    ----------
    card : Card
    dialect : "duckdb" or "spark"
    value : str, default "score"
        "score", "log_odds" or, of a card that is not calibrated, "probability"; what else the card
        says is in :func:`to_sql_query`.

    Raises
    ------
    InputError
        Another dialect or value; a card that cannot be exported; a name that the dialect cannot
        quote.

    Notes
    -----
    Columns of numbers may have any numeric type: they are read as DOUBLE. Columns of categories
    should be text or whole numbers. Null and NaN are missing. Every number is written as the cast
    of its shortest exact text, because a bare ``0.1`` is a decimal in both dialects.
    """
    _check(card, dialect)
    tree, later = _score(card, dialect), formulas(card)
    if value != "score":
        if value not in ("log_odds", "probability"):
            raise InputError(f'value must be "score", "log_odds" or "probability"; got {value!r}')
        if value == "probability" and card.calibration is not None:
            raise InputError("a calibrated probability is no single expression: to_sql_query")
        known = {"score": tree}
        known["log_odds"] = _formula(later["log_odds"], known, dialect)
        tree = known["log_odds"]
        if value == "probability":
            tree = _formula(later[value], known, dialect)
    return _written(tree, dialect)


def to_sql_query(card: Card, *, dialect: SqlDialect, table: str) -> str:
    """Return one SELECT of every column of ``table`` and all that the card says of each row.

    Parameters
    ----------
    card : Card
    dialect : "duckdb" or "spark"
    table : str
        Name of the table; it is quoted as one identifier.

    Returns
    -------
    str
        Adds columns score, log_odds, probability and, where the card is calibrated or has
        grades, uncalibrated_probability and grade.

    Raises
    ------
    InputError
        As :func:`to_sql`; or a column of the card has the name of one that would be added.
    """
    _check(card, dialect)
    later = formulas(card)
    taken = {"score", *later} & {variable.bins.name.lower() for variable in card.variables}
    if taken:
        raise InputError(f"columns of the card have names that the query adds: {sorted(taken)}")
    _check_names(dialect, table)
    query = exp.select("*", exp.alias_(_score(card, dialect), "score", quoted=True)).from_(
        exp.to_identifier(table, quoted=True)
    )
    # One layer for each value, so that nothing is computed or written twice.
    for name, formula in later.items():
        column = exp.alias_(_formula(formula, {}, dialect), name, quoted=True)
        query = exp.select("*", column).from_(query.subquery("scored"))
    return _written(query, dialect)


def _written(tree: exp.Expression, dialect: SqlDialect) -> str:
    return Dialect.get_or_raise(dialect).generate(tree, pretty=True)


def _check(card: Card, dialect: str) -> None:
    if dialect not in DIALECTS:
        raise InputError(f"dialect must be one of {DIALECTS}; got {dialect!r}")
    check_exportable(card)
    _check_names(dialect, *(variable.bins.name for variable in card.variables))


def _check_names(dialect: str, *names: str) -> None:
    for name in names:
        # Spark replaces ${...} before it reads the text, also within quotes.
        if not name or "\0" in name or (dialect == "spark" and "${" in name):
            raise InputError(f"{dialect} has no way to quote the name {name!r}")


def _score(card: Card, dialect: SqlDialect) -> exp.Expression:
    """Return base points + points of the first variable + ..., added in the order of the card."""
    terms = [_points(variable, dialect) for variable in card.variables]
    return reduce(
        lambda total, term: exp.Add(this=total, expression=term), terms, _number(card.base_points)
    )


def _points(variable: Variable, dialect: SqlDialect) -> exp.Expression:
    column = exp.column(variable.bins.name, quoted=True)
    numeric = variable.bins.kind == "numeric"
    value = exp.cast(column, "double" if numeric else "text")
    *tests, last = rules_of(variable)
    found = exp.Case()
    for rule in tests:
        found = found.when(_condition(rule, value, dialect, numeric=numeric), _number(rule.points))
    return found.else_(_number(last.points))


def _condition(
    rule: Rule, value: exp.Expression, dialect: SqlDialect, *, numeric: bool
) -> exp.Expression:
    if rule.test == "missing":
        null = exp.Is(this=value.copy(), expression=exp.null())
        return exp.or_(null, exp.IsNan(this=value.copy())) if numeric else null
    if rule.test == "below":
        return exp.LT(this=value.copy(), expression=_number(rule.limit))
    listed = [_text(one, dialect) if isinstance(one, str) else _number(one) for one in rule.values]
    return exp.In(this=value.copy(), expressions=listed)


def _number(value: float) -> exp.Expression:
    text = repr(float(value))
    if math.isinf(value):
        text = "Infinity" if value > 0 else "-Infinity"
    return exp.cast(exp.Literal.string(text), "double")


def _text(value: str, dialect: SqlDialect) -> exp.Expression:
    if "\0" in value:
        raise InputError(f"SQL text cannot hold the zero character of the label {value!r}")
    if dialect == "duckdb" or "${" not in value:
        return exp.Literal.string(value)
    # Spark would replace ${name} by a setting of the session: keep the two signs apart.
    parts = value.replace("${", "$\0{").split("\0")
    return exp.Concat(expressions=[exp.Literal.string(part) for part in parts], safe=False)


def _formula(
    formula: Formula, known: dict[str, exp.Expression], dialect: SqlDialect
) -> exp.Expression:
    if isinstance(formula, float | int):
        return _number(formula)
    if isinstance(formula, str):
        return _text(formula, dialect)
    if isinstance(formula, Ref):
        found = known.get(formula.name)
        return exp.column(formula.name, quoted=True) if found is None else exp.paren(found)
    if isinstance(formula, Steps):
        return _steps(formula, known, dialect)
    return _call(formula, [_formula(arg, known, dialect) for arg in formula.args])


def _steps(steps: Steps, known: dict[str, exp.Expression], dialect: SqlDialect) -> exp.Expression:
    value, found = _formula(steps.value, known, dialect), exp.Case()
    for limit, then in zip(steps.limits, steps.then, strict=True):
        test = exp.LT(this=value.copy(), expression=_number(limit))
        found = found.when(test, _formula(then, known, dialect))
    return found.else_(_formula(steps.last, known, dialect))


def _call(call: Call, args: list[exp.Expression]) -> exp.Expression:
    if call.operator in _UNARY:
        return _UNARY[call.operator](this=args[0])
    return _BINARY[call.operator](this=exp.paren(args[0]), expression=exp.paren(args[1]))
