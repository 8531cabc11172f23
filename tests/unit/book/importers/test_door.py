"""Bad input at the door: a clear message, nothing lost, nothing half loaded."""

import gzip
from datetime import UTC, date, datetime

import pytest

from fengkong.book.importers import Limits, import_tape
from fengkong.book.importers import _quarantine as quarantine
from fengkong.book.importers._resubmit import resubmit
from fengkong.book.store import Book
from fengkong.foundation.errors import TapeError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "loan_id,currency,principal_amount,rate_annual,term_months,disbursed_on\n"
GOOD = "L1,CNY,1000.00,0.12,12,2025-01-15\n"


@pytest.fixture
def book(tmp_path):
    return Book.create(tmp_path / "book")


def load(book, tmp_path, content, *, name="loans.csv", **more):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_tape(book, [path], format="mapping", recorded_at=NOW, **more)


def loans(book):
    with book.view(as_of=date(2030, 1, 1)) as view:
        return view.table("loans").order_by("loan_id").to_pyarrow().to_pylist()


def only(report):
    assert report.read == report.accepted + report.quarantined
    (rule,) = report.rules
    (example,) = rule.examples
    return rule.rule, example.line, example.column


def test_clean_rows_enter(book, tmp_path):
    report = load(book, tmp_path, HEAD + GOOD)
    assert (report.read, report.accepted, report.quarantined) == (1, 1, 0)
    (row,) = loans(book)
    assert (str(row["principal_amount"]), row["disbursed_on"]) == ("1000.00", date(2025, 1, 15))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("L2,CNY,-5,0.1,12,2025-01-15", ("D-01", 3, "principal_amount")),
        ("L2,CNY,5,7.2,12,2025-01-15", ("D-02", 3, "rate_annual")),  # percent, and not said so
        ("L2,CNY,5,nan,12,2025-01-15", ("V-04", 3, "rate_annual")),
        ("L2,CNY,5,inf,12,2025-01-15", ("V-04", 3, "rate_annual")),
        ("L2,CNY,nan,0.1,12,2025-01-15", ("V-01", 3, "principal_amount")),
        ("L2,CNY,5,0.1,12,2025-02-30", ("V-01", 3, "disbursed_on")),
        ("L2,CNY,5,0.1,12,infinity", ("V-01", 3, "disbursed_on")),
        ("L2,CNY,5,0.1,12.5,2025-01-15", ("V-01", 3, "term_months")),
        ("L2,CNY,5,0.1,12,", ("V-02", 3, "disbursed_on")),
        ("L1,CNY,5,0.1,12,2025-01-15", ("K-01", 3, "loan_id")),
        ("L2,CNY,5,0.1,12", ("W-01", 3, "")),
        ("L2,CNY,5,0.1,12,2025-01-15,7", ("W-01", 3, "")),
        ('L2,"CNY,5,0.1,12,2025-01-15', ("W-03", 3, "")),
    ],
)
def test_a_bad_row_is_set_apart_and_the_others_enter(book, tmp_path, row, expected):
    last = "L9,CNY,9.00,0.1,12,2025-01-15\n"
    report = load(book, tmp_path, HEAD + GOOD + row + "\n" + last)
    found = only(report) if expected[0] != "V-04" else _first(report, "V-04")
    assert found == expected
    assert (report.read, report.accepted) == (3, 2)
    assert [one["loan_id"] for one in loans(book)] == ["L1", "L9"]


def _first(report, rule):
    (found,) = [one.examples[0] for one in report.rules if one.rule == rule]
    return rule, found.line, found.column


def test_lines_are_physical_also_after_a_quoted_newline(book, tmp_path):
    body = 'L1,"CNY",1,0.1,12,2025-01-15\n'
    body += '"L\n2",CNY,1,0.1,12,2025-01-15\nL3,CNY,-1,0.1,12,2025-01-15\n'
    assert only(load(book, tmp_path, HEAD + body)) == ("D-01", 5, "principal_amount")


def test_gb18030_is_read_and_a_line_of_another_encoding_is_named(book, tmp_path):
    head = "合同编号,币种,放款金额,年利率,期数,放款日期\n".encode("gb18030")
    rows = "甲乙丙一号,CNY,1,0.1,12,2025-01-15\n丁戊己二号,CNY,1,0.1,12,2025-01-15\n".encode(
        "gb18030"
    )
    odd = "庚辛壬三号,CNY,1,0.1,12,2025-01-15\n".encode()
    report = load(book, tmp_path, head + rows + odd)
    assert only(report) == ("W-02", 4, "")
    assert {one["loan_id"] for one in loans(book)} == {"甲乙丙一号", "丁戊己二号"}


