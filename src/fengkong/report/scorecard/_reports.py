"""Whole reports: of a development, of a validation, of a drift run; pages and workbooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from fengkong.report._words import column, percent, say
from fengkong.report.scorecard import _card_page as card_page
from fengkong.report.scorecard import _evidence_page as evidence_page
from fengkong.report.scorecard._content import Both, Page, Section, Sheet, both
from fengkong.report.scorecard._develop import Development
from fengkong.report.scorecard._drift_page import Watched, drift_page
from fengkong.report.scorecard._evidence import Evidence
from fengkong.report.scorecard._page import page_text
from fengkong.report.scorecard._separation import sample_name
from fengkong.report.scorecard._standalone import file_name, standalone
from fengkong.report.scorecard._workbook import write_workbook
from fengkong.scorecard.card import Card
from fengkong.scorecard.watch import RecalibrationProposal

Progress = Callable[[str, float], None]
HTML, EXCEL = "report.html", "report.xlsx"


def write_development(
    made: Development,
    folder: Path,
    *,
    languages: Sequence[str],
    progress: Progress | None = None,
    pictures: bool = False,
) -> None:
    """Write the report of a development: HTML and Excel.

    Parameters
    ----------
    made : Development
    folder : Path
        Must exist.
    languages : sequence of str
        "zh", "en"; the first is shown first.
    progress : callable, optional
        Told the step and the fraction done, from 0.6 to 1.
    pictures : bool, default False
        Write each picture as an SVG file too.
    """
    pages = []
    for place, language in enumerate(languages):
        if progress:
            progress("report", 0.6 + 0.4 * place / len(languages))
        pages.append(_development_page(made, language))
    _write(pages, folder, _facts(made.card, made.card.audit.get("fitted_at")), pictures)


def write_validation(
    card: Card,
    evidence: Evidence,
    folder: Path,
    *,
    languages: Sequence[str],
    at: datetime | None,
    pictures: bool = False,
    target: str = "–",
    proposal: RecalibrationProposal | None = None,
) -> None:
    """Write the report of a validation: HTML and Excel."""
    pages = [_validation_page(card, evidence, target, proposal, language) for language in languages]
    facts = _facts(card, at.isoformat(timespec="seconds") if at else None)
    _write(pages, folder, facts, pictures)


def write_drift(
    watched: Watched, folder: Path, *, languages: Sequence[str], pictures: bool = False
) -> None:
    """Write the report of a drift run: HTML and Excel."""
    pages = [drift_page(watched, language) for language in languages]
    facts = [(both("fact_reference"), watched.names[0]), (both("fact_current"), watched.names[1])]
    if watched.card is not None:
        facts.insert(0, (both("bar_card"), watched.card.name))
    _write(pages, folder, facts, pictures)


def _facts(card: Card, at: str | None) -> list[tuple[Both, str]]:
    return [(both("bar_card"), card.name), (both("bar_made"), str(at or "–"))]


def _write(
    pages: Sequence[Page], folder: Path, facts: Sequence[tuple[Both, str]], pictures: bool
) -> None:
    (folder / HTML).write_text(page_text(pages, bar=facts), encoding="utf-8")
    for page in pages if pictures else ():
        for figure in (one for part in page.sections for one in part.figures):
            path = folder / file_name(figure, page.language)
            path.write_text(standalone(figure), encoding="utf-8")
    write_workbook(unique(pages[0].sheets()), folder / EXCEL, facts=facts)


def unique(sheets: Sequence[Sheet]) -> list[Sheet]:
    """Return the sheets with names that a workbook takes: short, distinct, of allowed signs."""
    taken: set[str] = set()
    found = []
    for sheet in sheets:
        base = "".join("_" if sign in "[]:*?/\\'" else sign for sign in sheet.key)[:31]
        name, number = base, 2
        while name.lower() in taken:
            name, number = f"{base[:27]}~{number}", number + 1
        taken.add(name.lower())
        found.append(
            Sheet(key=name, title=sheet.title, columns=sheet.columns, rows=sheet.rows,
                  words=sheet.words, how=sheet.how)
        )  # fmt: skip
    return found


def _development_page(made: Development, language: str) -> Page:
    keys, evidence = evidence_page.keys_of(language), made.evidence
    sections: list[Section | None] = [
        evidence_page.separation(evidence, language, keys),
        evidence_page.probabilities(evidence, language, keys),
        card_page.card_section(made.card, language),
        card_page.variables(made.card, made.bins, made.selection, language, keys),
        evidence_page.fairness(evidence, language, keys),
        card_page.rejects(made.sensitivity, language, keys),
        _all_findings(evidence, language),
        evidence_page.notes_section(evidence, language),
        card_page.made(made.card, language, target=made.target),
    ]
    return Page(
        language=language, title=_title(made.card, evidence, len(made.bins), language),
        about=_about("report_card", made.card, evidence, language),
        tiles=evidence_page.tiles(evidence, language),
        worst=evidence.worst(language),
        sections=[one for one in sections if one is not None],
    )  # fmt: skip


def _validation_page(
    card: Card,
    evidence: Evidence,
    target: str,
    proposal: RecalibrationProposal | None,
    language: str,
) -> Page:
    keys = evidence_page.keys_of(language)
    sections: list[Section | None] = [
        evidence_page.separation(evidence, language, keys),
        evidence_page.probabilities(evidence, language, keys),
        None if proposal is None else evidence_page.recalibration(proposal, language),
        evidence_page.fairness(evidence, language, keys),
        _all_findings(evidence, language),
        evidence_page.notes_section(evidence, language),
        card_page.card_section(card, language),
        card_page.made(card, language, target=target),
    ]
    names = len(card.audit.get("columns", ())) or len(card.variables)
    return Page(
        language=language, title=_title(card, evidence, names, language),
        about=_about("report_validation", card, evidence, language),
        tiles=evidence_page.tiles(evidence, language),
        worst=evidence.worst(language),
        sections=[one for one in sections if one is not None],
    )  # fmt: skip


def _title(card: Card, evidence: Evidence, names: int, language: str) -> str:
    last = evidence.samples[-1]
    head = evidence.headline(last)
    strongest = max(card.variables, key=lambda one: one.bins.iv).bins.name
    findings = len(evidence.validation.findings)
    return say(
        "finding_card_look" if findings else "finding_card", language, findings=findings,
        sample=sample_name(last, language), ks=f"{head['ks']:.3f}", auc=f"{head['auc']:.3f}",
        kept=len(card.variables), all=names, name=column(strongest, language),
    )  # fmt: skip


def _about(key: str, card: Card, evidence: Evidence, language: str) -> str:
    parts = [
        f"{sample_name(name, language)} {evidence.headline(name)['rows']:,}"
        f" ({percent(evidence.headline(name)['bad_rate'])})"
        for name in evidence.samples
    ]
    return " · ".join([say(key, language), card.name, *parts])


def _all_findings(evidence: Evidence, language: str) -> Section | None:
    sheet = evidence_page.findings_sheet(evidence)
    return None if sheet is None else Section(
        title=say("section_findings", language), folded=[sheet]
    )  # fmt: skip
