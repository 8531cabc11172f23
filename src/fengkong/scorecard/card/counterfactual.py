"""What would have passed: the smallest change of one application that reaches a cut-off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.binning.bins import ColumnBins
from fengkong.scorecard.card._cut import score_at
from fengkong.scorecard.card._moves import (
    ChangeRules,
    example_value,
    moves_of,
    reachable_interval,
    reachable_labels,
)
from fengkong.scorecard.card._search import Partial, diverse_changes
from fengkong.scorecard.card._texts import (
    LANGUAGES,
    Language,
    Text,
    bin_text,
    listed,
    number_text,
    said,
)
from fengkong.scorecard.card.document import Card, Variable

if TYPE_CHECKING:
    from fengkong.scorecard.card.scoring import Scored

__all__ = ["Answer", "Change", "ChangeRules", "WhatWouldPass", "what_would_pass"]
ANSWERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One variable that would have to be otherwise.

    Attributes
    ----------
    variable : str
    code, goal : int
        Its bin now, and the bin that would help.
    text : dict
        The change in plain values, in en and zh.
    """

    variable: str
    code: int
    goal: int
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One set of changes that passes.

    Attributes
    ----------
    changes : tuple of Change
        In the order of the card.
    cost : float
        Sum of the costs of the changes; steps of bins where no costs were given.
    record : dict
        The application with the changes made, each as small as its bin allows.
    score, probability : float
        What the card itself says of ``record``: the proof.
    """

    changes: tuple[Change, ...]
    cost: float
    record: dict[str, Any]
    score: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatWouldPass:
    """The answers for one application.

    Attributes
    ----------
    passes : bool
        The application passes as it is; there are no answers then.
    score, probability : float
        Of the application as it is.
    answers : tuple of Answer
        Smallest first; no answer changes all that an earlier one changes. Empty where nothing that
        may change would have passed.
    notes : tuple of dict
        What was left out of the search and why, in en and zh.
    """

    passes: bool
    score: float
    probability: float
    answers: tuple[Answer, ...]
    notes: tuple[Text, ...] = ()

    def texts(self, *, language: Language) -> tuple[str, ...]:
        """Return sentences: one an answer, or that it passes, or that nothing would have passed."""
        if self.passes:
            return (said("answers", "passed")[language],)
        found = [
            said(
                "answers", "change", after=_rounded(answer.score), before=_rounded(self.score),
                changes=_joined([change.text for change in answer.changes]),
            )
            for answer in self.answers
        ]  # fmt: skip
        found = found or [said("answers", "nothing")]
        return tuple(text[language] for text in (*found, *self.notes))


def what_would_pass(
    card: Card,
    record: Mapping[str, Any],
    *,
    score: float | None = None,
    probability: float | None = None,
    grade: str | None = None,
    rules: ChangeRules | None = None,
    answers_at_most: int = ANSWERS,
) -> WhatWouldPass:
    """Return the smallest changes with which an application would have passed.

    Parameters
    ----------
    card : Card
    record : mapping of str to value
        The application, as `Card.score_one` takes it.
    score, probability, grade : float, float, str; exactly one of them
        Passes with at least this score, at most this probability of bad as the card says it, or at
        least this grade.
    rules : ChangeRules, optional
        What may change. Without rules everything may; give at least what a person cannot change.
    answers_at_most : int, default 3

    Raises
    ------
    InputError
        Not exactly one cut-off; a grade that the card does not have; rules or a record that do not
        fit the card.
    OutOfRangeError
        A cut-off that is not a finite number, or no answers are asked for.

    Notes
    -----
    Exact: fewest variables first, then the least cost (steps of bins, or given costs), then the
    highest score. Only regular bins are goals. Every answer is scored again before it is given.
    """
    if answers_at_most < 1:
        raise OutOfRangeError(name="answers_at_most", value=answers_at_most, allowed="[1, inf)")
    rules = rules or ChangeRules()
    rules.check(card)
    floor = _cut_off(card, score=score, probability=probability, grade=grade)
    scored = card.score_one(record)
    passes = scored.points >= floor
    notes = tuple(_linked(card, group) for group in rules.linked)
    answers: tuple[Answer, ...] = ()
    if not passes:
        codes = [scored.codes[variable.bins.name] for variable in card.variables]
        found = diverse_changes(
            card.base_points,
            [float(v.points[code]) for v, code in zip(card.variables, codes, strict=True)],
            [moves_of(v, code, rules) for v, code in zip(card.variables, codes, strict=True)],
            floor,
        )
        answers = tuple(
            _answer(card, record, scored, one, rules) for one in islice(found, answers_at_most)
        )
    return WhatWouldPass(
        passes=passes, score=scored.points, probability=scored.probability, answers=answers,
        notes=() if passes else notes,
    )  # fmt: skip


def _cut_off(
    card: Card, *, score: float | None, probability: float | None, grade: str | None
) -> float:
    """Return the lowest score that passes: every kind of cut-off is one of the score."""
    if sum(one is not None for one in (score, probability, grade)) != 1:
        raise InputError("give exactly one cut-off: score, probability or grade")
    if grade is not None:
        floors = {one.name: one.score_from for one in card.grades}
        if grade not in floors:
            raise InputError(f"the card has no grade {grade!r}; it has {list(floors)}")
        score = floors[grade]
    elif score is not None and not np.isfinite(score):
        raise OutOfRangeError(name="score", value=score, allowed="(-inf, inf)")
    if score is not None:
        return score
    assert probability is not None  # noqa: S101 - exactly one is given
    if not 0.0 < probability < 1.0:
        raise OutOfRangeError(name="probability", value=probability, allowed="(0, 1)")
    return score_at(card, probability)


def _answer(
    card: Card, record: Mapping[str, Any], scored: Scored, found: Partial, rules: ChangeRules
) -> Answer:
    cost, score, chosen = found
    changes, changed = [], dict(record)
    for place, goal in chosen:
        variable = card.variables[place]
        name, code = variable.bins.name, scored.codes[variable.bins.name]
        changed[name] = example_value(variable.bins, code, goal, rules)
        key, words = _change(variable, record[name], code, goal, rules)
        text = said("changes", key, name=_name(card, variable.bins), **words)
        changes.append(Change(variable=name, code=code, goal=goal, text=text))
    again = card.score_one(changed)
    if again.points != score:  # the search adds as scoring does: anything else is a fault of ours
        raise AssertionError(f"the changed record scores {again.points}, not {score}")
    return Answer(
        changes=tuple(changes), cost=cost, record=changed, score=again.points,
        probability=again.probability,
    )  # fmt: skip


def _change(
    variable: Variable, value: Any, code: int, goal: int, rules: ChangeRules
) -> tuple[str, dict[str, Text | str]]:
    """Return the sentence that fits a change, and its words."""
    bins = variable.bins
    now = bin_text(bins, code) if bins.n_bins <= code < bins.unseen_code else str(value)
    if bins.kind == "categorical":
        labels = reachable_labels(bins, goal, rules)
        words = listed([_same(label) for label in labels])
        return "become" if len(labels) == 1 else "one_of", {"now": now, "value": words}
    if code >= bins.n_bins:
        return "become", {"now": now, "value": bin_text(bins, goal)}
    key, edges = _numeric_change(variable, code, goal, rules)
    return key, {"now": number_text(float(value)), **edges}


def _numeric_change(
    variable: Variable, code: int, goal: int, rules: ChangeRules
) -> tuple[str, dict[str, str]]:
    """Name the far edge of the goal only where going beyond it would cost points again."""
    bins, points = variable.bins, variable.points[: variable.bins.n_bins]
    low, high, closed = reachable_interval(bins, goal, rules)
    if goal > code:
        words = {"low": number_text(low)}
        if (points[goal + 1 :] < points[goal]).any():
            return "rise_within", words | {"high": number_text(float(bins.cuts[goal]))}
        return "rise", words
    words, key = {"high": number_text(high)}, "fall_to" if closed else "fall"
    if (points[:goal] < points[goal]).any():
        return f"{key}_within", words | {"low": number_text(float(bins.cuts[goal - 1]))}
    return key, words


def _linked(card: Card, group: Any) -> Text:
    bins = [variable.bins for variable in card.variables if variable.bins.name in set(group)]
    return said("answers", "linked", names=listed([_name(card, one) for one in bins]))


def _name(card: Card, bins: ColumnBins) -> Text:
    found: Text = card.reasons.get("names", {}).get(bins.name, _same(bins.name))
    return found


def _same(text: str) -> Text:
    return dict.fromkeys(LANGUAGES, text)


def _joined(texts: list[Text]) -> Text:
    return {"en": "; ".join(t["en"] for t in texts), "zh": "；".join(t["zh"] for t in texts)}


def _rounded(score: float) -> str:
    return number_text(round(score, 2))