def test_gzip_truncated_before_any_line_names_no_line(book, tmp_path):
    with pytest.raises(TapeError, match="ask the sender for it again") as caught:
        load(book, tmp_path, gzip.compress((HEAD + GOOD * 999).encode())[:60], name="l.csv.gz")
    assert caught.value.line is None
    assert "line 0" not in str(caught.value)


def test_bom_is_read(book, tmp_path):
    assert load(book, tmp_path, b"\xef\xbb\xbf" + (HEAD + GOOD).encode()).accepted == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("loans.csv", b""),
        ("loans.csv.gz", gzip.compress((HEAD + GOOD * 999).encode())[:-20]),
        ("loans.csv.gz", gzip.compress(b"0" * (70 << 20))),
        ("loans.xlsx", b"PK\x03\x04 no workbook"),
        ("loans.parquet", b"PAR1 no parquet"),
        ("loans.csv", b"what,is,this\n1,2,3\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(book, tmp_path, name, content):
    with pytest.raises(TapeError, match=name):
        load(book, tmp_path, content, name=name)
    assert book.batches() == []


def test_a_limit_on_size_holds(book, tmp_path):
    packed = gzip.compress((HEAD + GOOD * 999).encode())
    with pytest.raises(TapeError, match="L-01"):
        load(book, tmp_path, packed, name="l.csv.gz", limits=Limits(unpacked_bytes=1000))


def test_payments_are_held_against_loans(book, tmp_path):
    (tmp_path / "loans.csv").write_text(HEAD + GOOD)
    (tmp_path / "payments.csv").write_text(
        "payment_id,loan_id,paid_on,amount\nP1,L1,2025-02-15,9\nP2,L1,2025-01-14,9\nP3,L7,2025-02-15,9\n"
    )
    files = [tmp_path / "loans.csv", tmp_path / "payments.csv"]
    report = import_tape(book, files, format="mapping", recorded_at=NOW)
    assert (report.read, report.accepted) == (4, 2)
    assert [(r.rule, r.examples[0].line) for r in report.rules] == [("X-01", 4), ("X-02", 3)]


@pytest.mark.parametrize(
    ("first", "second", "bad"),
    [("12", "34", []), ("34", "12", []), ("21", "43", []), ("12", "23", [2]), ("13", "21", [3])],
)
def test_a_key_is_found_twice_over_two_files_in_any_order(book, tmp_path, first, second, bad):
    """Rising keys take a shorter way, which must see the seam between the files."""
    for name, ids in (("a.csv", first), ("b.csv", second)):
        rows = [GOOD.replace("L1", f"L{one}") for one in ids]
        (tmp_path / name).write_text(HEAD + "".join(rows))
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    report = import_tape(book, files, format="mapping", recorded_at=NOW)
    found = [(rule.rule, one.file, one.line) for rule in report.rules for one in rule.examples]
    assert found == [("K-01", "b.csv", line) for line in bad]
    assert len(loans(book)) == report.accepted == 4 - len(bad)


def test_the_same_content_enters_once(book, tmp_path):
    first = load(book, tmp_path, HEAD + GOOD)
    again = load(book, tmp_path, HEAD + GOOD)
    assert again.already_loaded
    assert again.batch_id == first.batch_id
    assert len(book.batches()) == 1


def test_a_refused_row_is_kept_encrypted_repaired_and_counted_once(book, tmp_path):
    report = load(book, tmp_path, HEAD + GOOD + "SECRET7,CNY,-5,0.1,12,2025-01-15\n")
    (one,) = quarantine.quarantines(book)
    assert all(b"SECRET7" not in p.read_bytes() for p in book.path.rglob("*") if p.is_file())
    (path,) = quarantine.export(book, one, tmp_path / "out")
    assert "SECRET7,CNY,-5,0.1,12,2025-01-15,loans.csv:3" in path.read_text()
    path.write_text(path.read_text().replace("-5", "5"))
    done = resubmit(book, report.batch_id, [path], recorded_at=NOW)
    assert (done.read, done.accepted) == (1, 1)
    assert [row["loan_id"] for row in loans(book)] == ["L1", "SECRET7"]
    with pytest.raises(TapeError, match="before"):
        resubmit(book, report.batch_id, [path], recorded_at=NOW)
    assert quarantine.expire(book, on=datetime(2027, 1, 1, tzinfo=UTC)) == 1


def test_a_tape_of_refused_rows_only_is_still_accounted_for(book, tmp_path):
    report = load(book, tmp_path, HEAD + "L1,CNY,-1,0.1,12,2025-01-15\n")
    assert (report.read, report.accepted, report.quarantined) == (1, 0, 1)
    assert len(quarantine.quarantines(book)) == 1
