"""The careful reader: every record of a CSV with its physical line; what cannot be read is kept.

Used when the quick reader refuses a file or a rule is broken. It writes a clean UTF-8 copy whose
first column is the physical line, and gives back the records that are no rows at all.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from fengkong.foundation.errors import TapeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINE = "__line"
_LONGEST_RECORD = 1 << 20
_MOST_LINES = 2_000
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that is no row: its line, the rule it breaks, its text as it came."""

    line: int
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a CSV says: names of its columns, delimiter, encoding."""

    columns: tuple[str, ...]
    delimiter: str
    encoding: str


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_utf8(raw: bytes) -> bool:
    return _decoded(raw, "utf-8") is not None


def find_encoding(path: Path) -> str:
    """Return "utf-8" or "gb18030": that in which more of the lines beyond ASCII can be read."""
    as_utf8 = as_gb = 0
    with path.open("rb") as stream:
        for raw in stream:
            if raw.isascii():
                continue
            if _is_utf8(raw):
                as_utf8 += 1
            elif _decoded(raw, "gb18030") is not None:
                as_gb += 1
    return "gb18030" if as_gb > as_utf8 else "utf-8"


def read_head(path: Path, name: str, encoding: str) -> Head:
    """Read the names of the columns.

    Raises
    ------
    TapeError
        The first line is no header: blank, unreadable, or with a name twice or missing.
    """
    with path.open("rb") as stream:
        raw = stream.readline(_LONGEST_RECORD).removeprefix(b"\xef\xbb\xbf")
    text = _decoded(raw.rstrip(b"\r\n"), encoding)
    if text is None:
        raise TapeError("the header is in no encoding we know", file=name, line=1, rule="W-02")
    if not text.strip() or "\x00" in text or "\r" in text:
        raise TapeError("the first line is no header of a CSV", file=name, line=1, rule="W-01")
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        columns = tuple(
            cell.strip() for cell in next(csv.reader([text], delimiter=delimiter, strict=True))
        )
    except csv.Error as error:
        raise TapeError(
            f"the header cannot be read ({error})", file=name, line=1, rule="W-03"
        ) from error
    for place, column in enumerate(columns, 1):
        if not column or columns.index(column) != place - 1 or column == LINE:
            raise TapeError(
                f"column {place} of the header is {'empty' if not column else 'there twice'}",
                file=name, line=1, column=column or None, rule="W-01",
            )  # fmt: skip
    return Head(columns, delimiter, encoding)


def scan(
    path: Path, head: Head, target: Path, *, skip_footer: int = 0
) -> tuple[int, list[Refused]]:
    """Write the clean copy to ``target``; return all rows read, and those refused."""
    refused: list[Refused] = []
    rows = 0
    with path.open("rb") as source, target.open("w", encoding="utf-8", newline="") as sink:
        source.readline()
        names = [LINE, *(f"c{place}" for place in range(len(head.columns)))]
        sink.write(head.delimiter.join(names) + "\n")
        held: list[tuple[int, str | None, Refused | None]] = []
        for item in _records(source, head):
            held.append(item)
            if len(held) > skip_footer:
                rows += _keep(held.pop(0), sink, refused)
    return rows, refused


def _keep(
    item: tuple[int, str | None, Refused | None], sink: io.TextIOBase, refused: list[Refused]
) -> int:
    _, clean, bad = item
    if bad is not None:
        refused.append(bad)
    elif clean is not None:
        sink.write(clean)
    return 1


def _records(  # noqa: PLR0912, PLR0915  one state machine
    source: BinaryIO, head: Head
) -> Iterator[tuple[int, str | None, Refused | None]]:
    """Yield line, clean text or refusal of each record."""
    width, delimiter = len(head.columns), head.delimiter
    line = 1
    pending: list[bytes] = []
    while True:
        raw = pending.pop(0) if pending else source.readline()
        if not raw:
            return
        line += 1
        if not raw.strip():
            continue
        text = _text_of(raw, head.encoding)
        if text is None or len(text) > _LONGEST_RECORD:
            shown = raw.rstrip(b"\r\n").decode("latin-1") if text is None else text.rstrip("\r\n")
            yield line, None, Refused(line, "W-02" if text is None else "W-03", shown)
            continue
        if '"' not in text:
            body = text.rstrip("\r\n")
            count = body.count(delimiter)
            if count == width and body.endswith(delimiter):
                body, count = body[: -len(delimiter)], count - 1
            if count != width - 1:
                yield line, None, Refused(line, "W-01", body)
            elif "\r" in body:
                yield line, _clean(line, body.split(delimiter), delimiter), None
            else:
                yield line, f"{line}{delimiter}{body}\n", None
            continue
        first, used = line, 1
        more: list[bytes] = []
        whole = text
        while whole.count('"') % 2 and used < _MOST_LINES and len(whole) < _LONGEST_RECORD:
            extra = pending.pop(0) if pending else source.readline()
            if not extra:
                break
            more.append(extra)
            piece = _text_of(extra, head.encoding)
            if piece is None:
                break
            whole, used = whole + piece, used + 1
        fields = _fields(whole, delimiter) if whole.count('"') % 2 == 0 else None
        if fields is None:
            pending = more + pending
            yield first, None, Refused(first, "W-03", text.rstrip("\r\n"))
            continue
        line += used - 1
        if len(fields) == width + 1 and fields[-1] == "":
            fields.pop()
        if len(fields) != width:
            yield first, None, Refused(first, "W-01", whole.rstrip("\r\n"))
        else:
            yield first, _clean(first, fields, delimiter), None


def _text_of(raw: bytes, encoding: str) -> str | None:
    """Decode a line; None when it is of another encoding or holds a NUL."""
    text = _decoded(raw, encoding)
    if text is None or "\x00" in text:
        return None
    if encoding == "gb18030" and not raw.isascii() and _is_utf8(raw):
        return None
    return text


def _fields(text: str, delimiter: str) -> list[str] | None:
    try:
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None


def _clean(line: int, fields: list[str], delimiter: str) -> str:
    out = io.StringIO()
    # All cells in quotes: the writer leaves a lone carriage return bare, and the engine would end
    # the row there.
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow([line, *fields])
    return out.getvalue()
