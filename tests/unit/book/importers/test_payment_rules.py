"""What a payment must be to enter: an amount that is not negative, or a reversal of another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fengkong.book.importers import ImportReport, import_tape
from fengkong.book.store import Book

LOANS = (
    "loan_id,currency,principal_amount,rate_annual,term_months,method,disbursed_on\n"
    "A,CNY,12000,0.12,12,equal_instalment,2025-01-05\n"
)


def load(folder: Path, payments: str) -> ImportReport:
    files = [folder / "loans.csv", folder / "payments.csv"]
    for file, text in zip(files, (LOANS, payments), strict=True):
        file.write_text(text, encoding="utf-8")
    book = Book.create(folder / "book")
    return import_tape(book, files, format="mapping", recorded_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("header", "row", "rule"),
    [
        ("amount", "-1066.19", "D-21"),
        ("amount", "", "D-22"),
        ("amount,kind", ",payment", "D-22"),
        ("amount,kind", ",", "D-22"),
        ("amount,kind,reverses_payment_id", ",reversal,", "D-23"),
        ("amount,kind", ",reversal", "D-23"),
        ("amount,kind,cost_amount", "10,recovery,-1", "D-24"),
        ("amount", "1066.19", None),
        ("amount", "0", None),
        ("amount,kind", "5,recovery", None),
        ("amount,kind,reverses_payment_id", ",reversal,P0", None),
    ],
)
def test_a_payment_is_an_amount_or_a_reversal(
    tmp_path: Path, header: str, row: str, rule: str | None
):
    report = load(tmp_path, f"payment_id,loan_id,paid_on,{header}\nP1,A,2025-02-05,{row}\n")
    assert [one.rule for one in report.rules] == ([rule] if rule else [])
    assert (report.read, report.quarantined) == (2, 1 if rule else 0)
