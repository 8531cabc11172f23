"""The quick reader and the careful one: the same values stored, the same rows refused, and why."""

import csv
import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fengkong.book._intake import arrow_schema
from fengkong.book.importers import _quarantine as quarantine
from fengkong.book.importers import import_tape
from fengkong.book.importers._reading import Reading
from fengkong.book.importers._typed import stripped_cells
from fengkong.book.schema import TABLES
from fengkong.book.store import Book

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPACE = " \t\n\r\v\f"  # what Ibis says that strip takes away, on every engine
NASTY = [
    "", " ", "\t", "NULL", "null", "N/A", "-", "--", ".", "0", "-0", "-0.00", "+5", "007", " 12 ",
    "12\t", "\v12", "12\f", "1 2", "12.", ".5", "1.234", "1.005", "0.004", "-0.004", "12.5", "1e3",
    "1E-2", "1e400", "1_000", "1,000", "1,234.56", "0x10", "0b11", "9" * 15, "9" * 16, "9" * 18,
    "9" * 19, "9" * 40, "9007199254740993", "9223372036854775807", "9223372036854775808",
    "-9" + "9" * 40, "NaN", "nan", "inf", "-inf", "Infinity", "１２", "12％", "12%", "12 %", "%",
    "36期", "期", "¥12", "12元", "2024-01-05", " 2024-01-05", "2024-01-05 ", "2024-1-5",
    "2024/01/05", "2024/1/5", "2024 01 05", "2024.01.05", "20240105", "2024年01月05日",
    "2024年1月5日", "05/01/2024", "05.01.2024", "24-01-05", "2024-02-29", "2023-02-29",
    "2024-02-30", "2024-13-01", "0000-00-00", "1899-12-31", "1900-01-01", "2200-12-31",
    "2201-01-01", "18991231", "22010101", "99999-01-01", "2024-01-05 10:00:00",
    "2024-01-05T10:00:00Z", "2024-01-05 10:00:00+08:00", "2024-01-05 10:00:00.123456789", "epoch",
    "infinity", "-2024-01-05", "2024-01-05 (BC)", "today", "45296", "1704412800", "true", "t",
    "是", "equal_instalment", "EQUAL_INSTALMENT", "equal_instalment ", "等额本息", "等额本息 ",
    "\u3000等额本息", "\u00a0x", "x\u00a0", "\u0600 ", "e\u0301 ", "\u200b", "\ufeff12", "\x1e",
    "\x1f12", "!", '"', '"x"', "x'y", "'12", "=1+1", ";", "|", "x" * 300,
    " " * 50 + "x" + " " * 50, "借" * 40,
]  # fmt: skip
PLAIN = {
    "loan_id": {"from": "id"}, "currency": "CNY", "principal_amount": "100",
    "disbursed_on": "2025-01-15",
}  # fmt: skip
CODES = {"等额本息": "equal_instalment", "1": "bullet", "12": "no_such_method"}
# Field of a loan, options of the mapping, and a cell that is sound.
KINDS = {
    "text": ("region", {}, "沪"),
    "text that is required": ("currency", {}, "CNY"),
    "text of a list": ("method", {}, "bullet"),
    "text by codes": ("method", {"codes": CODES}, "1"),
    "text by digits": ("product", {"unit": "digits"}, "7"),
    "text with a default": ("region", {"default": "沪"}, "京"),
    "money": ("principal_amount", {}, "100.25"),
    "money with a rule": ("upfront_fee_amount", {}, "1.00"),
    "money by thousands": ("principal_amount", {"thousands": ","}, "1,000.25"),
    "money in wan": ("principal_amount", {"unit": "wan"}, "1.5"),
    "money in cents": ("principal_amount", {"unit": "cents"}, "150"),
    "money negated": ("principal_amount", {"sign": "negate"}, "-100.25"),
    "money made absolute": ("principal_amount", {"sign": "absolute"}, "-100.25"),
    "money above zero": ("upfront_fee_amount", {"sign": "floor_zero"}, "-1"),
    "float": ("rate_annual", {}, "0.12"),
    "float in percent": ("rate_annual", {"unit": "percent"}, "12%"),
    "float in basis points": ("rate_annual", {"unit": "basis_points"}, "1200"),
    "integer": ("term_months", {}, "12"),
    "integer by digits": ("term_months", {"unit": "digits"}, "12期"),
    "integer negated": ("term_months", {"sign": "negate"}, "-12"),
    "integer with a default": ("due_day", {"default": "15"}, "1"),
    "date": ("first_due_on", {}, "2025-02-15"),
    "date that is required": ("disbursed_on", {}, "2025-01-15"),
    "date of one form": ("first_due_on", {"dates": "%d.%m.%Y"}, "15.02.2025"),
    "instant": ("recorded_at", {}, "2025-01-15 10:00:00+08:00"),
}


def loans():
    """Return loans for the rows of other tables to hang on."""
    ids = [f"L{n:05}" for n in range(2 * len(NASTY))]
    row = {
        "currency": "CNY", "disbursed_on": date(2025, 1, 1), "principal_amount": Decimal("1.00"),
    }  # fmt: skip
    schema = arrow_schema(TABLES["loans"], stamps=False)
    return pa.Table.from_pylist([{"loan_id": one, **row} for one in ids], schema)


