"""From a file as it came to plain CSV or Parquet, within limits."""

from __future__ import annotations

import csv
import gzip
import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from fengkong.foundation.errors import TapeError

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 20
_LINE_END = ord("\n")
_SMALL = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one load may use.

    Attributes
    ----------
    unpacked_bytes : int
        Largest size of one file after unpacking.
    ratio : float
        Largest unpacked size over packed size; asked only above 64 MiB unpacked.
    memory : str or None
        Memory of the engine, for example "2GiB".
    examples : int
        Examples kept in a report for each rule.
    retention_days : int
        Days after which quarantined rows expire.
    """

    unpacked_bytes: int = 64 << 30
    ratio: float = 200.0
    memory: str | None = None
    examples: int = 5
    retention_days: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A file ready to be read: ``kind`` is "csv" or "parquet"; ``lines`` counts physical lines."""

    name: str
    path: Path
    kind: str
    lines: int = 0


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def unpack(path: Path, folder: Path, limits: Limits, *, sheet: str | None = None) -> Plain:
    """Return ``path`` as plain CSV or Parquet; what had to be unpacked lies in ``folder``.

    Raises
    ------
    TapeError
        The file is missing, empty, truncated, damaged, or unpacks to more than the limits allow.
    """
    if not path.is_file():
        raise TapeError("there is no such file", file=path.name)
    with path.open("rb") as stream:
        magic = stream.read(4)
    if not magic:
        raise TapeError("the file is empty; ask the sender for it again", file=path.name)
    if magic[:2] == b"\x1f\x8b":
        path, name = _gunzip(path, folder, limits), path.name
        with path.open("rb") as stream:
            if stream.read(4) == b"PAR1":
                return Plain(name=name, path=path, kind="parquet")
    elif magic == b"PAR1":
        return Plain(name=path.name, path=path, kind="parquet")
    elif magic == b"PK\x03\x04":
        path, name = _sheet(path, folder, limits, sheet), path.name
    else:
        name = path.name
    if magic[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise TapeError("UTF-16 is not read; save it as UTF-8", file=name)
    return Plain(name=name, path=path, kind="csv", lines=count_lines(path))


def count_lines(path: Path) -> int:
    """Count physical lines; a last line without its end counts."""
    lines, last = 0, b"\n"
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            # Three times as fast as bytes.count, which stops at each end of a line.
            lines += int(np.count_nonzero(np.frombuffer(chunk, np.uint8) == _LINE_END))
            last = chunk[-1:]
    return lines + (last != b"\n")


def _checked_size(size: int, packed: int, name: str, limits: Limits) -> None:
    if size > limits.unpacked_bytes:
        raise TapeError(
            f"it unpacks to more than {limits.unpacked_bytes:,} bytes; "
            "split it into several files",
            file=name, rule="L-01",
        )  # fmt: skip
    if size > _SMALL and size > limits.ratio * max(packed, 1):
        raise TapeError(
            f"it unpacks to more than {limits.ratio:g} times its size, as a zip bomb does; "
            "if you trust it, unpack it yourself and import what comes out",
            file=name, rule="L-02",
        )  # fmt: skip


def _gunzip(path: Path, folder: Path, limits: Limits) -> Path:
    target = folder / f"{path.name}.plain"
    packed, size = path.stat().st_size, 0
    try:
        with gzip.open(path, "rb") as source, target.open("wb") as sink:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                _checked_size(size, packed, path.name, limits)
                sink.write(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TapeError(
            f"the gzip is truncated or damaged ({error}); ask the sender for it again",
            file=path.name, line=(count_lines(target) or None) if target.exists() else None,
            rule="L-03",
        ) from error  # fmt: skip
    if size == 0:
        raise TapeError("the file is empty; ask the sender for it again", file=path.name)
    return target


def _sheet(path: Path, folder: Path, limits: Limits, sheet: str | None) -> Path:
    """Write one sheet of a workbook as CSV; a line of it is a row of the sheet."""
    import openpyxl

    target = folder / f"{path.name}.csv"
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        _checked_size(size, path.stat().st_size, path.name, limits)
        with path.open("rb") as stream:
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            _write_sheet(book, sheet, target, path.name)
    except TapeError:
        raise
    except Exception as error:
        raise TapeError(
            f"it is no workbook that can be read ({type(error).__name__}: {error})",
            file=path.name, rule="L-03",
        ) from error  # fmt: skip
    return target


def _write_sheet(book: Any, sheet: str | None, target: Path, name: str) -> None:
    if sheet is not None and sheet not in book.sheetnames:
        raise TapeError(f"no sheet {sheet!r}; it has {', '.join(book.sheetnames)}", file=name)
    rows = (book[sheet] if sheet else book.worksheets[0]).iter_rows(values_only=True)
    header = next(rows, None)
    if header is None or not any(header):
        raise TapeError("the sheet is empty", file=name)
    width = max(place for place, cell in enumerate(header, 1) if cell is not None)
    with target.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink, lineterminator="\n")
        for row in (header, *()):
            writer.writerow([_cell(value) for value in row[:width]])
        for row in rows:
            values = [_cell(value) for value in row]
            while len(values) > width and values[-1] == "":
                values.pop()
            writer.writerow(values + [""] * (width - len(values)))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return (
            value.date().isoformat()
            if value.time().isoformat() == "00:00:00"
            else value.isoformat()
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
