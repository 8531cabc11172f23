"""Repaired rows keep the identity that the tape gave them, and none of them is lost."""

from datetime import UTC, date, datetime

import pytest

from fengkong.book.importers import _quarantine as quarantine
from fengkong.book.importers import import_tape
from fengkong.book.importers._resubmit import resubmit
from fengkong.book.store import Book

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = {
    "loan_id": {"row_prefix": "T-"},
    "currency": "CNY",
    "principal_amount": {"from": "x"},
    "disbursed_on": "2025-01-15",
}
PART = {"table": "loans", "fields": FIELDS, "skip_footer": 1}


@pytest.fixture
def book(tmp_path):
    made = Book.create(tmp_path / "book")
    (tmp_path / "t.csv").write_text("x\n10\n-2\n30\n-4\n34\n")
    report = import_tape(
        made,
        [tmp_path / "t.csv"],
        format="mapping",
        mapping={"files": [PART]},
        recorded_at=NOW,
    )
    assert (report.read, report.accepted, report.quarantined) == (4, 2, 2)
    return made


def again(book, folder, *changes):
    one = quarantine.quarantines(book)[-1]
    (path,) = quarantine.export(book, one, folder)
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    return resubmit(book, one.batch_id, [path], recorded_at=NOW)


def amounts(book):
    with book.view(as_of=date(2030, 1, 1)) as view:
        rows = view.table("loans").to_pyarrow().to_pylist()
    return {row["loan_id"]: int(row["principal_amount"]) for row in rows}


def test_a_repaired_row_keeps_the_line_of_the_tape_as_its_name(book, tmp_path):
    report = again(book, tmp_path / "out", ("-2", "20"), ("-4", "40"))
    assert (report.read, report.accepted) == (2, 2)  # the footer was cut off before, not again
    assert amounts(book) == {"T-2": 10, "T-3": 20, "T-4": 30, "T-5": 40}


def test_a_row_repaired_in_two_rounds_keeps_it_too(book, tmp_path):
    report = again(book, tmp_path / "out", ("-2", "20"))
    assert (report.accepted, report.quarantined) == (1, 1)
    report = again(book, tmp_path / "more", ("-4", "40"))
    assert (report.accepted, report.quarantined) == (1, 0)
    assert amounts(book) == {"T-2": 10, "T-3": 20, "T-4": 30, "T-5": 40}