def outcome(folder, path, mapping, patch):
    """Import into a fresh book; return what it stored, what it refused and the files scanned."""
    scanned = []
    true_scan = Reading._scanned

    def spy(self, made, names):
        scanned.append(made.plain.path.name)
        return true_scan(self, made, names)

    patch.setattr(Reading, "_scanned", spy)
    book = Book.create(folder)
    if mapping["files"][0]["table"] != "loans":
        book.append({"loans": loans()}, recorded_at=NOW, source={}, content_hash="loans")
    report = import_tape(book, [path], format="mapping", mapping=mapping, recorded_at=NOW)
    assert report.read == report.accepted + report.quarantined
    files = sorted(book.path.glob("batches/*/*/*.parquet"))
    stored = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
    kept = [
        (place["line"], place["reasons"], row["cells"])
        for one in quarantine.quarantines(book)
        for place, row in zip(quarantine.places(one), quarantine.content(book, one), strict=True)
    ]
    rules = [(one.rule, one.rows, one.examples) for one in report.rules]
    return [repr(stored), kept, rules, report.files, report.tables], scanned


def both(folder, rows, mapping, **form):
    """Return the outcome of each reader, and the files that each scanned with care."""
    path = folder / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as sink:
        csv.writer(sink, **{"lineterminator": "\n", **form}).writerows(rows)
    with pytest.MonkeyPatch.context() as patch:
        quick = outcome(folder / "quick", path, mapping, patch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reading, "_quick", lambda _self, _made: False)
        careful = outcome(folder / "careful", path, mapping, patch)
    assert careful[1] == ["t.csv"]
    return quick, careful


def mapping_of(fields):
    return {"files": [{"table": "loans", "fields": PLAIN | fields}]}


@pytest.mark.parametrize("kind", KINDS)
def test_both_readers_agree_on_every_nasty_cell(tmp_path, kind):
    """One nasty cell a row, between sound ones; the row that is refused does not harm others."""
    field, option, sound = KINDS[kind]
    cells = [cell for nasty in NASTY for cell in (nasty, sound)]
    rows = [["id", "x"], *([f"L{n:05}", cell] for n, cell in enumerate(cells))]
    quick, careful = both(tmp_path, rows, mapping_of({field: {"from": "x", **option}}))
    assert quick[1] in ([], ["few0.csv"])  # the whole file was read by the quick reader
    assert quick[0] == careful[0]


def test_both_readers_agree_on_every_nasty_flag(tmp_path):
    """A flag stands in another table than the loans; 1, y, 是 and the like are read as one."""
    cells = [*NASTY, "1", "Y", " yes ", "TRUE", "False", "n", "否", "2"]
    fields = {
        "loan_id": {"from": "id"}, "observed_on": "2025-02-01", "status": "paid",
        "settled": {"from": "x"},
    }  # fmt: skip
    rows = [["id", "x"], *([f"L{n:05}", cell] for n, cell in enumerate(cells))]
    mapping = {"files": [{"table": "loan_outcomes", "fields": fields}]}
    quick, careful = both(tmp_path, rows, mapping)
    assert quick[1] == ["few0.csv"]
    assert quick[0] == careful[0]
    assert quick[0][0].count("'settled': True") == 3 + 4  # of NASTY, then of the others
    assert quick[0][0].count("'settled': False") == 1 + 3


COLUMNS = ("region", "method", "principal_amount", "rate_annual", "term_months", "first_due_on")
SOUND = ("沪", "bullet", "100.25", "0.12", "12", "2025-02-15")
cell = st.integers(0, 5).flatmap(
    lambda odds: st.sampled_from([*NASTY, "a\nb", "a\rb"]) if odds == 0 else st.just(None)
)
tapes = st.lists(st.tuples(*(cell for _ in COLUMNS)), min_size=1, max_size=12)
forms = st.fixed_dictionaries(
    {
        "lineterminator": st.sampled_from(["\n", "\r\n", "\n\n"]),
        "delimiter": st.sampled_from([",", ";", "\t"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an import is too slow to shrink by
)  # fmt: skip
@given(tapes, forms)
def test_both_readers_agree_on_whole_tapes(tape, form):
    """Several nasty cells a row, line ends and quotes of every kind, ids in falling order."""
    rows = [["id", *COLUMNS]]
    for number, cells in enumerate(tape):
        filled = (good if one is None else one for one, good in zip(cells, SOUND, strict=True))
        rows.append([f"L{99 - number}", *filled])
    mapping = mapping_of({name: {"from": name} for name in COLUMNS})
    with tempfile.TemporaryDirectory() as folder:
        quick, careful = both(Path(folder), rows, mapping, **form)
    assert quick[0] == careful[0]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.text(
            st.sampled_from([*SPACE, *"!a\x00\u00a0\u3000\u0600\u0301借"])
            | st.characters(codec="utf-8")
        )
    )
)
def test_a_cell_is_stripped_as_python_strips_it(cells):
    table = ibis.memtable(pa.table({"c0": pa.array([*cells, None], pa.string())}))
    found = stripped_cells(table, ["c0"])["bare_c0"].to_pyarrow().to_pylist()
    assert found == [*(one.strip(SPACE) or None for one in cells), None]
