"""From what a caller appends to Parquet files of a batch, with the manifest of each table."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fengkong.book import _disk
from fengkong.book.batch import Batch, TableManifest
from fengkong.book.schema import TABLES
from fengkong.foundation.columns import Kind, Table
from fengkong.foundation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fengkong.book.engines import DuckEngine

INSTANT = pa.timestamp("us", tz="UTC")
ARROW_TYPE: dict[Kind, Any] = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.MONEY: pa.decimal128(18, 2),
    Kind.FLOAT: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.INSTANT: INSTANT,
}
_ROWS_AT_ONCE = 262_144


def arrow_schema(schema: Table, *, stamps: bool = True) -> Any:
    """Return the Arrow schema of a table, with recorded_at and batch_id when ``stamps``."""
    fields = [pa.field(column.name, ARROW_TYPE[column.kind]) for column in schema.columns]
    if stamps:
        fields += [pa.field("recorded_at", INSTANT), pa.field("batch_id", pa.string())]
    return pa.schema(fields)


def schema_of(name: str) -> Table:
    """Return the schema of a fact table; refuses an unknown name."""
    if name not in TABLES:
        raise InputError(f"the book has no table {name!r}; it has {', '.join(TABLES)}")
    return TABLES[name]


def _check_names(schema: Table, names: Sequence[str]) -> None:
    unknown = sorted(set(names) - set(schema.names) - {"recorded_at"})
    if unknown:
        raise InputError(
            f"table {schema.name} has no column {', '.join(unknown)}; "
            f"leave it out (columns: {', '.join(schema.names)})"
        )
    missing = sorted(set(schema.key) - set(names))
    if missing:
        raise InputError(f"table {schema.name}: the key column {', '.join(missing)} is missing")


def _check_type(table: str, name: str, found: Any, kind: Kind) -> None:
    """Refuse a type that would change a value: above all money as a float."""
    types = pa.types
    fits = {
        Kind.BOOLEAN: types.is_boolean(found),
        Kind.INTEGER: types.is_integer(found),
        Kind.MONEY: types.is_integer(found) or (types.is_decimal(found) and found.scale <= 2),
        Kind.FLOAT: types.is_floating(found) or types.is_integer(found) or types.is_decimal(found),
        Kind.TEXT: types.is_string(found) or types.is_large_string(found),
        Kind.DATE: types.is_date(found),
        Kind.INSTANT: types.is_timestamp(found) and found.tz is not None,
    }[kind]
    if not fits:
        raise InputError(
            f"table {table}, column {name}: {found} does not hold {kind.value} without loss; "
            f"pass {ARROW_TYPE[kind]}"
        )


def _refuse_null(table: str, name: str, count: int | None) -> None:
    if count:
        raise InputError(f"table {table}: {count} rows have no {name}; a key column is never null")


def _plain_type(found: Any) -> Any:
    return found.value_type if pa.types.is_dictionary(found) else found


def conform(table: Any, schema: Table, recorded_at: datetime, batch_id: str) -> Any:
    """Cast an Arrow table to the schema, and stamp each row.

    Raises
    ------
    InputError
        A column is unknown, a key column is missing, or a value does not fit its type.
    """
    _check_names(schema, table.column_names)
    columns: dict[str, Any] = {}
    for column in schema.columns:
        if column.name not in table.column_names:
            continue
        values = table[column.name]
        if not pa.types.is_null(values.type):
            _check_type(schema.name, column.name, _plain_type(values.type), column.kind)
        try:
            columns[column.name] = values.cast(ARROW_TYPE[column.kind])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(f"table {schema.name}, column {column.name}: {error}") from error
    for name in schema.key:
        _refuse_null(schema.name, name, columns[name].null_count)
    stamp = pa.scalar(recorded_at, INSTANT)
    if "recorded_at" in table.column_names:
        own = table["recorded_at"]
        if not pa.types.is_null(own.type):
            _check_type(schema.name, "recorded_at", own.type, Kind.INSTANT)
        columns["recorded_at"] = pc.fill_null(own.cast(INSTANT), stamp)
    else:
        columns["recorded_at"] = pa.repeat(stamp, table.num_rows)
    columns["batch_id"] = pa.repeat(pa.scalar(batch_id), table.num_rows)
    return pa.table(columns)


def write_table(table: Any, folder: Path) -> tuple[str, ...]:
    """Write an Arrow table as the one part of a table; returns names relative to the batch."""
    folder.mkdir()
    with (folder / "part-00000.parquet").open("wb") as stream:
        pq.write_table(table, stream, compression="zstd")
    return (f"{folder.name}/part-00000.parquet",)


def take_files(paths: Sequence[Path], schema: Table, folder: Path) -> tuple[str, ...]:
    """Bring Parquet files of the schema's columns into the batch without rewriting them.

    Raises
    ------
    InputError
        A file is not Parquet, differs in columns from the first, or has a column or type that the
        schema does not have.
    """
    if not paths:
        raise InputError(f"table {schema.name}: no Parquet file was given")
    folder.mkdir()
    first = None
    for number, path in enumerate(paths):
        try:
            found = pq.read_schema(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(f"{path}: not a readable Parquet file ({error})") from error
        plain = [(field.name, _plain_type(field.type)) for field in found]
        _check_names(schema, found.names)
        for name, kind in plain:
            wanted = Kind.INSTANT if name == "recorded_at" else schema[name].kind
            _check_type(schema.name, name, kind, wanted)
        if first is not None and plain != first:
            raise InputError(f"{path}: its columns differ from those of {paths[0]}")
        first = plain
        _disk.bring_in(path, folder / f"part-{number:05d}.parquet")
    return tuple(f"{folder.name}/part-{number:05d}.parquet" for number in range(len(paths)))


def describe(
    engine: DuckEngine,
    folder: Path,
    schema: Table,
    *,
    files: tuple[str, ...],
    recorded_at: datetime,
    earlier: Sequence[Batch],
) -> TableManifest:
    """Measure what was written: ranges, and which keys were already there.

    Raises
    ------
    InputError
        A key column holds null, or a key comes twice with the same ``recorded_at``: the book
        could not say which row holds.
    """
    paths = [folder / name for name in files]
    rows = engine.read(paths)
    found = _ranges(rows, schema, recorded_at)
    for name in schema.key:
        _refuse_null(schema.name, name, found[f"null_{name}"])
    ranges = {
        name: (_json(found[f"low_{name}"]), _json(found[f"high_{name}"])) for name in schema.key
    }
    again = (
        _again(engine, rows, paths, schema, ranges=ranges, earlier=earlier)
        if found["rows"]
        else None
    )
    twice: str | None = None
    if again is not None and again.num_rows:
        twice = f"_again/{schema.name}.parquet"
        (folder / "_again").mkdir(exist_ok=True)
        with (folder / twice).open("wb") as stream:
            pq.write_table(again, stream, compression="zstd")
    date_name = schema.business_date
    return TableManifest(
        rows=found["rows"],
        files=files,
        columns=tuple(rows.columns),
        business_date_min=_day(found["date_min"]) if date_name else None,
        business_date_max=_day(found["date_max"]) if date_name else None,
        recorded_at_min=_utc(found["recorded_min"], recorded_at),
        recorded_at_max=_utc(found["recorded_max"], recorded_at),
        supersedes=twice is not None,
        again=twice,
        key_range=ranges,
    )


def _ranges(rows: Any, schema: Table, recorded_at: datetime) -> dict[str, Any]:
    """Count rows and nulls of the key, and take smallest and largest values, in one pass."""
    import ibis

    wanted = {"rows": rows.count()}
    for name in schema.key:
        wanted |= {
            f"null_{name}": rows[name].isnull().sum(),
            f"low_{name}": rows[name].min(),
            f"high_{name}": rows[name].max(),
        }
    if schema.business_date and schema.business_date in rows.columns:
        column = rows[schema.business_date]
        wanted |= {"date_min": column.min(), "date_max": column.max()}
    if "recorded_at" in rows.columns:
        filled = ibis.literal(recorded_at, type="timestamp('UTC')")
        known = ibis.coalesce(rows.recorded_at.cast(filled.type()), filled)
        wanted |= {"recorded_min": known.min(), "recorded_max": known.max()}
    found: dict[str, Any] = rows.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    defaults = dict.fromkeys(("date_min", "date_max", "recorded_min", "recorded_max"))
    return defaults | found


def _again(
    engine: DuckEngine,
    rows: Any,
    paths: Sequence[Path],
    schema: Table,
    *,
    ranges: dict[str, tuple[Any, Any]],
    earlier: Sequence[Batch],
) -> Any:
    """Return the keys that come twice here or came before, as an Arrow table, or None."""
    import ibis

    keys = list(schema.key)
    found = []
    if not increasing(paths, keys):
        counted = rows.group_by(keys).aggregate(times_=rows.count())
        found.append(counted.filter(counted.times_ > 1).select(keys))
        _refuse_twice_at_once(rows, found[0], schema)
    old = [
        batch.folder / name
        for batch in earlier
        if schema.name in batch.tables and _overlap(batch.tables[schema.name].key_range, ranges)
        for name in batch.tables[schema.name].files
    ]
    if old:
        before = ibis.union(*(engine.read([path]).select(keys) for path in old), distinct=False)
        found.append(rows.select(keys).semi_join(before, keys).distinct())
    if not found:
        return None
    together = ibis.union(*found, distinct=True) if len(found) > 1 else found[0]
    return together.order_by(keys).to_pyarrow()


def _refuse_twice_at_once(rows: Any, twice: Any, schema: Table) -> None:
    """Refuse a batch that says two things about one key at one instant."""
    keys = list(schema.key)
    suspects = rows.semi_join(twice, keys)
    stamp = ["recorded_at"] if "recorded_at" in rows.columns else []
    counted = suspects.group_by([*keys, *stamp]).aggregate(times_=suspects.count())
    bad = counted.filter(counted.times_ > 1).order_by(keys).limit(1).to_pyarrow().to_pylist()
    if bad:
        place = ", ".join(f"{name} = {bad[0][name]}" for name in keys)
        raise InputError(
            f"table {schema.name}: the key {place} comes {bad[0]['times_']} times with the same "
            "recorded_at, so the book could not say which row holds; keep one"
        )


def increasing(paths: Sequence[Path], keys: Sequence[str]) -> bool:
    """Whether the rows rise strictly in some order of the key columns: then no key comes twice.

    A pass over sorted rows costs a tenth of a group-by over 25 million keys; False only means
    "not shown this way".
    """
    orders = list(itertools.permutations(keys)) if len(keys) <= 3 else [tuple(keys)]
    last: Any = None
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(_ROWS_AT_ONCE, columns=list(keys)):
            chunk = pa.table(batch.to_pydict() if batch.num_rows == 0 else batch)
            if chunk.num_rows == 0:
                continue
            rows = chunk if last is None else pa.concat_tables([last, chunk])
            orders = [order for order in orders if _rises(rows, order)]
            if not orders:
                return False
            last = chunk.slice(chunk.num_rows - 1)
    return True


def _rises(rows: Any, order: Sequence[str]) -> bool:
    """Whether each row is greater than the one before, column after column."""
    less: Any = None
    for name in reversed(order):
        column = rows[name].combine_chunks()
        before, after = column.slice(0, len(column) - 1), column.slice(1)
        here = pc.less(before, after)
        less = here if less is None else pc.or_(here, pc.and_(pc.equal(before, after), less))
    return bool(pc.all(pc.fill_null(less, False)).as_py() in (True, None))


def _overlap(old: dict[str, tuple[Any, Any]], new: dict[str, tuple[Any, Any]]) -> bool:
    """Whether two ranges of keys share a point; False proves that no key is in both."""
    for name, (low, high) in new.items():
        old_low, old_high = old.get(name, (None, None))
        if None in (low, high, old_low, old_high):
            continue
        if high < old_low or low > old_high:
            return False
    return True


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _day(value: Any) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _utc(value: datetime | None, default: datetime) -> datetime:
    return default if value is None else value.astimezone(UTC)
