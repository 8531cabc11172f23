"""The files of a position: valid, repeatable, complete in both languages, safe to open."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pyarrow.parquet as pq
import pytest

from fengkong.formula.measures import _REGISTER, measures, register_measure
from fengkong.foundation.errors import InputError, UnsupportedError
from fengkong.report import assess
from fengkong.report._assess import HEADLINES, month_end_before
from fengkong.report._compute import Failed, Missing, Support, compute, key_columns, plain
from fengkong.report._movement import waterfall_steps
from fengkong.report._page import missing_title, newest_rows, result_title, unit_word, worst_lines
from fengkong.report._plan import Entry, plan
from fengkong.report._tables import safe
from fengkong.report._words import cell_text, column, has_column, need, say

AS_OF = date(2026, 9, 30)
SCHEMA = Path(__file__).parents[3] / "docs" / "methods" / "position.schema.json"


def _content(position: Any) -> dict[str, Any]:
    return json.loads((position.out / "position.json").read_text(encoding="utf-8"))


def test_position_keeps_its_published_schema(assessed: Any, empty_book: Any, tmp_path: Path):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(_content(assessed), schema)
    jsonschema.validate(_content(assess(empty_book, as_of=AS_OF, out=tmp_path)), schema)
    broken = _content(assessed)
    del broken["figures"][0]["unit"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def test_two_runs_give_the_same_bytes(assessed: Any, book: Any, tmp_path: Path):
    again = assess(book, as_of=AS_OF, out=tmp_path)
    for name in ("position.json", "report.html"):
        assert (again.out / name).read_bytes() == (assessed.out / name).read_bytes()
    for table in (assessed.out / "tables").glob("*.parquet"):
        assert (again.out / "tables" / table.name).read_bytes() == table.read_bytes()


def test_figure_equals_a_count_by_hand(assessed: Any, book: Any):
    with book.view(as_of=AS_OF) as view:
        rows = [row for row in view._tables["panel"] if row["month_end"] == AS_OF]
    over = sum(row["outstanding_principal_amount"] for row in rows if row["days_past_due"] > 30)
    base = sum(row["outstanding_principal_amount"] for row in rows)
    figures = {one["id"]: one for one in _content(assessed)["figures"]}
    figure = figures["over_30[month_end=2026-09-30]"]
    assert figure["value"] == pytest.approx(float(over / base), rel=1e-11)
    assert figure["unit"] == "fraction"
    assert figure["as_of"] == "2026-09-30"


def test_ids_are_unique_and_tables_match(assessed: Any):
    content = _content(assessed)
    ids = [figure["id"] for figure in content["figures"]]
    assert len(ids) == len(set(ids))
    for one in content["computations"]:
        assert pq.read_metadata(assessed.out / one["table"]).num_rows == one["rows"]


def test_every_word_is_there_in_both_languages(assessed: Any):
    for result in assessed.results:
        for name in result.columns:
            assert has_column(name), f"{result.name}: no heading for {name}"
        assert has_column(f"unit:{result.measure.unit}"), result.measure.unit
        assert re.search("[一-鿿]", result_title(result, "zh"))
        assert re.search("[一-鿿]", result.measure.definition["zh"])
        assert not re.search("[一-鿿]", unit_word(result.measure.unit, "en"))
    for missing in assessed.missing:
        assert re.search("[一-鿿]", missing_title(missing.name, "zh"))
        for name in missing.needs:
            assert need(name, "zh") != name, f"no words for the need {name}"


def test_page_stands_alone_and_holds_both_languages(assessed: Any):
    page = (assessed.out / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://", page)
    assert not re.search(r"<[^>]+\son[a-z]+\s*=", page)
    assert not re.search(r"<(link|img|script)[^>]+(src|href)=\"(?!data:)", page)
    for language in ("zh", "en"):
        assert page.count(f'<div class="in-{language}" lang="{language}">') == 1
    assert page.count("<svg") == 2 * page.count("<figure>") / 2
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "#0a0b0c" not in page


def test_markup_in_data_is_shown_as_text(tmp_path: Path, book: Any):
    with book.view(as_of=AS_OF) as view:
        tables = {
            name: [row | {"region": "<script>alert(1)</script>"} for row in rows]
            for name, rows in view._tables.items()
        }
    evil = type(book)(tables)
    position = assess(evil, as_of=AS_OF, out=tmp_path)
    page = (position.out / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_workbook_holds_no_formula_of_others(assessed: Any):
    assert safe("=cmd()") == "'=cmd()"
    assert [safe(text) for text in ("+1", "-1", "@a", "a=b")] == ["'+1", "'-1", "'@a", "a=b"]
    book = openpyxl.load_workbook(assessed.out / "position.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert "'=cmd()" in {cell.value for cell in cells}
    assert len(book.sheetnames) == len(assessed.results) + 1
    rate = next(cell for cell in book["over_30"]["G"] if isinstance(cell.value, float))
    assert rate.number_format == "0.00%"


def test_empty_book_says_what_is_needed(empty_book: Any, tmp_path: Path):
    position = assess(empty_book, as_of=AS_OF, out=tmp_path)
    assert position.results == []
    assert {one.name for one in position.missing} >= {entry.name for entry in plan()}
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Needs loan months" in page
    # What needs the same stands together: one line a need, not one a measure.
    assert page.count("<strong>Needs loan months") == 1
    assert "fk import" in page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_language_alone(book: Any, tmp_path: Path, language: str):
    assess(book, as_of=AS_OF, out=tmp_path, language=language)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    other = {"zh": "en", "en": "zh"}[language]
    assert f'<div class="in-{other}"' not in page
    assert '<label for="to-' not in page


def test_unknown_language_is_refused(book: Any, tmp_path: Path):
    with pytest.raises(InputError, match="both, zh or en"):
        assess(book, as_of=AS_OF, out=tmp_path, language="fr")


def test_headline_is_compared_with_a_quarter_and_a_year_before(assessed: Any):
    line = next(one for one in assessed.headlines if one["id"] == "over_30")
    rows = {row["month_end"]: row["amount_rate"] for row in assessed.result("over_30").rows}
    assert line["before_as_of"] == date(2026, 6, 30)
    assert line["year_before_as_of"] == date(2025, 9, 30)
    assert line["value"] == rows[AS_OF]
    assert line["before"] == rows[date(2026, 6, 30)]
    assert line["year_before"] == rows[date(2025, 9, 30)]
    assert [(one["span"], one["reached"]) for one in assessed.comparisons] == [
        ("quarter", True), ("year", True)]  # fmt: skip
    page = (assessed.out / "report.html").read_text(encoding="utf-8")
    assert (
        "Changes in a quarter are against 2026-06-30. Changes in a year are against 2025-09-30."
        in page
    )
    assert "“较三个月前”指与 2026-06-30 相比。“较一年前”指与 2025-09-30 相比。" in page


def test_every_headline_is_a_registered_measure():
    assert set(HEADLINES) <= set(measures())


def test_headline_names_the_days_of_first_payment_default():
    days = inspect.signature(measures()["first_payment_default"].function).parameters["days"]
    assert f"(FPD-{days.default})" in say("headline_first_payment_default", "en")


def test_concentration_is_a_headline(assessed: Any):
    line = next(one for one in assessed.headlines if one["id"] == "concentration")
    # 300 borrowers of two equal loans: their balances differ by age alone.
    assert 10_000 / 300 <= line["value"] < 10_000 / 300 * 1.1
    assert line["title"]["zh"] == "借款人集中度（HHI）"


def test_concentration_stands_with_its_interval(assessed: Any):
    known = assessed.result("concentration").rows[0]
    found = {row["figure"]: row for row in assessed.result("concentration_interval").rows}
    assert set(found) == {"hhi", "effective_number", "gini", "top_1", "top_10", "top_20"}
    for name, row in found.items():
        assert row["value"] == pytest.approx(known[name], rel=1e-9), name
        assert row["low"] < row["high"], name
    kept = next(
        one for one in assessed.content()["computations"] if one["name"] == "concentration_interval"
    )
    assert kept["parameters"] == {"seed": 20260101, "resamples": 200, "confidence": 0.95}
    page = (assessed.out / "report.html").read_text(encoding="utf-8")
    assert "Concentration by borrower, with its interval" in page
    assert "借款人集中度及其区间" in page


def test_date_before_the_book_begins_is_said(book: Any, tmp_path: Path):
    early = date(2026, 2, 28)
    position = assess(book, as_of=early, out=tmp_path)
    line = next(one for one in position.headlines if one["id"] == "over_30")
    assert line["before"] is not None
    assert (line["year_before"], line["year_before_as_of"]) == (None, None)
    assert [one["reached"] for one in position.comparisons] == [True, False]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "does not reach back to 2025-02-28" in page
    assert "账簿中没有 2025-02-28（一年前）的贷款" in page
    assert "in a year</span>" not in page
    # The movement has another reason on this book: it has no exposures at all.
    reason = next(one for one in position.missing if one.name == "expected_loss_movement_year")
    assert reason.needs == ("exposures",)


def test_worst_grade_is_the_one_built_to_be_worst(assessed: Any):
    assert any("Partner" in line for line in worst_lines(assessed, "en"))
    assert any("Grade E" in line for line in worst_lines(assessed, "en"))


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 9, 30), 3, date(2026, 6, 30)),
        (date(2026, 2, 28), 3, date(2025, 11, 30)),
        (date(2026, 3, 31), 3, date(2025, 12, 31)),
        (date(2024, 5, 15), 3, date(2024, 2, 29)),
        (date(2026, 12, 31), 12, date(2025, 12, 31)),
        (date(2025, 2, 28), 12, date(2024, 2, 29)),
        (date(2026, 1, 5), 12, date(2025, 1, 31)),
    ],
)
def test_month_end_before(day: date, months: int, before: date):
    assert month_end_before(day, months) == before


def test_waterfall_adds_up():
    lines = [("opening", "100.00"), ("originated", "30.10"), ("derecognised", "-20.05"),
             ("transfer_to_stage_1", "0.00"), ("closing", "110.05"),
             ("charge_to_profit_or_loss", "10.05")]  # fmt: skip
    steps = waterfall_steps([{"line": name, "total_amount": Decimal(text)} for name, text in lines])
    assert [step["line"] for step in steps] == ["opening", "originated", "derecognised", "closing"]
    assert steps[-2]["end"] == steps[-1]["end"] == Decimal("110.05")
    assert steps[1]["start"] == Decimal("100.00")


def test_numbers_read_as_screens_say():
    assert cell_text("amount_rate", 0.04567, "en") == "4.57%"
    assert cell_text("net_loss_amount", Decimal("-1234567.80"), "zh") == "−1,234,567.80"
    assert cell_text("loans", 12345, "en") == "12,345"
    assert cell_text("mature", True, "zh") == "是"
    assert cell_text("x", None, "zh") == "–"


def test_long_table_shows_its_newest_months_whole():
    days = [date(2025, month, 28) for month in range(1, 7)]
    rows = [{"grade": grade, "month_end": day} for grade in range(50) for day in days]
    shown = newest_rows(rows, ("grade", "month_end"))
    # 50 rows a month: two months fit into 120 rows, in the order of the table.
    assert shown == [row for row in rows if row["month_end"] >= days[-2]]
    wide = [{"grade": grade, "month_end": days[0]} for grade in range(500)]
    assert newest_rows(wide, ("grade", "month_end")) == wide[:120]
    assert newest_rows(rows, ("grade",)) == rows[:120]


def test_need_inside_a_sentence_begins_small():
    assert need("states.first_paid_in_full_on", "en").startswith("day the first instalment")
    assert need("states.eba_default", "en").startswith("EBA default")


def test_plain_leaves_no_nan_for_json():
    assert plain(float("nan")) is None
    assert plain(float("inf")) is None
    assert plain(1 / 3) == 0.333333333333


def test_keys_are_dimensions_texts_and_dates():
    rows = [{"grade": None, "month_end": AS_OF, "months_on_book": 3, "loans": 4, "rate": 0.1}]
    columns = tuple(rows[0])
    assert key_columns(columns, rows, ["grade"], "rate") == (
        "grade", "month_end", "months_on_book")  # fmt: skip


@pytest.fixture
def breaking() -> Iterator[str]:
    def breaks(panel: Any, *, by: Any = ()) -> Any:
        raise InputError("no column <b>colour</b>")

    both = {"en": "Broken", "zh": "坏的"}
    register_measure(
        "breaking", needs=("panel",), unit="amount", title=both, definition=both, value="x"
    )(breaks)
    yield "breaking"
    del _REGISTER["breaking"]


def test_error_of_a_measure_is_no_missing_data(book: Any, breaking: str, tmp_path: Path):
    with book.view(as_of=AS_OF) as view:
        answer = compute(view, Entry(measure=breaking), Support(view))
    assert answer == Failed(name=breaking, measure=breaking, code="fengkong.input",
                            text="no column <b>colour</b>")  # fmt: skip
    position = assess(book, as_of=AS_OF, out=tmp_path)
    assert breaking not in {one.name for one in position.missing}
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validate(_content(position), schema)
    assert [one["computation"] for one in _content(position)["failed"]] == [breaking]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Measures that failed" in page
    assert "计算出错的指标" in page
    assert "Broken: no column &lt;b&gt;colour&lt;/b&gt;" in page
    assert "needs no column" not in page
    cells = {cell.value for row in openpyxl.load_workbook(tmp_path / "position.xlsx").worksheets[0]
             for cell in row}  # fmt: skip
    assert "no column <b>colour</b> [fengkong.input]" in cells


def test_page_without_errors_has_no_such_heading(assessed: Any):
    assert "Measures that failed" not in (assessed.out / "report.html").read_text("utf-8")


@pytest.fixture
def refusing() -> Iterator[str]:
    def refuse(panel: Any, *, by: Any = ()) -> Any:
        raise UnsupportedError("this", ("payments by date",))

    both = {"en": "x", "zh": "一"}
    register_measure(
        "refusing", needs=("panel",), unit="amount", title=both, definition=both, value="x"
    )(refuse)
    yield "refusing"
    del _REGISTER["refusing"]


def test_what_a_measure_refuses_is_told(book: Any, refusing: str):
    with book.view(as_of=AS_OF) as view:
        answer = compute(view, Entry(measure=refusing), Support(view))
        unknown = compute(view, Entry(measure="no_such"), Support(view))
        lacking = compute(view, Entry(measure="over_30", by=("purpose",)), Support(view))
    assert isinstance(answer, Missing)
    assert answer.needs == ("payments by date",)
    assert isinstance(unknown, Missing)
    assert unknown.needs == ("measure",)
    assert isinstance(lacking, Missing)
    assert lacking.needs == ("panel.purpose",)
    assert column("purpose", "zh") in need("panel.purpose", "zh")
