"""The picture of vintages: curves of cohorts, the band of earlier ones, what is not mature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from statistics import quantiles
from typing import Any

import altair as alt

from fengkong.report._pictures import HATCH, INK, QUIET, RISK, WIDTH, Picture, drawn
from fengkong.report._words import percent, say
from fengkong.report.position import Position

# A band says nothing about fewer cohorts than this.
BAND_COHORTS_MIN = 4
_POINTS_MIN = 4
_SHOWN_MAX = 18
Rows = Sequence[Mapping[str, Any]]
Cohorts = Mapping[date, Rows]
Band = Mapping[int, tuple[float, float]]


def vintage(position: Position, language: str, key: str) -> Picture | None:
    """Curves of cohorts, newest strongest, over the band of the cohorts before it."""
    result = position.result("vintage_ever")
    if result is None:
        return None
    by_cohort: dict[date, list[Mapping[str, Any]]] = {}
    for row in sorted(result.rows, key=lambda row: row["months_on_book"]):
        if row["mature"] and row["amount_rate"] is not None:
            by_cohort.setdefault(row["cohort_month"], []).append(row)
    shown = sorted(cohort for cohort, line in by_cohort.items() if len(line) >= _POINTS_MIN)
    shown = shown[-_SHOWN_MAX:]
    if len(shown) < 2:
        return None
    newest = shown[-1]
    earlier = {cohort: rows for cohort, rows in by_cohort.items() if cohort < newest}
    usual = band(earlier)
    note = say("note_vintage", language)
    if usual:
        note += say("note_band", language, least=BAND_COHORTS_MIN)
    return Picture(
        key="vintage", title=_title(by_cohort[newest], earlier, usual, language), note=note,
        svg=drawn(_chart({cohort: by_cohort[cohort] for cohort in shown}, usual, language), key),
        result=result, how=say("how_band", language, least=BAND_COHORTS_MIN) if usual else "",
    )  # fmt: skip


def band(cohorts: Cohorts) -> dict[int, tuple[float, float]]:
    """Return first and third quartile of the cohorts' rates by age, where enough are mature.

    Parameters
    ----------
    cohorts : mapping of date to rows
        Mature rows of each cohort: months_on_book, amount_rate.

    Returns
    -------
    dict of int to (float, float)
        By months on book, ascending; fractions. Linear between ranks.
    """
    rates: dict[int, list[float]] = {}
    for rows in cohorts.values():
        for row in rows:
            rates.setdefault(row["months_on_book"], []).append(row["amount_rate"])
    found = {}
    for age in sorted(rates):
        if len(rates[age]) >= BAND_COHORTS_MIN:
            low, _, high = quantiles(rates[age], n=4, method="inclusive")
            found[age] = (low, high)
    return found


def curves(cohorts: Cohorts) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the points of solid runs, and of the dotted links over ages that are not mature.

    A run holds ages that follow each other; a link joins the last point before a gap to the first
    after it.
    """
    solid, dotted = [], []
    for place, (cohort, rows) in enumerate(sorted(cohorts.items())):
        name = cohort.isoformat()[:7]
        points = [
            {
                "mob": row["months_on_book"], "value": row["amount_rate"] * 100, "cohort": name,
                "strength": 0.15 + 0.55 * place / len(cohorts),
                "text": f"{name}, {row['months_on_book']}: {percent(row['amount_rate'])}",
            }
            for row in rows
        ]  # fmt: skip
        run = 0
        for before, point in pairwise([None, *points]):
            if before is not None and point["mob"] > before["mob"] + 1:  # type: ignore[index]
                link = f"{name}/{run}"
                dotted += [end | {"run": link} for end in (before, point)]  # type: ignore[operator]
                run += 1
            solid.append(point | {"run": f"{name}/{run}"})  # type: ignore[operator]
    return solid, dotted


