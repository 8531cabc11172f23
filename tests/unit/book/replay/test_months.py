"""A book of month-ends and a book of totals: what the derived tables say and leave open."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fengkong.book._intake import arrow_schema
from fengkong.book.replay import make_schedules
from fengkong.book.schema import TABLES
from fengkong.book.store import Book
from fengkong.foundation.errors import InputError
from fengkong.foundation.money import from_cents, mul_div_half_up, to_cents

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2025, 1, 1, tzinfo=UTC)


def arrow(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(TABLES[name], stamps=False))


def loan(name: str, **more: Any) -> dict[str, Any]:
    return {
        "loan_id": name,
        "currency": "CNY",
        "principal_amount": Decimal("1000.00"),
        "disbursed_on": date(2024, 1, 10),
    } | more


def month(name: str, end: date, balance: str, days: int, status: str = "active") -> dict[str, Any]:
    return {
        "loan_id": name,
        "month_end": end,
        "status": status,
        "days_past_due": days,
        "outstanding_principal_amount": Decimal(balance),
    }


JAN, FEB, MAR, APR = date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = Book.create(tmp_path / "book")
    terms = {"rate_annual": 0.12, "term_months": 24, "method": "equal_principal"}
    made.append(
        {
            "loans": arrow("loans", [loan("A"), loan("B", **terms), loan("C"), loan("D", **terms)]),
            "loan_months": arrow(
                "loan_months",
                [
                    month("A", JAN, "1000.00", 0),
                    month("A", FEB, "900.00", 31),
                    month("A", MAR, "0.00", 0, "written_off"),
                    month("B", JAN, "1000.00", 0),
                    month("B", FEB, "960.00", 0),
                    month("B", MAR, "920.00", 91),
                    month("B", APR, "880.00", 0),
                ],
            ),
            "loan_outcomes": arrow(
                "loan_outcomes",
                [{"loan_id": "C", "observed_on": APR, "status": "paid"}],
            ),
        },
        recorded_at=NOW,
        source={"what": "test"},
        content_hash="months",
    )
    return made


def test_panel_of_month_ends(book: Book) -> None:
    with book.view(as_of=date(2024, 5, 15)) as view:
        rows = view.panel().order_by(["loan_id", "month_end"]).to_pyarrow().to_pylist()
    told = [
        (
            row["loan_id"], row["month_end"], row["opening_state"], row["state"],
            str(row["exposure_amount"]), row["ever_over_30"], row["ever_over_90"],
            row["default_entered"],
        )
        for row in rows
    ]  # fmt: skip
    assert told == [
        ("A", JAN, None, "C", "1000.00", False, False, False),
        ("A", FEB, "C", "M2", "900.00", True, False, False),
        ("A", MAR, "M2", "W", "900.00", True, True, True),
        ("A", APR, "W", "W", "900.00", True, True, False),
        ("B", JAN, None, "C", "1000.00", False, False, False),
        ("B", FEB, "C", "C", "960.00", False, False, False),
        ("B", MAR, "C", "M4", "920.00", True, True, True),
        ("B", APR, "M4", "C", "880.00", True, True, False),
    ]
    assert [row["months_on_book"] for row in rows[:4]] == [0, 1, 2, 3]
    assert rows[2]["days_past_due"] is None
    assert rows[2]["first_over_30_amount"] == Decimal("900.00")
    assert rows[0]["paid_principal_amount"] is None  # the tape does not say


def test_states_leave_open_what_month_ends_cannot_show(book: Book) -> None:
    with book.view(as_of=date(2024, 5, 15)) as view:
        states = {row["loan_id"]: row for row in view.states().to_pyarrow().to_pylist()}
    assert set(states) == {"A", "B"}  # C has totals only, D has terms in a book without payments
    assert states["A"]["status"] == "written_off"
    assert states["A"]["written_off_on"] == MAR
    assert states["A"]["days_past_due"] is None
    assert states["B"]["bucket"] == "C"
    assert states["B"]["accrued_interest_amount"] is None
    assert states["B"]["eba_default"] is None
    assert states["B"]["default_on"] is None


def test_exposures_of_month_ends_fall_with_the_schedule(book: Book) -> None:
    with book.view(as_of=APR) as view:
        rows = view.exposures().order_by("year_number").to_pyarrow().to_pylist()
    # 21 instalments left of 880.00: 41.90 each; after twelve of them 880.00 - 502.80 = 377.20.
    assert [(row["loan_id"], str(row["exposure_amount"])) for row in rows] == [
        ("B", "880.00"),
        ("B", "377.20"),
    ]


def test_an_earlier_day_sees_fewer_month_ends(book: Book) -> None:
    with book.view(as_of=date(2024, 3, 30)) as view:
        rows = view.panel().to_pyarrow().to_pylist()
    assert max(row["month_end"] for row in rows) == FEB


def test_a_written_off_loan_stays_so_in_months_without_recovery(tmp_path: Path) -> None:
    made = Book.create(tmp_path / "book")
    told = [
        month("A", JAN, "1000.00", 0),
        month("A", FEB, "0.00", 0, "written_off"),
        month("A", APR, "0.00", 0, "written_off") | {"recovered_amount": Decimal("7.00")},
    ]
    made.append(
        {"loans": arrow("loans", [loan("A")]), "loan_months": arrow("loan_months", told)},
        recorded_at=NOW, source={"what": "test"}, content_hash="gap",
    )  # fmt: skip
    with made.view(as_of=APR) as view:
        rows = view.panel().order_by("month_end").to_pyarrow().to_pylist()
    assert [row["month_end"] for row in rows] == [JAN, FEB, MAR, APR]
    assert [row["opening_state"] for row in rows] == [None, "C", "W", "W"]
    assert [row["exposure_amount"] for row in rows[1:]] == [Decimal("1000.00")] * 3
    assert [str(row["recovered_amount"]) for row in rows[2:]] == ["0.00", "7.00"]


def test_a_loan_that_comes_back_after_a_write_off_is_what_its_last_row_says(tmp_path: Path) -> None:
    made = Book.create(tmp_path / "book")
    told = [month("A", JAN, "0.00", 0, "written_off"), month("A", MAR, "50.00", 3)]
    made.append(
        {"loans": arrow("loans", [loan("A")]), "loan_months": arrow("loan_months", told)},
        recorded_at=NOW, source={"what": "test"}, content_hash="back",
    )  # fmt: skip
    with made.view(as_of=APR) as view:
        (state,) = view.states().to_pyarrow().to_pylist()
    assert (state["status"], state["outstanding_principal_amount"]) == ("active", Decimal(50))


@pytest.mark.parametrize(
    ("told_in_february", "first_paid"),
    [("500.00", date(2024, 2, 10)), ("499.00", None)],
    ids=["the payments lead to the month-end", "they do not"],
)
def test_payments_beside_month_ends_tell_the_state_to_the_day(
    tmp_path: Path, told_in_february: str, first_paid: date | None
) -> None:
    terms = {"rate_annual": 0.0, "term_months": 2, "method": "equal_principal"}
    paid = {
        "payment_id": "p1", "loan_id": "A", "paid_on": date(2024, 2, 10), "amount": Decimal(500),
        "kind": "instalment",
    }  # fmt: skip
    told = [month("A", JAN, "1000.00", 0), month("A", FEB, told_in_february, 0)]
    made = Book.create(tmp_path / "book")
    made.append(
        {
            "loans": arrow("loans", [loan("A", **terms)]),
            "loan_months": arrow("loan_months", told),
            "payments": arrow("payments", [paid]),
        },
        recorded_at=NOW, source={"what": "test"}, content_hash="both",
    )  # fmt: skip
    with made.view(as_of=date(2024, 3, 20)) as view:
        (state,) = view.states().to_pyarrow().to_pylist()
        (ahead,) = view.exposures().to_pyarrow().to_pylist()
        assert view.panel().count().execute() == 2  # the history stays the platform's own
    assert state["first_paid_in_full_on"] == first_paid
    assert state["outstanding_principal_amount"] == Decimal(told_in_february)
    assert ahead["exposure_amount"] == Decimal(told_in_february)
    # Ten days late on the day itself; the last month-end could not know.
    assert (state["days_past_due"], state["overdue_principal_amount"]) == (
        (10, Decimal("500.00")) if first_paid else (0, None)
    )


def test_terms_that_are_missing_are_named() -> None:
    with pytest.raises(InputError, match="first: A"):
        make_schedules(arrow("loans", [loan("A")]))


def test_effective_rate_of_a_one_year_bullet(tmp_path: Path) -> None:
    terms = {
        "rate_annual": 0.10, "term_months": 12, "method": "bullet", "day_count": "ACT/365F",
        "disbursed_on": date(2023, 1, 10), "upfront_fee_amount": Decimal("50.00"),
    }  # fmt: skip
    made = Book.create(tmp_path / "book")
    payment = {"payment_id": "1", "loan_id": "A", "paid_on": date(2024, 1, 10)}
    made.append(
        {
            "loans": arrow("loans", [loan("A", **terms)]),
            "payments": arrow("payments", [payment | {"amount": Decimal("1100.00")}]),
        },
        recorded_at=NOW,
        source={"what": "test"},
        content_hash="bullet",
    )
    with made.view(as_of=date(2024, 1, 31)) as view:
        state = view.states().to_pyarrow().to_pylist()[0]
    assert state["status"] == "closed"
    assert state["eir_annual"] == pytest.approx(1100 / 950 - 1, abs=1e-12)


@given(a=st.integers(0, 10**12), b=st.integers(0, 4 * 10**12), c=st.integers(1, 365 * 10**10))
def test_product_is_rounded_half_up(a: int, b: int, c: int) -> None:
    if a * b // c < 2**51:
        assert mul_div_half_up(a, b, c) == (2 * a * b + c) // (2 * c)


@given(st.lists(st.integers(-(10**17), 10**17)))
def test_cents_return(cents: list[int]) -> None:
    import numpy as np

    array = np.array(cents, dtype=np.int64)
    assert (to_cents(from_cents(array)) == array).all()
