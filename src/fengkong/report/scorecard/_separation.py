"""How well goods and bads are told apart: ROC, CAP, lift, and the two distributions of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    data,
    diagonal,
    line_and_ends,
    named,
)

_SIDE = 236


def roc_figure(
    curves: Mapping[str, Rows], auc: Mapping[str, Any], language: str, key: str
) -> Figure:
    """Draw the ROC curve of each sample.

    Parameters
    ----------
    curves : mapping of str to rows
        By sample, in order; the last is the one the title speaks of. Rows: ``good_share``,
        ``bad_share``, ascending.
    auc : mapping
        Of the last sample: ``auc``, ``lower``, ``upper``, ``confidence``.
    language, key : str
        Of the words; before the ids of the drawing.
    """
    title = say(
        "finding_roc", language, auc=f"{auc['auc']:.3f}", low=f"{auc['lower']:.3f}",
        high=f"{auc['upper']:.3f}", confidence=f"{auc['confidence']:.0%}",
        share=percent(auc["auc"]),
    )  # fmt: skip
    return Figure(
        title=title, about=say("about_roc", language), note=_samples(curves, language),
        svg=drawn(_curves(curves, "good_share", language), key),
        sheet=_curve_sheet("roc", curves, ("good_share", "bad_share")),
    )  # fmt: skip


def cap_figure(curves: Mapping[str, Rows], gini: float, language: str, key: str) -> Figure:
    """Draw the cumulative accuracy profile: rows by sample as `roc_figure`, with ``row_share``."""
    last = list(curves)[-1]
    fifth = _at(curves[last], 0.2)
    title = say("finding_cap", language, caught=percent(fifth), gini=percent(gini))
    return Figure(
        title=title, about=say("about_cap", language), note=_samples(curves, language),
        svg=drawn(_curves(curves, "row_share", language), key),
        sheet=_curve_sheet("cap", curves, ("row_share", "bad_share", "perfect_share")),
    )  # fmt: skip


def _samples(curves: Mapping[str, Rows], language: str) -> str:
    if len(curves) == 1:
        return ""
    *others, last = (sample_name(name, language) for name in curves)
    return say("note_samples", language, name=last, others=say("comma", language).join(others))


def sample_name(name: str, language: str) -> str:
    """Return the name of a sample in words; one of the caller's own as it is."""
    known = {"train", "test", "all", "development", "validation", "out_of_time"}
    return say(f"sample_{name}", language) if name in known else name


def _curves(curves: Mapping[str, Rows], field: str, language: str) -> Any:
    rows: list[dict[str, Any]] = []
    for sample, line in curves.items():
        name = sample_name(sample, language)
        for place, row in enumerate(line):
            x, y = float(row[field]) * 100, float(row["bad_share"]) * 100
            rows.append({"line": name, "x": x, "y": y, "place": place,
                         "text": f"{name}: {x:.1f}% → {y:.1f}%"})  # fmt: skip
    strong = sample_name(list(curves)[-1], language)
    x = alt.X("x:Q", title=say(f"axis_{field}", language), scale=alt.Scale(domain=[0, 100]),
              axis=alt.Axis(tickCount=5, grid=False))  # fmt: skip
    y = alt.Y("y:Q", title=say("axis_bads", language), scale=alt.Scale(domain=[0, 100]),
              axis=alt.Axis(tickCount=5))  # fmt: skip
    base = diagonal(100.0).properties(width=_SIDE, height=_SIDE)
    # In the corner that no curve of a useful score enters.
    corner = {"line": strong, "x": 0.0, "y": 97.0}
    marks = line_and_ends(rows, x=x, y=y, strong=strong)
    return alt.layer(base, *marks, named([corner], x=x, y=y, colour=RISK))


def _at(rows: Rows, depth: float) -> float:
    """Return the share of bads at a share of rows, on the straight line between two points."""
    before: Mapping[str, Any] = {"row_share": 0.0, "bad_share": 0.0}
    for row in rows:
        if row["row_share"] >= depth:
            width = row["row_share"] - before["row_share"]
            part = (depth - before["row_share"]) / width if width else 1.0
            return float(before["bad_share"] + part * (row["bad_share"] - before["bad_share"]))
        before = row
    return 1.0


def _curve_sheet(key: str, curves: Mapping[str, Rows], names: Sequence[str]) -> Sheet:
    rows = [
        {"sample": _both_sample(sample), **{name: row.get(name) for name in names}}
        for sample, line in curves.items()
        for row in line
    ]
    return Sheet(
        key=key, title=both(f"title_{key}"), columns=("sample", *names), rows=rows,
        words=("sample",), how=((both("definition"), both(f"how_{key}")),),
    )  # fmt: skip


def _both_sample(name: str) -> Both:
    return Both(sample_name(name, "zh"), sample_name(name, "en"))


