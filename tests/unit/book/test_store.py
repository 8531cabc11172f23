"""Batches: all or nothing, once, and what is refused."""

from __future__ import annotations

import builtins
import io
import os
import random
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fengkong.book import _disk
from fengkong.book._intake import increasing
from fengkong.book.store import Book
from fengkong.foundation.errors import BookError, InputError

MONEY = pa.decimal128(18, 2)
MARCH = datetime(2024, 3, 1, tzinfo=UTC)
APRIL = datetime(2024, 4, 1, tzinfo=UTC)
LATE = date(2030, 1, 1)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book.create(tmp_path / "book")


def payments(*rows: tuple[str, date, str]) -> pa.Table:
    return pa.table(
        {
            "payment_id": pa.array([row[0] for row in rows], pa.string()),
            "loan_id": pa.array(["L1" for _ in rows], pa.string()),
            "paid_on": pa.array([row[1] for row in rows], pa.date32()),
            "amount": pa.array([Decimal(row[2]) for row in rows], MONEY),
        }
    )


def add(book: Book, table: pa.Table, name: str, at: datetime = MARCH):
    return book.append(
        {"payments": table}, recorded_at=at, source={"file": name}, content_hash=name
    )


def seen(book: Book, **when) -> dict[str, tuple[date, Decimal]]:
    with book.view(**({"as_of": LATE} | when)) as view:
        rows = view.table("payments").to_pyarrow().to_pylist()
    assert len(rows) == len({row["payment_id"] for row in rows})
    return {row["payment_id"]: (row["paid_on"], row["amount"]) for row in rows}


def test_what_is_appended_is_read_and_the_manifest_says_it(book):
    batch = add(
        book, payments(("A", date(2024, 1, 5), "10.00"), ("B", date(2024, 2, 5), "2.50")), "x"
    )
    assert batch.batch_id.startswith("00000001-")
    part = batch.tables["payments"]
    assert (part.rows, part.supersedes, part.recorded_at_constant) == (2, False, True)
    assert (part.business_date_min, part.business_date_max) == (date(2024, 1, 5), date(2024, 2, 5))
    assert part.recorded_at_min == MARCH
    assert Book.open(book.path).batches() == [batch]
    assert seen(book) == {
        "A": (date(2024, 1, 5), Decimal("10.00")),
        "B": (date(2024, 2, 5), Decimal("2.50")),
    }


def test_the_same_content_enters_once(book):
    first = add(book, payments(("A", date(2024, 1, 5), "1.00")), "x")
    assert add(book, payments(("B", date(2024, 1, 5), "1.00")), "x", APRIL) == first
    assert list(seen(book)) == ["A"]


def test_a_correction_is_seen_from_when_it_is_known(book):
    add(book, payments(("A", date(2024, 1, 5), "1.00"), ("B", date(2024, 1, 6), "3.00")), "x")
    batch = add(book, payments(("A", date(2024, 2, 20), "2.00")), "y", APRIL)
    assert batch.tables["payments"].supersedes
    old, new = (date(2024, 1, 5), Decimal("1.00")), (date(2024, 2, 20), Decimal("2.00"))
    before = datetime(2024, 3, 31, 23, 59, 59, tzinfo=UTC)
    assert seen(book)["A"] == new
    assert seen(book, known_at=APRIL)["A"] == new
    assert seen(book, known_at=before)["A"] == old
    # It was never paid in January: the first row is gone there too, once that is known.
    january = date(2024, 1, 31)
    assert list(seen(book, as_of=january)) == ["B"]
    assert sorted(seen(book, as_of=january, known_at=before)) == ["A", "B"]
    assert seen(book, known_at=datetime(2024, 1, 1, tzinfo=UTC)) == {}


def test_at_the_same_instant_the_later_batch_wins(book):
    add(book, payments(("A", date(2024, 1, 5), "1.00")), "x")
    add(book, payments(("A", date(2024, 1, 5), "2.00")), "y")
    assert seen(book)["A"][1] == Decimal("2.00")


def test_rows_may_say_when_they_became_known(book):
    table = payments(("A", date(2024, 1, 5), "1.00"), ("A", date(2024, 1, 5), "2.00"))
    own = pa.array([MARCH, None], pa.timestamp("us", "UTC"))
    batch = add(book, table.append_column("recorded_at", own), "x", APRIL)
    part = batch.tables["payments"]
    assert (part.supersedes, part.recorded_at_constant) == (True, False)
    assert seen(book)["A"][1] == Decimal("2.00")
    assert seen(book, known_at=MARCH)["A"][1] == Decimal("1.00")


