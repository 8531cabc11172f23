"""P1 to P7 of portfolios.yaml through the book: payment tapes in at the door, replay, measures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.method import portfolio_answers as answers
from tests.method import portfolio_tapes as tapes
from tests.method.tape_door import load_tape
from tests.unit.portfolio.panel_maker import month_end, month_of

from fengkong.book.store import Book

pytestmark = pytest.mark.shared
RECORDED = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, dict[str, Any]]:
    text = (shared / "cases" / "portfolios.yaml").read_text(encoding="utf-8")
    return {case["id"]: case for case in yaml.safe_load(text)["cases"]}


@contextmanager
def view_of(folder: Path, tape: tapes.Rows, as_of: date) -> Iterator[Any]:
    book = Book.create(folder / "book")
    load_tape(book, folder / "tape", tape, recorded_at=RECORDED)
    with book.view(as_of=as_of) as view:
        yield view


@pytest.mark.parametrize("case_id", ["P1", "P2", "P3"])
def test_month_end_paths(cases: dict[str, Any], tmp_path: Path, case_id: str) -> None:
    case = cases[case_id]
    first, last = (month_end(month_of(case["panel"][k])) for k in ("first_month", "last_month"))
    with view_of(tmp_path, tapes.paths(case), last) as view:
        panel = view.panel()
        if case_id == "P1":
            answers.assert_vintage(panel, case["expected"]["vintage"])
        elif case_id == "P2":
            # A pair of month-ends lies in the window when its second is after the first shown.
            answers.assert_transition(panel.filter(panel.month_end > first), case["expected"])
        else:
            answers.assert_flow(panel.filter(panel.month_end >= first), case["expected"])


def test_p4_first_payment_default(cases: dict[str, Any], tmp_path: Path) -> None:
    case = cases["P4"]
    with view_of(tmp_path, tapes.first_payments(case), case["as_of"]) as view:
        answers.assert_first_payment(view.states(), case["as_of"], case["expected"])


def test_p5_prepayment_and_default_speed(cases: dict[str, Any], tmp_path: Path) -> None:
    case = cases["P5"]
    with view_of(tmp_path, tapes.speeds(case), date(2024, 3, 31)) as view:
        answers.assert_speed(view.panel(), case["expected"])


@pytest.mark.parametrize("book", ["book_1", "book_2"])
def test_p6_concentration(cases: dict[str, Any], tmp_path: Path, book: str) -> None:
    case = cases["P6"]
    with view_of(tmp_path, tapes.balances(case[book]), date(2024, 6, 30)) as view:
        answers.assert_concentration(view.states(), case["expected"][book])


def test_p7_recovery(cases: dict[str, Any], tmp_path: Path) -> None:
    case = cases["P7"]
    with view_of(tmp_path, tapes.workouts(case), case["as_of"]) as view:
        needs = ("states", "loan_events", "payments", "panel")
        tables = tuple(view.get(name) for name in needs)
        answers.assert_recovery(tables, case["as_of"], case["expected"])
