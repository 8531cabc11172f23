"""Stages of IFRS 9: rules as data, in the expression language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import yaml

from fengkong.book.schema import DERIVED
from fengkong.formula import Expression, Schema
from fengkong.foundation.columns import Kind
from fengkong.foundation.errors import InputError

NO_RULE = "none"
_ADDED = {
    "pd_12m_now": (Kind.FLOAT, "fraction"),
    "pd_lifetime_now": (Kind.FLOAT, "fraction"),
    "exposure_amount": (Kind.MONEY, "amount"),
}
_RULES = Path(__file__).with_name("staging_rules.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class StagingRule:
    """A condition that lifts a loan into a stage.

    Attributes
    ----------
    id : str
        Name, shown as the reason.
    stage : int
        2 or 3.
    when : str
        Condition in the expression language over `states`, pd_12m_now, pd_lifetime_now and
        exposure_amount.
    text : mapping of str to str
        What it says, "en" and "zh".
    """

    id: str
    stage: int
    when: str
    text: Mapping[str, str]


def load_rules(path: Path = _RULES) -> tuple[StagingRule, ...]:
    """Read staging rules from a YAML file; without a path, those that come with the package."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"staging rules {path} cannot be read: {error}") from error
    if not isinstance(content, Mapping) or set(content) != {"rules"}:
        raise InputError(f"staging rules {path} must hold one list named rules")
    return rules_from(content["rules"])


def rules_from(content: Any) -> tuple[StagingRule, ...]:
    """Check a list of rules.

    Raises
    ------
    InputError
        A rule lacks id, stage, when or text, names a stage other than 2 and 3, or comes twice.
    FormulaError
        A condition cannot be read.
    """
    if not isinstance(content, list):
        raise InputError("staging rules must be a list")
    rules = tuple(_rule(item, number) for number, item in enumerate(content, start=1))
    names = [rule.id for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"staging rules: id {', '.join(twice)} comes twice")
    return rules


def staged(table: Any, rules: Sequence[StagingRule]) -> Any:
    """Add ``stage`` (1, 2 or 3) and ``stage_reason`` (id of the rule, "none" in stage 1).

    The highest stage whose rule holds wins; among rules of one stage the first in the list is the
    reason. A condition that is null does not hold.

    Parameters
    ----------
    table : ibis Table
        Columns that the rules read.
    rules : sequence of StagingRule

    Returns
    -------
    ibis Table
        ``table`` with the two columns.
    """
    branches = []
    for rule in sorted(rules, key=lambda rule: -rule.stage):
        holds = Expression.parse(rule.when, _schema()).to_ibis(table)
        branches.append((ibis.coalesce(holds, ibis.literal(value=False)), rule))
    if not branches:
        return table.mutate(stage=ibis.literal(1, "int64"), stage_reason=ibis.literal(NO_RULE))
    return table.mutate(
        stage=ibis.cases(
            *((holds, ibis.literal(rule.stage, "int64")) for holds, rule in branches),
            else_=ibis.literal(1, "int64"),
        ),
        stage_reason=ibis.cases(*((holds, rule.id) for holds, rule in branches), else_=NO_RULE),
    )


def _schema() -> Schema:
    return Schema({**Schema.of(DERIVED["states"]), **_ADDED})


def _rule(item: Any, number: int) -> StagingRule:
    fields = {"id", "stage", "when", "text"}
    if not isinstance(item, Mapping) or set(item) != fields:
        raise InputError(f"staging rule {number} must have exactly id, stage, when and text")
    place = f"staging rule {item['id']!r}"
    if item["stage"] not in (2, 3):
        raise InputError(f"{place}: stage must be 2 or 3; got {item['stage']!r}")
    text = item["text"]
    if not isinstance(text, Mapping) or not {"en", "zh"} <= set(text):
        raise InputError(f"{place}: text needs en and zh")
    when = str(item["when"])
    Expression.parse(when, _schema())
    return StagingRule(id=str(item["id"]), stage=int(item["stage"]), when=when, text=dict(text))
