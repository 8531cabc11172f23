"""Pictures: what is too small or too young is drawn so, and is never what the title names."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import fengkong.portfolio  # noqa: F401  registers the measures
from fengkong.formula.measures import measures
from fengkong.foundation.errors import InputError
from fengkong.report._compute import Result
from fengkong.report._page import _change, _compared, worst_lines
from fengkong.report._pictures import WIDTH, Picture, charge_off, heat, pareto, roll
from fengkong.report._plan import smallest
from fengkong.report._vintage import band, curves, vintage
from fengkong.report.position import Position

AS_OF = date(2026, 9, 30)


def with_rows(position: Position, name: str, rows: list[dict[str, Any]]) -> Position:
    """Return the position with other rows under one computation."""
    results = [replace(one, rows=rows) if one.name == name else one for one in position.results]
    return replace(position, results=results)


def cell(grade: str, region: str, loans: int, overdue: int, rate: float) -> dict[str, Any]:
    return {
        "grade": grade, "region": region, "month_end": AS_OF, "loans": loans,
        "overdue_loans": overdue, "outstanding_principal_amount": Decimal(1000),
        "overdue_principal_amount": Decimal(str(round(1000 * rate))), "count_rate": overdue / loans,
        "amount_rate": rate,
    }  # fmt: skip


def heat_of(position: Position, rows: list[dict[str, Any]], language: str = "en") -> Picture:
    picture = heat(with_rows(position, "over_30__by_grade_region", rows), language, "k")
    assert picture is not None
    return picture


def test_cell_of_few_loans_is_hatched_and_never_named(assessed: Position):
    rows = [cell("A", "N", 29, 29, 1.0), cell("B", "S", 30, 3, 0.1), cell("C", "S", 99, 1, 0.01)]
    picture = heat_of(assessed, rows)
    assert "grade B in S, 10.00% of principal" in picture.title
    assert "(3 of 30 loans)" in picture.title
    assert "hatched: fewer than 30 loans" in picture.note
    assert picture.svg.count("url(#k-hatch)") == 1
    assert '<pattern id="k-hatch"' in picture.svg
    assert "30 笔中 3 笔" in heat_of(assessed, rows, "zh").title


def test_no_hatch_without_small_cells_and_no_worst_without_large_ones(assessed: Position):
    large = heat_of(assessed, [cell("B", "S", 30, 3, 0.1), cell("C", "S", 30, 0, 0.0)])
    assert "hatch" not in large.svg + large.note
    none = heat_of(assessed, [cell("B", "S", 29, 3, 0.1), cell("C", "S", 2, 2, 1.0)])
    assert none.title == "No cell holds 30 loans, too few to call one the worst"


def test_roll_matrix_colours_worse_and_better_apart(assessed: Position):
    picture = roll(assessed, "en", "k")
    assert picture is not None
    assert 'aria-label="C → M1: ' in picture.svg
    marks = dict(re.findall(r'aria-label="(\w+ → \w+): [^"]*"[^>]*fill="([^"]+)"', picture.svg))
    assert marks["C → M1"] == "var(--risk)"
    assert marks["M1 → C"] == "var(--good)"
    assert marks["C → C"] == "var(--quiet)"


def test_value_of_few_loans_is_no_driver(assessed: Position):
    def line(loans: int) -> list[dict[str, Any]]:
        rows = [cell("A", "", loans, 9, 0.9), cell("B", "", 500, 9, 0.1)]
        return [{name: row[name] for name in row if name != "region"} for row in rows]

    few, enough = (
        [text for text in worst_lines(with_rows(assessed, "over_30__by_grade", line(loans)), "en")
         if text.startswith("Grade")]
        for loans in (29, 30)
    )  # fmt: skip
    # Without A, no grade is beyond its share.
    assert few == []
    assert "Grade A" in enough[0]


@pytest.mark.parametrize(
    "text",
    ["{}", "smallest: {loans: 3}", "smallest: {loans: x, balance_share: 0}",
     "smallest: {loans: -1, balance_share: 0}"],
)  # fmt: skip
def test_plan_must_say_what_is_too_small(tmp_path: Path, text: str):
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="smallest"):
        smallest(path)


def month(cohort: int, age: int, rate: float | None) -> dict[str, Any]:
    return {
        "cohort_month": date(2025, cohort, 1), "months_on_book": age, "mature": rate is not None,
        "amount_rate": rate, "cohort_loans": 50, "cohort_disbursed_amount": Decimal(1000),
        "bad_loans": 0, "bad_amount": Decimal(round(1000 * (rate or 0))), "count_rate": rate,
        "bad_disbursed_amount": Decimal(0), "disbursed_rate": rate,
    }  # fmt: skip


def vintage_of(position: Position, rows: list[dict[str, Any]], language: str = "en") -> Picture:
    picture = vintage(with_rows(position, "vintage_ever", rows), language, "k")
    assert picture is not None
    return picture


EARLIER = [month(cohort, age, cohort / 100) for cohort in range(1, 6) for age in range(5)]


@pytest.mark.parametrize(
    ("rate", "place"), [(0.0199, "below"), (0.02, "within"), (0.04, "within"), (0.0401, "above")]
)
def test_newest_cohort_is_held_against_the_middle_half_of_earlier_ones(
    assessed: Position, rate: float, place: str
):
    # Earlier cohorts stand at 1, 2, 3, 4 and 5 %: quartiles 2 % and 4 %, whatever comes later.
    rows = EARLIER + [month(6, age, rate) for age in range(4)]
    picture = vintage_of(assessed, rows)
    assert picture.title == (
        f"At 3 months on book the 2025\u201106 cohort stands at {rate * 100:.2f}%, {place} the "
        "usual 2.00% to 4.00% of earlier cohorts"
    )
    assert "四分位数" in vintage_of(assessed, rows, "zh").how
    assert "grey band" in picture.note


def test_band_needs_four_mature_cohorts(assessed: Position):
    by_cohort = {date(2025, n, 1): [month(n, 0, n / 100)] for n in range(1, 5)}
    assert band(by_cohort) == {0: pytest.approx((0.0175, 0.0325))}
    del by_cohort[date(2025, 4, 1)]
    assert band(by_cohort) == {}
    few = [row for row in EARLIER if row["cohort_month"].month > 2]
    picture = vintage_of(assessed, few + [month(6, age, 0.02) for age in range(4)])
    # Without a band the title falls back on the mean: 3, 4 and 5 % of equal cohorts.
    assert picture.title.endswith("stands at 2.00%; earlier ones averaged 4.00%")
    assert "band" not in picture.note + picture.how


def test_curve_is_dotted_over_ages_that_are_not_mature(assessed: Position):
    rows = [month(1, age, None if age == 2 else 0.01 * age) for age in range(6)]
    mature = [row for row in rows if row["mature"]]
    solid, dotted = curves({date(2025, 1, 1): mature})
    assert [(row["mob"], row["run"]) for row in solid] == [
        (0, "2025-01/0"), (1, "2025-01/0"), (3, "2025-01/1"), (4, "2025-01/1"), (5, "2025-01/1"),
    ]  # fmt: skip
    assert [(row["mob"], row["run"]) for row in dotted] == [(1, "2025-01/0"), (3, "2025-01/0")]
    picture = vintage_of(assessed, rows + [month(2, age, 0.02) for age in range(4)])
    assert 'stroke-dasharray="1,4"' in picture.svg


def test_ages_beyond_the_band_are_hatched(assessed: Position):
    newest = [month(6, age, 0.03) for age in range(4)]
    assert "hatch" not in vintage_of(assessed, EARLIER + newest).svg
    old = [month(1, age, 0.05) for age in range(5, 9)]
    assert "url(#k-hatch)" in vintage_of(assessed, EARLIER + old + newest).svg


def test_earlier_date_without_any_figure_is_said(assessed: Position):
    headlines = [line | {"before": None, "before_as_of": None} for line in assessed.headlines]
    position = replace(assessed, headlines=headlines)
    said = _compared(position, "en")
    assert said.startswith("None of these figures can be computed for 2026-06-30")
    assert said.endswith("Changes in a year are against 2025-09-30.")


def test_change_that_reads_as_nothing_is_shown_as_none(assessed: Position):
    against = {"span": "year", "key": "year_before"}
    line = {"value": 0.0100004, "year_before": 0.01, "unit": "fraction"}
    assert _change(line, against, "en") == {
        "since": "in a year",
        "kind": "",
        "text": "= 0.00 points",
    }
    line["value"] = 0.01006
    assert _change(line, against, "zh")["text"] == "▲ 0.01 个百分点"
    line["value"] = 0.0
    assert _change(line, against, "en")["kind"] == "down"


def share_line(name: str | None, balance: int, overdue: int) -> dict[str, Any]:
    return {
        "partner_id": name, "month_end": AS_OF, "loans": 100, "overdue_loans": 10,
        "outstanding_principal_amount": Decimal(balance), "count_rate": 0.1,
        "overdue_principal_amount": Decimal(overdue), "amount_rate": overdue / balance,
    }  # fmt: skip


def test_shares_are_of_the_whole_balance_where_some_loans_have_no_partner(assessed: Position):
    rows = [share_line(None, 600, 30), share_line("P1", 150, 50), share_line("P2", 100, 10),
            share_line("P3", 90, 5), share_line("P4", 60, 5)]  # fmt: skip
    position = with_rows(assessed, "over_30__by_partner_id", rows)
    picture = pareto("partner_id")(position, "en", "k")
    assert picture is not None
    # 150, 100 and 90 of 1,000.
    assert picture.title == (
        "The top three by Partner hold 34.00% of the balance; 60.00% of it has none"
    )
    assert 'aria-label="(none): 60.00%"' in picture.svg
    worst = next(line for line in worst_lines(position, "en") if line.startswith("Partner"))
    # P1 has 50 of all 100 over 30, on 150 of 1,000.
    assert "Partner P1: 33.33% over" in worst
    assert "50.00% of all principal over 30 (on 15.00% of the balance)" in worst


def test_value_below_the_average_is_not_called_worst(assessed: Position):
    # Loans without partner are the worst; of those with one, none is beyond its share.
    rows = [share_line(None, 500, 90), share_line("P1", 300, 6), share_line("P2", 200, 4)]
    position = with_rows(assessed, "over_30__by_partner_id", rows)
    assert not [line for line in worst_lines(position, "en") if line.startswith("Partner")]


def test_pictures_are_as_wide_as_a_phone_shows_them(assessed: Position):
    page = (assessed.out / "report.html").read_text(encoding="utf-8")
    widths = [float(width) for width in re.findall(r'<svg[^>]*viewBox="0 0 ([\d.]+) ', page)]
    assert len(widths) == page.count("<svg")
    # A tenth more or less: the width of a text is only estimated.
    assert max(widths) <= 1.1 * WIDTH


def charged_off_of(position: Position, counts: dict[str, tuple[int, int]]) -> Picture:
    rows = [
        {"grade": grade, "charged_off_loans": bad, "resolved_loans": loans,
         "count_rate": bad / loans}
        for grade, (bad, loans) in counts.items()
    ]  # fmt: skip
    result = Result(
        name="charge_off_rate__by_grade", measure=measures()["charge_off_rate"], by=("grade",),
        parameters={}, columns=tuple(rows[0]), keys=("grade",), rows=rows,
    )  # fmt: skip
    picture = charge_off(replace(position, results=[result]), "en", "k")
    assert picture is not None
    return picture


def test_grade_of_few_resolved_loans_is_hatched_and_never_named(assessed: Position):
    picture = charged_off_of(assessed, {"A": (10, 100), "B": (12, 30), "F": (5, 9)})
    assert picture.title == "Grade B has the highest charge-off rate, 40.00% (12 of 30 loans)"
    assert picture.note == "hatched: fewer than 30 loans, not compared"
    assert picture.svg.count("url(#k-hatch)") == 1
    large = charged_off_of(assessed, {"A": (10, 100), "B": (12, 30)})
    assert "hatch" not in large.svg + large.note
    none = charged_off_of(assessed, {"A": (1, 29), "F": (5, 9)})
    assert none.title == "No grade holds 30 resolved loans, too few to call one the worst"
