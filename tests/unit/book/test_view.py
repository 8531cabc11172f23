"""Views: what is seen, in which types, on both engines; and the tables derived once."""

from __future__ import annotations

import gc
import shutil
import sys
import types
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import ibis
import ibis.expr.operations as ops
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fengkong.book
from fengkong.book import engines
from fengkong.book._intake import arrow_schema
from fengkong.book.schema import DERIVED, TABLES
from fengkong.book.store import Book
from fengkong.foundation.errors import EngineError, InputError

MARCH = datetime(2024, 3, 1, tzinfo=UTC)
END = date(2030, 1, 1)
MONEY = pa.decimal128(18, 2)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book.create(tmp_path / "book")


@pytest.fixture
def spark() -> Iterator[None]:
    pytest.importorskip("pyspark", reason="spark: the extra [scale] is not installed")
    if shutil.which("java") is None:
        pytest.skip("spark: Java 17 is not installed")
    yield
    gc.collect()  # PySpark leaves sockets to the collector; their warnings belong to this test


def on_spark(test):
    """Mark a test that needs Spark."""
    for warning in ("pytest.PytestUnraisableExceptionWarning", "ResourceWarning"):
        test = pytest.mark.filterwarnings(f"ignore::{warning}")(test)
    return pytest.mark.spark(pytest.mark.usefixtures("spark")(test))


def months(*rows: tuple[str, date, str]) -> pa.Table:
    return pa.table(
        {
            "loan_id": [row[0] for row in rows],
            "month_end": [row[1] for row in rows],
            "outstanding_principal_amount": pa.array([Decimal(row[2]) for row in rows], MONEY),
        }
    )


def add(book: Book, name: str, at: datetime = MARCH, **tables: pa.Table):
    return book.append(tables, recorded_at=at, source={}, content_hash=name)


def fill(book: Book) -> None:
    """Three batches: two of files and of tables, with a correction, and an event's instant."""
    first = months(("A", date(2024, 1, 31), "100.00"), ("B", date(2024, 1, 31), "50.00"))
    with book.staging() as staging:
        pq.write_table(first, staging / "x.parquet")
        files = {"loan_months": staging / "x.parquet"}
        book.append(files, recorded_at=MARCH, source={}, content_hash="1")
    add(book, "2", MARCH + timedelta(1), loan_months=months(("A", date(2024, 2, 29), "90.25")))
    event = pa.table(
        {
            "event_id": ["E"],
            "occurred_on": [date(2024, 2, 1)],
            "occurred_at": pa.array([datetime(2024, 2, 1, 23, 30, tzinfo=UTC)]),
            "kind": ["登录"],
            "quantity": [0.1],
        }
    )
    late = months(("B", date(2024, 1, 31), "45.00"))
    add(book, "3", MARCH + timedelta(2), loan_months=late, events=event)


def rows_of(table, *, by: list[str]) -> list[dict]:
    return table.order_by(by).to_pyarrow().to_pylist()


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_table_without_rows_has_its_types(book, name):
    with book.view(as_of=END) as view:
        table = view.table(name)
        expected = TABLES[name].ibis_schema()
        found = dict(table.drop("batch_id", "recorded_at").schema().items())
        normal = {column: ibis.dtype(kind) for column, kind in expected.items()}
        assert found == normal
        assert table.columns[-2:] == ("recorded_at", "batch_id")
        empty = table.to_pyarrow()
        assert empty.num_rows == 0
        assert empty.schema.equals(arrow_schema(TABLES[name]))
        assert view.has(name) is False


def test_missing_columns_read_as_typed_nulls(book):
    fill(book)
    with book.view(as_of=END) as view:
        table = view.table("loan_months")
        assert dict(table.schema().items()) == dict(view.table("loan_months").schema().items())
        assert table.schema()["days_past_due"] == ibis.dtype("int64")
        assert {row["days_past_due"] for row in rows_of(table, by=["loan_id"])} == {None}


