"""The manifest of a batch: what one load brought, and what a reader may skip because of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from fengkong.foundation.errors import BookError

MANIFEST = "batch.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableManifest:
    """What a batch holds of one table.

    Attributes
    ----------
    rows : int
        Rows stored.
    files : tuple of str
        Parquet files, relative to the folder of the batch.
    columns : tuple of str
        Columns stored; those of the schema that are missing read as null.
    business_date_min, business_date_max : date or None
        Range of the business date; None when the table has none.
    recorded_at_min, recorded_at_max : datetime
        Range of the instants of knowledge.
    supersedes : bool
        A key of these rows is also in an earlier batch, or twice in this one.
    again : str or None
        Parquet file with those keys.
    key_range : dict
        Smallest and largest value of each key column, as JSON.
    """

    rows: int
    files: tuple[str, ...]
    columns: tuple[str, ...]
    business_date_min: date | None
    business_date_max: date | None
    recorded_at_min: datetime
    recorded_at_max: datetime
    supersedes: bool
    again: str | None
    key_range: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def recorded_at_constant(self) -> bool:
        """Whether all rows became known at the same instant."""
        return self.recorded_at_min == self.recorded_at_max


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One committed load; ``batch_id`` orders by arrival.

    Attributes
    ----------
    folder : Path
        Where it lies.
    content_hash : str
        Hash of what was loaded, given by the caller: the same content enters once.
    recorded_at : datetime
        Instant (UTC) from which its rows are known, where a row does not say its own.
    source : dict
        Where it came from, as the caller says.
    """

    batch_id: str
    content_hash: str
    recorded_at: datetime
    source: dict[str, Any]
    tables: dict[str, TableManifest]
    folder: Path

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(table.rows for table in self.tables.values())

    def to_json(self) -> str:
        """Write the manifest as text."""
        content = asdict(self)
        del content["folder"]
        return json.dumps(content, default=_plain, ensure_ascii=False, indent=1, sort_keys=True)


def _plain(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not fit into a manifest")


def _table_of(raw: dict[str, Any]) -> TableManifest:
    def day(name: str) -> date | None:
        return date.fromisoformat(raw[name]) if raw[name] else None

    return TableManifest(
        rows=raw["rows"],
        files=tuple(raw["files"]),
        columns=tuple(raw["columns"]),
        business_date_min=day("business_date_min"),
        business_date_max=day("business_date_max"),
        recorded_at_min=datetime.fromisoformat(raw["recorded_at_min"]),
        recorded_at_max=datetime.fromisoformat(raw["recorded_at_max"]),
        supersedes=raw["supersedes"],
        again=raw["again"],
        key_range={name: (low, high) for name, (low, high) in raw["key_range"].items()},
    )


def read_batch(folder: Path) -> Batch:
    """Read the manifest in ``folder``.

    Raises
    ------
    BookError
        The manifest is missing or cannot be read.
    """
    path = folder / MANIFEST
    try:
        raw = json.loads(path.read_text("utf-8"))
        return Batch(
            batch_id=raw["batch_id"],
            content_hash=raw["content_hash"],
            recorded_at=datetime.fromisoformat(raw["recorded_at"]),
            source=raw["source"],
            tables={name: _table_of(table) for name, table in raw["tables"].items()},
            folder=folder,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BookError(
            f"{path}: the manifest of this batch cannot be read ({error}); "
            "restore the folder from a backup"
        ) from error
