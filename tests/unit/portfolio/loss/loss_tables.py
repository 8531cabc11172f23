"""Small derived tables for tests of the expected loss."""

from __future__ import annotations

from typing import Any

import ibis
import pyarrow as pa

from fengkong.book.schema import DERIVED


def derived(name: str, rows: list[dict[str, Any]]) -> Any:
    """Return rows as a derived table of the book; absent columns are null."""
    schema = ibis.schema(DERIVED[name].ibis_schema())
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema.to_pyarrow()), schema=schema)
