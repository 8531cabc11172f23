"""Tables of features from files, and folders that are written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from fengkong.foundation.errors import DataQualityError, InputError

# A file that is not UTF-8 is tried as the encoding that holds all Chinese text.
_ENCODINGS = ("utf-8", "gb18030")


def read_data(path: Path, *, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a table of features: CSV (also gzip) or Parquet.

    Parameters
    ----------
    path : Path
    text : collection of str
        Columns of a CSV file that are codes, not numbers: "007" stays "007".

    Raises
    ------
    InputError
        The name ends in neither .csv, .csv.gz nor .parquet, or a column name comes twice.
    DataQualityError
        The file cannot be read as what its name says.
    """
    name = path.name.lower()
    if not name.endswith((".csv", ".csv.gz", ".parquet")):
        raise InputError(f"{path}: a table of features is a .csv, .csv.gz or .parquet file")
    try:
        table = pq.read_table(path) if name.endswith(".parquet") else _read_csv(path, text)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError) as error:
        raise DataQualityError(f"{path} cannot be read: {error}") from error
    twice = {one for one in table.column_names if table.column_names.count(one) > 1}
    if twice:
        raise InputError(f"{path}: two columns have the name {', '.join(sorted(twice))}")
    if not table.num_rows:
        raise DataQualityError(f"{path} holds no rows")
    return table.to_pandas()


def _read_csv(path: Path, text: Collection[str]) -> pa.Table:
    convert = pa_csv.ConvertOptions(
        strings_can_be_null=True, column_types=dict.fromkeys(text, pa.string())
    )
    for encoding in _ENCODINGS:
        try:
            table = pa_csv.read_csv(
                path, convert_options=convert, read_options=pa_csv.ReadOptions(encoding=encoding)
            )
            # Names are decoded only when asked for; text that is not UTF-8 is read as bytes.
            if table.column_names and not any(map(pa.types.is_binary, table.schema.types)):
                return table
        except (UnicodeDecodeError, pa.ArrowInvalid) as error:
            if encoding == _ENCODINGS[-1] or not _is_encoding(error):
                raise
    raise DataQualityError(f"{path} is text neither in UTF-8 nor in GB18030")


def _is_encoding(error: Exception) -> bool:
    return isinstance(error, UnicodeDecodeError) or "UTF8" in str(error)


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    DataQualityError
        It is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataQualityError(f"{path} is not text in UTF-8: save it as UTF-8") from error


@contextmanager
def _preparing(path: Path) -> Iterator[None]:
    """Say a place that cannot be written to as an error of the caller."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}; choose another place with --out"
        ) from error


@contextmanager
def whole_folder(out: Path, *, force: bool) -> Iterator[Path]:
    """Give a folder to write into; its files reach ``out`` only when the block ends well.

    Parameters
    ----------
    out : Path
        Folder for the files.
    force : bool
        Overwrite files of the same names.

    Raises
    ------
    InputError
        ``out`` holds something and ``force`` was not asked for, or it cannot be made.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: name a folder")
    if out.exists() and not force and any(out.iterdir()):
        raise InputError(f"{out} is not empty: choose another folder, or overwrite with --force")
    with _preparing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield part
        part.chmod(0o755)
        if not out.exists():
            part.rename(out)
            return
        for path in sorted(part.iterdir()):
            path.replace(out / path.name)
    finally:
        if part.exists():
            shutil.rmtree(part)


def write_data(frame: pd.DataFrame, path: Path, *, kind: Path) -> None:
    """Write a table as the ending of ``kind`` says: .parquet or .csv.

    Raises
    ------
    InputError
        Another ending.
    """
    if kind.suffix == ".parquet":
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, compression="zstd")
    elif kind.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        raise InputError(f"{kind}: scores are written to a .parquet or a .csv file")


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[Path]:
    """Give a file to write; it takes its name only when the block ends well.

    Raises
    ------
    InputError
        ``path`` exists and ``force`` was not asked for, or it cannot be made.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file")
    if path.exists() and not force:
        raise InputError(f"{path} exists: choose another name, or overwrite with --force")
    part = path.with_name(f".{path.name}.part")
    with _preparing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
