"""The full layout of LendingClub's accepted loans, on a small made-up file."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from fengkong.book.importers import import_tape
from fengkong.book.store import Book
from fengkong.foundation.errors import TapeError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = (
    "id,member_id,loan_amnt,funded_amnt,term,int_rate,installment,grade,sub_grade,emp_length,"
    "home_ownership,annual_inc,verification_status,issue_d,loan_status,purpose,addr_state,dti,"
    "out_prncp,total_pymnt,total_rec_prncp,total_rec_int,total_rec_late_fee,recoveries,"
    "collection_recovery_fee,last_pymnt_d,application_type,debt_settlement_flag,settlement_date"
)
PAID = (
    "101,,10000,9500, 36 months,13.99%,324.64,C,C4,10+ years,RENT,55000.5,Verified,Dec-2015,"
    "Fully Paid,car,NY,18.5,0.00,11200.005,9500.0,1700.0,0.0,0.0,0.0,Jan-2018,Individual,N,"
)
LOST = (
    '102,,20000,20000, 60 months,7.5,400.76,A,A4,< 1 year,OWN,0,"Source Verified",Jan-2016,'
    "Does not meet the credit policy. Status:Charged Off,other,CA,,0,3000,2000,700,20.02,279.98,"
    "50.3964,Mar-2017,Joint App,Y,Feb-2017"
)
FOOTER = '"Total amount funded in policy code 1: 29500"' + "," * 28


@pytest.fixture
def book(tmp_path):
    return Book.create(tmp_path / "book")


def load(book, tmp_path, *rows, header=HEADER, name="accepted.csv"):
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return import_tape(book, [path], format="lendingclub", recorded_at=NOW)


def tables(book):
    with book.view(as_of=date(2020, 1, 1)) as view:
        names = ("loans", "loan_outcomes", "parties", "borrower_statements")
        found = {}
        for name in names:
            first = "loan_id" if name.startswith("loan") else "party_id"
            rows = view.table(name).to_pyarrow().to_pylist() if view.has(name) else []
            found[name] = {row[first]: row for row in rows}
    return found


def test_loans_outcomes_parties_and_statements_come_of_one_row(book, tmp_path):
    report = load(book, tmp_path, PAID, LOST)
    assert (report.read, report.accepted) == (2, 2)
    assert report.tables == dict.fromkeys(
        ("borrower_statements", "loan_outcomes", "loans", "parties"), 2
    )
    found = tables(book)
    loan = found["loans"]["101"]
    assert loan["principal_amount"] == Decimal("9500.00")
    assert (loan["rate_annual"], loan["term_months"]) == (pytest.approx(0.1399), 36)
    assert (loan["disbursed_on"], loan["currency"]) == (date(2015, 12, 1), "USD")
    assert (loan["grade"], loan["sub_grade"], loan["purpose"]) == ("C", "C4", "car")
    assert found["loans"]["102"]["rate_annual"] == pytest.approx(0.075)
    assert found["loans"]["102"]["term_months"] == 60
    paid, lost = found["loan_outcomes"]["101"], found["loan_outcomes"]["102"]
    assert (paid["status"], lost["status"]) == ("paid", "charged_off")
    assert paid["paid_total_amount"] == Decimal("11200.01")  # half a cent goes up
    assert paid["last_paid_on"] == date(2018, 1, 1)
    assert lost["recovered_amount"] == Decimal("279.98")
    assert lost["recovery_cost_amount"] == Decimal("50.40")
    assert (paid["settled"], lost["settled"]) == (False, True)
    assert (paid["settled_on"], lost["settled_on"]) == (None, date(2017, 2, 1))
    assert found["parties"]["101"]["home_ownership"] == "RENT"
    assert found["parties"]["102"]["employment_length"] == "< 1 year"
    stated = found["borrower_statements"]
    assert stated["101"]["income_annual_amount"] == Decimal("55000.50")
    assert stated["101"]["debt_to_income"] == pytest.approx(0.185)
    assert stated["102"]["debt_to_income"] is None
    assert stated["102"]["verification"] == "Source Verified"


def test_the_footer_and_an_unknown_status_are_set_apart(book, tmp_path):
    odd = LOST.replace("102,", "103,", 1).replace("Does not meet the credit policy. Status:", "?")
    report = load(book, tmp_path, PAID, odd, FOOTER)
    assert (report.read, report.accepted, report.quarantined) == (3, 1, 2)
    rules = {rule.rule: (rule.examples[0].line, rule.examples[0].column) for rule in report.rules}
    assert rules["V-03"] == (3, "loan_status")
    assert rules["V-02"][0] == 4
    assert set(tables(book)["loans"]) == {"101"}


def test_columns_that_are_not_there_leave_their_tables_out(book, tmp_path):
    header = "id,funded_amnt,term,int_rate,issue_d,loan_status"
    report = load(book, tmp_path, "7,500, 36 months,9.1,Dec-2015,Current", header=header)
    assert report.tables == {"loan_outcomes": 1, "loans": 1}
    assert "debt-to-income needs income and debts of borrowers" in report.needs


def test_a_layout_that_nobody_knows_is_refused_by_name(book, tmp_path):
    with pytest.raises(TapeError, match=r"other\.csv"):
        load(book, tmp_path, "7,500", header="id,funded_amnt", name="other.csv")
    assert book.batches() == []
