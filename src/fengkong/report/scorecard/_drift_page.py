"""The report of a drift run: columns that moved, the score in points, what to expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from fengkong.foundation.errors import InputError
from fengkong.report._pictures import drawn
from fengkong.report._words import column, minus, percent, say
from fengkong.report.scorecard._bins import column_name
from fengkong.report.scorecard._cells import records
from fengkong.report.scorecard._content import Both, Figure, Page, Section, Sheet, Tile, both
from fengkong.report.scorecard._drift import (
    both_cell,
    expected_figure,
    psi_figure,
    shift_figure,
    stability_word,
)
from fengkong.report.scorecard._evidence_page import Keys, keys_of
from fengkong.report.scorecard._marks import (
    INK,
    QUIET,
    RISK,
    WIDTH,
    Rows,
    band_axis,
    data,
    like,
    names_width,
)
from fengkong.report.scorecard.rows import column_of
from fengkong.scorecard.binning.bins import FloatArray
from fengkong.scorecard.card import Card
from fengkong.scorecard.watch import (
    CharacteristicStability,
    ClassifierDrift,
    Drift,
    ExpectedPerformance,
    characteristic_stability,
    drift,
    drift_classifier,
    expected_performance,
)

_WORST = 3
_PERIOD_ROWS = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """What a drift run found.

    Attributes
    ----------
    names : (str, str)
        Reference and current, as the caller calls them.
    drift : Drift
    card : Card or None
    characteristic : CharacteristicStability or None
    expected : ExpectedPerformance or None
        With a card.
    classifier : ClassifierDrift or None
        How well a model tells the two samples apart, when it was asked for.
    periods : tuple of dict
        Expected bad rate by period of the current sample: period, expected, lower, upper.
    reference_rate : float
        Bad rate to expect of the reference sample; 0 without a card.
    """

    names: tuple[str, str]
    drift: Drift
    card: Card | None = None
    characteristic: CharacteristicStability | None = None
    expected: ExpectedPerformance | None = None
    classifier: ClassifierDrift | None = None
    periods: tuple[dict[str, Any], ...] = ()
    reference_rate: float = 0.0

    def summary(self) -> dict[str, Any]:
        """Return what a terminal has room for; empty without a card."""
        if self.characteristic is None or self.expected is None:
            return {}
        found = {row["figure"]: row for row in records(self.expected.figures)}
        bands = {
            f"expected_{name}": [float(found[name][end]) for end in ("expected", "lower", "upper")]
            for name in ("bad_rate", "auc")
        }
        means = [self.characteristic.mean_reference, self.characteristic.mean_current]
        psi = float(self.characteristic.score.columns["psi"].iloc[0])
        return {"mean_score": means, "score_psi": psi, **bands}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        parts = {"drift": self.drift, "characteristic": self.characteristic,
                 "expected": self.expected, "classifier": self.classifier}  # fmt: skip
        found = {name: part.to_dict() for name, part in parts.items() if part is not None}
        return {
            "reference": self.names[0], "current": self.names[1],
            "periods": list(self.periods), **found,
        }  # fmt: skip


def watch(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    *,
    names: tuple[str, str],
    card: Card | None = None,
    columns: Sequence[str] = (),
    period: str | None = None,
    classifier: bool = False,
    seed: int = 0,
) -> Watched:
    """Compare two samples, and with a card its score and the performance to expect.

    Parameters
    ----------
    reference, current : DataFrame
    names : (str, str)
        What the samples are called.
    card : Card, optional
        Then its variables are compared; all columns without.
    columns : sequence of str
        Columns to compare in place of those.
    period : str, optional
        Column of ``current`` by which the bad rate to expect is shown; needs a card.
    classifier : bool, default False
        Train a model to tell the samples apart, and name the columns to blame.
    seed : int
        Of the simulated KS and of the classifier.

    Raises
    ------
    InputError, ColumnTypeError
        See `drift`.
    """
    if period is not None and card is None:
        raise InputError("what to expect by --period needs a card: name it with --card")
    wanted = list(columns) or (list(card.names) if card else list(reference.columns))
    for name in wanted:
        column_of(reference, name, what="column")
    # With columns named, others are not asked about; without, what only the new table has is said.
    named = [name for name in wanted if name in current.columns]
    compared = drift(reference[wanted], current[named] if columns or card else current)
    found = drift_classifier(reference[wanted], current[wanted], seed=seed) if classifier else None
    if card is None:
        return Watched(names=names, drift=compared, classifier=found)
    scored = card.score(current)
    return Watched(
        names=names, drift=compared, card=card,
        characteristic=characteristic_stability(card, reference, current),
        expected=expected_performance(scored.probability, score=scored.points, seed=seed),
        reference_rate=float(card.probability(reference).mean()), classifier=found,
        periods=_by_period(scored.probability, current, period),
    )  # fmt: skip


def _by_period(
    probability: FloatArray, current: pd.DataFrame, period: str | None
) -> tuple[dict[str, Any], ...]:
    """Return the bad rate to expect in each period that has at least `_PERIOD_ROWS` rows."""
    if period is None:
        return ()
    names = column_of(current, period, what="--period").astype(str).to_numpy()
    rows = []
    for name in sorted(set(names)):
        own = probability[names == name]
        if own.size < _PERIOD_ROWS:
            continue
        figures = {row["figure"]: row for row in records(expected_performance(own).figures)}
        line = figures["bad_rate"]
        band = {key: float(line[key]) for key in ("expected", "lower", "upper")}
        rows.append({"period": name, "realised": None, **band})
    return tuple(rows)


def drift_page(watched: Watched, language: str) -> Page:
    """Return the report of a drift run in one language."""
    keys = keys_of(language)
    columns = records(watched.drift.columns)
    moved = psi_figure(columns, language, keys())
    sections = [_moved(watched, moved, language, keys)]
    if watched.characteristic is not None:
        sections.append(_score(watched.characteristic, language, keys))
    if watched.expected is not None:
        sections.append(_expected(watched, watched.expected, language, keys))
    if watched.classifier is not None:
        sections.append(_classifier(watched.classifier, language))
    about = say("about_drift", language, reference=f"{watched.drift.rows_reference:,}",
                current=f"{watched.drift.rows_current:,}")  # fmt: skip
    return Page(
        language=language, title=moved.title, tiles=_tiles(watched, language), sections=sections,
        about=" · ".join([say("report_drift", language), " → ".join(watched.names), about]),
    )  # fmt: skip


def _tiles(watched: Watched, language: str) -> list[Tile]:
    grades = list(watched.drift.columns["grade"])
    found = [
        Tile(title=say("tile_shifted", language), value=str(grades.count("shift")),
             note=say("tile_shifted_note", language, all=len(grades),
                      watched=grades.count("watch")))
    ]  # fmt: skip
    if watched.characteristic is not None:
        score = watched.characteristic.score.columns.iloc[0]
        found += [
            Tile(title=say("tile_score_psi", language), value=f"{score['psi']:.3f}",
                 note=stability_word(str(score["grade"]))[language]),
            Tile(title=say("tile_mean_score", language),
                 value=f"{watched.characteristic.mean_current:.1f}",
                 note=say("tile_mean_score_note", language,
                          before=f"{watched.characteristic.mean_reference:.1f}")),
        ]  # fmt: skip
    if watched.expected is not None:
        figures = {row["figure"]: row for row in records(watched.expected.figures)}
        line = figures["bad_rate"]
        found.append(
            Tile(title=say("tile_expected_bad", language), value=percent(float(line["expected"])),
                 note=say("tile_expected_bad_note", language, low=percent(float(line["lower"])),
                          high=percent(float(line["upper"]))))
        )  # fmt: skip
    return found


def _moved(watched: Watched, first: Figure, language: str, keys: Keys) -> Section:
    figures = [first]
    for row in records(watched.drift.columns.head(_WORST)):
        cells = watched.drift.cells
        own = records(cells[cells["column"] == row["column"]])
        if row["psi"] > 0:
            figures.append(shift_figure(own, language, keys()))
    lines = []
    if watched.drift.extra_columns:
        names = say("comma", language).join(watched.drift.extra_columns)
        lines.append(say("extra_columns", language, names=names))
    folded = []
    if len(watched.drift.new_labels):
        rows = watched.drift.new_labels.rename(columns={"share": "new_share", "label": "cell"})
        folded.append(
            Sheet(key="new labels", title=both("title_new_labels"), words=("column", "cell"),
                  columns=("column", "cell", "count", "new_share"), rows=records(rows))
        )  # fmt: skip
    return Section(title=say("section_moved", language), lines=lines, figures=figures,
                   folded=folded)  # fmt: skip


def _score(found: CharacteristicStability, language: str, keys: Keys) -> Section:
    score = records(found.score.cells)
    return Section(
        title=say("section_score", language),
        figures=[points_figure(found, language, keys()), shift_figure(score, language, keys())],
    )


def points_figure(found: CharacteristicStability, language: str, key: str) -> Figure:
    """Draw by how many points each variable moved the mean score."""
    rows = records(found.variables)
    most = rows[0]
    title = say(
        "finding_points_moved", language, before=f"{found.mean_reference:.1f}",
        now=f"{found.mean_current:.1f}", name=column(str(most["variable"]), language),
        points=minus(f"{most['csi']:+.1f}"),
    )  # fmt: skip
    marks = [
        {
            "name": column(str(row["variable"]), language), "value": float(row["csi"]),
            "strong": row is most, "label": minus(f"{row['csi']:+.2f}"),
            "text": minus(f"{row['variable']}: {row['csi']:+.3f}"),
        }
        for row in rows[:20]
    ]  # fmt: skip
    return Figure(
        title=title, about=say("about_points_moved", language),
        svg=drawn(_points_chart(marks), key),
        sheet=Sheet(
            key="points moved", title=both("title_points_moved"), words=("variable", "stability"),
            columns=("variable", "points_moved", "psi", "stability", "psi_95", "worst_cell"),
            rows=[{**row, "points_moved": row["csi"], "stability": stability_word(row["grade"]),
                   "variable": column_name(str(row["variable"])),
                   "worst_cell": both_cell(str(row["worst_cell"]))} for row in rows],
            how=((both("definition"), both("how_points_moved")),),
        ),
    )  # fmt: skip


def _points_chart(marks: Rows) -> Any:
    width = WIDTH - names_width(marks) - 14
    base = alt.Chart(data(marks), width=width, height=max(22 * len(marks), 44))
    low, high = (
        min(0.0, *(row["value"] for row in marks)),
        max(0.0, *(row["value"] for row in marks)),
    )
    room = 48 * (high - low or 1.0) / max(width - 96, 60)
    x = alt.X(
        "value:Q",
        axis=None,
        scale=alt.Scale(
            domain=[
                low - room if low < 0 else low,
                high + room if high > 0 or low == high else high,
            ]
        ),
    )
    y = band_axis([row["name"] for row in marks])
    bars = base.mark_bar(height={"band": 0.66}).encode(
        x=x, y=y, description="text:N",
        color=alt.condition("datum.strong", alt.value(RISK), alt.value(QUIET)),
    )  # fmt: skip
    right = base.transform_filter("datum.value >= 0").mark_text(
        align="left", dx=5, color=INK, fontSize=11.5, aria=False
    ).encode(x=x, y=y, text="label:N")  # fmt: skip
    left = base.transform_filter("datum.value < 0").mark_text(
        align="right", dx=-5, color=INK, fontSize=11.5, aria=False
    ).encode(x=x, y=y, text="label:N")  # fmt: skip
    zero = alt.Chart(data([{"zero": 0.0}])).mark_rule(color=QUIET, aria=False).encode(
        x=like(x, "zero")
    )  # fmt: skip
    return bars + zero + right + left


def _classifier(found: ClassifierDrift, language: str) -> Section:
    """Return how well the samples can be told apart, and the columns to blame."""
    blame = records(found.columns)
    text = say(
        "classifier_apart" if found.changed else "classifier_alike", language,
        auc=f"{found.auc:.3f}", low=f"{found.lower:.3f}", high=f"{found.upper:.3f}",
        name=column(str(blame[0]["column"]), language),
    )  # fmt: skip
    sheet = Sheet(
        key="then and now", title=both("title_classifier"), words=("column",),
        columns=("column", "separation", "blame_share", "importance"),
        rows=[{**row, "blame_share": row["share"]} for row in blame],
        how=((both("definition"), both("how_classifier")),),
    )  # fmt: skip
    return Section(title=say("section_classifier", language), lines=[text], sheets=[sheet])


def _expected(watched: Watched, found: ExpectedPerformance, language: str, keys: Keys) -> Section:
    rows = [
        {"measured": both(f"figure_{row['figure']}"), "expected": row["expected"],
         "lower": row["lower"], "upper": row["upper"]}
        for row in records(found.figures)
    ]  # fmt: skip
    sheet = Sheet(
        key="expected", title=both("title_expected_now"), words=("measured",), rows=rows,
        columns=("measured", "expected", "lower", "upper"),
        how=((both("definition"), Both(found.assumption["zh"], found.assumption["en"])),),
    )  # fmt: skip
    figures = []
    if len(watched.periods) > 1:
        facts = {"reference": watched.reference_rate, "name": "name_bad_rate"}
        figures.append(expected_figure(watched.periods, facts, language, keys()))
    return Section(
        title=say("section_expected", language),
        lines=[found.statement[language], found.assumption[language]], sheets=[sheet],
        figures=figures,
    )  # fmt: skip
