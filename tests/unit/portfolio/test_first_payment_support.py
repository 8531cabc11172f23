"""First-payment default on books that do not say when the first instalment was paid."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tests.method.tape_door import load_tape

from fengkong.book.store import Book
from fengkong.formula.measures import measure
from fengkong.report._compute import Support

NOW = datetime(2024, 6, 1, tzinfo=UTC)
LOAN = {
    "loan_id": "L1", "currency": "CNY", "principal_amount": Decimal("1200.00"), "term_months": 12,
    "rate_annual": 0.12, "disbursed_on": date(2024, 1, 10), "first_due_on": date(2024, 2, 10),
    "method": "equal_instalment",
}  # fmt: skip


def lacks(tmp_path, tables):
    book = Book.create(tmp_path / "book")
    load_tape(book, tmp_path / "tape", {"loans": [LOAN], **tables}, recorded_at=NOW)
    with book.view(as_of=date(2024, 4, 30)) as view:
        return Support(view).lacks(measure("first_payment_default"), ())


def test_month_ends_alone_do_not_support_it(tmp_path):
    month = {"loan_id": "L1", "month_end": date(2024, 3, 31), "days_past_due": 0,
             "outstanding_principal_amount": Decimal("1000.00")}  # fmt: skip
    assert lacks(tmp_path, {"loan_months": [month]}) == ("states.first_paid_in_full_on",)


def test_payments_support_it(tmp_path):
    paid = {"payment_id": "P1", "loan_id": "L1", "paid_on": date(2024, 2, 10),
            "amount": Decimal("200.00")}  # fmt: skip
    assert lacks(tmp_path, {"payments": [paid]}) == ()