def test_parquet_files_are_brought_in_as_they_are(book):
    with book.staging() as staging:
        for number, name in enumerate("AB"):
            table = payments((name, date(2024, 1, 5), "1.00")).drop_columns(["loan_id"])
            pq.write_table(table, staging / f"{number}.parquet")
        paths = sorted(staging.glob("*.parquet"))
        book.append({"payments": paths}, recorded_at=MARCH, source={}, content_hash="x")
    add(
        book, payments(("C", date(2024, 1, 5), "1.00"), ("A", date(2024, 1, 5), "9.00")), "y", APRIL
    )
    assert {name: row[1] for name, row in seen(book).items()} == {
        "A": Decimal("9.00"),
        "B": Decimal("1.00"),
        "C": Decimal("1.00"),
    }
    assert list((book.path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.append_column("colour", pa.array(["red"])), "colour"),
        (lambda t: t.drop_columns(["payment_id"]), "payment_id"),
        (lambda t: t.set_column(3, "amount", pa.array([1.1])), "money"),
        (lambda t: t.set_column(2, "paid_on", pa.array(["2024-01-05"])), "date"),
        (lambda t: t.set_column(0, "payment_id", pa.array([None], pa.string())), "never null"),
        (lambda t: pa.concat_tables([t, t]), "2 times"),
    ],
)
@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_refuses_what_the_schema_does_not_say(book, change, says, form):
    table = change(payments(("A", date(2024, 1, 5), "1.00")))
    with book.staging() as staging:
        if form == "parquet":
            pq.write_table(table, staging / "x.parquet")
            table = staging / "x.parquet"
        with pytest.raises(InputError, match=says):
            add(book, table, "x")
    assert book.batches() == []


def test_refuses_a_table_an_instant_and_a_file_that_are_not_ours(book, tmp_path):
    with pytest.raises(InputError, match="no table 'lons'"):
        book.append({"lons": payments()}, recorded_at=MARCH, source={}, content_hash="x")
    with pytest.raises(InputError, match="time zone"):
        add(book, payments(), "x", datetime(2024, 3, 1))  # noqa: DTZ001
    (tmp_path / "no.parquet").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"no\.parquet"):
        add(book, tmp_path / "no.parquet", "x")
    assert book.batches() == []


def test_create_and_open_refuse_what_is_not_a_book(book, tmp_path):
    with pytest.raises(BookError, match="something is here"):
        Book.create(book.path)
    with pytest.raises(BookError, match="no book here"):
        Book.open(tmp_path / "nowhere")
    (book.path / "book.json").write_text('{"format": 99, "id": "a", "key_check": "b"}')
    with pytest.raises(BookError, match="format 99"):
        Book.open(book.path)


def test_a_damaged_manifest_is_named(book):
    batch = add(book, payments(("A", date(2024, 1, 5), "1.00")), "x")
    (batch.folder / "batch.json").write_text("{")
    with pytest.raises(BookError, match=batch.batch_id):
        Book.open(book.path).batches()


def test_a_part_that_is_gone_is_named(book):
    batch = add(book, payments(("A", date(2024, 1, 5), "1.00")), "x")
    (batch.folder / "payments" / "part-00000.parquet").unlink()
    with pytest.raises(BookError, match=f"{batch.batch_id}/payments/part-00000.parquet"):
        seen(book)


def test_one_writer_at_a_time(book):
    with _disk.writer_lock(book.path / "lock"), pytest.raises(BookError, match="writing"):
        add(book, payments(("A", date(2024, 1, 5), "1.00")), "x")
    add(book, payments(("A", date(2024, 1, 5), "1.00")), "x")


def test_open_sweeps_the_dead_and_leaves_the_living(book):
    tmp = book.path / "tmp"
    with book.staging() as alive:
        dead, orphan = tmp / "staging-dead", tmp / "staging-orphan"
        dead.mkdir()
        orphan.mkdir()
        (tmp / "staging-dead.lock").touch()
        Book.open(book.path)
        assert (alive.exists(), dead.exists(), orphan.exists()) == (True, False, False)
    assert list(tmp.iterdir()) == []


