"""A new version of a schedule does not make arrears go away. Every figure is by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.method.tape_door import load_tape

from fengkong.book.store import Book

NOW = datetime(2025, 1, 1, tzinfo=UTC)
SINCE = date(2024, 3, 1)
FEB_10, MAR_10, MAR_20, APR_20 = (
    date(2024, 2, 10), date(2024, 3, 10), date(2024, 3, 20), date(2024, 4, 20),
)  # fmt: skip
CONTRACT = [(1, FEB_10, "400.00", "10.00"), (2, MAR_10, "600.00", "5.00")]
GOES_ON = [(2, MAR_20, "300.00", "6.00"), (3, APR_20, "300.00", "6.00")]


def rows(version: int, since: date, lines: list[Any]) -> list[dict[str, Any]]:
    return [
        {"loan_id": "L", "schedule_version": version, "instalment_number": number,
         "effective_on": since, "due_on": due, "principal_amount": principal,
         "interest_amount": interest}
        for number, due, principal, interest in lines
    ]  # fmt: skip


def book_of(tmp_path: Any, lines: list[Any], *, since: date = SINCE, **more: Any) -> Book:
    book = Book.create(tmp_path / "book")
    loan = {"loan_id": "L", "currency": "CNY", "principal_amount": "1000.00",
            "disbursed_on": date(2024, 1, 1)}  # fmt: skip
    instalments = rows(0, date(2024, 1, 1), CONTRACT) + rows(1, since, lines)
    tables = {"loans": [loan], "instalments": instalments, **more}
    load_tape(book, tmp_path / "tape", tables, recorded_at=NOW)
    return book


def state(book: Book, day: date) -> tuple[int, str, str]:
    """Return days past due, amount overdue and principal outstanding."""
    with book.view(as_of=day) as view:
        (row,) = view.states().to_pyarrow().to_pylist()
    amounts = (row["overdue_amount"], row["outstanding_principal_amount"])
    return row["days_past_due"], str(amounts[0]), str(amounts[1])


def paid(day: date, amount: str) -> list[dict[str, Any]]:
    return [{"payment_id": "P", "loan_id": "L", "paid_on": day, "amount": amount}]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # Number 1 is in no row: 410 of February and 306 of March are late, since 10 February.
        (GOES_ON, (50, "716.00", "1000.00")),
        # Rows due before the version are history: they neither end nor repeat the claim.
        ([CONTRACT[0], *GOES_ON], (50, "716.00", "1000.00")),
        # Number 1 moves to 20 March.
        ([(1, MAR_20, "400.00", "12.00"), (2, APR_20, "600.00", "5.00")],
         (11, "412.00", "1000.00")),
        # Other numbers, but they make up all 1000 outstanding: the arrears are in them.
        ([(3, MAR_20, "500.00", "10.00"), (4, APR_20, "500.00", "10.00")],
         (11, "510.00", "1000.00")),
    ],
)  # fmt: skip
def test_arrears_at_a_new_version(
    tmp_path: Any, lines: list[Any], expected: tuple[int, str, str]
) -> None:
    assert state(book_of(tmp_path, lines), date(2024, 3, 31)) == expected


def test_what_was_paid_before_and_after_counts(tmp_path: Any) -> None:
    # 200 pay 10 interest and 190 principal of February; 210 and then March stay.
    book = book_of(tmp_path, GOES_ON, payments=paid(date(2024, 2, 15), "200.00"))
    assert state(book, date(2024, 3, 31)) == (50, "516.00", "810.00")


def test_a_payment_after_the_version_pays_the_arrears_first(tmp_path: Any) -> None:
    book = book_of(tmp_path, GOES_ON, payments=paid(date(2024, 4, 1), "410.00"))
    assert state(book, date(2024, 4, 1)) == (12, "306.00", "600.00")


def test_a_restructure_ends_the_arrears(tmp_path: Any) -> None:
    change = {"modification_id": "M", "loan_id": "L", "modified_on": SINCE, "kind": "restructure"}
    lines = [(2, MAR_20, "510.00", "6.00"), (3, APR_20, "500.00", "6.00")]
    book = book_of(tmp_path, lines, modifications=[change])
    assert state(book, date(2024, 3, 31)) == (11, "516.00", "1010.00")


@pytest.mark.parametrize("since", [SINCE, date(2024, 2, 20)])
def test_arrears_fall_due_in_one_month_only(tmp_path: Any, since: date) -> None:
    with book_of(tmp_path, GOES_ON, since=since).view(as_of=date(2024, 4, 30)) as view:
        panel = view.panel().order_by("month_end").to_pyarrow().to_pylist()
    scheduled = [row["scheduled_principal_amount"] for row in panel]
    assert scheduled == [Decimal(0), Decimal(400), Decimal(300), Decimal(300)]
