"""The LendingClub outcomes file through the door, against pandas reading it alone."""

import csv
import gzip
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from fengkong.book.importers import import_tape
from fengkong.book.store import Book

pytestmark = pytest.mark.shared


def test_every_row_is_accounted_for_and_the_totals_are_those_of_the_file(shared, tmp_path):
    path = shared / "data" / "lendingclub_2015_loan_outcomes.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    book = Book.create(tmp_path / "book")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    report = import_tape(book, [path], format="lendingclub", recorded_at=now)
    assert report.read == len(rows) == 119_015
    assert (report.accepted, report.quarantined) == (119_015, 0)
    assert any("days past due" in text for text in report.needs)
    with book.view(as_of=date(2020, 1, 1)) as view:
        outcomes = view.table("loan_outcomes").select("loan_id", "status", "recovered_amount")
        stored = {row["loan_id"]: row for row in outcomes.to_pyarrow().to_pylist()}
        loans = view.table("loans").select("loan_id", "principal_amount", "disbursed_on")
        terms = {row["loan_id"]: row for row in loans.to_pyarrow().to_pylist()}
    lost = sum(row["loan_status"] == "Charged Off" for row in rows)
    assert sum(row["status"] == "charged_off" for row in stored.values()) == lost == 17_798
    for row in rows:
        cents = Decimal(row["recoveries"]).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        assert stored[row["id"]]["recovered_amount"] == cents
        rate = float(row["int_rate"]) / 1200
        principal = float(row["installment"]) * (1 - (1 + rate) ** -36) / rate
        assert abs(float(terms[row["id"]]["principal_amount"]) - principal) < 0.005 + 1e-6
        assert terms[row["id"]]["disbursed_on"].isoformat() == row["issue_d"]
