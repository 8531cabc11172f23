"""Tidy Parquet tables and one Excel workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from fengkong.report._compute import Result
from fengkong.report._words import column, is_fraction, need, say
from fengkong.report.position import Position

SHEET_ROWS_MAX = 100_000
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def write_parquet(result: Result, folder: Path) -> Path:
    """Write the table of one computation and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.parquet"
    columns = {name: [row[name] for row in result.rows] for name in result.columns}
    pq.write_table(pa.table(columns), path, compression="zstd")
    return path


def safe(value: Any) -> Any:
    """Return a cell that a spreadsheet cannot take for a formula."""
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return f"'{value}"
    return value


def write_workbook(position: Position, path: Path, languages: Sequence[str]) -> None:
    """Write one sheet a computation, the definitions, and what the book does not support.

    Notes
    -----
    A sheet holds `SHEET_ROWS_MAX` rows at most and says so when it holds less than the table.
    """
    options = {"constant_memory": False, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        # A fixed date of creation: equal positions give equal workbooks.
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
        formats = {
            "head": book.add_format(
                {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
            ),
            "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
            "percent": book.add_format({"num_format": "0.00%"}),
            "money": book.add_format({"num_format": "#,##0.00"}),
            "count": book.add_format({"num_format": "#,##0"}),
            "number": book.add_format({"num_format": "#,##0.0000"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        _definitions(book, formats, position, languages)
        taken: set[str] = set()
        for result in position.results:
            _sheet(book, formats, result, _sheet_name(result.name, taken), languages)


def _sheet_name(name: str, taken: set[str]) -> str:
    """Return a name of 31 characters at most that no other sheet has."""
    short = name[:31]
    number = 2
    while short.lower() in taken:
        short = f"{name[:28]}~{number}"
        number += 1
    taken.add(short.lower())
    return short


def _definitions(
    book: Any, formats: Mapping[str, Any], position: Position, languages: Sequence[str]
) -> None:
    sheet = book.add_worksheet(" ".join(say("per_measure", one) for one in languages)[:31])
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 4, 48)
    first = languages[0]
    known_at = position.known_at.isoformat() if position.known_at else say("known_now", first)
    sheet.write_row(0, 0, [say("as_of", first), position.as_of.isoformat()], formats["head"])
    sheet.write_row(1, 0, [say("known_at", first), known_at])
    sheet.write_row(2, 0, [say("currency", first), position.currency or "–"])
    heads = [say("measure", first), say("unit", first)]
    heads += [f"{say('definition', one)}" for one in languages]
    sheet.write_row(4, 0, heads, formats["head"])
    row = 5
    for result in position.results:
        known = result.measure
        texts = [f"{known.title[one]}: {known.definition[one]}" for one in languages]
        sheet.write_row(row, 0, [safe(text) for text in (result.name, known.unit, *texts)],
                        formats["wrap"])  # fmt: skip
        row += 1
    row += 1
    sheet.write_row(row, 0, [say("not_supported", one) for one in languages], formats["head"])
    for missing in position.missing:
        row += 1
        needs = [
            say(
                "needs", one, what=say("comma", one).join(need(name, one) for name in missing.needs)
            )
            for one in languages
        ]
        sheet.write_row(row, 0, [safe(text) for text in (missing.name, *needs)], formats["wrap"])

    if position.failed:
        row += 2
        sheet.write_row(row, 0, [say("failed", one) for one in languages], formats["head"])
    for failed in position.failed:
        row += 1
        line = [safe(failed.name), safe(f"{failed.text} [{failed.code}]")]
        sheet.write_row(row, 0, line, formats["wrap"])


def _sheet(
    book: Any, formats: Mapping[str, Any], result: Result, name: str, languages: Sequence[str]
) -> None:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(result.columns), 18)
    for place, field in enumerate(result.columns):
        heading = "\n".join(dict.fromkeys([*(column(field, one) for one in languages), field]))
        sheet.write_string(0, place, heading, formats["head"])
    for line, row in enumerate(result.rows[:SHEET_ROWS_MAX], start=1):
        for place, field in enumerate(result.columns):
            unit = result.measure.unit if field == result.measure.value else ""
            _cell(sheet, formats, (line, place), field=field, value=row[field], unit=unit)
    if len(result.rows) > SHEET_ROWS_MAX:
        note = say("more_rows", languages[0], shown=f"{SHEET_ROWS_MAX:,}",
                   rows=f"{len(result.rows):,}", file=f"tables/{result.name}.parquet")  # fmt: skip
        sheet.write_string(SHEET_ROWS_MAX + 1, 0, note)


def _cell(
    sheet: Any,
    formats: Mapping[str, Any],
    place: tuple[int, int],
    *,
    field: str,
    value: Any,
    unit: str,
) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(*place, value)
    elif isinstance(value, Decimal):
        sheet.write_number(*place, float(value), formats["money"])
    elif isinstance(value, int):
        sheet.write_number(*place, value, formats["count"])
    elif isinstance(value, float):
        kind = "percent" if is_fraction(field, unit) else "number"
        sheet.write_number(*place, value, formats[kind])
    elif isinstance(value, str):
        sheet.write_string(*place, safe(value))
    else:
        sheet.write_datetime(*place, datetime(value.year, value.month, value.day), formats["date"])  # noqa: DTZ001
