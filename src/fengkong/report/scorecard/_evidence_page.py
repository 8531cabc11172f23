"""The sections of a report that show how a card does: separation, probabilities, fairness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fengkong.report._words import percent, say
from fengkong.report.scorecard._calibration import (
    grades_figure,
    ranks_figure,
    reliability_figure,
)
from fengkong.report.scorecard._cells import exists, records
from fengkong.report.scorecard._content import Both, Figure, Section, Sheet, Tile, both
from fengkong.report.scorecard._evidence import Evidence
from fengkong.report.scorecard._fairness import fairness_figure
from fengkong.report.scorecard._separation import (
    cap_figure,
    distribution_figure,
    lift_figure,
    roc_figure,
    sample_name,
)
from fengkong.scorecard.watch import RecalibrationProposal

Keys = Callable[[], str]
_HEADLINE = (
    "rows", "bad", "bad_rate", "mean_probability", "auc", "auc_lower", "auc_upper", "gini_value",
    "ks", "ks_value", "ks_change", "brier", "brier_skill", "calibration_error", "slope",
    "in_the_large", "hosmer_lemeshow_p_value", "inversions", "significant_inversions",
    "amber_grades", "red_grades", "approval_rate", "worst_ratio", "largest_gap",
)  # fmt: skip


def keys_of(language: str) -> Keys:
    """Return a source of names for drawings that are unique on a page of both languages."""
    numbers: Iterator[int] = iter(range(10_000))
    return lambda: f"{language}{next(numbers)}"


def tiles(evidence: Evidence, language: str) -> list[Tile]:
    """Return the headlines of the sample to judge by."""
    head = evidence.headline(evidence.samples[-1])
    name = sample_name(evidence.samples[-1], language)
    found = [
        Tile(title=f"AUC · {name}", value=f"{head['auc']:.3f}",
             note=f"{head['auc_lower']:.3f} – {head['auc_upper']:.3f}"),
        Tile(title=f"KS · {name}", value=f"{head['ks']:.3f}",
             note=say(f"ks_{head['ks_grade']}", language)),
        Tile(title=say("tile_calibration", language), value=percent(head["calibration_error"]),
             note=say("tile_calibration_note", language,
                      predicted=percent(head["mean_probability"]),
                      observed=percent(head["bad_rate"]))),
        Tile(title=say("tile_rows", language), value=f"{head['rows']:,}",
             note=say("tile_bads", language, bads=f"{head['bad']:,}",
                      rate=percent(head["bad_rate"]))),
        Tile(title=say("tile_approval", language), value=percent(head["approval_rate"]),
             note=say("tile_cutoff" if evidence.cutoff_given else "tile_cutoff_median", language,
                      cutoff=f"{evidence.cutoff:,.10g}")),
    ]  # fmt: skip
    worst = head.get("worst_ratio")
    if exists(worst):
        found.append(Tile(title=say("tile_fairness", language), value=f"{worst:.2f}",
                          note=say("tile_fairness_note", language)))  # fmt: skip
    return found


def headline_sheet(evidence: Evidence) -> Sheet:
    """Return the headline figures of all samples, one a line, samples side by side."""
    rows = []
    table = records(evidence.validation.headline)
    for name in _HEADLINE:
        source = "gini" if name == "gini_value" else name
        if not all(source in line for line in table):
            continue
        rows += [
            {"measured": both(f"headline_{name}"), "sample": _sample(line["sample"]),
             "figure_value": _shaped(name, line[source])}
            for line in table
        ]  # fmt: skip
    return Sheet(
        key="headline", title=both("title_headline"), rows=rows,
        columns=("measured", "sample", "figure_value"), words=("measured", "sample"),
        how=((both("definition"), both("how_headline")),),
    )  # fmt: skip


def _shaped(name: str, value: Any) -> Any:
    """Return a figure as text of its own kind: the lines of one column differ in kind."""
    if not exists(value):
        return None
    if name in {"rows", "bad", "inversions", "significant_inversions", "amber_grades",
                "red_grades"}:  # fmt: skip
        return int(value)
    if name in {"bad_rate", "mean_probability", "calibration_error", "approval_rate", "ks_change",
                "largest_gap"}:  # fmt: skip
        return Both(percent(float(value)), percent(float(value)))
    return float(value)


def _sample(name: str) -> Both:
    return Both(sample_name(name, "zh"), sample_name(name, "en"))


def separation(evidence: Evidence, language: str, keys: Keys) -> Section:
    """Return how well goods and bads are told apart."""
    last = evidence.samples[-1]
    head = evidence.headline(last)
    auc = {"auc": head["auc"], "lower": head["auc_lower"], "upper": head["auc_upper"],
           "confidence": evidence.validation.settings["confidence"]}  # fmt: skip
    bands = evidence.table("bands", last)
    risky = [row for row in evidence.table("roc", last) if row["value"] <= head["ks_value"]]
    ks = {"ks": head["ks"], "value": head["ks_value"], "bad_share": risky[-1]["bad_share"],
          "good_share": risky[-1]["good_share"]}  # fmt: skip
    return Section(
        title=say("section_separation", language),
        figures=[
            roc_figure({name: evidence.table("roc", name) for name in evidence.samples}, auc,
                       language, keys()),
            cap_figure({last: evidence.table("cap", last)}, head["gini"], language, keys()),
            distribution_figure(evidence.scores[last], ks, language, keys()),
            lift_figure(bands, language, keys()),
        ],
        folded=[headline_sheet(evidence)],
    )  # fmt: skip


def probabilities(evidence: Evidence, language: str, keys: Keys) -> Section:
    """Return whether probabilities are true, by band and by grade, and whether the order holds."""
    last = evidence.samples[-1]
    head = evidence.headline(last)
    test = {"p_value": head["hosmer_lemeshow_p_value"], "error": head["calibration_error"]}
    figures: list[Figure] = [
        reliability_figure(evidence.table("calibration", last), test, language, keys())
    ]
    grades = evidence.table("grades", last)
    if grades:
        # Best grade first; the last line is that of all.
        figures.append(grades_figure(grades[-2::-1], language, keys()))
    rates = evidence.table("rank_rates", last)
    if len({row["band"] for row in rates}) > 1:
        broken = evidence.table("rank_inversions", last)
        figures.append(ranks_figure(rates, broken, language, keys()))
    return Section(title=say("section_probabilities", language), figures=figures)


def fairness(evidence: Evidence, language: str, keys: Keys) -> Section | None:
    """Return approval by group, or None where no groups were given."""
    lines = evidence.table("fairness", evidence.samples[-1])
    if not lines:
        return None
    figure = fairness_figure(lines, language, keys())
    cutoff = f"{evidence.cutoff:,.10g}"
    text = say("fairness_at" if evidence.cutoff_given else "fairness_at_median", language,
               cutoff=cutoff)  # fmt: skip
    return Section(
        title=say("section_fairness", language), lines=[text],
        figures=[] if figure is None else [figure],
    )  # fmt: skip


def recalibration(found: RecalibrationProposal, language: str) -> Section:
    """Return what should be done about the calibration, and what each way would change."""
    rows = [{**row, "way": both(f"map_{row['candidate']}")} for row in records(found.figures)]
    sheets = []
    if rows:
        sheets.append(
            Sheet(key="recalibration", title=both("title_recalibration"), words=("way",), rows=rows,
                  columns=("way", "log_loss", "gain", "brier", "bad_rate", "mean_probability",
                           "calibration_error", "auc"),
                  how=((both("definition"), both("how_recalibration")),))
        )  # fmt: skip
    return Section(
        title=say("section_recalibration", language), lines=[found.reason[language]], sheets=sheets
    )


def notes_section(evidence: Evidence, language: str) -> Section | None:
    """Return why a figure is missing or how it was counted, or None where nothing is to be said."""
    rows = [
        {"sample": _sample(note["sample"]), "measured": note["figure"], "note": note["reason"]}
        for note in evidence.validation.notes
    ]
    if not rows:
        return None
    sheet = Sheet(key="notes", title=both("title_notes"), columns=("sample", "measured", "note"),
                  rows=rows, words=("sample", "measured", "note"))  # fmt: skip
    return Section(title=say("section_notes", language), folded=[sheet])


def findings_sheet(evidence: Evidence) -> Sheet | None:
    """Return the findings as a table, or None where there are none."""
    found = evidence.validation.findings
    if not found:
        return None
    rows = [
        {"kind": both("kind_" + one.kind.replace(".", "_")), "subject": one.subject,
         "found_value": one.value, "found_limit": one.limit,
         "text": Both(*(evidence.sentence(one, language) for language in ("zh", "en")))}
        for one in found
    ]  # fmt: skip
    return Sheet(
        key="findings", title=both("title_findings"), rows=rows, words=("kind", "subject", "text"),
        columns=("kind", "subject", "found_value", "found_limit", "text"),
    )  # fmt: skip
