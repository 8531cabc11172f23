"""The tables of a report as an Excel workbook: one sheet a table, definitions first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from fengkong.report._tables import SHEET_ROWS_MAX, safe
from fengkong.report._words import column, say
from fengkong.report.scorecard._cells import FORMATS, write_cell
from fengkong.report.scorecard._content import Both, Sheet

_NAME_MAX = 31


def write_workbook(
    sheets: Sequence[Sheet], path: Path, *, facts: Sequence[tuple[Both, str]]
) -> None:
    """Write the tables of a report.

    Parameters
    ----------
    sheets : sequence of Sheet
        Tables; their keys are the names of the sheets.
    path : Path
        File to write.
    facts : sequence of (Both, str)
        What stands above the definitions: the card, the sample, the day.

    Notes
    -----
    Equal content gives equal bytes: the date of creation is fixed. Text that a spreadsheet would
    take for a formula is written with a leading apostrophe.
    """
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
        formats = {name: book.add_format({"num_format": form}) for name, (_, form)
                   in FORMATS.items()}  # fmt: skip
        formats["head"] = book.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
        )
        formats["wrap"] = book.add_format({"text_wrap": True, "valign": "top"})
        _definitions(book, formats, sheets, facts)
        for sheet in sheets:
            _table(book, formats, sheet)


def _definitions(
    book: Any, formats: dict[str, Any], sheets: Sequence[Sheet], facts: Sequence[tuple[Both, str]]
) -> None:
    page = book.add_worksheet(f"{say('per_measure', 'zh')} {say('per_measure', 'en')}"[:_NAME_MAX])
    page.set_column(0, 0, 30)
    page.set_column(1, 3, 60)
    row = 0
    for name, value in facts:
        page.write_row(row, 0, [f"{name.zh} / {name.en}", safe(value)], formats["wrap"])
        row += 1
    row += 1
    for sheet in sheets:
        heads = [sheet.key[:_NAME_MAX], sheet.title.zh, sheet.title.en]
        page.write_row(row, 0, [safe(text) for text in heads], formats["head"])
        row += 1
        for name, text in sheet.how:
            line = [f"{name.zh} / {name.en}", text.zh, text.en]
            page.write_row(row, 0, [safe(one) for one in line], formats["wrap"])
            row += 1


def _table(book: Any, formats: dict[str, Any], sheet: Sheet) -> None:
    page = book.add_worksheet(sheet.key[:_NAME_MAX])
    page.freeze_panes(1, 0)
    for place, name in enumerate(sheet.columns):
        page.set_column(place, place, 36 if name in sheet.words else 15)
        heading = "\n".join(dict.fromkeys([column(name, "zh"), column(name, "en"), name]))
        page.write_string(0, place, safe(heading), formats["head"])
    for line, row in enumerate(sheet.rows[:SHEET_ROWS_MAX], start=1):
        for place, name in enumerate(sheet.columns):
            write_cell(page, (line, place), name, row.get(name), formats)
