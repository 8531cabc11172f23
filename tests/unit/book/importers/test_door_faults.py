"""An import that is killed, or that the disk refuses: all of it or nothing, and once."""

import builtins
import io
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fengkong.book.importers import _quarantine as quarantine
from fengkong.book.importers import _reading, import_tape
from fengkong.book.store import Book
from fengkong.foundation.errors import BookError, TapeError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "loan_id,currency,principal_amount,rate_annual,term_months,disbursed_on\n"


def write_tape(folder, rows):
    """Loans of which each thousandth has no principal, and one payment of each sound loan."""
    bad = set(range(0, rows, 1000))
    loans = folder / "loans.csv"
    loans.write_text(
        HEAD
        + "".join(
            f"L{n},CNY,{'' if n in bad else n + 1}.50,0.1,12,2025-01-15\n".replace(",.50", ",")
            for n in range(rows)
        )
    )
    payments = folder / "payments.csv"
    payments.write_text(
        "payment_id,loan_id,paid_on,paid_amount\n"
        + "".join(f"P{n},L{n},2025-03-01,1.00\n" for n in range(rows) if n not in bad)
    )
    return [loans, payments], rows - len(bad), len(bad)


def check(book, sound, bad):
    """Nothing, or all of it: rows of both tables, and the refused rows that can be read again."""
    batches = book.batches()
    with book.view(as_of=date(2030, 1, 1)) as view:
        found = [
            view.table(name).count().execute() if view.has(name) else 0
            for name in ("loans", "payments")
        ]
    kept = [len(quarantine.content(book, one)) for one in quarantine.quarantines(book)]
    if not batches:
        assert (found, kept) == ([0, 0], [])
    else:
        assert (len(batches), found, kept) == (1, [sound, sound], [bad])
    assert list((book.path / "tmp").iterdir()) == []
    return bool(batches)


def test_a_parquet_file_damaged_inside_is_refused_by_name(tmp_path):
    rows = [{"loan_id": f"L{n}", "currency": "CNY", "principal_amount": 5.5 + n, "rate_annual": 0.1,
             "term_months": 12, "disbursed_on": "2025-01-15"} for n in range(500)]  # fmt: skip
    path = tmp_path / "loans.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    content = bytearray(path.read_bytes())
    content[8:300] = bytes(292)  # pages; the footer, which is read first, stays whole
    path.write_bytes(content)
    book = Book.create(tmp_path / "book")
    with pytest.raises(TapeError, match=r"loans\.parquet"):
        import_tape(book, [path], format="mapping", recorded_at=NOW)
    assert not check(Book.open(book.path), 0, 0)


def test_bad_rows_among_many_keep_their_lines_and_need_no_second_reading(tmp_path, monkeypatch):
    rows, bad = 300_000, {0: "V-02", 150_000: "V-01", 299_999: "D-01"}
    cell = {"V-02": "", "V-01": "abc", "D-01": "-5"}
    path = tmp_path / "loans.csv"
    with path.open("w") as sink:
        sink.write(HEAD)
        for n in range(rows):
            amount = cell[bad[n]] if n in bad else "5.00"
            sink.write(f"L{n:06},CNY,{amount},0.1,12,2025-01-15\n")
    scanned = []
    real = _reading.scan
    monkeypatch.setattr(
        _reading,
        "scan",
        lambda at, *rest, **more: scanned.append(at.name) or real(at, *rest, **more),
    )
    book = Book.create(tmp_path / "book")
    report = import_tape(book, [path], format="mapping", recorded_at=NOW)
    found = {one.rule: [(e.line, e.column) for e in one.examples] for one in report.rules}
    assert found == {rule: [(n + 2, "principal_amount")] for n, rule in bad.items()}
    assert (report.read, report.accepted, report.quarantined) == (rows, rows - 3, 3)
    assert scanned == ["few0.csv"]
    kept = quarantine.content(book, quarantine.quarantines(book)[0])
    assert [row["cells"][0] for row in kept] == [f"L{n:06}" for n in bad]
    with book.view(as_of=date(2030, 1, 1)) as view:
        ids = view.table("loans").loan_id.to_pyarrow().to_pylist()
    assert set(ids) == {f"L{n:06}" for n in range(rows) if n not in bad}


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_twenty_million_rows_in_two_gibibytes(tmp_path):
    rows = int(os.environ.get("FENGKONG_IMPORT_ROWS", "20000000"))
    path = tmp_path / "loans.csv"
    with path.open("w") as sink:
        sink.write(HEAD)
        for start in range(0, rows, 100_000):
            sink.writelines(
                f"L{n:09},CNY,{n % 9000 + 1}.25,0.12,12,2025-01-15\n"
                for n in range(start, min(start + 100_000, rows))
            )
    book = Book.create(tmp_path / "book")
    source = Path(__file__).resolve().parents[4] / "src"
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(book.path), str(path)],
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    accepted, peak_kib = map(int, done.stdout.split()[-2:])  # the engine may draw a bar before
    assert accepted == rows
    assert peak_kib < 2 * 1024 * 1024
    with Book.open(book.path).view(as_of=date(2030, 1, 1)) as view:
        assert view.table("loans").count().execute() == rows


