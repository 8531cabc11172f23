"""What moved between two samples, and what performance to expect before outcomes mature."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import altair as alt

from fengkong.report._pictures import drawn
from fengkong.report._words import column, minus, percent, say
from fengkong.report.scorecard._bins import column_name
from fengkong.report.scorecard._content import Both, Figure, Sheet, both
from fengkong.report.scorecard._marks import (
    INK,
    QUIET,
    RISK,
    SHAPES,
    WIDTH,
    Rows,
    band_axis,
    data,
    like,
    limit_rules,
    named,
    names_width,
)

_SHOWN = 20
_CELLS = 14
# Ends of the numeric cells; "(-inf, +inf)" stays as it is.
_NUMBER = r"([-+.\de]*\d[-+.\de]*)"
_LOWEST = re.compile(rf"\(-inf, {_NUMBER}\)")
_HIGHEST = re.compile(rf"\[{_NUMBER}, \+inf\)")
LIGHTS = {"stable": "green", "watch": "amber", "shift": "red"}


def psi_figure(rows: Rows, language: str, key: str) -> Figure:
    """Draw the stability index by column, the largest first, with the limits of the convention.

    Parameters
    ----------
    rows : sequence of mapping
        As ``Drift.columns``: ``column``, ``psi``, ``grade``, ``psi_95``, ``chance``, ...
    language, key : str
        Of the words; before the ids of the drawing.
    """
    ordered = sorted(rows, key=lambda row: (-row["psi"], str(row["column"])))
    shifted = [row for row in ordered if row["grade"] == "shift"]
    watched = [row for row in ordered if row["grade"] == "watch"]
    top = ordered[0]
    which = "shift" if shifted else "watch" if watched else "stable"
    title = say(
        f"finding_psi_{which}", language, all=len(ordered), shifted=len(shifted),
        watched=len(watched), name=column(str(top["column"]), language), psi=f"{top['psi']:.3f}",
    )  # fmt: skip
    marks = [
        {
            "name": column(str(row["column"]), language), "value": float(row["psi"]),
            "chance": float(row["psi_95"]), "strong": row["grade"] != "stable",
            "label": f"{SHAPES[LIGHTS[row['grade']]]} {row['psi']:.3f}",
            "text": f"{row['column']}: {row['psi']:.4f} "
            f"({say('name_chance', language)} {row['psi_95']:.4f})",
        }
        for row in ordered[:_SHOWN]
    ]  # fmt: skip
    width = WIDTH - names_width(marks) - 14
    largest = max([row["value"] for row in marks] + [0.28])
    base = alt.Chart(data(marks), width=width, height=max(21 * len(marks), 42))
    x = alt.X("value:Q", axis=None,
              scale=alt.Scale(domain=[0, largest * width / max(width - 56, 40)]))  # fmt: skip
    y = band_axis([row["name"] for row in marks])
    bars = base.mark_bar(height={"band": 0.66}).encode(
        x=x, y=y, description="text:N",
        color=alt.condition("datum.strong", alt.value(RISK), alt.value(QUIET)),
    )  # fmt: skip
    chance = base.mark_tick(color=INK, thickness=2, size=13, aria=False).encode(
        x=like(x, "chance"), y=y
    )
    labels = base.transform_calculate(end="max(datum.value, datum.chance)").mark_text(
        align="left", dx=6, color=INK, fontSize=12, aria=False
    ).encode(x=like(x, "end"), y=y, text="label:N")  # fmt: skip
    notes = [say("note_psi", language)]
    if len(ordered) > _SHOWN:
        notes.append(say("note_shown", language, shown=_SHOWN))
    # Beside a very large index the two limits stand too close for both figures.
    limits = [(0.10, "0.10" if largest < 0.9 else ""), (0.25, "0.25")]
    return Figure(
        title=title, about=say("about_psi", language), note=say("semicolon", language).join(notes),
        svg=drawn(limit_rules(x, limits) + bars + chance + labels, key),
        sheet=Sheet(
            key="psi", title=both("title_psi"), words=("column", "stability", "worst_cell", "note"),
            columns=("column", "psi", "stability", "psi_95", "psi_99", "p_value", "js",
                     "missing_reference", "missing_current", "new_share", "worst_cell", "note"),
            rows=[{**row, "stability": stability_word(row["grade"]),
                   "worst_cell": both_cell(str(row.get("worst_cell") or ""))} for row in ordered],
            how=((both("definition"), both("how_psi")),),
        ),
    )  # fmt: skip


def stability_word(grade: str) -> Both:
    """Return the light of a stability index: its shape and its word."""
    shape = SHAPES[LIGHTS[grade]]
    return Both(*(f"{shape} {say(f'stability_{grade}', one)}" for one in ("zh", "en")))


def shift_figure(rows: Rows, language: str, key: str) -> Figure:
    """Draw the shares of one column's bins, before and now.

    Parameters
    ----------
    rows : sequence of mapping
        As ``Drift.cells`` of one column: ``column``, ``cell``, ``reference_share``,
        ``current_share``, ``contribution``.
    language, key : str
        Of the words; before the ids of the drawing.
    """
    held = [row for row in rows if row["reference_share"] > 0 or row["current_share"] > 0]
    name = str(held[0]["column"])
    most = max(held, key=lambda row: row["contribution"])
    title = say(
        "finding_shift", language, name=column(name, language),
        cell=cell_name(str(most["cell"]), language), before=percent(most["reference_share"]),
        now=percent(most["current_share"]),
    )  # fmt: skip
    shown = held
    notes = [say("note_shift", language)]
    if len(held) > _CELLS:
        worst = sorted(held, key=lambda row: -row["contribution"])[:_CELLS]
        shown = [row for row in held if row in worst]
        notes.append(say("note_shift_shown", language, shown=_CELLS))
    marks = [
        {
            "name": cell_name(str(row["cell"]), language), "strong": row is most,
            "before": float(row["reference_share"]) * 100,
            "now": float(row["current_share"]) * 100,
            "label": f"{row['current_share'] * 100:.1f}",
            "text": f"{cell_name(str(row['cell']), language)}: "
            f"{percent(row['reference_share'])} → {percent(row['current_share'])}",
        }
        for row in shown
    ]  # fmt: skip
    return Figure(
        title=title, about=say("about_shift", language, name=column(name, language)),
        note=say("semicolon", language).join(notes), svg=drawn(_shift_chart(marks), key),
        sheet=Sheet(
            key=f"shift {name}", title=both("title_shift", name=column_name(name)),
            columns=("cell", "reference_count", "current_count", "reference_share",
                     "current_share", "contribution"),
            rows=[{**row, "cell": both_cell(str(row["cell"]))} for row in rows],
            words=("cell",), how=((both("definition"), both("how_shift")),),
        ),
    )  # fmt: skip


def _shift_chart(marks: Rows) -> Any:
    width = WIDTH - names_width(marks) - 14
    largest = max(max(row["before"], row["now"]) for row in marks)
    base = alt.Chart(data(marks), width=width, height=max(26 * len(marks), 60))
    x = alt.X("now:Q", axis=None,
              scale=alt.Scale(domain=[0, largest * width / max(width - 44, 40)]))  # fmt: skip
    y = band_axis([row["name"] for row in marks])
    now = base.mark_bar(height={"band": 0.62}).encode(
        x=x, y=y, description="text:N",
        color=alt.condition("datum.strong", alt.value(RISK), alt.value(QUIET)),
        opacity=alt.condition("datum.strong", alt.value(0.9), alt.value(0.6)),
    )  # fmt: skip
    before = base.mark_tick(color=INK, thickness=2.5, size=20, aria=False).encode(
        x=like(x, "before"), y=y
    )
    labels = base.transform_calculate(end="max(datum.now, datum.before)").mark_text(
        align="left", dx=6, color=INK, fontSize=11.5, aria=False
    ).encode(x=like(x, "end"), y=y, text="label:N")  # fmt: skip
    return now + before + labels


def cell_name(cell: str, language: str) -> str:
    """Return the name of a cell: missing, unseen and new labels in words, open ends as < and ≥."""
    if cell in {"missing", "unseen", "new"}:
        return say(f"bin_{cell}", language)
    if low := _LOWEST.fullmatch(cell):
        return minus(f"< {low[1]}")
    high = _HIGHEST.fullmatch(cell)
    return minus(f"≥ {high[1]}") if high else cell


def both_cell(cell: str) -> Both:
    """Return the name of a cell in both languages."""
    return Both(cell_name(cell, "zh"), cell_name(cell, "en"))


def expected_figure(rows: Rows, facts: Mapping[str, Any], language: str, key: str) -> Figure:
    """Draw expected performance by period with its band, and what was realised where it is known.

    Parameters
    ----------
    rows : sequence of mapping
        In order of time: ``period`` (text), ``expected``, ``lower``, ``upper``, ``realised``
        (None where outcomes are not mature).
    facts : mapping
        ``reference``: the figure at development; ``name``: key of the text that names the figure.
    language, key : str
        Of the words; before the ids of the drawing.
    """
    last, start = rows[-1], float(facts["reference"])
    outside = not last["lower"] <= start <= last["upper"]
    name, rate = say(facts["name"], language), facts["name"] == "name_bad_rate"
    written = percent if rate else "{:.3f}".format
    size = 100.0 if rate else 1.0
    title = say(
        "finding_expected_moved" if outside else "finding_expected", language, name=name,
        period=str(last["period"]).replace("-", "\u2011"), value=written(last["expected"]),
        low=written(last["lower"]), high=written(last["upper"]), start=written(start),
    )  # fmt: skip
    marks: list[dict[str, Any]] = [
        {
            "x": str(row["period"]), "y": size * row["expected"], "low": size * row["lower"],
            "high": size * row["upper"],
            "real": None if row["realised"] is None else size * row["realised"],
            "text": f"{row['period']}: {written(row['expected'])} "
            f"({written(row['lower'])} – {written(row['upper'])})",
        }
        for row in rows
    ]  # fmt: skip
    known = any(row["realised"] is not None for row in rows)
    axis = f"{name} %" if rate else name
    return Figure(
        title=title, about=say("about_expected", language),
        note=say("note_expected", language) if known else "",
        svg=drawn(_expected_chart(marks, size * start, axis, language), key),
        sheet=Sheet(
            key=f"expected {facts['name'].removeprefix('name_')}", title=both("title_expected",
                name=Both(say(facts["name"], "zh"), say(facts["name"], "en"))), rows=list(rows),
            columns=("period", "expected", "lower", "upper", "realised"), words=("period",),
            how=((both("definition"), both("how_expected")),),
        ),
    )  # fmt: skip


def _expected_chart(marks: Rows, level: float, title: str, language: str) -> Any:
    base = alt.Chart(data(marks), width=WIDTH - 62, height=190)
    step = -(-len(marks) // 4)
    x = alt.X(
        "x:O",
        title=None,
        sort=[row["x"] for row in marks],
        axis=alt.Axis(
            values=[row["x"] for row in marks[::step]], labelAngle=0, ticks=False, labelPadding=8
        ),
    )
    y = alt.Y(
        "y:Q",
        title=title,
        scale=alt.Scale(zero=False),
        axis=alt.Axis(tickCount=4),
    )
    band = base.mark_area(color=QUIET, opacity=0.25, aria=False).encode(
        x=x, y=like(y, "low"), y2="high:Q"
    )
    line = base.mark_line(color=RISK, strokeWidth=2, aria=False).encode(x=x, y=y)
    dots = base.mark_point(color=RISK, filled=True, size=30).encode(x=x, y=y, description="text:N")
    start = alt.Chart(data([{"y": level}])).mark_rule(
        color=QUIET, strokeDash=[4, 3], aria=False
    ).encode(y="y:Q")  # fmt: skip
    real = base.transform_filter("isValid(datum.real)").mark_point(
        shape="square", color=INK, size=46, strokeWidth=1.6, aria=False
    ).encode(x=x, y=like(y, "real"))  # fmt: skip
    end = {"line": say("name_development", language), "x": marks[-1]["x"], "y": level}
    word = named([end], x=x, y=y, align="right", dx=0, dy=-8)
    return band + start + line + dots + real + word
