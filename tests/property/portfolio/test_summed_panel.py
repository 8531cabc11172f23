"""A panel summed in memory gives every measure that adds up what the panel's own rows give."""

from __future__ import annotations

import calendar
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.portfolio.panel_maker import arrow, lines

import fengkong.portfolio  # noqa: F401  registers the measures
from fengkong.book.replay import _history
from fengkong.book.replay._last import LAST_COLUMNS
from fengkong.book.store import Book
from fengkong.formula.measures import measures
from fengkong.foundation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fengkong.book.view import View

ADDS_UP = {name: item for name, item in measures().items() if item.adds_up}
AS_OF = date(2024, 9, 10)
NOW = datetime(2025, 1, 1, tzinfo=UTC)
_CENTS = st.integers(0, 10**9)


def _money(cents: int) -> Decimal:
    return Decimal(cents) / 100


def _end(month: int) -> date:
    year, place = divmod(month, 12)
    return date(year, place + 1, calendar.monthrange(year, place + 1)[1])


@st.composite
def _loan_months(draw: st.DrawFn, loan: str, born: int) -> list[dict[str, Any]]:
    """Month-ends with gaps, loans that come back to life, and amounts that are not known."""
    rows = []
    for month in range(born, born + draw(st.integers(0, 7))):
        if draw(st.integers(0, 9)) == 0:
            continue
        status = draw(st.sampled_from(("active",) * 8 + ("closed", "written_off")))
        optional = st.one_of(st.none(), _CENTS.map(_money))
        rows.append({
            "loan_id": loan, "month_end": _end(month), "status": status,
            "days_past_due": draw(st.one_of(st.none(), st.integers(0, 240))),
            "outstanding_principal_amount": _money(draw(_CENTS)),
            "scheduled_principal_amount": draw(optional),
            "paid_principal_amount": draw(optional),
            "written_off_amount": draw(optional),
            "defaulted": draw(st.sampled_from((None, False, False, True))),
        })  # fmt: skip
    return rows