def test_as_of_and_known_at_bound_what_is_seen(book):
    fill(book)

    def seen(as_of, known_at=None):
        with book.view(as_of=as_of, known_at=known_at) as view:
            rows = rows_of(view.table("loan_months"), by=["loan_id", "month_end"])
            assert view.has("loan_months") is bool(rows)
        return [(row["loan_id"], str(row["outstanding_principal_amount"])) for row in rows]

    assert seen(END) == [("A", "100.00"), ("A", "90.25"), ("B", "45.00")]
    assert seen(date(2024, 2, 28)) == [("A", "100.00"), ("B", "45.00")]
    assert seen(date(2024, 2, 29)) == seen(END)
    assert seen(END, MARCH + timedelta(1)) == [("A", "100.00"), ("A", "90.25"), ("B", "50.00")]
    assert seen(END, MARCH) == [("A", "100.00"), ("B", "50.00")]
    assert seen(date(2024, 1, 30)) == []
    assert seen(END, MARCH - timedelta(microseconds=1)) == []


def test_a_view_keeps_what_it_saw_and_names_it(book):
    fill(book)
    with book.view(as_of=END, known_at=MARCH + timedelta(1)) as view:
        add(book, "4", MARCH, loan_months=months(("C", date(2024, 1, 31), "1.00")))
        assert view.table("loan_months").count().execute() == 3
        assert [batch["content_hash"] for batch in view.inputs] == ["1", "2"]
        assert [batch["rows"] for batch in view.inputs] == [2, 1]
        scratch = view._scratch
        assert scratch.exists()
    assert not scratch.exists()
    view.close()


def test_no_window_where_nothing_comes_twice(book):
    add(book, "1", loan_months=months(("A", date(2024, 1, 31), "1.00")))
    add(book, "2", loan_months=months(("A", date(2024, 2, 29), "1.00")))

    def windows():
        with book.view(as_of=END) as view:
            return view.table("loan_months").op().find(ops.WindowFunction)

    assert not windows()
    add(book, "3", MARCH + timedelta(1), loan_months=months(("A", date(2024, 2, 29), "2.00")))
    assert windows()


def test_refuses_arguments_that_say_too_little(book):
    for wrong in (
        {"as_of": datetime(2024, 1, 1, tzinfo=UTC)},
        {"as_of": "2024-01-01"},
        {"as_of": END, "known_at": datetime(2024, 1, 1)},  # noqa: DTZ001
        {"as_of": END, "engine": "abacus"},
    ):
        with pytest.raises(InputError):
            book.view(**wrong)
    with pytest.raises(EngineError, match="memory_limit='a lot'"):
        book.view(as_of=END, memory_limit="a lot")
    assert list((book.path / "tmp").iterdir()) == []
    with book.view(as_of=END) as view, pytest.raises(InputError, match="no table 'lons'"):
        view.table("lons")


def test_the_memory_limit_reaches_the_engine(book):
    with book.view(as_of=END, memory_limit="512MiB") as view:
        settings = view.connection.con.sql("SELECT current_setting('memory_limit')").fetchall()
    assert settings == [("512.0 MiB",)]


@pytest.fixture
def replay(monkeypatch) -> Iterator[types.SimpleNamespace]:
    """Put a replay in place that counts its runs."""
    fake = types.SimpleNamespace(VERSION="1", runs=[], fail=False)

    def derive(view, folder, progress=None):
        fake.runs.append((view.engine, view.as_of, view.known_at))
        if progress:
            progress("states", 1.0)
        for name in DERIVED:
            (folder / name).mkdir()
        loans = view.table("loan_months").select("loan_id").distinct().order_by("loan_id")
        pq.write_table(loans.to_pyarrow(), folder / "states" / "part-0.parquet")
        if fake.fail:
            raise RuntimeError("killed")

    fake.derive = derive
    monkeypatch.setitem(sys.modules, "fengkong.book.replay", fake)
    monkeypatch.setattr(fengkong.book, "replay", fake, raising=False)
    return fake


def test_derived_tables_are_computed_once_for_what_they_depend_on(book, replay):
    fill(book)

    def states(**when):
        with book.view(**({"as_of": END} | when)) as view:
            assert view.panel().count().execute() == 0
            assert dict(view.exposures().schema().items()).keys() == set(DERIVED["exposures"].names)
            assert view.has("states")
            assert not view.has("panel")
            return [row["loan_id"] for row in rows_of(view.get("states"), by=["loan_id"])]

    assert states() == ["A", "B"]
    assert states() == ["A", "B"]
    assert states(known_at=MARCH + timedelta(9)) == ["A", "B"]  # knows the same
    assert len(replay.runs) == 1
    states(as_of=date(2024, 2, 1))
    states(known_at=MARCH)
    assert len(replay.runs) == 3
    replay.VERSION = "2"
    states()
    assert len(replay.runs) == 4
    add(book, "4", loan_months=months(("C", date(2024, 1, 31), "1.00")))
    assert states() == ["A", "B", "C"]
    assert len(replay.runs) == 5