class FailingDisk:
    """Lets n - 1 changes of the disk pass and refuses the n-th."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fail_at: int) -> None:
        self.count, self.fail_at = 0, fail_at
        places = [(os, "rename"), (os, "fsync"), (os, "link"), (os, "open")]
        places += [(io, "open"), (builtins, "open")]
        for module, name in places:
            monkeypatch.setattr(module, name, self._wrap(getattr(module, name), name))

    def _wrap(self, function, name):
        def wrapped(*args, **kwargs):
            mode = args[1] if len(args) > 1 else kwargs.get("mode", "r")
            writes = (
                (mode & (os.O_WRONLY | os.O_RDWR)) if isinstance(mode, int) else "w" in str(mode)
            )
            if name != "open" or writes:
                self.count += 1
                if self.count == self.fail_at:
                    raise OSError(28, "No space left on device")
            return function(*args, **kwargs)

        return wrapped


def test_a_fault_at_any_write_leaves_the_book_before_or_after(tmp_path):
    outcomes, fail_at = [], 0
    tables = {
        "payments": payments(("A", date(2024, 1, 5), "1.00")),
        "parties": pa.table({"party_id": ["P"], "full_name": ["Wang Fang"]}),
    }
    while True:
        fail_at += 1
        book = Book.create(tmp_path / f"book-{fail_at}")
        failed = False
        with pytest.MonkeyPatch.context() as patch:
            disk = FailingDisk(patch, fail_at)
            try:
                book.append(tables, recorded_at=MARCH, source={}, content_hash="x")
            except BookError as error:
                failed = "No space left" in str(error)
        assert failed is (disk.count >= fail_at)
        again = Book.open(book.path)
        assert [batch.rows for batch in again.batches()] in ([], [2])
        outcomes.append((failed, len(again.batches())))
        assert set(seen(again)) == ({"A"} if again.batches() else set())
        assert len({again.append(tables, recorded_at=MARCH, source={}, content_hash="x").batch_id,
                    *(batch.batch_id for batch in again.batches())}) == 1  # fmt: skip
        assert list((book.path / "tmp").iterdir()) == []
        if disk.count < fail_at:
            break
    assert (True, 0) in outcomes
    assert (True, 1) in outcomes  # the rename was done, only its last fsync was refused
    assert outcomes[-1] == (False, 1)
    assert fail_at > 10


KILLED = """
import os, signal, sys, time
import ibis, pyarrow as pa
from datetime import UTC, datetime
from pathlib import Path
from fengkong.book.store import Book

def work(path, forever):
    book = Book.open(Path(path))
    while forever or not book.batches():
        number = len(book.batches()) + 1
        names = [f"P{number}-{i}" for i in range(50)]
        rows = pa.table({"party_id": names, "full_name": ["x"] * 50})
        loans = pa.table({"loan_id": [f"L{number}"], "funder_id": ["F"], "funding_share": [1.0]})
        book.append({"parties": rows, "funding_shares": loans}, source={},
                    recorded_at=datetime(2024, 3, 1, tzinfo=UTC), content_hash=str(number))

for line in sys.stdin:
    path, delay = line.rsplit(" ", 1)
    started, kills = time.monotonic(), float(delay) >= 0
    child = os.fork()
    if child == 0:
        work(path, kills)
        os._exit(0)
    if kills:
        time.sleep(float(delay))
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    sys.stdout.write(f"{time.monotonic() - started}\\n")
    sys.stdout.flush()
"""


def test_kill_at_any_point_leaves_whole_batches(book):
    source = Path(__file__).resolve().parents[3] / "src"
    chance = random.Random(20240301)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(source)},
    ) as server:

        def ask(delay: float) -> float:
            server.stdin.write(f"{book.path} {delay:.3f}\n")
            server.stdin.flush()
            return float(server.stdout.readline())

        took = ask(-1.0)  # one append to the end, to know how long it takes on this machine
        counts = [1]
        for _ in range(15):
            ask(chance.uniform(0.0, 2.0 * took))
            again = Book.open(book.path)
            batches = again.batches()
            assert [batch.content_hash for batch in batches] == [
                str(number + 1) for number in range(len(batches))
            ]
            counts.append(len(batches))
            with again.view(as_of=LATE) as view:
                parties = view.table("parties").to_pyarrow()
                shares = view.table("funding_shares").to_pyarrow()
            assert (parties.num_rows, shares.num_rows) == (50 * len(batches), len(batches))
            for row in parties.slice(0, 1).to_pylist():
                person, token = row["party_id"], row["full_name"]
                assert again.vault.reveal(
                    table="parties", column="full_name", party_id=person, token=token
                ) == "x"  # fmt: skip
            assert list((book.path / "tmp").iterdir()) == []
        server.stdin.close()
    assert counts == sorted(counts)
    assert counts[-1] > 1


@pytest.mark.parametrize(
    ("rows", "rises"),
    [
        ([("A", 1), ("A", 2), ("B", 1)], True),  # by the first column, then the second
        ([("A", 1), ("B", 1), ("A", 2)], True),  # by the second, then the first
        ([("A", 1), ("A", 1)], False),
        ([("B", 1), ("A", 1)], False),
        ([("A", None), ("A", 2)], False),
        ([("A", 1)], True),
    ],
)
def test_rising_rows_need_no_search_for_doubles(tmp_path, rows, rises):
    names = pa.array([row[0] for row in rows], pa.string())
    numbers = pa.array([row[1] for row in rows], pa.int64())
    table = pa.table({"loan_id": names, "n": numbers})
    paths = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    pq.write_table(table.slice(0, 1), paths[0])
    pq.write_table(table.slice(1), paths[1])
    assert increasing(paths, ["loan_id", "n"]) is rises
