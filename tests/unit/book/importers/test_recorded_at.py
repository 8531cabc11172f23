"""When each row became known: a column of the tape, to the microsecond, whatever its time zone."""

from datetime import UTC, date, datetime, timedelta

from tests.method.tape_door import load_tape

from fengkong.book.store import Book

LOADED = datetime(2026, 1, 1, tzinfo=UTC)
KNOWN = datetime(2025, 3, 1, 8, 30, 0, 250_001, tzinfo=UTC)
LOAN = {"loan_id": "L1", "currency": "CNY", "principal_amount": "1000.00",
        "disbursed_on": date(2025, 1, 15), "recorded_at": "2025-01-15T00:00:00Z"}  # fmt: skip


def seen(book, known_at):
    with book.view(as_of=date(2025, 12, 31), known_at=known_at) as view:
        rows = view.table("payments").select("payment_id", "recorded_at").to_pyarrow().to_pylist()
    return {row["payment_id"]: row["recorded_at"] for row in rows}


def test_each_row_is_known_from_its_own_instant(tmp_path):
    book = Book.create(tmp_path / "book")
    pay = {"loan_id": "L1", "paid_on": date(2025, 2, 15), "amount": "9.00"}
    load_tape(book, tmp_path / "tape", {"loans": [LOAN], "payments": [
        pay | {"payment_id": "P1", "recorded_at": "2025-03-01T16:30:00.250001+08:00"},
        pay | {"payment_id": "P2", "recorded_at": "2025-03-01T08:30:00.250002Z"},
    ]}, recorded_at=LOADED)  # fmt: skip
    tick = timedelta(microseconds=1)
    assert seen(book, KNOWN - tick) == {}
    assert seen(book, KNOWN) == {"P1": KNOWN}
    assert seen(book, KNOWN + tick) == {"P1": KNOWN, "P2": KNOWN + tick}
