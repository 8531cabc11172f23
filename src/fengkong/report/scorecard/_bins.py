"""The bins of a column, and the information value of all columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np

from fengkong.report._pictures import drawn
from fengkong.report._words import code_text, column, percent, say
from fengkong.report.scorecard._content import Both, Figure, Sheet, both
from fengkong.report.scorecard._marks import (
    INK,
    QUIET,
    RISK,
    WIDTH,
    Rows,
    band_axis,
    data,
    distinct,
    like,
    limit_rules,
    names_width,
)
from fengkong.scorecard._score_interval import score_interval
from fengkong.scorecard.binning.bins import ColumnBins, FloatArray

# regulation.md D4: a practice convention. Each limit opens its class.
IV_CLASSES = ((0.5, "suspicious"), (0.3, "strong"), (0.1, "medium"), (0.02, "weak"))
# A bin of fewer rows is drawn and not compared.
ROWS_MIN = 30
_SHOWN = 25


def iv_class(iv: float) -> str:
    """Return the class of an information value; a value on a limit is in the upper class."""
    return next((name for limit, name in IV_CLASSES if iv >= limit), "none")


def bins_sheet(bins: ColumnBins, points: FloatArray | None = None) -> Sheet:
    """Return the bins of a column as a table: those that hold rows, and all with points."""
    bads, goods = bins.bad_count, bins.count - bins.bad_count
    part = (goods / goods.sum() - bads / bads.sum()) * bins.woe
    low, high = score_interval(bins.bad_count, bins.count)
    rows: list[dict[str, Any]] = []
    for code in range(bins.n_codes):
        held = bins.count[code] > 0
        if not held and (points is None or (code == bins.unseen_code and bins.kind == "numeric")):
            continue
        rows.append(
            {
                "bin": bin_name(bins, code),
                "code": code,
                "count": bins.count[code],
                "row_share": bins.count[code] / bins.count.sum(),
                "bad_count": bins.bad_count[code],
                "bad_rate": bins.bad_rate[code],
                "bad_rate_low": low[code] if held else np.nan,
                "bad_rate_high": high[code] if held else np.nan,
                "woe": bins.woe[code],
                "iv_part": part[code],
                "points": None if points is None else points[code],
            }
        )
    names = ("bin", "count", "row_share", "bad_count", "bad_rate", "bad_rate_low",
             "bad_rate_high", "woe", "iv_part")  # fmt: skip
    return Sheet(
        key=f"bins {bins.name}", title=both("title_bins", name=column_name(bins.name)),
        columns=names if points is None else (*names, "points"), rows=rows, words=("bin",),
        how=_how(bins),
    )  # fmt: skip


def _how(bins: ColumnBins) -> tuple[tuple[Both, Both], ...]:
    trend = Both(*(say(f"trend_{bins.trend}", one) for one in ("zh", "en")))
    lines = [
        (both("definition"), both("how_bins")),
        (both("name_trend"), trend),
        (both("name_iv"), Both(f"{bins.iv:.4f}", f"{bins.iv:.4f}")),
    ]
    if bins.note:
        lines.append(
            (both("name_note"), Both(*(code_text(bins.note, one) for one in ("zh", "en"))))
        )
    return tuple(lines)


def column_name(name: str) -> Both:
    """Return the heading of a column of features: a known one in words, any other as it is."""
    return Both(column(name, "zh"), column(name, "en"))


def bin_name(bins: ColumnBins, code: int) -> str | Both:
    """Return the name of a bin: the open ends as < and ≥, missing and unseen in words."""
    if code in {bins.missing_code, bins.unseen_code}:
        return both(f"bin_{bins.label(code)}")
    if bins.kind == "numeric" and code < bins.n_bins and bins.n_bins > 1:
        if code == 0:
            return f"< {bins.cuts[0]:.10g}".replace("-", "−")
        if code == bins.n_bins - 1:
            return f"≥ {bins.cuts[-1]:.10g}".replace("-", "−")
        return bins.label(code).replace("-", "−")
    return bins.label(code)


def bins_figure(
    bins: ColumnBins, points: FloatArray | None, language: str, key: str, *, iv: float | None = None
) -> Figure:
    """Draw a column: bars of share, bad rates with intervals joined by a line, points beside.

    ``iv`` is that of the bins before their WoE was smoothed, by which the column was selected.
    """
    iv = bins.iv if iv is None else iv
    sheet = bins_sheet(bins, points)
    rows = [row for row in sheet.rows if row["count"] > 0]
    large = [row for row in rows if row["count"] >= ROWS_MIN]
    worst = max(large, key=lambda row: row["bad_rate"], default=None)
    title = say("finding_bins_none", language, name=column(bins.name, language), least=ROWS_MIN)
    if len(large) > 1 and worst is not None:
        best = min(large, key=lambda row: row["bad_rate"])
        title = say(
            "finding_bins", language, name=column(bins.name, language),
            worst=_word(worst["bin"], language), high=percent(worst["bad_rate"]),
            best=_word(best["bin"], language), low=percent(best["bad_rate"]),
        )  # fmt: skip
    about = say("about_bins", language, iv=f"{iv:.3f}",
                size=say(f"iv_{iv_class(iv)}", language),
                mean=percent(float(bins.bad_count.sum() / bins.count.sum())))  # fmt: skip
    note = say("note_small_bins", language, least=ROWS_MIN) if len(large) < len(rows) else ""
    chart = _bins_chart(bins, rows, worst, points is not None, language)
    return Figure(title=title, about=about, note=note, svg=drawn(chart, key), sheet=sheet)


def _word(name: str | Both, language: str) -> str:
    text = name[language] if isinstance(name, Both) else name
    # A sign stays on the line of its number.
    return re.sub(r"^([<≥]) ", "\\1\u00a0", text)


def _bins_chart(
    bins: ColumnBins, rows: Rows, worst: Mapping[str, Any] | None, pointed: bool, language: str
) -> Any:
    marks = []
    names = distinct([_word(row["bin"], language) for row in rows])
    for row, name in zip(rows, names, strict=True):
        share = float(row["row_share"])
        points = f"{row['points']:.10g}".replace("-", "−") if pointed else ""
        marks.append(
            {
                "name": name, "share": share * 100, "share_label": f"{share * 100:.1f}",
                "rate": float(row["bad_rate"]) * 100, "low": float(row["bad_rate_low"]) * 100,
                "high": float(row["bad_rate_high"]) * 100, "code": row["code"],
                "regular": row["code"] < bins.n_bins, "strong": row is worst, "points": points,
                "small": bool(row["count"] < ROWS_MIN),
                "text": f"{name}: {percent(row['bad_rate'])} "
                f"({row['bad_count']:,.10g}/{row['count']:,.10g})",
            }
        )  # fmt: skip
    order = [row["name"] for row in marks]
    height = max(24 * len(marks), 60)
    right = 44 if pointed else 0
    room = WIDTH - names_width(marks) - 34 - right
    mean = float(bins.bad_count.sum() / bins.count.sum())
    shares = _share_panel(marks, order, round(room * 0.36), height, language)
    rates = _rate_panel(marks, order, (round(room * 0.64), height), mean, language)
    panels = [shares, rates]
    if pointed:
        head = alt.Axis(orient="top", ticks=False, domain=False, labels=False, titlePadding=19)
        panels.append(
            alt.Chart(data(marks), width=right - 8, height=height)
            .mark_text(align="right", color=INK, fontSize=12, aria=False)
            .encode(
                y=_hidden(order), text="points:N",
                x=alt.X("zero:Q", title=say("axis_points", language), axis=head,
                        scale=alt.Scale(domain=[0, 1])),
            )
            .transform_calculate(zero="0.9")
        )  # fmt: skip
    return alt.hconcat(*panels, spacing=8)


def _hidden(order: list[str]) -> Any:
    return alt.Y("name:N", sort=order, axis=None)


def _share_panel(rows: Rows, order: list[str], width: int, height: int, language: str) -> Any:
    base = alt.Chart(data(rows), width=width, height=height)
    largest = max(row["share"] for row in rows)
    head = alt.Axis(orient="top", ticks=False, domain=False, labels=False, grid=False,
                    titlePadding=19)  # fmt: skip
    x = alt.X("share:Q", title=say("axis_share", language), axis=head,
              scale=alt.Scale(domain=[0, largest * width / max(width - 32, 20)]))  # fmt: skip
    bars = base.mark_bar(height={"band": 0.66}, color=QUIET, opacity=0.55).encode(
        x=x, y=band_axis(order), description="text:N"
    )
    return bars + base.mark_text(align="left", dx=4, color=INK, fontSize=11, aria=False).encode(
        x=x, y=band_axis(order), text="share_label:N"
    )


def _rate_panel(
    rows: Rows, order: list[str], size: tuple[int, int], mean: float, language: str
) -> Any:
    base = alt.Chart(data(rows), width=size[0], height=size[1])
    largest = max(row["high"] for row in rows) * 1.05
    x = alt.X("rate:Q", title=say("axis_bad_rate", language),
              scale=alt.Scale(domain=[0, largest], nice=False),
              axis=alt.Axis(orient="top", tickCount=3, labelFlush=True))  # fmt: skip
    y = _hidden(order)
    average = alt.Chart(data([{"rate": mean * 100}])).mark_rule(
        color=QUIET, strokeDash=[4, 3], aria=False
    ).encode(x=x)  # fmt: skip
    line = base.transform_filter("datum.regular").mark_line(
        color=QUIET, strokeWidth=1.4, aria=False
    ).encode(x=x, y=y, order="code:Q")  # fmt: skip
    colour = alt.condition("datum.strong", alt.value(RISK), alt.value(INK))
    pale = alt.condition("datum.small", alt.value(0.35), alt.value(1))
    spans = base.mark_rule(strokeWidth=1.6, aria=False).encode(
        x=like(x, "low"), x2="high:Q", y=y, color=colour, opacity=pale
    )
    points = base.mark_point(filled=True, size=48).encode(
        x=x, y=y, color=colour, opacity=pale, description="text:N"
    )
    return average + line + spans + points


def iv_figure(rows: Rows, language: str, key: str) -> Figure:
    """Draw the information value of all columns, with the limits of the convention.

    Parameters
    ----------
    rows : sequence of mapping
        ``variable``, ``iv``, ``in_card``.
    language, key : str
        Of the words; before the ids of the drawing.
    """
    ordered = sorted(rows, key=lambda row: (-row["iv"], str(row["variable"])))
    useful = [row for row in ordered if row["iv"] >= IV_CLASSES[-1][0]]
    suspicious = [row for row in ordered if row["iv"] >= IV_CLASSES[0][0]]
    marks: list[dict[str, Any]] = [
        {
            "name": column(str(row["variable"]), language), "value": float(row["iv"]),
            "label": f"{row['iv']:.3f}", "in_card": bool(row["in_card"]),
            "text": f"{row['variable']}: {row['iv']:.4f}",
        }
        for row in ordered[:_SHOWN]
    ]  # fmt: skip
    top = ordered[0]
    title = say(
        "finding_iv_suspicious" if suspicious else "finding_iv", language, useful=len(useful),
        all=len(ordered), name=column(str(top["variable"]), language), iv=f"{top['iv']:.3f}",
    )  # fmt: skip
    notes = [say("note_iv", language)]
    if len(ordered) > _SHOWN:
        notes.append(say("note_iv_shown", language, shown=_SHOWN))
    width = WIDTH - names_width(marks) - 14
    base = alt.Chart(data(marks), width=width, height=max(20 * len(marks), 40))
    largest = max(*(row["value"] for row in marks), IV_CLASSES[2][0] * 1.5)
    x = alt.X("value:Q", axis=None,
              scale=alt.Scale(domain=[0, largest * width / max(width - 44, 40)]))  # fmt: skip
    y = band_axis([row["name"] for row in marks])
    bars = base.mark_bar(height={"band": 0.66}).encode(
        x=x, y=y, description="text:N",
        color=alt.condition("datum.in_card", alt.value(RISK), alt.value(QUIET)),
        opacity=alt.condition("datum.in_card", alt.value(1), alt.value(0.55)),
    )  # fmt: skip
    labels = base.mark_text(align="left", dx=5, color=INK, fontSize=12, aria=False).encode(
        x=x, y=y, text="label:N"
    )
    seen = [(limit, f"{limit:g}") for limit, _ in IV_CLASSES if limit <= largest]
    # The lowest limit stands too close to zero to be written beside the next one.
    chart = limit_rules(x, [one for one in seen if one[0] > 0.05]) + bars + labels
    return Figure(
        title=title, about=say("about_iv", language), note=say("semicolon", language).join(notes),
        svg=drawn(chart, key),
        sheet=Sheet(
            key="iv", title=both("title_iv"), columns=("variable", "iv", "iv_class", "in_card"),
            rows=[{**row, "iv_class": both(f"iv_{iv_class(row['iv'])}")} for row in ordered],
            words=("variable", "iv_class"), how=((both("definition"), both("how_iv")),),
        ),
    )  # fmt: skip