@st.composite
def books(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Loans and their month-ends, in any order."""
    first = 2024 * 12
    loans: list[dict[str, Any]] = []
    months: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 6))):
        born = first + draw(st.integers(0, 7))
        name = f"L{number}"
        loans.append({
            "loan_id": name, "currency": "CNY", "principal_amount": _money(draw(_CENTS)),
            "disbursed_on": _end(born).replace(day=draw(st.integers(1, 28))),
            "grade": draw(st.sampled_from(("A", "B", None))),
            "region": draw(st.sampled_from(("浙江", "广东"))),
        })  # fmt: skip
        months += draw(_loan_months(name, born))
    return {
        "loans": draw(st.permutations(loans)),
        "loan_months": draw(st.one_of(st.just(months), st.permutations(months))),
    }


@contextmanager
def _view(book: dict[str, list[dict[str, Any]]], parts: int) -> Iterator[View]:
    with TemporaryDirectory() as folder:
        made = Book.create(f"{folder}/book")
        for part in range(parts):
            tables = {"loan_months": arrow("loan_months", book["loan_months"][part::parts])}
            if part == 0:
                tables["loans"] = arrow("loans", book["loans"])
            made.append(
                {name: table for name, table in tables.items() if len(table)},
                recorded_at=NOW, source={"what": "test"}, content_hash=f"part {part}",
            )  # fmt: skip
        with made.view(as_of=AS_OF) as view:
            yield view


def _both(view: View, name: str, by: list[str]) -> tuple[Any, Any]:
    item = ADDS_UP[name]
    return lines(item.answer(view, by=by)), lines(item.function(view.panel(), by=by))


def _agree_on_states(view: View) -> None:
    """Compare the few columns of the states that need no derived table with the derived ones."""
    columns = list(LAST_COLUMNS)
    narrow = view.narrow("states", columns).order_by("loan_id")
    assert not list(view.book.path.glob("derived/*"))
    assert lines(narrow) == lines(view.states().select(columns).order_by("loan_id"))


@settings(max_examples=max(5, settings.default.max_examples // 10))
@given(book=books(), parts=st.integers(1, 2))
def test_a_summed_panel_answers_as_its_rows_do(book: Any, parts: int) -> None:
    with _view(book, parts) as view:
        in_time = [row for row in book["loan_months"] if row["month_end"] <= AS_OF]
        assert (view.history() is None) == (not in_time)
        if in_time:
            _agree_on_states(view)
        for name in ADDS_UP:
            for by in ([], ["region", "grade"]):
                summed, rows = _both(view, name, by)
                assert summed == rows, (name, by)


LOAN = {
    "loan_id": "A", "currency": "CNY", "principal_amount": Decimal(100),
    "disbursed_on": date(2024, 1, 5),
}  # fmt: skip
MONTH = {
    "loan_id": "A", "month_end": date(2024, 1, 31), "status": "active", "days_past_due": 3,
    "outstanding_principal_amount": Decimal(100),
}  # fmt: skip


@pytest.mark.parametrize(
    "months",
    [
        pytest.param([{**MONTH, "month_end": date(2024, 1, 30)}], id="not the end of a month"),
        pytest.param([MONTH, {**MONTH, "loan_id": "B"}], id="a row of no loan"),
        pytest.param([{**MONTH, "month_end": date(1850, 1, 31)}], id="before any book"),
    ],
)
def test_what_a_sum_cannot_tell_is_read_row_by_row(months: list[dict[str, Any]]) -> None:
    with _view({"loans": [LOAN], "loan_months": months}, 1) as view:
        assert view.history() is None
        for name in ADDS_UP:
            summed, rows = _both(view, name, ["grade"])
            assert summed == rows


def test_a_book_too_large_for_memory_is_read_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_history, "ROWS_MAX", 0)
    with _view({"loans": [LOAN], "loan_months": [MONTH]}, 1) as view:
        assert "loan_months" not in view.summed(["state"]).columns


def _same(book: dict[str, Any], by: list[str]) -> None:
    with _view(book, 1) as view:
        for name in ADDS_UP:
            summed, rows = _both(view, name, by)
            assert summed == rows, name


def test_an_amount_to_group_by_wants_the_rows() -> None:
    other = {**LOAN, "loan_id": "B", "principal_amount": Decimal(7)}
    months = [MONTH, {**MONTH, "loan_id": "B"}]
    _same({"loans": [LOAN, other], "loan_months": months}, ["disbursed_amount"])


def test_a_negative_schedule_and_an_unknown_payment_prepay_nothing() -> None:
    later = {**MONTH, "month_end": date(2024, 2, 29), "scheduled_principal_amount": Decimal(-5)}
    _same({"loans": [LOAN], "loan_months": [MONTH, later]}, [])


def test_amounts_too_large_for_whole_cents_are_added_from_the_rows() -> None:
    huge = Decimal("9999999999999999.99")
    months = [{**MONTH, "month_end": _end(2024 * 12 + n), "outstanding_principal_amount": huge}
              for n in range(8)]  # fmt: skip
    _same({"loans": [LOAN], "loan_months": months}, ["region"])
    months = [{**MONTH, "month_end": _end(2024 * 12 + n), "paid_principal_amount": huge}
              for n in range(8)]  # fmt: skip
    _same({"loans": [LOAN], "loan_months": months}, ["region"])


def test_what_was_written_off_too_large_for_whole_cents_is_added_from_the_rows() -> None:
    huge = Decimal("9999999999999999.99")
    lost = {**MONTH, "status": "written_off", "written_off_amount": huge}
    book = {
        "loans": [{**LOAN, "loan_id": name} for name in "ABCDEF"],
        "loan_months": [{**lost, "loan_id": name} for name in "ABCDEF"],
    }
    with _view(book, 1) as view:
        assert "loan_months" not in view.summed(["exposure_amount"]).columns
    _same(book, [])


def test_a_year_far_ahead_is_no_month_of_the_past() -> None:
    months = [MONTH, {**MONTH, "month_end": date(5461, 12, 31)}]
    made = {"loans": [LOAN], "loan_months": months}
    with _view(made, 1) as view, view.book.view(as_of=date(9999, 12, 31)) as far:
        assert far.history() is None


def test_months_without_a_visible_loan_have_no_figures() -> None:
    young = {**LOAN, "disbursed_on": date(2025, 1, 5)}
    _same({"loans": [young], "loan_months": [MONTH]}, [])


@pytest.mark.parametrize("of", ["status", "bucket", "months_on_book", "region"])
def test_a_concentration_over_what_the_month_end_tells(of: str) -> None:
    item = measures()["concentration"]
    with _view({"loans": [LOAN], "loan_months": [{**MONTH, "days_past_due": -3}]}, 1) as view:
        narrow = lines(item.answer(view, of=of))
        assert narrow == lines(item.function(view.states(), of=of))


def test_a_young_loan_with_a_schedule_has_a_state() -> None:
    due = {"loan_id": "B", "schedule_version": 0, "instalment_number": 1,
           "effective_on": date(2024, 9, 5), "due_on": date(2024, 10, 5),
           "principal_amount": Decimal(100)}  # fmt: skip
    young = {**LOAN, "loan_id": "B", "disbursed_on": date(2024, 9, 5)}
    with TemporaryDirectory() as folder:
        made = Book.create(f"{folder}/book")
        rows = {"loans": [LOAN, young], "loan_months": [MONTH], "instalments": [due]}
        made.append(
            {name: arrow(name, some) for name, some in rows.items()},
            recorded_at=NOW, source={"what": "test"}, content_hash="young",
        )  # fmt: skip
        with made.view(as_of=AS_OF) as view:
            narrow = view.narrow("states", ["loan_id"])
            assert narrow.count().execute() == view.states().count().execute() == 2


def test_text_in_place_of_a_list_is_said() -> None:
    with (
        _view({"loans": [LOAN], "loan_months": [MONTH]}, 1) as view,
        pytest.raises(InputError, match="by must be a list"),
    ):
        ADDS_UP["over_30"].answer(view, by="grade")


def test_a_later_version_of_a_month_is_the_one_that_counts() -> None:
    corrected = [MONTH, {**MONTH, "days_past_due": 40}]
    with _view({"loans": [LOAN], "loan_months": corrected}, 2) as view:
        (row,) = lines(view.summed(["state"]))
    assert (row["state"], row["loan_months"]) == ("M2", 1)


def test_the_panel_is_not_written_for_a_measure_that_adds_up() -> None:
    with _view({"loans": [LOAN], "loan_months": [MONTH]}, 1) as view:
        assert lines(ADDS_UP["over_30"].answer(view))
        assert not list(view.book.path.glob("derived/*"))
