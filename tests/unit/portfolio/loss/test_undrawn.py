"""Undrawn parts of credit lines: exposure, stage of the worst drawn loan, loss, movement."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest
from tests.unit.portfolio.loss.loss_tables import derived

from fengkong.book.schema import TABLES
from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.portfolio.loss import (
    Lines,
    expected_loss,
    expected_loss_by_loan,
    load_settings,
    loss_by_line,
    loss_items,
    movement,
    parameters,
    undrawn_lines,
)

AS_OF = date(2024, 6, 30)
SETTINGS = {
    "scenarios": {"one": {"weight": 1}},
    "pd": {"source": "given", "given": {"A": ["0.1", "0.1"]}},
    "lgd": {"source": "given", "given": {"*": "0.5"}},
    "exposure": {"credit_conversion_factor": "0.5"},
}


def fact(name: str, rows: list[dict[str, Any]]) -> Any:
    schema = ibis.schema(TABLES[name].ibis_schema())
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema.to_pyarrow()), schema=schema)


def active(loan: str, **values: Any) -> dict[str, Any]:
    return {
        "loan_id": loan, "status": "active", "grade": "A", "days_past_due": 0, "eir_annual": 0.0,
        "outstanding_principal_amount": Decimal("100.00"),
    } | values  # fmt: skip


def year(loan: str, number: int, amount: str = "100.00") -> dict[str, Any]:
    return {"loan_id": loan, "year_number": number, "exposure_amount": Decimal(amount)}


def lines_of(drawn: list[tuple[str, str, date]]) -> Lines:
    """F ends the day before year 2 begins, G is drawn to its limit, H expired, I stays open."""
    facilities = [
        {"facility_id": "F", "expires_on": date(2025, 6, 29), "limit_amount": Decimal("500.01")},
        {"facility_id": "G", "limit_amount": Decimal("50.00")},
        {"facility_id": "H", "expires_on": date(2024, 6, 29), "limit_amount": Decimal(900)},
        {"facility_id": "I", "limit_amount": Decimal("400.00")},
    ]
    opened = [row | {"opened_on": date(2023, 1, 1)} for row in facilities]
    rows = [
        {"facility_id": line, "loan_id": loan, "drawn_on": day, "drawn_amount": Decimal(100)}
        for line, loan, day in drawn
    ]
    return Lines(facilities=fact("facilities", opened), drawdowns=fact("drawdowns", rows),
                 as_of=AS_OF)  # fmt: skip


DRAWN = [
    ("F", "a", date(2023, 2, 1)), ("F", "b", date(2023, 3, 1)), ("F", "gone", date(2023, 5, 1)),
    ("G", "c", date(2023, 2, 1)), ("H", "d", date(2023, 2, 1)), ("I", "e", date(2023, 2, 1)),
    ("I", "late", date(2023, 1, 5)),
]  # fmt: skip
STATES = [active(name) for name in "abcde"] + [active("late", days_past_due=31)]
EXPOSURES = [
    *(year(name, 1) for name in "abcde"), year("b", 2, "40.00"), year("late", 1), year("late", 2),
]  # fmt: skip


def results(lines: Lines | None, function: Any = None, **changes: Any) -> list[dict[str, Any]]:
    settings = load_settings(SETTINGS | changes)
    states, exposures = derived("states", STATES), derived("exposures", EXPOSURES)
    using = parameters(settings, None, states)
    found = function(states, exposures, settings=settings, using=using, lines=lines)
    return found.execute().to_dict("records")


def test_lines_by_hand():
    found = {row["facility_id"]: row for row in results(lines_of(DRAWN), loss_by_line)}
    # F: 500.01 - 200 = 300.01 undrawn, half of it 150.005, up: 150.01; it follows b, drawn last of
    # two in stage 1; year 1 alone: 150.01 x 0.1 x 0.5 = 7.5005. I: 400 - 200 = 200, half 100; it
    # follows the loan in stage 2 although another was drawn later; two years: 100 x 0.1 x 0.5 x 2.
    # G is drawn beyond its limit and H has expired: neither is there.
    names = ("loan_id", "stage", "undrawn_amount", "exposure_amount", "expected_loss_12m_amount",
             "expected_loss_lifetime_amount", "expected_loss_amount")  # fmt: skip
    shown = {line: [str(row[name]) for name in names] for line, row in found.items()}
    assert shown == {
        "F": ["b", "1", "300.01", "150.01", "7.50", "7.50", "7.50"],
        "I": ["late", "2", "200.00", "100.00", "5.00", "10.00", "10.00"],
    }


def test_totals_show_drawn_and_undrawn_apart():
    lines = lines_of(DRAWN)
    states, exposures = derived("states", STATES), derived("exposures", EXPOSURES)
    asked = {"settings": load_settings(SETTINGS), "facilities": lines.facilities,
             "drawdowns": lines.drawdowns, "as_of": AS_OF}  # fmt: skip
    rows = expected_loss(states, exposures, **asked).execute().set_index("stage")
    # Stage 1: five loans of 100 x 0.1 x 0.5 = 5 and the line at 7.50; stage 2: one loan over two
    # years, 10, and the line at 10.
    columns = ["loans", "exposure_drawn_amount", "exposure_undrawn_amount", "exposure_amount",
               "expected_loss_drawn_amount", "expected_loss_undrawn_amount",
               "expected_loss_amount"]  # fmt: skip
    assert [str(rows.loc[1, name]) for name in columns] == [
        "5", "500.00", "150.01", "650.01", "25.00", "7.50", "32.50"]  # fmt: skip
    assert [str(rows.loc[2, name]) for name in columns] == [
        "1", "100.00", "100.00", "200.00", "10.00", "10.00", "20.00"]  # fmt: skip
    assert rows.loc[2, "coverage"] == pytest.approx(0.1)
    by_loan = expected_loss_by_loan(states, exposures, **asked).execute().set_index("loan_id")
    assert str(by_loan.loc["b", "expected_loss_undrawn_amount"]) == "7.50"
    assert str(by_loan.loc["a", "expected_loss_undrawn_amount"]) == "0.00"
    assert by_loan["expected_loss_amount"].sum() == Decimal("52.50")


def test_default_counts_the_converted_line_whole():
    states = derived("states", [active("a", days_past_due=91)])
    settings = load_settings(SETTINGS)
    using = parameters(settings, None, states)
    lines = lines_of([("I", "a", date(2023, 1, 5))])
    row = loss_by_line(states, derived("exposures", [year("a", 1)]), settings=settings,
                       using=using, lines=lines).execute().iloc[0]  # fmt: skip
    # Stage 3: 0.5 x (400 - 100) / 2, whatever the PD.
    assert (row["stage"], row["expected_loss_amount"]) == (3, Decimal("75.00"))


def test_prorated_year_ends_with_the_line():
    pd = SETTINGS["pd"] | {"last_year": "prorated"}
    facilities = [{"facility_id": "F", "opened_on": date(2023, 1, 1), "limit_amount": Decimal(300),
                   "expires_on": date(2024, 9, 15)}]  # fmt: skip
    drawdowns = [{"facility_id": "F", "loan_id": "a", "drawn_on": date(2023, 2, 1),
                  "drawn_amount": Decimal(100)}]  # fmt: skip
    lines = Lines(facilities=fact("facilities", facilities),
                  drawdowns=fact("drawdowns", drawdowns), as_of=AS_OF)  # fmt: skip
    row = results(lines, loss_by_line, pd=pd)[0]
    # Three of twelve months: 100 x 0.1 x 3/12 x 0.5.
    assert row["expected_loss_amount"] == Decimal("1.25")


@pytest.mark.parametrize("lines", [None, lines_of([])])
def test_without_drawn_lines_nothing_changes(lines: Lines | None):
    rows = results(lines, loss_items)
    assert sum(row["expected_loss_amount"] for row in rows) == Decimal("35.00")
    assert {row["loan_id"] for row in rows} == {"a", "b", "c", "d", "e", "late"}


def test_factor_of_zero_counts_nothing_and_above_one_is_refused():
    none = {"exposure": {"credit_conversion_factor": "0"}}
    assert len(results(lines_of(DRAWN), loss_items, **none)) == 6
    with pytest.raises(OutOfRangeError):
        undrawn_lines(None, None, None, credit_conversion_factor=Decimal("1.5"), as_of=AS_OF)
    facilities = fact("facilities", [])
    with pytest.raises(InputError, match="as_of"):
        expected_loss(derived("states", []), derived("exposures", []),
                      settings=load_settings(SETTINGS), facilities=facilities,
                      drawdowns=fact("drawdowns", []))  # fmt: skip


def test_movement_of_lines_adds_up_and_shows_their_transfer():
    def memory(rows: list[dict[str, Any]]) -> Any:
        schema = {"loan_id": "string", "stage": "int64", "expected_loss_amount": "decimal(18, 2)"}
        arrow = ibis.schema(schema).to_pyarrow()
        return ibis.memtable(pa.Table.from_pylist(rows, schema=arrow))

    before = results(lines_of([("I", "e", date(2023, 2, 1))]), loss_items)
    after = results(lines_of(DRAWN), loss_items)
    none = ibis.memtable(pa.table({
        "loan_id": pa.array([], pa.string()),
        "written_off_amount": pa.array([], pa.decimal128(18, 2)),
    }))  # fmt: skip
    found = movement(memory(before), memory(after), none).execute()
    rows = found.set_index("line")["total_amount"].to_dict()
    # I went from stage 1 (300 undrawn, 150 x 0.1 x 0.5 = 7.50) to stage 2 with its worst loan (10);
    # F is new in this comparison.
    moved = found.set_index("line").loc["transfer_to_stage_2"]
    assert (moved["stage_1_amount"], moved["stage_2_amount"]) == (Decimal("-7.50"), Decimal("7.50"))
    assert rows["remeasurement_on_transfer"] == Decimal("2.50")
    assert rows["originated"] == Decimal("7.50")
    parts = [value for line, value in rows.items()
             if line not in {"closing", "charge_to_profit_or_loss"}]  # fmt: skip
    assert sum(parts) == rows["closing"] == Decimal("52.50")
