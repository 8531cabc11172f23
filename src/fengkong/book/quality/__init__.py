"""Quality rules at the door: data in YAML, expressions in the language of Fengkong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from fengkong.book.schema import TABLES
from fengkong.formula.expression import Expression
from fengkong.formula.schema import Schema
from fengkong.foundation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BUILT_IN: dict[str, tuple[str, str]] = {
    "W-01": ("The row has another number of fields than the header.", "字段数与表头不符。"),
    "W-02": ("The row is not in the encoding of the file.", "该行编码与文件不一致。"),
    "W-03": ("A quote is opened and never closed.", "引号未闭合。"),
    "V-01": (
        "The value cannot be read as its type: correct it, or say its form in the mapping "
        "(dates, thousands, unit).",
        "无法按字段类型读取该值：请更正，或在映射中写明其格式（dates、thousands、unit）。",
    ),
    "V-02": ("A required value is missing.", "缺少必填值。"),
    "V-03": ("The code is not in the list.", "代码不在允许的列表中。"),
    "V-04": ("The value is not a finite number.", "数值不是有限数。"),
    "K-01": ("The key was in an earlier row, which was kept.", "主键重复，保留先出现的一行。"),
    "X-01": ("The loan is neither in this tape nor in the book.", "本批数据和账簿中均无此贷款。"),
    "X-02": ("The date lies before the loan was disbursed.", "日期早于放款日。"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One quality rule: ``expression`` must be TRUE or null for a row to pass.

    Attributes
    ----------
    rule_id : str
        Like "D-04".
    table, column : str
        What it speaks about.
    severity : str
        "error" (the row is quarantined); the only severity at the door.
    en, zh : str
        The demand in words.
    absent : {"skip", "null"}
        A column that the tape does not bring: the rule is left out, or reads it as null.
    """

    rule_id: str
    table: str
    column: str
    expression: str
    en: str
    zh: str
    severity: str = "error"
    absent: str = "skip"

    def compiled(self) -> Expression:
        """Return the parsed expression; FormulaError points at the fault."""
        found = Expression.parse(self.expression, Schema.of(TABLES[self.table]))
        if found.kind.value != "boolean":
            raise InputError(f"rule {self.rule_id}: the expression must be true or false")
        return found


def rules_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Read rules from YAML rows and check them.

    Raises
    ------
    InputError
        A key is missing or unknown, a table or column does not exist, an id is used twice.
    FormulaError
        An expression is wrong.
    """
    rules: list[Rule] = []
    for row in rows:
        raw = dict(row)
        if "en" in raw:
            raw.setdefault("zh", raw["en"])
        try:
            rule = Rule(rule_id=raw.pop("id"), **raw)
        except (TypeError, KeyError) as error:
            raise InputError(
                f"quality rule {row.get('id', '(no id)')}: {error}; "
                "it has id, table, column, expression, en and zh"
            ) from None
        if rule.table not in TABLES or rule.column not in TABLES[rule.table]:
            raise InputError(f"quality rule {rule.rule_id}: no column {rule.table}.{rule.column}")
        if rule.severity != "error":
            raise InputError(f"quality rule {rule.rule_id}: severity must be 'error'")
        if rule.absent not in {"skip", "null"}:
            raise InputError(f"quality rule {rule.rule_id}: absent must be 'skip' or 'null'")
        rule.compiled()
        rules.append(rule)
    if len({rule.rule_id for rule in rules}) < len(rules):
        raise InputError("quality rules: an id is used twice")
    return tuple(rules)


@cache
def built_in_rules() -> tuple[Rule, ...]:
    """Return the rules that every load keeps."""
    text = files("fengkong.book.quality").joinpath("rules.yaml").read_text("utf-8")
    return rules_of(yaml.safe_load(text))


def rule_text(rule_id: str, rules: Iterable[Rule] = (), language: str = "en") -> str:
    """Return the words of a rule; empty when nobody knows it."""
    place = 0 if language == "en" else 1
    if rule_id in BUILT_IN:
        return BUILT_IN[rule_id][place]
    for rule in (*rules, *built_in_rules()):
        if rule.rule_id == rule_id:
            return (rule.en, rule.zh)[place]
    return ""
