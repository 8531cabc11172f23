"""Repaired rows come back as a new batch, linked to the rows they replace, each once."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fengkong.book.importers import _quarantine
from fengkong.book.importers._load import import_tape
from fengkong.book.importers._mapping import propose
from fengkong.book.importers._scan import find_encoding, read_head
from fengkong.book.importers._unpack import Limits, unpack
from fengkong.foundation.errors import InputError, TapeError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from fengkong.book.importers._report import ImportReport
    from fengkong.book.store import Book

_LINK = "quarantine_row"
_TAPE_LINE = "line_of_the_tape"


def resubmit(
    book: Book, batch_id: str, files: Sequence[Path], *, recorded_at: datetime
) -> ImportReport:
    """Load repaired rows of a quarantined batch.

    Parameters
    ----------
    files : sequence of Path
        CSV as written by the export: the original columns, then ``quarantine_row``.

    Raises
    ------
    TapeError
        A row has no link to a refused row of this batch, or was re-submitted before.
    InputError
        The batch has no quarantine.
    """
    one = _quarantine.quarantine(book, batch_id)
    head = json.loads((one.folder / "rows.json").read_text("utf-8"))["source"]
    open_links = {f"{place['file']}:{place['line']}" for place in _quarantine.places(one)}
    done = {
        link
        for batch in book.batches()
        if batch.source.get("resubmits") == batch_id
        for link in batch.source["links"]
    }
    links: list[str] = []
    mapping = _for_repair(json.loads(head["mapping"])) if head["mapping"] else None
    with book.staging() as folder:
        paths = [
            _unlinked(Path(path), folder, open_links, done, links, mapping is not None)
            for path in files
        ]
        return import_tape(
            book, paths, format="mapping" if mapping else head["format"], recorded_at=recorded_at,
            mapping=mapping,
            source={"format": head["format"], "resubmits": batch_id, "links": sorted(links)},
        )  # fmt: skip


def _for_repair(raw: Any) -> Any:
    """Return the mapping as it fits repaired rows: no footer, and lines as they first were.

    A repaired file holds only some rows, so its own lines would give them the names of others.
    """
    if isinstance(raw, list):
        return [_for_repair(one) for one in raw]
    if not isinstance(raw, dict):
        return raw
    made = {key: _for_repair(value) for key, value in raw.items() if key != "skip_footer"}
    return {**made, "from": _TAPE_LINE} if "row_prefix" in made else made


def _unlinked(  # noqa: PLR0917  private
    path: Path,
    folder: Path,
    known: set[str],
    done: set[str],
    links: list[str],
    keep_lines: bool,
) -> Path:
    """Write the file without its last column, under the name it first had."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TapeError(f"cannot be read ({error})", file=path.name) from error
    if len(rows) < 2 or rows[0][-1] != _LINK:
        raise TapeError(f"its last column must be {_LINK}, as exported", file=path.name, line=1)
    for line, row in enumerate(rows[1:], 2):
        link = row[-1] if row else ""
        if link not in known:
            raise TapeError("no refused row stands there", file=path.name, line=line, column=_LINK)
        if link in done or link in links:
            raise TapeError(
                f"{link} was re-submitted before", file=path.name, line=line, column=_LINK
            )
        links.append(link)
    target = folder / rows[1][-1].rpartition(":")[0]
    lines = [_TAPE_LINE, *(row[-1].rpartition(":")[2] for row in rows[1:])]
    # A tape read by its headers alone must not get a column more; one repaired before has it.
    add = keep_lines and _TAPE_LINE not in rows[0]
    with target.open("w", encoding="utf-8", newline="") as sink:
        csv.writer(sink, lineterminator="\n").writerows(
            [*row[:-1], line] if add else row[:-1] for row, line in zip(rows, lines, strict=True)
        )
    return target


def propose_files(files: Sequence[Path], folder: Path) -> str:
    """Return YAML of a mapping that the headers of the files suggest."""
    parts: list[dict[str, Any]] = []
    for number, path in enumerate(files):
        inside = folder / str(number)
        inside.mkdir()
        plain = unpack(Path(path), inside, Limits())
        if plain.kind != "csv":
            raise InputError(f"{plain.name}: a mapping is proposed for CSV and Excel files")
        columns = read_head(plain.path, plain.name, find_encoding(plain.path)).columns
        parts.append(propose(plain.name, columns))
    return yaml.safe_dump({"files": parts}, allow_unicode=True, sort_keys=False)
