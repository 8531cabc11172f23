"""Marks that several pictures of the scorecard lab share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from fengkong.report._pictures import INK, LABEL_MAX, LINE, QUIET, RISK, WIDTH, wide

Rows = Sequence[Mapping[str, Any]]
# Shapes of the traffic light: never told by colour alone.
SHAPES = {"green": "●", "amber": "▲", "red": "■"}


def data(rows: Rows) -> Any:
    """Return rows as data of a chart."""
    return alt.Data(values=[dict(row) for row in rows])


def names_width(rows: Rows, *, most: int = LABEL_MAX) -> int:
    """Return how many pixels the names to the left of a plot take."""
    return round(min(most, max((wide(str(row["name"])) for row in rows), default=0.0)))


def distinct(names: Sequence[str]) -> list[str]:
    """Return the names such that no two are equal, by signs without width: a row each in a plot."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        found.append(name + "\u200b" * seen.get(name, 0))
        seen[name] = seen.get(name, 0) + 1
    return found


def band_axis(order: Sequence[str], *, most: int = LABEL_MAX) -> Any:
    """Return the axis of names, in their order."""
    axis = alt.Axis(ticks=False, domain=False, labelPadding=5, labelLimit=most)
    return alt.Y("name:N", sort=list(order), title=None, axis=axis)


def like(x: Any, field: str) -> Any:
    """Return the same axis for another field: layers then share one axis and one title."""
    found = x.copy()
    found.shorthand = f"{field}:Q"
    return found


def limit_rules(x: Any, values: Sequence[tuple[float, str]]) -> Any:
    """Draw limits on the horizontal axis as thin marked lines, each with its figure on top."""
    base = alt.Chart(data([{"at": at, "word": word} for at, word in values]))
    lines = base.mark_rule(color=QUIET, strokeDash=[4, 3], aria=False).encode(x=like(x, "at"))
    figures = base.mark_text(
        color=QUIET, fontSize=11, align="center", baseline="bottom", dy=-3, aria=False
    ).encode(x=like(x, "at"), y=alt.value(0), text="word:N")
    return lines + figures


def interval_layers(base: Any, *, x: Any, y: Any, ends: tuple[str, str], strong: str) -> list[Any]:
    """Draw a point with its interval; ``strong`` is the condition for the strong colour."""
    colour = alt.condition(strong, alt.value(RISK), alt.value(QUIET))
    lines = base.mark_rule(strokeWidth=1.6, aria=False).encode(
        x=like(x, ends[0]), x2=f"{ends[1]}:Q", y=y, color=colour
    )
    points = base.mark_point(filled=True, size=55, opacity=1).encode(
        x=x, y=y, color=colour, description="text:N"
    )
    return [lines, points]


def diagonal(high: float) -> Any:
    """Draw the line of equality from zero."""
    rows = [{"x": 0.0, "y": 0.0}, {"x": high, "y": high}]
    return alt.Chart(data(rows)).mark_line(
        color=QUIET, strokeDash=[4, 3], strokeWidth=1, aria=False
    ).encode(x="x:Q", y="y:Q")  # fmt: skip


def line_and_ends(rows: Rows, *, x: Any, y: Any, strong: str) -> list[Any]:
    """Draw lines by ``line``; the one called ``strong`` in the strong colour and on top."""
    grey = [row for row in rows if row["line"] != strong]
    layers = [
        alt.Chart(data(part)).mark_line(color=colour, strokeWidth=width).encode(
            x=x, y=y, detail="line:N", order="place:Q", description="line:N")
        for part, colour, width in ((grey, QUIET, 1.5), (
            [row for row in rows if row["line"] == strong], RISK, 2.5)) if part
    ]  # fmt: skip
    dots = alt.Chart(data([row for row in rows if row.get("text")])).mark_point(
        opacity=0.001, size=60, filled=True, color=QUIET
    ).encode(x=x, y=y, description="text:N")  # fmt: skip
    return [*layers, dots]


def named(
    rows: Rows, *, x: Any, y: Any, align: str = "left", dx: int = 6, dy: int = 0, colour: str = INK
) -> Any:
    """Write names at given points of a plot, so that no legend is needed."""
    return alt.Chart(data(rows)).mark_text(
        align=align, dx=dx, dy=dy, color=colour, fontSize=11.5, aria=False
    ).encode(x=x, y=y, text="line:N")  # fmt: skip


__all__ = [
    "INK", "LINE", "QUIET", "RISK", "SHAPES", "WIDTH", "Rows", "band_axis", "data", "diagonal",
    "distinct", "interval_layers", "like", "limit_rules", "line_and_ends", "named", "names_width",
]  # fmt: skip
