"""Scores of a table as a table: score, probability, grade, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd

from fengkong.foundation.errors import InputError
from fengkong.report.scorecard.rows import column_of
from fengkong.scorecard.card import Card
from fengkong.scorecard.card.grades import grade_of
from fengkong.scorecard.card.reasons import adverse_reasons


def scores_of(
    card: Card,
    frame: pd.DataFrame,
    *,
    reasons: int = 0,
    keep: Sequence[str] = (),
    language: Literal["en", "zh"] = "zh",
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the scores of all rows, and how many rows held an unknown category by variable.

    Parameters
    ----------
    card : Card
    frame : DataFrame
    reasons : int, default 0
        How many adverse reasons to give each row.
    keep : sequence of str
        Columns to copy, such as the number of the application.
    language : "en" or "zh"
        Of the reasons.

    Returns
    -------
    DataFrame, dict
        The kept columns, score, probability, grade (where the card has grades), reason_1, ...

    Raises
    ------
    InputError
        A variable or a kept column is not there, or a kept column has the name of a result.
    ColumnTypeError
        A column of another type than the card expects.
    """
    scored = card.score(frame)
    made: dict[str, Any] = {"score": scored.points, "probability": scored.probability}
    if card.grades:
        made["grade"] = grade_of(card, scored.points)
    if reasons:
        found = adverse_reasons(card, frame, reasons_at_most=reasons).to_frame(language=language)
        made |= {str(name): found[name].to_numpy() for name in found.columns}
    taken = [name for name in keep if name in made]
    if taken:
        raise InputError(f"the scores have columns named {', '.join(taken)}: rename yours")
    kept = {name: column_of(frame, name, what="--keep").to_numpy() for name in keep}
    return pd.DataFrame({**kept, **made}), dict(scored.unseen)
