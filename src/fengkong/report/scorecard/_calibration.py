"""Whether probabilities are true: reliability, grades, and the order of grades over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from fengkong.report._pictures import drawn
from fengkong.report._words import percent, say
from fengkong.report.scorecard._content import Both, Figure, Sheet, both
from fengkong.report.scorecard._marks import (
    INK,
    LINE,
    QUIET,
    RISK,
    SHAPES,
    WIDTH,
    Rows,
    band_axis,
    data,
    diagonal,
    like,
    names_width,
)

_SIDE = 236


def reliability_figure(rows: Rows, test: Mapping[str, Any], language: str, key: str) -> Figure:
    """Draw observed against predicted bad rates with their intervals.

    Parameters
    ----------
    rows : sequence of mapping
        Bins as `validation.calibration_table` returns them.
    test : mapping
        ``p_value`` of the Hosmer-Lemeshow test and ``error``, the mean distance (fraction).
    language, key : str
        Of the words; before the ids of the drawing.
    """
    inside = [row for row in rows if row["lower"] <= row["probability_mean"] <= row["upper"]]
    title = say("finding_reliability", language, inside=len(inside), all=len(rows),
                error=percent(test["error"]))  # fmt: skip
    marks: list[dict[str, Any]] = [
        {
            "x": float(row["probability_mean"]) * 100, "y": float(row["bad_rate"]) * 100,
            "low": float(row["lower"]) * 100, "high": float(row["upper"]) * 100,
            "out": not row["lower"] <= row["probability_mean"] <= row["upper"],
            "text": f"{percent(row['probability_mean'])} → {percent(row['bad_rate'])} "
            f"({percent(row['lower'])} – {percent(row['upper'])})",
        }
        for row in rows
    ]  # fmt: skip
    largest = max(max(row["high"], row["x"]) for row in marks) * 1.03
    scale = alt.Scale(domain=[0, largest], nice=False)
    x = alt.X("x:Q", title=say("axis_predicted", language), scale=scale,
              axis=alt.Axis(tickCount=5, grid=False))  # fmt: skip
    y = alt.Y("y:Q", title=say("axis_observed", language), scale=scale,
              axis=alt.Axis(tickCount=5))  # fmt: skip
    base = alt.Chart(data(marks), width=_SIDE, height=_SIDE)
    colour = alt.condition("datum.out", alt.value(RISK), alt.value(INK))
    spans = base.mark_rule(strokeWidth=1.5, aria=False).encode(
        x=x, y=like(y, "low"), y2="high:Q", color=colour
    )
    points = base.mark_point(filled=True, size=48, opacity=1).encode(
        x=x, y=y, color=colour, description="text:N",
        shape=alt.condition("datum.out", alt.value("square"), alt.value("circle")),
    )  # fmt: skip
    return Figure(
        title=title,
        about=say("about_reliability", language, p_value=_chance(test["p_value"])),
        note=say("note_reliability", language),
        svg=drawn(diagonal(largest) + spans + points, key),
        sheet=Sheet(
            key="calibration", title=both("title_calibration"),
            rows=[
                {**row, "band": row["bin"], "bad_rate_low": row["lower"],
                 "bad_rate_high": row["upper"]} for row in rows
            ],
            columns=("band", "rows", "probability_lowest", "probability_highest",
                     "probability_mean", "bad_rate", "bad_rate_low", "bad_rate_high"),
            how=((both("definition"), both("how_calibration")),),
        ),
    )  # fmt: skip


def _chance(p_value: float) -> str:
    """Return a p-value for a sentence; a dash where there is none."""
    if p_value != p_value:  # noqa: PLR0124 - the test was refused, and a note says why
        return "–"
    return f"= {p_value:.3f}" if p_value >= 0.0005 else "< 0.001"


def grades_figure(rows: Rows, language: str, key: str) -> Figure:
    """Draw the bad rate of each grade with its interval, its pd, and its light.

    Parameters
    ----------
    rows : sequence of mapping
        As `validation.grade_table` returns them, without its last row of all.
    language, key : str
        Of the words; before the ids of the drawing.
    """
    off = [row for row in rows if row["light"] in {"amber", "red"}]
    comma = say("comma", language)
    title = say(
        "finding_grades_off" if off else "finding_grades", language, off=len(off), all=len(rows),
        names=comma.join(str(row["grade"]) for row in off),
    )  # fmt: skip
    marks: list[dict[str, Any]] = []
    for row in rows:
        light = str(row["light"])
        marks.append(
            {
                "name": str(row["grade"]), "pd": float(row["probability"]) * 100, "light": light,
                "x": float(row["bad_rate"]) * 100,
                "low": float(row["lower"]) * 100, "high": float(row["upper"]) * 100,
                "label": f"{SHAPES[light]} {say(f'light_{light}', language)}",
                "text": f"{row['grade']}: {percent(row['bad_rate'])} · pd "
                f"{percent(row['probability'])} · {row['rows']:,}",
            }
        )  # fmt: skip
    side = 56 if language == "zh" else 66
    width = WIDTH - names_width(marks) - 22 - side
    largest = max(max(row["pd"], row["high"]) for row in marks) * 1.05
    base = alt.Chart(data(marks), width=width, height=max(26 * len(marks), 60))
    x = alt.X("x:Q", title=say("axis_bad_rate", language),
              scale=alt.Scale(domain=[0, largest], nice=False),
              axis=alt.Axis(orient="top", tickCount=4, labelFlush=True))  # fmt: skip
    y = band_axis([row["name"] for row in marks])
    colour = alt.condition(
        "datum.light == 'amber' || datum.light == 'red'", alt.value(RISK), alt.value(INK)
    )
    spans = base.mark_rule(strokeWidth=1.6, aria=False).encode(
        x=like(x, "low"), x2="high:Q", y=y, color=colour
    )
    points = base.mark_point(filled=True, size=50, opacity=1).encode(
        x=x, y=y, color=colour, description="text:N"
    )
    ticks = base.mark_tick(color=QUIET, thickness=3, size=16, aria=False).encode(
        x=like(x, "pd"), y=y
    )
    lights = alt.Chart(data(marks), width=side, height=max(26 * len(marks), 60)).mark_text(
        align="left", fontSize=12, aria=False
    ).encode(x=alt.value(0), y=alt.Y("name:N", sort=[row["name"] for row in marks], axis=None),
             text="label:N", color=colour)  # fmt: skip
    return Figure(
        title=title, about=say("about_grades", language), note=say("note_grades", language),
        svg=drawn(alt.hconcat(ticks + spans + points, lights, spacing=8), key),
        sheet=Sheet(
            key="grades", title=both("title_grades"), words=("grade", "light"),
            columns=("grade", "rows", "bad", "expected_bad", "probability",
                     "bad_rate", "bad_rate_low", "bad_rate_high", "binomial_p_value", "light"),
            rows=[
                {**row, "light": _light(row["light"]), "bad_rate_low": row["lower"],
                 "bad_rate_high": row["upper"]} for row in rows
            ],
            how=((both("definition"), both("how_grades")),),
        ),
    )  # fmt: skip


def _light(light: str) -> Both:
    return Both(*(f"{SHAPES[light]} {say(f'light_{light}', one)}" for one in ("zh", "en")))


def ranks_figure(rates: Rows, inversions: Rows, language: str, key: str) -> Figure:
    """Draw the bad rate by grade and period, with marks where the order breaks.

    Parameters
    ----------
    rates, inversions : sequence of mapping
        The tables of `validation.rank_order`.
    language, key : str
        Of the words; before the ids of the drawing.
    """
    one = {str(row["period"]) for row in rates} == {"all"}
    if one:  # no period was given
        rates, inversions = (
            [{**row, "period": say("sample_all", language)} for row in part]
            for part in (rates, inversions)
        )
    periods = list(dict.fromkeys(str(row["period"]) for row in rates))
    places = sorted({(row["place"], str(row["band"])) for row in rates})
    grades = [grade for _, grade in reversed(places)]
    sure = [row for row in inversions if row["significant"]]
    broken = {(str(row["period"]), str(row["safer"])) for row in inversions}
    held = len(periods) - len({str(row["period"]) for row in inversions})
    first = (sure or list(inversions) or [{"period": "", "safer": "", "riskier": ""}])[0]
    which = "_sure" if sure else "_broken" if inversions else ""
    which = f"_one{which}" if one else which
    # A month stays on one line: its hyphen does not break.
    period = str(first["period"]).replace("-", "\u2011")
    title = say(
        f"finding_ranks{which}", language, held=held, all=len(periods), period=period,
        grade=str(first["safer"]), other=str(first["riskier"]), sure=len(sure),
    )  # fmt: skip
    rows = [{**row, "broken": (str(row["period"]), str(row["band"])) in broken} for row in rates]
    return Figure(
        title=title, about=say("about_ranks", language), note=say("note_ranks", language),
        svg=drawn(_rank_cells(rows, periods, grades, language), key),
        sheet=Sheet(
            key="rank order", title=both("title_ranks"),
            rows=[{**row, "grade": row["band"], "bad_rate_low": row["lower"],
                   "bad_rate_high": row["upper"]} for row in rows],
            columns=("period", "grade", "rows", "bad", "bad_rate", "bad_rate_low",
                     "bad_rate_high", "broken"),
            words=("period", "grade", "broken"), how=((both("definition"), both("how_ranks")),),
        ),
    )  # fmt: skip


def _rank_cells(rows: Rows, periods: Sequence[str], grades: Sequence[str], language: str) -> Any:
    marks = [
        {
            "x": str(row["band"]), "y": str(row["period"]), "broken": bool(row["broken"]),
            "value": float(row["bad_rate"]),
            "label": f"{row['bad_rate'] * 100:.1f}" + (" ■" if row["broken"] else ""),
            "text": f"{row['period']}, {row['band']}: {percent(row['bad_rate'])}",
        }
        for row in rows
    ]  # fmt: skip
    width = WIDTH - names_width([{"name": name} for name in periods]) - 14
    base = alt.Chart(data(marks), width=width, height=26 * len(periods))
    x = alt.X("x:N", sort=list(grades), title=say("axis_grade", language),
              axis=alt.Axis(labelAngle=0, orient="top", ticks=False, domain=False))  # fmt: skip
    y = alt.Y("y:N", sort=list(periods), title=None, axis=alt.Axis(ticks=False, domain=False))
    cells = base.mark_rect(stroke=LINE).encode(
        x=x, y=y, color=alt.value(RISK), description="text:N",
        opacity=alt.Opacity("value:Q", legend=None, scale=alt.Scale(range=[0.04, 0.55])),
    )  # fmt: skip
    return cells + base.mark_text(fontSize=10.5, aria=False, color=INK).encode(
        x=x, y=y, text="label:N"
    )
