"""Who is approved: impact ratios by group, and how much the rejected could change the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from fengkong.report._pictures import drawn
from fengkong.report._words import percent, say
from fengkong.report.scorecard._content import Both, Figure, Sheet, both
from fengkong.report.scorecard._marks import (
    INK,
    QUIET,
    RISK,
    WIDTH,
    Rows,
    band_axis,
    data,
    interval_layers,
    limit_rules,
    names_width,
)

FOUR_FIFTHS = 0.80
_SHOWN = 14
_HIGHEST = 2.0
_NAMES = 150


def fairness_figure(table: Rows, language: str, key: str) -> Figure | None:
    """Draw the adverse impact ratio of each group with its interval and the four-fifths line.

    Parameters
    ----------
    table : sequence of mapping
        As `validation.fairness` returns it.
    language, key : str
        Of the words; before the ids of the drawing.

    Returns
    -------
    Figure or None
        None where no group but the references is large enough, or nobody was approved.
    """
    others = [row for row in table if not (_is_reference(row) or row["small"])]
    others = [row for row in others if row["ratio"] == row["ratio"]]
    if not others:
        return None
    low = [row for row in others if row["ratio_below"]]
    worst = min(others, key=lambda row: row["ratio"])
    title = say(
        "finding_fairness_low" if low else "finding_fairness", language, low=len(low),
        group=group_name(worst), ratio=f"{worst['ratio']:.2f}",
    )  # fmt: skip
    notes = [say("note_fairness", language)]
    shown = [row for row in table if _is_reference(row) or row in others]
    if len(shown) > _SHOWN:
        shown = sorted(others, key=lambda row: row["ratio"])[:_SHOWN]
        notes.append(say("note_groups_shown", language, shown=_SHOWN))
    names = ("attribute", "group", "rows", "approval_rate", "ratio", "ratio_lower", "ratio_upper",
             "goods_approved_rate", "gap", "gap_lower", "gap_upper", "small")  # fmt: skip
    return Figure(
        title=title, about=say("about_fairness", language),
        note=say("semicolon", language).join(notes),
        svg=drawn(_chart([_mark(row, language) for row in shown], language), key),
        sheet=Sheet(
            key="fairness", title=both("title_fairness"), words=("attribute", "group", "small"),
            rows=list(table), columns=names, how=((both("definition"), both("how_fairness")),),
        ),
    )  # fmt: skip


def group_name(row: Mapping[str, Any]) -> str:
    """Return attribute and group of a line; of a crossing, each attribute with its group."""
    attributes, groups = (str(row[part]).split(" x ") for part in ("attribute", "group"))
    if len(attributes) != len(groups):
        return f"{row['attribute']}: {row['group']}"
    return " × ".join(f"{one} {two}" for one, two in zip(attributes, groups, strict=True))


def _is_reference(row: Mapping[str, Any]) -> bool:
    return bool(row["group"] == row["reference"])


def _mark(row: Mapping[str, Any], language: str) -> dict[str, Any]:
    ratio, below = float(row["ratio"]), bool(row["ratio_below"])
    return {
        "name": group_name(row), "x": ratio, "strong": below,
        "low": float(row["ratio_lower"]), "high": min(float(row["ratio_upper"]), _HIGHEST),
        "label": say("name_reference", language) if _is_reference(row)
        else f"{'■' if below else '●'} {ratio:.2f}",
        "text": f"{group_name(row)}: {ratio:.3f} ({row['ratio_lower']:.3f} – "
        f"{row['ratio_upper']:.3f}), {percent(row['approval_rate'])}",
    }  # fmt: skip


def _chart(marks: Rows, language: str) -> Any:
    side = 62
    width = WIDTH - names_width(marks, most=_NAMES) - 24 - side
    height = max(26 * len(marks), 60)
    base = alt.Chart(data(marks), width=width, height=height)
    floor = min(0.5, *(row["low"] for row in marks))
    top = max(1.05, *(row["high"] for row in marks))
    x = alt.X("x:Q", title=say("axis_impact", language),
              scale=alt.Scale(domain=[floor, top], nice=False),
              axis=alt.Axis(tickCount=4, grid=False))  # fmt: skip
    y = band_axis([row["name"] for row in marks], most=_NAMES)
    layers = interval_layers(base, x=x, y=y, ends=("low", "high"), strong="datum.strong")
    labels = alt.Chart(data(marks), width=side, height=height).mark_text(
        align="left", fontSize=12, aria=False, color=INK
    ).encode(x=alt.value(0), text="label:N",
             y=alt.Y("name:N", sort=[row["name"] for row in marks], axis=None))  # fmt: skip
    plot = alt.layer(limit_rules(x, [(FOUR_FIFTHS, "0.80")]), *layers)
    return alt.hconcat(plot, labels, spacing=8)


def rejects_figure(rows: Rows, language: str, key: str) -> Figure:
    """Draw the approval rate under each way of reject inference.

    Parameters
    ----------
    rows : sequence of mapping
        As `validation.reject_sensitivity` returns them, accepted_only first.
    language, key : str
        Of the words; before the ids of the drawing.
    """
    first = rows[0]
    far = max(rows[1:], key=lambda row: abs(row["approval_rate_change"]), default=first)
    title = say(
        "finding_rejects", language, low=percent(min(row["approval_rate"] for row in rows)),
        high=percent(max(row["approval_rate"] for row in rows)),
        base=percent(first["approval_rate"]), method=_method(far, language),
    )  # fmt: skip
    marks: list[dict[str, Any]] = [
        {
            "name": _method(row, language), "x": float(row["approval_rate"]) * 100,
            "strong": row is far and row is not first,
            "label": percent(row["approval_rate"]),
            "text": f"{_method(row, language)}: {percent(row['approval_rate'])}, "
            f"AUC {row['auc']:.3f}",
        }
        for row in rows
    ]  # fmt: skip
    width = WIDTH - names_width(marks) - 20 - 58
    base = alt.Chart(data(marks), width=width, height=24 * len(marks))
    low, high = min(row["x"] for row in marks), max(row["x"] for row in marks)
    room = max(0.15 * (high - low), 0.5)
    x = alt.X("x:Q", title=say("axis_approval", language),
              scale=alt.Scale(domain=[low - room, high + room], nice=False),
              axis=alt.Axis(tickCount=4, grid=False))  # fmt: skip
    y = band_axis([row["name"] for row in marks])
    level = alt.Chart(data([{"x": float(first["approval_rate"]) * 100}])).mark_rule(
        color=QUIET, strokeDash=[4, 3], aria=False
    ).encode(x=x)  # fmt: skip
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=x, y=y, description="text:N",
        color=alt.condition("datum.strong", alt.value(RISK), alt.value(INK)),
    )  # fmt: skip
    labels = base.mark_text(align="left", dx=8, color=INK, fontSize=11.5, aria=False).encode(
        x=alt.value(width), y=y, text="label:N"
    )
    named = [{**row, "way": Both(_method(row, "zh"), _method(row, "en"))} for row in rows]
    return Figure(
        title=title, about=say("about_rejects", language), svg=drawn(level + points + labels, key),
        sheet=Sheet(
            key="reject inference", title=both("title_rejects"), words=("way",), rows=named,
            columns=("way", "rejected_bad_rate", "auc", "auc_change", "mean_pd_accepted",
                     "mean_pd_rejected", "approval_rate", "approval_rate_change",
                     "accepted_now_declined", "rejected_now_approved", "approved_mean_pd"),
            how=((both("definition"), both("how_rejects")),),
        ),
    )  # fmt: skip


def _method(row: Mapping[str, Any], language: str) -> str:
    name = say(f"method_{row['method']}", language)
    return f"{name} ×{row['factor']:g}" if row["method"] in {"parcelling", "fuzzy"} else name
