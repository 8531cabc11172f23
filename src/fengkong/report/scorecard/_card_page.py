"""The sections of a report that show a card: variables, why others left, points, reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fengkong.report._words import percent, say
from fengkong.report.scorecard._bins import (
    bin_name,
    bins_figure,
    bins_sheet,
    column_name,
    iv_figure,
)
from fengkong.report.scorecard._cells import records
from fengkong.report.scorecard._content import Both, Section, Sheet, both
from fengkong.report.scorecard._evidence_page import Keys
from fengkong.report.scorecard._fairness import rejects_figure
from fengkong.scorecard.binning import ColumnBins
from fengkong.scorecard.card import Card, Selection

_FIGURES = 24


def variables(
    card: Card, bins: Mapping[str, ColumnBins], selection: Selection, language: str, keys: Keys
) -> Section:
    """Return the information value of all candidates, the bins of the card, and who left why."""
    kept = set(card.names)
    ivs = [{"variable": name, "iv": one.iv, "in_card": name in kept} for name, one in bins.items()]
    left = selection.left()
    figures = [iv_figure(ivs, language, keys())]
    strongest = sorted(card.variables, key=lambda one: -one.bins.iv)
    figures += [
        bins_figure(one.bins, one.points, language, keys(), iv=bins[one.bins.name].iv)
        for one in strongest[:_FIGURES]
    ]
    return Section(
        title=say("section_variables", language),
        lines=[say("selection_summary", language, kept=len(kept), all=len(bins), left=len(left))],
        figures=figures, sheets=[selection_sheet(bins, selection, card)],
        folded=[audit_sheet(selection), *(bins_sheet(bins[name]) for name in sorted(left))],
    )  # fmt: skip


def selection_sheet(bins: Mapping[str, ColumnBins], selection: Selection, card: Card) -> Sheet:
    """Return one line a candidate: whether it is in the card, and the reason that decided."""
    last = {line.variable: line for line in selection.lines}
    out = {line.variable: line for line in selection.lines if not line.kept}
    rows = []
    for name, one in sorted(bins.items(), key=lambda item: -item[1].iv):
        line = last.get(name) if name in card.names else out.get(name)
        rows.append(
            {
                "variable": column_name(name), "iv": one.iv, "in_card": name in card.names,
                "step": _step(line.step) if line else None,
                "why": Both(line.text("zh"), line.text("en")) if line else None,
            }
        )  # fmt: skip
    return Sheet(
        key="selection", title=both("title_selection"), rows=rows,
        columns=("variable", "in_card", "iv", "step", "why"),
        words=("variable", "in_card", "step", "why"),
        how=((both("definition"), both("how_selection")),),
    )  # fmt: skip


def _step(step: str) -> Both:
    """Return a step in words; the turns of the stepwise search are numbered."""
    kind, _, turn = step.partition(" ")
    name = both(f"step_{kind}")
    return Both(f"{name.zh} {turn}".strip(), f"{name.en} {turn}".strip())


def audit_sheet(selection: Selection) -> Sheet:
    """Return every line of the selection: each variable at each step."""
    rows = [
        {"variable": column_name(line.variable), "step": _step(line.step),
         "kept": line.kept, "found_value": line.figure, "found_limit": line.limit,
         "why": Both(line.text("zh"), line.text("en"))}
        for line in selection.lines
    ]  # fmt: skip
    return Sheet(
        key="selection steps", title=both("title_audit"), rows=rows,
        columns=("variable", "step", "kept", "found_value", "found_limit", "why"),
        words=("variable", "step", "kept", "why"),
    )  # fmt: skip


def card_section(card: Card, language: str) -> Section:
    """Return the points of every bin, the regression, and the texts of reasons."""
    scaling = card.scaling
    lines = [say("card_base", language, base=f"{card.base_points:,.10g}")]
    wish = scaling.settings
    if scaling.method == "pdo":
        score, odds, pdo = (f"{wish[one]:,.10g}" for one in ("base_score", "base_odds", "pdo"))
        lines.append(say("card_pdo", language, score=score, odds=odds, pdo=pdo))
    else:
        lines.append(say("card_min_max", language, low=f"{wish['low']:,.10g}",
                         high=f"{wish['high']:,.10g}"))  # fmt: skip
    return Section(
        title=say("section_card", language), lines=lines, sheets=[points_sheet(card)],
        folded=[regression_sheet(card), *_grades(card), *_reasons(card)],
    )  # fmt: skip


def points_sheet(card: Card) -> Sheet:
    """Return the card as it is read: the points of each bin of each variable."""
    rows: list[dict[str, Any]] = [
        {"variable": both("name_base"), "bin": "", "points": card.base_points}
    ]
    for one in card.variables:
        rows += [
            {"variable": column_name(one.bins.name), **line}
            for line in bins_sheet(one.bins, one.points).rows
        ]
    return Sheet(
        key="card", title=both("title_card"), words=("variable", "bin"), rows=rows,
        columns=("variable", "bin", "points", "row_share", "bad_rate", "woe"),
        how=((both("definition"), both("how_card")),
             (both("name_formula"), both("card_formula", factor=f"{card.scaling.factor:.6g}",
                                         offset=f"{card.scaling.offset:.6g}"))),
    )  # fmt: skip


def regression_sheet(card: Card) -> Sheet:
    """Return coefficients with their errors."""
    rows: list[dict[str, Any]] = [
        {"variable": both("name_intercept"), "coefficient": card.intercept}
    ]
    rows += [
        {"variable": column_name(one.bins.name), "coefficient": one.coefficient,
         "standard_error": one.standard_error, "p_value": one.p_value, "iv": one.bins.iv}
        for one in card.variables
    ]  # fmt: skip
    return Sheet(
        key="regression", title=both("title_regression"), words=("variable",), rows=rows,
        columns=("variable", "coefficient", "standard_error", "p_value", "iv"),
        how=((both("definition"), both("how_regression")),),
    )  # fmt: skip


def _grades(card: Card) -> list[Sheet]:
    if not card.grades:
        return []
    rows = [
        {"grade": one.name, "score_from": one.score_from, "probability": one.probability}
        for one in reversed(card.grades)
    ]
    return [Sheet(key="master scale", title=both("title_scale"), words=("grade",), rows=rows,
                  columns=("grade", "score_from", "probability"))]  # fmt: skip


def _reasons(card: Card) -> list[Sheet]:
    texts: Mapping[str, Any] = card.reasons.get("texts", {})
    rows = [
        {"variable": column_name(one.bins.name), "bin": bin_name(one.bins, code),
         "why": Both(text["zh"], text["en"])}
        for one in card.variables
        for code, text in enumerate(texts.get(one.bins.name, ()))
    ]  # fmt: skip
    if not rows:
        return []
    return [Sheet(key="reasons", title=both("title_reasons"), rows=rows,
                  columns=("variable", "bin", "why"), words=("variable", "bin", "why"),
                  how=((both("definition"), both("how_reasons")),))]  # fmt: skip


def rejects(table: pd.DataFrame | None, language: str, keys: Keys) -> Section | None:
    """Return how much the rejected could change, or None where none were given."""
    if table is None:
        return None
    figure = rejects_figure(records(table), language, keys())
    return Section(
        title=say("section_rejects", language), lines=[say("rejects_caution", language)],
        figures=[figure],
    )  # fmt: skip


def made(card: Card, language: str, *, target: str) -> Section:
    """Return how the card came to be: sample, seed, settings, versions."""
    audit = card.audit
    sample: Mapping[str, Any] = audit.get("sample", {})
    facts: list[tuple[Both, str]] = [
        (both("fact_card"), card.name),
        (both("fact_target"), target),
        (both("fact_rows"), f"{sample.get('rows', 0):,}"),
        (both("fact_bads"), f"{sample.get('bad_rows', 0):,} "
         f"({percent(sample['bad_rows'] / sample['rows']) if sample.get('rows') else '–'})"),
        (both("fact_fitted_at"), str(audit.get("fitted_at") or "–")),
        (both("fact_seed"), str(audit.get("seed"))),
        (both("fact_hash"), str(audit.get("data_sha256", "–"))),
        (both("fact_versions"), ", ".join(f"{name} {text}" for name, text
                                          in audit.get("versions", {}).items())),
    ]  # fmt: skip
    rows: list[dict[str, Any]] = [{"fact": name, "fact_value": text} for name, text in facts]
    for part, values in audit.get("settings", {}).items():
        rows += _settings(part, values)
    sheet = Sheet(key="how made", title=both("title_made"), rows=rows,
                  columns=("fact", "fact_value"), words=("fact", "fact_value"))  # fmt: skip
    return Section(title=say("section_made", language), folded=[sheet])


def _settings(part: str, values: Any) -> list[dict[str, Any]]:
    named = (
        {f"{part}: {name}": value for name, value in values.items()}
        if isinstance(values, Mapping)
        else {part: values}
    )
    return [
        {"fact": name, "fact_value": None if value is None else str(value)}
        for name, value in named.items()
    ]
