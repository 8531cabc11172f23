"""A Chinese tape as it is handed over: no codes to write, and no name in clear in the book."""

from datetime import UTC, date, datetime

import pyarrow.parquet as pq
import pytest
import yaml

from fengkong.book.importers import _mapping, import_tape, propose
from fengkong.book.importers._mapping import synonyms, words
from fengkong.book.schema import TABLES
from fengkong.book.store import Book

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = (
    "合同编号,客户编号,客户姓名,身份证号,手机号,家庭住址,币种,放款金额,年利率,期数,还款方式,放款日"
)
ROWS = [
    "HT1,KH1,张三,110101199001011237,13800000001,北京市东城区1号,人民币,1000,0.12,12,等额本息,2025-01-15",
    "HT2,KH2,李四,110101199001011245,13800000002,北京市东城区2号,CNY,2000,0.12,12,先息后本,2025-01-16",
    "HT3,KH1,张三,110101199001011237,13800000001,北京市东城区1号,人民币,3000,0.12,6,一次性还本付息,2025-01-17",
]


@pytest.fixture
def book(tmp_path):
    return Book.create(tmp_path / "book")


def load(book, tmp_path, text, **more):
    path = tmp_path / "借据.csv"
    path.write_text(text, encoding="utf-8")
    return import_tape(book, [path], format="mapping", recorded_at=NOW, **more)


def rows(book, table):
    with book.view(as_of=date(2030, 1, 1)) as view:
        return view.table(table).to_pyarrow().to_pylist()


def test_a_chinese_tape_enters_without_a_mapping(book, tmp_path):
    report = load(book, tmp_path, "\n".join([HEAD, *ROWS]) + "\n")
    assert (report.read, report.accepted, report.rules) == (3, 3, ())
    assert report.tables == {"loans": 3, "parties": 2}
    found = {row["loan_id"]: (row["method"], row["currency"]) for row in rows(book, "loans")}
    assert found == {
        "HT1": ("equal_instalment", "CNY"),
        "HT2": ("interest_only", "CNY"),
        "HT3": ("bullet", "CNY"),
    }


def test_names_and_numbers_rest_as_tokens_and_the_vault_gives_them_back(book, tmp_path):
    load(book, tmp_path, "\n".join([HEAD, *ROWS]) + "\n")
    first = min(rows(book, "parties"), key=lambda row: row["party_id"])
    personal = ("full_name", "identity_number", "phone_number", "postal_address")
    assert all(first[name].startswith("t1_") for name in personal)
    clear = [cell.encode() for row in ROWS for cell in row.split(",")[2:6]]
    for path in book.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(cell in content for cell in clear), path
    for path in book.path.glob("batches/*/*/*.parquet"):
        cells = {str(cell) for row in pq.read_table(path).to_pylist() for cell in row.values()}
        assert cells.isdisjoint(cell.decode() for cell in clear), path


def test_what_is_proposed_is_a_mapping_with_the_people_apart():
    part = propose("借据.csv", [*HEAD.split(","), "备注"])
    loans, people = part["targets"]
    assert (loans["table"], loans["columns"]["客户编号"]) == ("loans", "borrower_id")
    assert (people["table"], people["distinct"]) == ("parties", True)
    assert people["columns"] == {
        "客户编号": "party_id", "客户姓名": "full_name", "身份证号": "identity_number",
        "手机号": "phone_number", "家庭住址": "postal_address",
    }  # fmt: skip
    assert part["unknown"] == ["备注"]
    assert "missing" not in part
    (file,) = _mapping.parse_mapping(yaml.safe_load(yaml.safe_dump({"files": [part]}))).files
    assert [target.table for target in file.targets] == ["loans", "parties"]


def test_without_the_number_of_a_party_nobody_owns_the_name():
    part = propose("借据.csv", ["合同编号", "客户姓名", "币种", "放款金额", "放款日期"])
    assert part["table"] == "loans"
    assert part["unknown"] == ["客户姓名"]


def test_a_list_of_customers_is_a_table_of_parties():
    part = propose("客户.csv", ["客户编号", "姓名", "证件号码", "手机号码", "住址", "出生日期"])
    assert part["table"] == "parties"
    assert "unknown" not in part


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("等额本息", "equal_instalment"),
        ("等额本金", "equal_principal"),
        ("先息后本", "interest_only"),
        ("按期付息到期还本", "interest_only"),
        ("一次性还本付息", "bullet"),
        ("到期一次还本付息", "bullet"),
        (" 等额本息 ", "equal_instalment"),
        ("bullet", "bullet"),
    ],
)
def test_a_word_is_known_under_a_mapping_without_codes(book, tmp_path, word, code):
    mapping = {"files": [{"table": "loans", "fields": FIELDS | {"method": {"from": "x"}}}]}
    assert load(book, tmp_path, f"id,x\nL1,{word}\n", mapping=mapping).accepted == 1
    assert rows(book, "loans")[0]["method"] == code


FIELDS = {
    "loan_id": {"from": "id"}, "currency": "CNY", "principal_amount": "100",
    "disbursed_on": "2025-01-15",
}  # fmt: skip


def test_codes_of_the_mapping_stand_alone(book, tmp_path):
    field = {"from": "x", "codes": {"等额": "equal_instalment"}}
    mapping = {"files": [{"table": "loans", "fields": FIELDS | {"method": field}}]}
    report = load(book, tmp_path, "id,x\nL1,等额\nL2,等额本息\n", mapping=mapping)
    assert [(rule.rule, rule.examples[0].line) for rule in report.rules] == [("V-03", 3)]


def test_a_word_that_could_mean_two_things_is_refused(book, tmp_path):
    mapping = {"files": [{"table": "loans", "fields": FIELDS | {"method": {"from": "x"}}}]}
    report = load(book, tmp_path, "id,x\nL1,随借随还\n", mapping=mapping)
    assert [(rule.rule, rule.rows) for rule in report.rules] == [("V-03", 1)]


def test_states_and_kinds_are_known_by_their_words(book, tmp_path):
    """Months, payments and events of one loan, in words; 逾期 is still active."""
    load(book, tmp_path, "\n".join([HEAD, ROWS[0]]) + "\n")
    files = {
        "月末.csv": "合同编号,月末,剩余本金,status\nHT1,2025-01-31,1000,逾期\n",
        "还款.csv": "流水号,合同编号,还款日期,还款金额,kind\nP1,HT1,2025-02-15,9,提前结清\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    report = import_tape(
        book, [tmp_path / name for name in files], format="mapping", recorded_at=NOW
    )
    assert report.quarantined == 0
    assert rows(book, "loan_months")[0]["status"] == "active"
    assert rows(book, "payments")[0]["kind"] == "payoff"


def test_every_word_leads_to_a_code_of_the_schema_and_to_one_only():
    for place, known in words().items():
        table, name = place.split(".")
        values = TABLES[table][name].values
        assert set(known.values()) <= set(values or {"CNY"}), place
        listed = _mapping.yaml.safe_load(_mapping._resource("words.yaml"))[place]
        assert sum(map(len, listed.values())) == len(known), place
        assert not set(known) & set(values), place


def test_every_synonym_names_a_column_of_the_schema():
    for table, fields in synonyms().items():
        assert set(fields) <= set(TABLES[table].names), table
