"""What a position speaks about: one currency, and the days that the book knows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from fengkong.book.schema import TABLES
from fengkong.book.store import Book
from fengkong.cli.assess import last_month_end
from fengkong.foundation.errors import InputError
from fengkong.report import assess
from fengkong.report._scope import facts_of, month_end_at

KNOWN = datetime(2025, 1, 2, tzinfo=UTC)
JUNE, MAY, MARCH = date(2024, 6, 30), date(2024, 5, 31), date(2024, 3, 31)


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    whole = ibis.schema(TABLES[name].ibis_schema()).to_pyarrow()
    schema = pa.schema([whole.field(column).with_nullable(True) for column in columns])
    return pa.Table.from_pylist(rows, schema=schema)


def _loan(number: int, currency: str) -> dict[str, Any]:
    return {
        "loan_id": f"L{number}", "currency": currency, "principal_amount": Decimal(1000),
        "rate_annual": 0.12, "term_months": 24, "method": "equal_instalment",
        "disbursed_on": date(2024, 1, 15),
    }  # fmt: skip


def _months(number: int) -> list[dict[str, Any]]:
    days = [date(2024, 1, 31), date(2024, 2, 29), MARCH, date(2024, 4, 30), MAY, JUNE]
    return [
        {"loan_id": f"L{number}", "month_end": day, "status": "active",
         "days_past_due": 40 if number == 1 and day == JUNE else 0,
         "outstanding_principal_amount": Decimal(1000)}
        for day in days
    ]  # fmt: skip


@pytest.fixture
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Book:
    """Two loans with month-ends from January to June 2024, of the currencies given."""
    made = Book.create(tmp_path / "book")
    loans = [_loan(number, one) for number, one in enumerate(request.param, 1)]
    months = [row for number in (1, 2) for row in _months(number)]
    made.append(
        {"loans": _table("loans", loans), "loan_months": _table("loan_months", months)},
        recorded_at=KNOWN, source={"test": "scope"}, content_hash="1" * 64,
    )  # fmt: skip
    return made


@pytest.mark.parametrize("book", [("CNY", "USD")], indirect=True)
def test_amounts_of_two_currencies_are_never_added(book: Book, tmp_path: Path):
    with pytest.raises(InputError, match=r"CNY, USD.*a book of their own"):
        assess(book, as_of=JUNE, out=tmp_path / "out")


@pytest.mark.parametrize("book", [("CNY", "CNY")], indirect=True)
def test_currency_stands_with_the_amounts(book: Book, tmp_path: Path):
    position = assess(book, as_of=JUNE, out=tmp_path / "out")
    assert position.content()["currency"] == "CNY"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "unit: amount (CNY)" in page
    assert "单位：金额（CNY）" in page
    # Nothing to say of the days: the report is of the last one.
    assert "The facts of the book" not in page


@pytest.mark.parametrize("book", [("CNY", "CNY")], indirect=True)
def test_day_after_the_last_fact_is_said_and_compared_from_the_last_month_end(
    book: Book, tmp_path: Path
):
    position = assess(book, as_of=date(2024, 7, 15), out=tmp_path / "out")
    line = next(one for one in position.headlines if one["id"] == "over_30")
    # The last month-end that the panel has, and a quarter before that one.
    assert (line["on"], line["before_as_of"]) == (JUNE, MARCH)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "The facts of the book end on 2024-06-30." in page
    assert "账簿的业务记录止于 2024-06-30" in page
    assert "Over 30 days past due (2024-06-30)" in page


@pytest.mark.parametrize("book", [("CNY", "CNY")], indirect=True)
def test_day_before_the_first_fact_is_said(book: Book, tmp_path: Path):
    position = assess(book, as_of=date(2020, 1, 31), out=tmp_path / "out")
    assert position.results == []
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "The facts of the book begin on 2024-01-15; on 2020-01-31 there was no loan." in page
    assert "Import loans and payments" not in page


@pytest.mark.parametrize("book", [("CNY", "CNY")], indirect=True)
def test_instant_before_anything_was_known_is_said(book: Book, tmp_path: Path):
    before = datetime(2024, 12, 31, tzinfo=UTC)
    position = assess(book, as_of=JUNE, known_at=before, out=tmp_path / "out")
    assert position.results == []
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "At 2024-12-31T00:00:00+00:00 the book knew nothing yet." in page
    assert "Import loans and payments" not in page


@pytest.mark.parametrize("book", [("CNY", "CNY")], indirect=True)
def test_folder_that_cannot_be_written_is_refused_before_anything_is_computed(
    book: Book, tmp_path: Path
):
    (tmp_path / "file").touch()
    steps: list[str] = []
    with pytest.raises(InputError, match="choose another folder"):
        assess(book, as_of=JUNE, out=tmp_path / "file" / "out",
               progress=lambda step, _: steps.append(step))  # fmt: skip
    assert steps == []


@pytest.mark.parametrize(
    ("day", "before"),
    [
        (JUNE, JUNE),
        (date(2024, 6, 29), MAY),
        (date(2024, 7, 1), JUNE),
        (date(2024, 3, 1), date(2024, 2, 29)),
    ],
)
def test_month_end_at(day: date, before: date):
    assert month_end_at(day) == before


@pytest.mark.parametrize("book", [("CNY", "CNY")], indirect=True)
def test_a_misread_year_does_not_put_the_book_into_the_future(book: Book, tmp_path: Path):
    paid = {"payment_id": "P1", "loan_id": "L1", "paid_on": date(2199, 5, 1), "amount": Decimal(9)}
    book.append(
        {"payments": _table("payments", [paid])},
        recorded_at=datetime(2024, 8, 20, tzinfo=UTC), source={}, content_hash="2" * 64,
    )  # fmt: skip
    # A fact is known on its day at the earliest: of 2024-08-20, the last month-end is in July.
    assert last_month_end(book) == date(2024, 7, 31)
    with book.view(as_of=JUNE) as view:
        assert facts_of(book, view).last_on == date(2024, 8, 21)
