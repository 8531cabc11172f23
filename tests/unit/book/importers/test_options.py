"""Every option of a mapping file, and every kind of file, through the door."""

import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fengkong.book.importers import Limits, import_tape
from fengkong.book.store import Book
from fengkong.foundation.errors import InputError, TapeError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = date(2025, 1, 15)
ROW = ("L1", "CNY", 1000.5, 0.12, 12, DAY)
NAMES = ("loan_id", "currency", "principal_amount", "rate_annual", "term_months", "disbursed_on")


@pytest.fixture
def book(tmp_path):
    return Book.create(tmp_path / "book")


def rows(book, table="loans"):
    with book.view(as_of=date(2030, 1, 1)) as view:
        return view.table(table).to_pyarrow().to_pylist()


def load(book, path, part=None, **more):
    mapping = None if part is None else {"files": [part]}
    return import_tape(book, [path], format="mapping", mapping=mapping, recorded_at=NOW, **more)


def one(book, tmp_path, cells, fields, *, header=None, **part):
    """Load one loan whose field under test is made from column x; return it and the report."""
    path = tmp_path / "t.csv"
    path.write_text(f"id,x\nL1,{cells}\n" if header is None else header, encoding="utf-8")
    plain = {"loan_id": {"from": "id"}, "currency": "CNY", "principal_amount": "100"}
    made = {**plain, "disbursed_on": "2025-01-15", **fields}
    report = load(book, path, {"table": "loans", "fields": made, **part})
    return report, rows(book) if report.accepted else []


@pytest.mark.parametrize(
    ("field", "cell", "option", "expected"),
    [
        ("principal_amount", "1.5", {"unit": "wan"}, Decimal("15000.00")),
        ("principal_amount", "2.5", {"unit": "thousand"}, Decimal("2500.00")),
        ("principal_amount", "12345", {"unit": "cents"}, Decimal("123.45")),
        ("principal_amount", '"1,234,567.89"', {"thousands": ","}, Decimal("1234567.89")),
        (
            "principal_amount",
            '"1,234.5"',
            {"thousands": ",", "unit": "wan"},
            Decimal("12345000.00"),
        ),
        ("principal_amount", '"1,2345"', {"thousands": ","}, Decimal("12345.00")),
        ("principal_amount", "1'234'567.8", {"thousands": "'"}, Decimal("1234567.80")),
        ("principal_amount", "1.234", {"thousands": "."}, Decimal("1234.00")),
        ("principal_amount", "1 234", {"thousands": " "}, Decimal("1234.00")),
        ("rate_annual", '"1,000"', {"unit": "basis_points", "thousands": ","}, pytest.approx(0.1)),
        ("principal_amount", "-7.10", {"sign": "negate"}, Decimal("7.10")),
        ("principal_amount", "-7.10", {"sign": "absolute"}, Decimal("7.10")),
        ("upfront_fee_amount", "-7.10", {"sign": "floor_zero"}, Decimal("0.00")),
        ("upfront_fee_amount", "7.10", {"sign": "floor_zero"}, Decimal("7.10")),
        ("upfront_fee_amount", "", {"default": "3"}, Decimal("3.00")),
        ("principal_amount", "0.1234565", {"unit": "wan"}, Decimal("1234.57")),
        ("rate_annual", "13.99%", {"unit": "percent"}, pytest.approx(0.1399, rel=1e-12)),
        ("rate_annual", "13.99", {"unit": "percent"}, pytest.approx(0.1399, rel=1e-12)),
        ("rate_annual", "1250", {"unit": "basis_points"}, pytest.approx(0.125, rel=1e-12)),
        ("term_months", "36期", {"unit": "digits"}, 36),
        ("method", "等额本息", {"codes": {"等额本息": "equal_instalment"}}, "equal_instalment"),
        ("first_due_on", "2025年02月15日", {}, date(2025, 2, 15)),
        ("first_due_on", "20250215", {}, date(2025, 2, 15)),
        ("first_due_on", "15.02.2025", {"dates": "%d.%m.%Y"}, date(2025, 2, 15)),
        ("first_due_on", "05-06-25", {"dates": "%d-%m-%y"}, date(2025, 6, 5)),
        ("first_due_on", "05/06/25", {"dates": "%m/%d/%y"}, date(2025, 5, 6)),
        ("first_due_on", "2025-06-05", {"dates": "%d-%m-%y"}, date(2025, 6, 5)),
    ],
)
def test_an_option_makes_the_value(  # noqa: PLR0917  one argument a column of the table
    book, tmp_path, field, cell, option, expected
):
    report, found = one(book, tmp_path, cell, {field: {"from": "x", **option}})
    assert report.rules == ()
    assert found[0][field] == expected


@pytest.mark.parametrize("cell", ['"12,34"', '"1,23,456"', '"1,234,56"', '"1,234,5678"', '",5"'])
def test_digits_that_a_separator_does_not_group_are_set_apart(book, tmp_path, cell):
    # Of a tape with decimal commas, 12,34 would become a hundred times as much.
    option = {"from": "x", "thousands": ","}
    report, _ = one(book, tmp_path, cell, {"upfront_fee_amount": option})
    assert (report.quarantined, report.rules[0].rule) == (1, "V-01")
    assert "thousands" in report.rules[0].en


def test_a_code_that_is_not_listed_is_set_apart(book, tmp_path):
    option = {"from": "x", "codes": {"等额本息": "equal_instalment"}}
    report, _ = one(book, tmp_path, "随借随还", {"method": option})
    assert (report.quarantined, report.rules[0].rule) == (1, "V-03")
    assert report.rules[0].examples[0].column == "x"