def _chart(cohorts: Cohorts, usual: Band, language: str) -> Any:
    solid, dotted = curves(cohorts)
    newest = max(solid, key=lambda row: row["cohort"])["cohort"]
    x = alt.X("mob:Q", title=say("months_axis", language), axis=alt.Axis(
        grid=False, tickMinStep=1, labelPadding=6))  # fmt: skip
    y = alt.Y("value:Q", title="%", scale=alt.Scale(zero=True))
    new = f"datum.cohort == '{newest}'"
    look = {
        "x": x, "y": y, "detail": "run:N", "description": "cohort:N",
        "opacity": alt.condition(new, alt.value(1), alt.Opacity("strength:Q", scale=None)),
        "color": alt.condition(new, alt.value(RISK), alt.value(QUIET)),
        "strokeWidth": alt.condition(new, alt.value(3), alt.value(1.2)),
    }  # fmt: skip
    base = alt.Chart(alt.Data(values=solid), width=WIDTH - 92, height=230)
    lines = base.mark_line().encode(**look)
    links = alt.Chart(alt.Data(values=dotted)).mark_line(strokeDash=[1, 4]).encode(**look)
    dots = base.mark_point(opacity=0.01, size=60, filled=True).encode(
        x=x, y=y, description="text:N"
    )
    ends = [_last(solid, name) for name in (solid[0]["cohort"], newest)]
    words = alt.Chart(alt.Data(values=ends)).mark_text(
        align="left", dx=4, color=INK, fontSize=11, aria=False
    ).encode(x=x, y=y, text="cohort:N")  # fmt: skip
    layers = [*_band_layers(usual, max(row["mob"] for row in solid), x, y), lines]
    if dotted:
        layers.append(links)
    return alt.layer(*layers, dots, words)


def _last(points: Sequence[Mapping[str, Any]], cohort: str) -> Mapping[str, Any]:
    return max((row for row in points if row["cohort"] == cohort), key=lambda row: row["mob"])


def _band_layers(usual: Band, oldest: int, x: Any, y: Any) -> list[Any]:
    """Draw the band, and a hatch over the ages beyond it."""
    if not usual:
        return []
    rows: list[dict[str, Any]] = []
    run, before = 0, None
    for age, (low, high) in usual.items():
        run += before is not None and age > before + 1
        text = f"{age}: {percent(low)} – {percent(high)}"
        rows.append({"mob": age, "value": low * 100, "high": high * 100, "run": run, "text": text})
        before = age
    grey = alt.Chart(alt.Data(values=rows)).mark_area(color=QUIET, opacity=0.22).encode(
        x=x, y=y, y2="high:Q", detail="run:N"
    )  # fmt: skip
    last = rows[-1]["mob"]
    if last >= oldest:
        return [grey]
    beyond = alt.Chart(alt.Data(values=[{"mob": last, "end": oldest}])).mark_rect(
        color=HATCH, aria=False
    ).encode(x=x, x2="end:Q")  # fmt: skip
    return [beyond, grey]


def _title(newest: Rows, earlier: Cohorts, usual: Band, language: str) -> str:
    last = newest[-1]
    age, rate = last["months_on_book"], last["amount_rate"]
    # A month stays on one line: its hyphen does not break.
    cohort = last["cohort_month"].isoformat()[:7].replace("-", "\u2011")
    words = {"mob": age, "cohort": cohort, "rate": percent(rate)}
    if age in usual:
        low, high = usual[age]
        place = "above" if rate > high else "below" if rate < low else "within"
        return say(
            f"finding_vintage_{place}", language, **words, low=percent(low), high=percent(high)
        )
    same = [row for rows in earlier.values() for row in rows if row["months_on_book"] == age]
    base = sum(float(row["cohort_disbursed_amount"]) for row in same)
    mean = sum(float(row["bad_amount"]) for row in same) / base if base else 0.0
    return say("finding_vintage", language, **words, mean=percent(mean))