def lift_figure(rows: Rows, language: str, key: str) -> Figure:
    """Draw the lift by band, riskiest first; rows as `validation.ks_table` returns them."""
    first = rows[0]
    title = say(
        "finding_lift", language, share=percent(first["row_share"]),
        lift=f"{first['lift']:.2f}", caught=percent(first["bad_share"]),
    )  # fmt: skip
    marks = [
        {
            "name": f"{row['band']}", "value": float(row["lift"]), "label": f"{row['lift']:.2f}",
            "strong": row is first,
            "text": f"{row['band']}: {row['lift']:.2f} · {percent(row['bad_rate'])}",
        }
        for row in rows
    ]  # fmt: skip
    base = alt.Chart(data(marks), width=WIDTH - 60, height=200)
    x = alt.X("name:N", sort=[row["name"] for row in marks], title=say("axis_band", language),
              axis=alt.Axis(labelAngle=0, ticks=False))  # fmt: skip
    y = alt.Y("value:Q", title=say("axis_lift", language), axis=alt.Axis(tickCount=4))
    bars = base.mark_bar(width={"band": 0.7}).encode(
        x=x, y=y, description="text:N",
        color=alt.condition("datum.strong", alt.value(RISK), alt.value(QUIET)),
    )  # fmt: skip
    labels = base.mark_text(dy=-6, color=INK, fontSize=10.5, aria=False).encode(
        x=x, y=y, text="label:N"
    )
    one = alt.Chart(data([{"value": 1.0}])).mark_rule(
        color=QUIET, strokeDash=[4, 3], aria=False
    ).encode(y="value:Q")  # fmt: skip
    return Figure(
        title=title, about=say("about_lift", language), svg=drawn(bars + one + labels, key),
        sheet=Sheet(
            key="ks table", title=both("title_ks_table"), rows=list(rows),
            columns=("band", "lowest", "highest", "rows", "bad", "bad_rate", "row_share",
                     "cumulative_bad_share", "cumulative_good_share", "ks", "lift",
                     "cumulative_lift"),
            how=((both("definition"), both("how_ks_table")),),
        ),
    )  # fmt: skip


def distribution_figure(rows: Rows, ks: Mapping[str, Any], language: str, key: str) -> Figure:
    """Draw the scores of goods and of bads.

    Parameters
    ----------
    rows : sequence of mapping
        Bands of scores, ascending, of equal width: ``score_from``, ``score_to``, ``good_share``,
        ``bad_share`` (of all goods, of all bads).
    ks : mapping
        ``ks``, ``value``, ``bad_share``, ``good_share`` (on the risky side of the value).
    language, key : str
        Of the words; before the ids of the drawing.
    """
    title = say(
        "finding_ks", language, ks=f"{ks['ks']:.3f}", value=f"{ks['value']:,.10g}",
        bads=percent(ks["bad_share"]), goods=percent(ks["good_share"]),
    )  # fmt: skip
    marks: list[dict[str, Any]] = []
    for kind in ("good", "bad"):
        for place, row in enumerate(rows):
            share = float(row[f"{kind}_share"]) * 100
            ends = f"[{row['score_from']:,.6g}, {row['score_to']:,.6g})"
            marks.append(
                {
                    "x": float(row["score_from"]), "x2": float(row["score_to"]), "y": share,
                    "kind": kind, "place": place, "line": say(f"name_{kind}s", language),
                    "text": f"{say(f'name_{kind}s', language)} {ends}: {share:.2f}%",
                }
            )  # fmt: skip
    x = alt.X("x:Q", title=say("axis_score", language), axis=alt.Axis(grid=False, tickCount=6),
              scale=alt.Scale(zero=False, nice=False))  # fmt: skip
    y = alt.Y("y:Q", title="%", axis=alt.Axis(tickCount=4))
    layers = []
    for kind, colour, strength in (("good", QUIET, 0.45), ("bad", RISK, 0.55)):
        own = [row for row in marks if row["kind"] == kind]
        base = alt.Chart(data(own), width=WIDTH - 62, height=200)
        layers.append(base.mark_bar(color=colour, opacity=strength).encode(
            x=x, x2="x2:Q", y=y, y2=alt.datum(0), description="text:N"))  # fmt: skip
        # Its name stands on the slope that the other distribution does not cover.
        high = max(row["y"] for row in own) / 2
        slope = [row for row in own if row["y"] >= high]
        last = kind == "good"
        words = {**slope[-1], "x": slope[-1]["x2"]} if last else slope[0]
        layers.append(named([words], x=x, y=y, align="left" if last else "right",
                            dx=4 if last else -4))  # fmt: skip
    cut = alt.Chart(data([{"x": float(ks["value"])}])).mark_rule(
        color=INK, strokeDash=[4, 3], aria=False
    ).encode(x="x:Q")  # fmt: skip
    return Figure(
        title=title, about=say("about_distribution", language), svg=drawn(
            alt.layer(*layers, cut), key),
        sheet=Sheet(
            key="scores", title=both("title_scores"), rows=list(rows),
            columns=("score_from", "score_to", "good_share", "bad_share"),
            how=((both("definition"), both("how_scores")),),
        ),
    )  # fmt: skip