def test_a_derivation_that_fails_leaves_nothing_and_one_that_is_late_is_dropped(book, replay):
    fill(book)
    replay.fail = True
    with book.view(as_of=END) as view, pytest.raises(RuntimeError):
        view.derive()
    assert not list(book.path.glob("derived/*"))
    replay.fail, inner = False, replay.derive

    def slow(view, folder, progress=None):
        inner(view, folder, progress)
        replay.derive = inner
        with book.view(as_of=END) as other:  # another process is done first
            other.derive()

    replay.derive, steps = slow, []
    with book.view(as_of=END) as view:
        folder = view.derive(lambda step, share: steps.append((step, share)))
        assert view.derive() == folder
    assert steps == [("states", 1.0)]
    assert len(list(book.path.glob("derived/*"))) == 1
    assert list((book.path / "tmp").iterdir()) == []


def test_spark_that_is_not_installed_says_what_to_do(book, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(EngineError, match=r"fengkong\[scale\]"):
        book.view(as_of=END, engine="spark")
    assert list((book.path / "tmp").iterdir()) == []


@on_spark
def test_spark_without_java_says_what_to_do(book, monkeypatch):
    from pyspark.sql import SparkSession

    monkeypatch.setattr(SparkSession, "getActiveSession", classmethod(lambda _: None))
    monkeypatch.setattr(engines.shutil, "which", lambda _: None)
    with pytest.raises(EngineError, match="needs Java 17"):
        book.view(as_of=END, engine="spark")


@on_spark
@pytest.mark.parametrize("known_at", [None, MARCH + timedelta(1)])
def test_spark_reads_what_duckdb_reads(book, known_at, replay):
    fill(book)
    found = {}
    for engine in engines.ENGINES:
        with book.view(as_of=date(2024, 2, 29), known_at=known_at, engine=engine) as view:
            found[engine] = {
                name: (view.table(name).schema(), rows_of(view.table(name), by=list(schema.key)))
                for name, schema in TABLES.items()
                if name in {"loan_months", "events", "loans"}
            }
            found[engine]["states"] = rows_of(view.states(), by=["loan_id"])
            assert view.has("loan_months")
    assert found["duckdb"] == found["spark"]
    assert len(found["spark"]["loan_months"][1]) == 3
    assert [run[0] for run in replay.runs] == ["duckdb"]


@on_spark
def test_spark_computes_the_derived_tables_with_duckdb(book, replay):
    fill(book)
    with book.view(as_of=END, engine="spark") as view:
        assert view.states().count().execute() == 2
    assert replay.runs == [("duckdb", END, None)]


def test_batches_left_half_way_leave_the_engine_as_it_was(tmp_path: Path) -> None:
    made = Book.create(tmp_path / "book")
    made.append(
        {"loans": pa.table({
            "loan_id": [f"L{n}" for n in range(30_000)],
            "currency": ["CNY"] * 30_000,
            "principal_amount": pa.array([Decimal("1.00")] * 30_000, pa.decimal128(18, 2)),
            "disbursed_on": [date(2024, 1, 1)] * 30_000,
        })},
        recorded_at=datetime(2025, 1, 1, tzinfo=UTC), source={"what": "test"}, content_hash="many",
    )  # fmt: skip
    with made.view(as_of=date(2024, 12, 31)) as view:
        loans = view.table("loans").select("principal_amount")
        batches = view.batches(loans, 2_048)
        assert next(batches)["principal_amount"].type == pa.decimal64(18, 2)
        batches.close()
        assert view.table("loans").principal_amount.sum().execute() == Decimal("30000.00")
        found = loans.to_pyarrow()
    assert (found.num_rows, found.schema.field(0).type) == (30_000, pa.decimal128(18, 2))
