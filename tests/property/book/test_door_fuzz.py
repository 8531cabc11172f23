"""Damaged tapes at the door: a clear refusal or a full account of every row, never a crash."""

import gzip
import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fengkong.book.importers import _quarantine as quarantine
from fengkong.book.importers import import_tape
from fengkong.book.store import Book
from fengkong.foundation.errors import TapeError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NASTY = [
    b"\x00", b'"', b'""', b"\r", b"\n", b"\r\n", b",", b";", b"\t", b"|", b"\xff", b"\xef\xbb\xbf",
    b"\x1e", b"\x1f", b"\x85", b"\xe2\x80\xa8", b"'", b"\\", b"--", b"9" * 40, b"1e400", b"NaN",
    b"inf", b"-0", b"\xc2\xa0", b" ", "借款".encode("gb18030"), "借款".encode(), b"0x10",
    b"2025-02-30", b"99999-01-01", b"0000-00-00", b"true", b"NULL", b"1.005", b"%s", b"{}",
]  # fmt: skip


def small_tape():
    """Six loans, and two payments of each; Chinese text in some; by hand, all valid."""
    loans = ["loan_id,currency,principal_amount,rate_annual,term_months,disbursed_on,region"]
    payments = ["payment_id,loan_id,paid_on,paid_amount"]
    for n in range(6):
        loans.append(f"L{n},CNY,{1000 + n}.50,0.12,12,2025-01-{n + 10},{'京沪粤川苏浙'[n]}")
        payments += [f"P{n}-{m},L{n},2025-{m:02}-{n + 10},{90 + n}.10" for m in (3, 4)]
    return ["\n".join(rows).encode() + b"\n" for rows in (loans, payments)]


def flip(chance, data):
    made = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    return bytes(made)


def cut(chance, data):
    return data[: chance.randrange(len(data) + 1)]


def double_lines(chance, data):
    lines = data.splitlines(keepends=True)
    place = chance.randrange(len(lines))
    return b"".join([*lines, *lines[place : place + chance.randint(1, 3)]])


def drop(chance, data):
    """Take a separator, a quote or the end of a line away."""
    places = [place for place, byte in enumerate(data) if byte in b',\n"'] or [0]
    place = chance.choice(places)
    return data[:place] + data[place + 1 :]


def insert(chance, data):
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        data = data[:place] + chance.choice(NASTY) + data[place:]
    return data


def replace_cell(chance, data):
    lines = data.split(b"\n")
    place = chance.randrange(len(lines))
    cells = lines[place].split(b",")
    cells[chance.randrange(len(cells))] = chance.choice(NASTY)
    lines[place] = b",".join(cells)
    return b"\n".join(lines)


def encode(chance, data):
    text = data.decode("utf-8", "replace")
    kind = chance.choice(["gb18030", "utf-16", "utf-16-le", "utf-8-sig", "utf-7", "big5"])
    return text.encode(kind, "replace")


def quote(chance, data):
    """Quote cells, some with a line end or a quote inside, as an export of a spreadsheet does."""
    lines = data.split(b"\n")
    place = chance.randrange(len(lines))
    inside = chance.choice([b"", b"\n", b'""', b'"', b",", b"\r\n"])
    lines[place] = b",".join(b'"' + cell + inside + b'"' for cell in lines[place].split(b","))
    return b"\n".join(lines)


def line_ends(chance, data):
    return data.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\n", b"\n\r", b",\n"]))


def blow_up(chance, data):
    return data + chance.choice([b"x" * 3_000_000, b'"' + b"y\n" * 3000, b"\n" * 3000, b"," * 5000])


def gzipped(chance, data):
    packed = gzip.compress(data)
    return chance.choice([flip, cut, lambda _, one: one, lambda _, one: one + b"tail"])(
        chance, packed
    )


MUTATIONS = [
    flip, cut, double_lines, drop, insert, replace_cell, encode, quote, line_ends, blow_up, gzipped,
]  # fmt: skip


def tree(folder):
    """Every file of a book and its content; the empty lock and temporary places do not count."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def damaged(chance):
    """Return loans and payments, one or both mutated; hypothesis makes and shrinks the choices."""
    files = small_tape()
    for place in chance.choice([[0], [1], [0, 1]]):
        for _ in range(chance.randint(1, 3)):
            files[place] = chance.choice(MUTATIONS)(chance, files[place]) or b""
            files[place] = files[place] or b"\n"
    return files


def lines_of(data):
    """Lines after the header that are not blank, counted apart from the reader."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return sum(bool(line.strip()) for line in data.split(b"\n")[1:]), b'"' in data


def one_file(chance, folder):
    """Import one damaged tape into a fresh book; return whether it entered."""
    files = dict(zip(("loans.csv", "payments.csv"), damaged(chance), strict=True))
    book = Book.create(folder / "book")
    for name, data in files.items():
        (folder / name).write_bytes(data)
    before = tree(book.path)
    paths = [folder / name for name in files]
    try:
        report = import_tape(book, paths, format="mapping", recorded_at=NOW)
    except TapeError:
        assert tree(book.path) == before
        assert Book.open(book.path).batches() == []
        return False
    again = Book.open(book.path)
    assert [batch.batch_id for batch in again.batches()] == [report.batch_id]
    assert report.read == report.accepted + report.quarantined
    places = {one.batch_id: quarantine.places(one) for one in quarantine.quarantines(again)}
    refused = [(one["file"], one["line"]) for one in places.get(report.batch_id, [])]
    assert len(set(refused)) == len(refused) == report.quarantined
    with again.view(as_of=date(9999, 12, 31)) as view:
        for account in report.files:
            table = account.file.removesuffix(".csv")
            stored = view.table(table).count().execute() if view.has(table) else 0
            assert stored == account.accepted == account.read - account.quarantined
            assert sum(name == account.file for name, _ in refused) == account.quarantined
            lines, quoted = lines_of(files[account.file])
            assert account.read <= lines if quoted else account.read == lines
    again_report = import_tape(again, paths, format="mapping", recorded_at=NOW)
    assert (again_report.already_loaded, len(again.batches())) == (True, 1)
    return True


def run(examples):
    """Import so many damaged tapes, each into a book of its own."""
    entered = []

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(chance=st.randoms(use_true_random=False))
    def one_tape(chance):
        with TemporaryDirectory() as folder:
            entered.append(one_file(chance, Path(folder)))

    one_tape()
    assert len(entered) >= examples
    assert True in entered
    assert False in entered


def test_the_undamaged_tape_enters_whole(tmp_path):
    book = Book.create(tmp_path / "book")
    for name, data in zip(("loans.csv", "payments.csv"), small_tape(), strict=True):
        (tmp_path / name).write_bytes(data)
    paths = [tmp_path / "loans.csv", tmp_path / "payments.csv"]
    report = import_tape(book, paths, format="mapping", recorded_at=NOW)
    assert (report.read, report.accepted, report.tables) == (18, 18, {"loans": 6, "payments": 12})


def test_damaged_tapes_are_refused_or_accounted_for():
    run(60)


@pytest.mark.long
def test_two_thousand_damaged_tapes():
    run(2000)
