"""The Taiwan card panel through the door, against csv reading it alone."""

import csv
import gzip
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from fengkong.book.importers import import_tape
from fengkong.book.store import Book

pytestmark = pytest.mark.shared
ENDS = ("2005-09-30", "2005-08-31", "2005-07-31", "2005-06-30", "2005-05-31", "2005-04-30")


def test_six_months_of_every_account_are_there(shared, tmp_path):
    path = shared / "data" / "taiwan_credit_card_default.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    book = Book.create(tmp_path / "book")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    report = import_tape(book, [path], format="taiwan", recorded_at=now)
    assert (report.read, report.accepted, report.quarantined) == (30_000, 30_000, 0)
    assert report.tables["loan_months"] == 180_000
    expected = Counter(
        (end, max(int(row[f"PAY_{n}"]), 0), max(float(row[f"BILL_AMT{n}"]), 0.0))
        for row in rows
        for n, end in enumerate(ENDS, 1)
    )
    with book.view(as_of=date(2006, 1, 1)) as view:
        months = view.table("loan_months").to_pyarrow().to_pylist()
    found = Counter(
        (
            row["month_end"].isoformat(),
            -(-row["days_past_due"] // 30),
            float(row["outstanding_principal_amount"]),
        )
        for row in months
    )
    assert found == expected