MEASURED = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from fengkong.book.importers import Limits, import_tape
from fengkong.book.store import Book

report = import_tape(Book.open(Path(sys.argv[1])), [Path(sys.argv[2])], format="mapping",
                     recorded_at=datetime(2026, 1, 1, tzinfo=UTC), limits=Limits(memory="1GiB"))
print(report.accepted, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class FailingDisk:
    """Lets n - 1 changes of the disk pass and refuses the n-th."""

    def __init__(self, monkeypatch, fail_at):
        self.count, self.fail_at = 0, fail_at
        places = [(os, "rename"), (os, "fsync"), (os, "link"), (os, "open"), (os, "mkdir")]
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
    paths, sound, bad = write_tape(tmp_path, 3)
    outcomes, fail_at = [], 0
    while True:
        fail_at += 1
        book = Book.create(tmp_path / f"book-{fail_at}")
        failed = False
        with pytest.MonkeyPatch.context() as patch:
            disk = FailingDisk(patch, fail_at)
            try:
                import_tape(book, paths, format="mapping", recorded_at=NOW)
            except BookError as error:
                failed = "No space left" in str(error)
        outcomes.append((failed, check(Book.open(book.path), sound, bad)))
        assert failed or outcomes[-1][1]  # a link that is refused is made good by a copy
        report = import_tape(book, paths, format="mapping", recorded_at=NOW)
        assert (report.accepted, report.quarantined) == (2 * sound, bad)
        assert report.already_loaded is outcomes[-1][1]
        if disk.count < fail_at:
            break
    assert (True, False) in outcomes
    assert (True, True) in outcomes  # the rename was done, only its last fsync was refused
    assert outcomes[-1] == (False, True)
    assert fail_at > 20


def test_the_refused_rows_are_on_the_disk_before_their_batch(tmp_path, monkeypatch):
    paths, _, _ = write_tape(tmp_path, 3)
    book, seen = Book.create(tmp_path / "book"), []
    fsync, rename = os.fsync, os.rename

    def noting(descriptor):
        seen.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        return fsync(descriptor)

    def moving(source, target, **more):
        seen.append(f"to {Path(target).parent.name}")
        return rename(source, target, **more)

    monkeypatch.setattr(os, "fsync", noting)
    monkeypatch.setattr(os, "rename", moving)
    import_tape(book, paths, format="mapping", recorded_at=NOW)
    order = [seen.index(name) for name in ("content.sealed", "to quarantine", "to batches")]
    assert order == sorted(order)
    assert seen[order[1] + 1] == "quarantine"  # the list of names, after the rename
    assert "rows.json" in seen[: order[1]]


CHILD = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
import fengkong.book.importers._load, duckdb, ibis, pyarrow.parquet
from fengkong.book.importers import _reading, import_tape
from fengkong.book.store import Book

book = Book.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
import_tape(book, [Path(name) for name in sys.argv[2:]], format="mapping",
            recorded_at=datetime(2026, 1, 1, tzinfo=UTC))
print("done", flush=True)
"""


def import_in_child(book, paths, delay):
    """Import in another process and kill it after ``delay`` seconds; return what it took."""
    source = Path(__file__).resolve().parents[4] / "src"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(book.path), *map(str, paths)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(source)},
    ) as child:  # fmt: skip
        assert child.stdout.readline() == "ready\n"
        start = time.monotonic()
        child.stdin.write("go\n")
        child.stdin.flush()
        if delay is not None:
            time.sleep(delay)
            child.send_signal(signal.SIGKILL)
        else:
            assert child.stdout.readline() == "done\n"
        return time.monotonic() - start


def kill_often(tmp_path, rows, kills):
    paths, sound, bad = write_tape(tmp_path, rows)
    chance = random.Random(20260101)
    took = import_in_child(Book.create(tmp_path / "whole"), paths, None)
    outcomes = []
    for number in range(kills):
        book = Book.create(tmp_path / f"book-{number}")
        # One delay in each equal part of the run, so that every step of it is hit.
        import_in_child(book, paths, took * (number + chance.random()) / kills)
        outcomes.append(check(Book.open(book.path), sound, bad))
        report = import_tape(Book.open(book.path), paths, format="mapping", recorded_at=NOW)
        assert (report.accepted, report.quarantined) == (2 * sound, bad)
        assert report.already_loaded is outcomes[-1]
        assert check(Book.open(book.path), sound, bad)
    assert False in outcomes


def test_kill_at_any_point_leaves_all_or_nothing(tmp_path):
    kill_often(tmp_path, 2_000, 8)


@pytest.mark.long
def test_fifty_kills_of_a_larger_import(tmp_path):
    kill_often(tmp_path, 100_000, 50)