def test_constants_defaults_and_currency_fill_what_the_tape_lacks(book, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,amount,kind\nL1,5,\nL2,6,car\n", encoding="utf-8")
    mapping = {
        "currency": "CNY",
        "files": [
            {
                "table": "loans",
                "columns": {"id": "loan_id", "amount": "principal_amount", "kind": "product"},
                "constants": {"disbursed_on": DAY, "term_months": 6},
                "defaults": {"product": "cash"},
            }
        ],
    }
    report = import_tape(book, [path], format="mapping", mapping=mapping, recorded_at=NOW)
    assert report.accepted == 2
    found = {row["loan_id"]: row for row in rows(book)}
    assert [found[name]["product"] for name in ("L1", "L2")] == ["cash", "car"]
    assert {row["currency"] for row in found.values()} == {"CNY"}
    assert {(row["disbursed_on"], row["term_months"]) for row in found.values()} == {(DAY, 6)}


def test_a_footer_is_not_read_and_not_counted(book, tmp_path):
    text = "id,x\nL1,5\nL2,6\n合计,11\n制表人,甲\n"
    fields = {"principal_amount": {"from": "x"}}
    report, found = one(book, tmp_path, "", fields, header=text, skip_footer=2)
    assert (report.read, report.quarantined) == (2, 0)
    assert {row["loan_id"] for row in found} == {"L1", "L2"}


def test_an_identifier_is_made_from_the_line(book, tmp_path):
    _, found = one(book, tmp_path, "5", {"loan_id": {"row_prefix": "T-"}})
    assert found[0]["loan_id"] == "T-2"


@pytest.mark.parametrize(
    "fields",
    [
        {"principal_amount": {"from": "x", "unit": "dozen"}},
        {"principal_amount": {"from": "x", "sign": "flip"}},
        {"principal_amount": {"from": "x", "colour": "red"}},
        {"no_such_field": "1"},
    ],
)
def test_an_option_that_does_not_exist_is_refused(book, tmp_path, fields):
    with pytest.raises(InputError, match="mapping"):
        one(book, tmp_path, "5", fields)


@pytest.mark.parametrize("key", ["skip_foter", "encoding"])
def test_a_key_that_does_not_exist_is_refused(book, tmp_path, key):
    with pytest.raises(InputError, match=key):
        one(book, tmp_path, "5", {}, **{key: 1})


def test_a_part_without_keys_is_refused(book, tmp_path):
    (tmp_path / "t.csv").write_text("id\n1\n", encoding="utf-8")
    with pytest.raises(InputError, match="part 1"):
        load(book, tmp_path / "t.csv", 5)


def workbook(path, *sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, lines in sheets:
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(list(line))
    book.save(path)
    return path


def test_a_workbook_enters_and_a_bad_row_is_named_by_its_row(book, tmp_path):
    bad = ("L2", "CNY", -1, 0.12, 12, datetime(2025, 1, 15))  # noqa: DTZ001  as Excel keeps it
    path = workbook(tmp_path / "t.xlsx", ("a", [NAMES, ROW, bad]))
    report = load(book, path)
    assert (report.read, report.accepted) == (2, 1)
    example = report.rules[0].examples[0]
    assert (example.rule, example.line, example.column) == ("D-01", 3, "principal_amount")
    (found,) = rows(book)
    assert tuple(found[name] for name in NAMES) == (
        "L1", "CNY", Decimal("1000.50"), 0.12, 12, DAY,
    )  # fmt: skip


def test_a_sheet_is_chosen_by_name(book, tmp_path):
    path = workbook(tmp_path / "t.xlsx", ("说明", [["x"]]), ("明细", [NAMES, ROW]))
    part = {"table": "loans", "columns": {name: name for name in NAMES}}
    with pytest.raises(TapeError, match="明细"):
        load(book, path, {**part, "sheet": "不在"})
    assert load(book, path, {**part, "sheet": "明细"}).accepted == 1


def test_a_parquet_file_enters_and_a_bad_row_is_named_by_its_row(book, tmp_path):
    bad = ("L2", "CNY", -1.0, 0.12, 12, DAY)
    path = tmp_path / "t.parquet"
    made = [dict(zip(NAMES, cells, strict=True)) for cells in (ROW, bad)]
    pq.write_table(pa.Table.from_pylist(made), path)
    report = load(book, path)
    assert (report.read, report.accepted) == (2, 1)
    assert report.rules[0].examples[0].line == 2  # no header line: rows count from 1
    (found,) = rows(book)
    assert tuple(found[name] for name in NAMES) == (
        "L1", "CNY", Decimal("1000.50"), 0.12, 12, DAY,
    )  # fmt: skip


def test_a_workbook_that_unpacks_without_end_is_refused(book, tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (65 << 20))
    with pytest.raises(TapeError, match="bomb") as caught:
        load(book, path)
    assert caught.value.rule == "L-02"
    assert "unpack it yourself" in str(caught.value)
    with pytest.raises(TapeError) as caught:
        load(book, path, limits=Limits(unpacked_bytes=1 << 20))
    assert caught.value.rule == "L-01"
    assert book.batches() == []


def test_a_parquet_file_that_unpacks_without_end_is_refused(book, tmp_path):
    path = tmp_path / "bomb.parquet"
    names = pa.array(["L1"]).take(pa.array([0] * 1_000_000))
    pq.write_table(pa.table({"loan_id": names}), path, use_dictionary=False, compression="zstd")
    assert path.stat().st_size < 100_000
    with pytest.raises(TapeError) as caught:
        load(book, path, limits=Limits(unpacked_bytes=1 << 20))
    assert caught.value.rule == "L-01"
    assert book.batches() == []
