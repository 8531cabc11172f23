"""Rows that were refused: kept whole, encrypted, with their reasons in clear, until they expire."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fengkong.book import _disk
from fengkong.foundation.errors import BookError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fengkong.book.store import Book

_PURPOSE = "quarantine"


@dataclass(frozen=True, slots=True)
class Row:
    """A refused row: ``cells`` as they came, or the text of a record that is no row."""

    file: str
    line: int
    reasons: tuple[tuple[str, str], ...]
    header: tuple[str, ...]
    cells: tuple[str, ...] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """The refused rows of one batch.

    Attributes
    ----------
    batch_id : str
        Their batch.
    rows : int
        How many.
    expires_on : str
        Day (ISO) from which `expire` removes the content.
    expired : bool
        Content removed; places and rules remain.
    """

    batch_id: str
    rows: int
    expires_on: str
    expired: bool
    folder: Path


def write(
    book: Book,
    content_hash: str,
    rows: Sequence[Row],
    *,
    retention_days: int,
    recorded_at: datetime,
    source: Mapping[str, Any],
) -> None:
    """Store the refused rows of a load that is about to be committed.

    The folder is named by the content, so a load that was killed before its commit writes it again,
    and it counts only once its batch is in the book.
    """
    if not rows:
        return
    target = book.path / "quarantine" / content_hash
    if target.exists():
        if any(batch.content_hash == content_hash for batch in book.batches()):
            return  # another process committed the same content meanwhile; its rows stay
        shutil.rmtree(target)
    if not target.parent.exists():
        target.parent.mkdir(exist_ok=True)
        _disk.fsync_path(book.path)
    places = [{"file": row.file, "line": row.line, "reasons": row.reasons} for row in rows]
    content = [{"header": row.header, "cells": row.cells} for row in rows]
    expires = (recorded_at + timedelta(days=retention_days)).date().isoformat()
    head = {"expires_on": expires, "source": source, "rows": places}
    with book.staging() as folder:
        inside = folder / "quarantine"
        inside.mkdir()
        (inside / "rows.json").write_text(json.dumps(head, ensure_ascii=False), "utf-8")
        sealed = book.encrypt(json.dumps(content, ensure_ascii=False).encode(), _PURPOSE)
        (inside / "content.sealed").write_bytes(sealed)
        _disk.commit_folder(inside, target)


def quarantines(book: Book) -> list[Quarantine]:
    """Return the quarantine of each batch that has one, in order of arrival."""
    found = []
    for batch in book.batches():
        folder = book.path / "quarantine" / batch.content_hash
        if (folder / "rows.json").is_file():
            head = json.loads((folder / "rows.json").read_text("utf-8"))
            found.append(
                Quarantine(
                    batch_id=batch.batch_id, rows=len(head["rows"]), expires_on=head["expires_on"],
                    expired=not (folder / "content.sealed").is_file(), folder=folder,
                )
            )  # fmt: skip
    return found


def quarantine(book: Book, batch_id: str) -> Quarantine:
    """Return the quarantine of a batch.

    Raises
    ------
    InputError
        The batch has none.
    """
    for one in quarantines(book):
        if one.batch_id == batch_id:
            return one
    raise InputError(f"batch {batch_id} has no quarantined rows; see: fk quarantine list")


def places(one: Quarantine) -> list[dict[str, Any]]:
    """Return file, line and reasons of each row; nothing personal."""
    found: list[dict[str, Any]] = json.loads((one.folder / "rows.json").read_text("utf-8"))["rows"]
    return found


def content(book: Book, one: Quarantine) -> list[dict[str, Any]]:
    """Return header and cells of each row, decrypted.

    Raises
    ------
    BookError
        The content expired.
    """
    if one.expired:
        raise BookError(f"batch {one.batch_id}: the refused rows expired on {one.expires_on}")
    sealed = (one.folder / "content.sealed").read_bytes()
    found: list[dict[str, Any]] = json.loads(book.decrypt(sealed, _PURPOSE))
    return found


def export(book: Book, one: Quarantine, folder: Path) -> list[Path]:
    """Write the refused rows as CSV for editing, one file for each file they came from.

    The last column, ``quarantine_row``, links each row to where it stood (file:line).
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for place, row in zip(places(one), content(book, one), strict=True):
        files.setdefault(place["file"], []).append((place, row))
    written = []
    for name, rows in files.items():
        path = folder / f"{Path(name).name.split('.')[0]}.csv"
        with path.open("w", encoding="utf-8", newline="") as sink:
            writer = csv.writer(sink, lineterminator="\n")
            writer.writerow([*rows[0][1]["header"], "quarantine_row"])
            for place, row in rows:
                cells = row["cells"] if isinstance(row["cells"], list) else [row["cells"]]
                blank = [""] * (len(row["header"]) - len(cells))
                writer.writerow([*cells, *blank, f"{place['file']}:{place['line']}"])
        written.append(path)
    return written


def expire(book: Book, *, on: datetime) -> int:
    """Remove the content of all quarantines whose day has come; return how many."""
    done = 0
    for one in quarantines(book):
        if not one.expired and one.expires_on <= on.date().isoformat():
            (one.folder / "content.sealed").unlink()
            done += 1
    return done
