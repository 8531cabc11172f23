"""From NumPy arrays to Arrow columns without a Python loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The stubs know neither dictionary arrays nor buffers of NumPy.
pa: Any = pyarrow
pc: Any = pyarrow.compute
pq: Any = pyarrow.parquet


def money(cents: Any, valid: Any = None) -> Any:
    """DECIMAL(18, 2) from integer cents: each value is 16 bytes, low half then sign."""
    low = np.ascontiguousarray(cents, dtype=np.int64)
    both = np.empty((len(low), 2), dtype=np.int64)
    both[:, 0], both[:, 1] = low, low >> 63
    bits = None if valid is None else pa.array(np.asarray(valid, dtype=bool)).buffers()[1]
    kind = pa.decimal128(18, 2)
    return pa.Array.from_buffers(kind, len(low), [bits, pa.py_buffer(both.reshape(-1))])


def code(places: Any, names: Sequence[str]) -> Any:
    """Text by its place in ``names``; a negative place is null."""
    places = np.asarray(places, dtype=np.int32)
    indices = pa.array(places, mask=places < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(names)))


def same(value: str | None, size: int) -> Any:
    """One text in every row."""
    return code(np.full(size, 0 if value is not None else -1), [value or ""])


def identity(prefix: str, numbers: Any, width: int = 8) -> Any:
    """Ids of fixed width, so that the order of the text is the order of the numbers."""
    digits = pc.utf8_lpad(
        pa.array(np.asarray(numbers, dtype=np.int64)).cast(pa.string()), width, "0"
    )
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, pa.scalar(""))


def repeated(prefix: str, numbers: Any) -> Any:
    """Ids that come many times in a row, as a dictionary; ``numbers`` may be in any order."""
    different, places = np.unique(numbers, return_inverse=True)
    return pa.DictionaryArray.from_arrays(
        pa.array(places.astype(np.int32)), identity(prefix, different)
    )


def day(numbers: Any, valid: Any = None) -> Any:
    """Dates from days since 1970."""
    return pa.array(
        np.asarray(numbers, dtype=np.int32), mask=None if valid is None else ~np.asarray(valid)
    ).cast(pa.date32())


def whole(numbers: Any, valid: Any = None) -> Any:
    """Integers, null where not valid."""
    return pa.array(
        np.asarray(numbers, dtype=np.int64), mask=None if valid is None else ~np.asarray(valid)
    )


def flag(values: Any) -> Any:
    """Booleans."""
    return pa.array(np.asarray(values, dtype=bool))


def write_part(columns: dict[str, Any], path: Path) -> int:
    """Write one Parquet part (plain types, zstd); returns its rows."""
    table = pa.table(columns)
    if table.num_rows:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            table, path, compression="zstd", compression_level=1, store_schema=False,
            store_decimal_as_integer=True, dictionary_pagesize_limit=4 << 20,
            write_statistics=True, row_group_size=1 << 20,
            use_dictionary=[
                name for name in table.column_names
                if pa.types.is_dictionary(table.schema.field(name).type)
                or pa.types.is_date(table.schema.field(name).type)
            ],
        )  # fmt: skip
    return int(table.num_rows)
