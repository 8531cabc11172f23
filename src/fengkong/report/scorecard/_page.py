"""A report of the scorecard lab as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from fengkong.report._words import column, say
from fengkong.report.scorecard._cells import text_of
from fengkong.report.scorecard._content import Both, Figure, Page, Section, Sheet

SHOWN = 200
_FOLDER = Path(__file__).resolve().parents[1]


def page_text(pages: Sequence[Page], *, bar: Sequence[tuple[Both, str]]) -> str:
    """Return the report as HTML without any asset from outside.

    Parameters
    ----------
    pages : sequence of Page
        One a language; the first is shown first.
    bar : sequence of (Both, str)
        Name and value of what stands in the bar at the top.
    """
    environment = Environment(
        loader=FileSystemLoader([_FOLDER, _FOLDER / "scorecard"]),
        autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html").render(
        languages=[page.language for page in pages],
        pages=[_content(page) for page in pages],
        bar=bar,
        # Our own files, not data of others.
        style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),  # noqa: S704
        script=Markup((_FOLDER / "script.js").read_text(encoding="utf-8")),  # noqa: S704
    )


def _content(page: Page) -> dict[str, Any]:
    return {
        "language": page.language,
        "say": partial(_say, page.language),
        "title": page.title,
        "about": page.about,
        "tiles": page.tiles,
        "worst": page.worst,
        "sections": [_section(one, page.language) for one in page.sections],
    }


def _say(language: str, key: str) -> str:
    return say(key, language)


def _section(section: Section, language: str) -> dict[str, Any]:
    return {
        "title": section.title,
        "lines": section.lines,
        "points": section.points,
        "pictures": [_picture(one, language) for one in section.figures],
        "sheets": [_sheet(one, language) for one in section.sheets],
        "folded": [_sheet(one, language) for one in section.folded],
    }


def _picture(figure: Figure, language: str) -> dict[str, Any]:
    content = _sheet(figure.sheet, language)
    return {
        "title": figure.title, "subtitle": figure.about, "note": figure.note,
        # Drawn by us from escaped data; vl-convert escapes text and attributes.
        "svg": Markup(figure.svg),  # noqa: S704
        "table": content["table"], "how": content["how"],
    }  # fmt: skip


def _sheet(sheet: Sheet, language: str) -> dict[str, Any]:
    rows, more = sheet.rows[:SHOWN], ""
    if len(sheet.rows) > SHOWN:
        more = say("more_rows", language, shown=SHOWN, rows=f"{len(sheet.rows):,}",
                   file=f"report.xlsx ({sheet.key})")  # fmt: skip
    return {
        "title": sheet.title[language],
        "how": [(name[language], text[language]) for name, text in sheet.how],
        "table": {
            "heads": [
                {"title": column(name, language), "text": name in sheet.words}
                for name in sheet.columns
            ],
            "rows": [
                [text_of(name, row.get(name), language) for name in sheet.columns] for row in rows
            ],
            "more": more,
        },
    }
