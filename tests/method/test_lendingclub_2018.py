"""The LendingClub files of 2018 and of 2016 at the door, against the csv module reading them."""

import csv
import gzip
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from fengkong.book.importers import import_tape
from fengkong.book.store import Book
from fengkong.foundation.errors import TapeError

pytestmark = pytest.mark.shared
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STATUS = {
    "current": "Current",
    "paid": "Fully Paid",
    "grace": "In Grace Period",
    "late_31_120": "Late (31-120 days)",
    "late_1_30": "Late (16-30 days)",
    "charged_off": "Charged Off",
}
MONEY = {
    "outstanding_principal_amount": "balance",
    "paid_total_amount": "paid_total",
    "paid_principal_amount": "paid_principal",
    "paid_interest_amount": "paid_interest",
    "paid_late_fee_amount": "paid_late_fees",
}


def cents(text):
    return Decimal(text).quantize(Decimal("0.01"), "ROUND_HALF_UP")


def stored(view, name, key):
    return {row[key]: row for row in view.table(name).to_pyarrow().to_pylist()}


def test_every_loan_of_2018_is_accounted_for_and_totals_are_those_of_the_file(shared, tmp_path):
    path = shared / "data" / "lendingclub_2018q1_openintro.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = {f"LC2018Q1-{line}": row for line, row in enumerate(csv.DictReader(stream), 2)}
    book = Book.create(tmp_path / "book")
    report = import_tape(book, [path], format="lendingclub", recorded_at=NOW)
    assert (report.read, report.accepted, report.quarantined) == (10_000, 10_000, 0)
    assert any("line" in text for text in report.needs)
    with book.view(as_of=date(2018, 6, 30)) as view:
        loans, outcomes = stored(view, "loans", "loan_id"), stored(view, "loan_outcomes", "loan_id")
        people = stored(view, "parties", "party_id")
        stated = stored(view, "borrower_statements", "party_id")
    assert set(loans) == set(outcomes) == set(people) == set(stated) == set(rows)
    counted = Counter(STATUS[row["status"]] for row in outcomes.values())
    assert counted == Counter(row["loan_status"] for row in rows.values())
    for field, header in MONEY.items():
        total = sum(row[field] for row in outcomes.values())
        assert total == sum(cents(row[header]) for row in rows.values())
    for name, row in rows.items():
        month = datetime.strptime(row["issue_month"], "%b-%Y").date()  # noqa: DTZ007
        loan, person, statement = loans[name], people[name], stated[name]
        assert loan["principal_amount"] == Decimal(row["loan_amount"])
        assert loan["rate_annual"] == pytest.approx(float(row["interest_rate"]) / 100, rel=1e-12)
        assert (loan["term_months"], loan["disbursed_on"]) == (int(row["term"]), month)
        assert (loan["grade"], loan["region"]) == (row["grade"], row["state"])
        assert person["home_ownership"] == row["homeownership"]
        assert statement["income_annual_amount"] == cents(row["annual_income"])
        ratio = statement["debt_to_income"]
        if row["debt_to_income"] == "":
            assert ratio is None
        else:
            assert ratio == pytest.approx(float(row["debt_to_income"]) / 100, rel=1e-12)


def test_the_assumed_day_of_the_outcome_fits_the_instalments_paid(shared):
    path = shared / "data" / "lendingclub_2018q1_openintro.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["loan_status"] == "Current"]
    for month, paid in (("Jan-2018", 5), ("Feb-2018", 4), ("Mar-2018", 3)):
        found = Counter(
            round(float(row["paid_total"]) / float(row["installment"]))
            for row in rows
            if row["issue_month"] == month and float(row["installment"])
        )
        assert found.most_common(1)[0][0] == paid


def test_a_file_without_dates_is_refused_and_says_what_it_needs(shared, tmp_path):
    path = shared / "data" / "lendingclub_modeldata_good_bad.csv"
    book = Book.create(tmp_path / "book")
    with pytest.raises(TapeError, match="needs the issue date") as caught:
        import_tape(book, [path], format="lendingclub", recorded_at=NOW)
    assert (caught.value.file, caught.value.line) == (path.name, 1)
    assert book.batches() == []
