"""Rows written as the files of a tape and loaded through the door, as a platform would."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from fengkong.book.importers import import_tape
from fengkong.book.store import Book

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def write_tape(folder: Path, tables: Rows) -> tuple[list[Path], dict[str, Any]]:
    """Write a CSV for each table that has rows; return the files and the mapping that reads them.

    Headers are not the names of the book: a mapping that does nothing would pass unnoticed.
    """
    folder.mkdir()
    files, parts = [], []
    for name, rows in tables.items():
        if not rows:
            continue
        columns = list(dict.fromkeys(column for row in rows for column in row))
        path = folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, [f"their {column}" for column in columns])
            writer.writeheader()
            for row in rows:
                writer.writerow({f"their {column}": text(row.get(column)) for column in columns})
        files.append(path)
        targets = {f"their {column}": column for column in columns}
        parts.append({"pattern": path.name, "table": name, "columns": targets})
    return files, {"files": parts}


def text(value: Any) -> str:
    """Return a cell: nothing for null, ISO 8601 for instants and dates."""
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def load_tape(book: Book, folder: Path, tables: Rows, *, recorded_at: datetime) -> None:
    """Load the rows; every one of them has to enter."""
    files, mapping = write_tape(folder, tables)
    report = import_tape(book, files, format="mapping", mapping=mapping, recorded_at=recorded_at)
    assert (report.quarantined, report.rules) == (0, ())
    assert report.tables == {name: len(rows) for name, rows in tables.items() if rows}
