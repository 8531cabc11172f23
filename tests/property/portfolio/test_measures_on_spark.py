"""The same answers on DuckDB and Spark: amounts and counts identical, floats within 1e-9."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.method.portfolio_tapes import add_event, add_path, add_payment, empty
from tests.unit.portfolio.panel_maker import arrow

import fengkong.portfolio  # noqa: F401  fills the register
from fengkong.book.store import Book
from fengkong.formula.measures import measures

pytestmark = [
    pytest.mark.spark,
    # PySpark leaves sockets to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
AS_OF = date(2024, 8, 31)
PATHS = {
    "A": ["C 900", "C 800", "M1 800", "M2 800", "C 500", "C 400", "M1 400"],
    "B": ["C 900", "M1 900", "M2 900", "M3 900", "M4 900", "W 0", "W 0"],
    "C": ["C 700", "C 600", "P 0", "P 0", "P 0", "P 0", "P 0"],
    "D": ["C 1000", "C 900", "M1 900", "M1 800", "M2 800", "M3 800", "M4 800"],
}
FACTS = ("panel", "states", "instalments", "payments", "loan_events", "loans")
NAMES = sorted(
    name
    for name, item in measures().items()
    if set(item.needs) <= set(FACTS) and ".loss" not in item.function.__module__
)


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    pytest.importorskip("pyspark", reason="spark: the extra [scale] is not installed")
    if shutil.which("java") is None:
        pytest.skip("spark: Java 17 is not installed")
    tape = empty()
    for number, (name, path) in enumerate(PATHS.items()):
        steps = [(step.split()[0], f"{step.split()[1]}.00") for step in path]
        loan = {"id": name, "disbursed": "2024-02", "principal": "1000.00", "path": steps}
        add_path(tape, loan, "2024-02")
        tape["loans"][-1] |= {
            "grade": "xy"[number % 2] if number else None,
            "region": "N", "borrower_id": f"P{number // 2}",
        }  # fmt: skip
    add_event(tape, "B", date(2024, 6, 30), "default")
    add_payment(tape, "B", date(2024, 8, 1), Decimal("100.00"), kind="recovery",
                cost_amount=Decimal("5.00"))  # fmt: skip
    book = Book.create(tmp_path_factory.mktemp("spark") / "book")
    facts = {name: arrow(name, rows) for name, rows in tape.items()}
    book.append(facts, recorded_at=datetime(2025, 1, 1, tzinfo=UTC), source={}, content_hash="s")
    with book.view(as_of=AS_OF) as one, book.view(as_of=AS_OF, engine="spark") as two:
        yield one, two


def rows_of(view: Any, name: str, by: list[str]) -> list[dict[str, Any]]:
    import inspect

    item = measures()[name]
    more = {"as_of": AS_OF} if "as_of" in inspect.signature(item.function).parameters else {}
    table = item.function(*(view.get(need) for need in item.needs), by=by, **more)
    return view.connection.to_pyarrow(table).to_pylist()


@pytest.mark.parametrize("name", NAMES)
def test_both_engines_agree(views: tuple[Any, Any], name: str) -> None:
    first, second = (rows_of(view, name, ["grade"]) for view in views)
    assert len(first) == len(second)
    for one, two in zip(first, second, strict=True):
        assert list(one) == list(two)
        for column, value in one.items():
            other = two[column]
            if isinstance(value, float) and other is not None:
                assert math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-12), (column, one, two)
            else:
                assert value == other, (column, one, two)
