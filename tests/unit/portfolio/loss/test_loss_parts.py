"""LGD from the panel, undrawn lines, what is missing is said, movement in rare cases."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest
from tests.unit.portfolio.loss.loss_tables import derived

from fengkong.foundation.errors import InputError, UnsupportedError
from fengkong.portfolio.loss import (
    LossSettings,
    expected_loss,
    expected_loss_by_loan,
    load_settings,
    movement,
)
from fengkong.portfolio.loss.severity import severity, workout_lgd


def settings(**changes: Any) -> LossSettings:
    content = {
        "scenarios": {"one": {"weight": 1}},
        "pd": {"source": "given", "given": {"A": ["0.1", "0.1"]}},
        "lgd": {"source": "given", "given": {"*": "0.5"}},
    }
    return load_settings(content | changes)


def active(loan: str, **values: Any) -> dict[str, Any]:
    return {
        "loan_id": loan, "status": "active", "grade": "A", "days_past_due": 0, "eir_annual": 0.0,
        "outstanding_principal_amount": Decimal("100.00"),
    } | values  # fmt: skip


def year(loan: str, number: int, amount: str = "100.00") -> dict[str, Any]:
    return {"loan_id": loan, "year_number": number, "exposure_amount": Decimal(amount)}


@pytest.mark.parametrize(
    ("states", "exposures", "changes", "says"),
    [
        ([active("x", grade="Z")], [year("x", 1)], {}, "PD of grade 'Z'"),
        ([active("x")], [year("x", 3)], {}, "'A' for 3 years"),
        ([active("x")], [], {}, "exposure of 1 active loans"),
        ([active("x", eir_annual=None)], [year("x", 1)], {}, "effective rate of 1 loans"),
        (
            [active("x", security="secured")],
            [year("x", 1)],
            {"lgd": {"source": "given", "segment_column": "security", "given": {"other": 0.5}}},
            "LGD of segment 'secured'",
        ),
        ([active("x")], [year("x", 1)], {"lgd": {"source": "workout"}}, "lgd.given in settings"),
        ([active("x")], [year("x", 1)], {"pd": {"source": "panel"}}, "pd.given in settings"),
    ],
)
def test_what_is_missing_is_said(states: Any, exposures: Any, changes: Any, says: str):
    with pytest.raises(UnsupportedError, match=says) as caught:
        expected_loss(
            derived("states", states), derived("exposures", exposures), settings=settings(**changes)
        )
    for need in caught.value.needs:
        assert re.search("[一-鿿]", need.zh), f"no Chinese for {need}"  # type: ignore[attr-defined]


def test_contract_rate_when_the_settings_say_so():
    states = derived("states", [active("x", eir_annual=None, rate_annual=0.12)])
    chosen = settings(missing_eir="contract_rate")
    row = expected_loss_by_loan(states, derived("exposures", [year("x", 1)]), settings=chosen)
    # 100 x 0.1 x 0.5 / 1.01 ** 12 = 4.437..., and a half cent never comes near.
    assert row.execute()["expected_loss_amount"].tolist() == [Decimal("4.44")]


def test_last_year_prorated_by_hand():
    # 15 months left: year 1 whole, of year 2 three months of twelve. "late" is over its maturity.
    when = {"disbursed_on": date(2024, 1, 31), "months_on_book": 9}
    states = derived("states", [
        active("x", matures_on=date(2026, 1, 15), **when),
        active("late", matures_on=date(2024, 10, 1), **when), active("open"),
    ])  # fmt: skip
    rows = [year("x", 1), year("x", 2, "80.00"), year("late", 1), year("open", 1)]
    pd = {"source": "given", "last_year": "prorated", "given": {"A": ["0.1", "0.1"]}}
    found = expected_loss_by_loan(states, derived("exposures", rows), settings=settings(pd=pd))
    amounts = found.execute().set_index("loan_id")["expected_loss_lifetime_amount"].to_dict()
    # x: 0.5 x (0.1 x 100 + 0.1 x 3/12 x 80) = 6; the others 0.5 x 0.1 x 100.
    assert amounts == {"x": Decimal("6.00"), "late": Decimal("5.00"), "open": Decimal("5.00")}


def test_half_cent_goes_up_and_stages_and_dimensions_add():
    # 0.61 x 1,234.50 = 753.045 exactly, in binary a little below: half up is 753.05.
    chosen = settings(lgd={"source": "given", "given": {"*": "0.61"}})
    states = [active("x", days_past_due=91, region="N"), active("y", region="S"), active("z")]
    exposures = [year("x", 1, "1234.50"), year("y", 1, "1.00"), year("y", 2, "1.00"), year("z", 1)]
    tables = derived("states", states), derived("exposures", exposures)
    rows = expected_loss(*tables, by=["region"], settings=chosen).execute()
    by_region = {(r.region, r.stage): r for r in rows.fillna({"region": ""}).itertuples()}
    assert by_region["N", 3].expected_loss_amount == Decimal("753.05")
    assert by_region["S", 1].expected_loss_amount == Decimal("0.06")
    assert by_region["S", 1].expected_loss_lifetime_amount == Decimal("0.12")
    total = expected_loss(*tables, settings=chosen).execute()
    assert total["expected_loss_amount"].sum() == rows["expected_loss_amount"].sum()
    with pytest.raises(InputError, match="no dimension colour"):
        expected_loss(*tables, by=["colour"], settings=chosen)


def workouts() -> list[dict[str, Any]]:
    """Loan a defaults in January, b in February; the panel ends in March."""
    rows = []
    for loan, default_month, amount in (("a", 1, "100.00"), ("b", 2, "300.00")):
        rows += [
            {
                "loan_id": loan,
                "month_end": date(2024, month, 28),
                "default_entered": month == default_month,
                "exposure_amount": Decimal(amount),
                "grade": loan,
                "cohort_month": date(2023, 1, 1),
                "months_on_book": 12 + month,
                "state": "M4",
            }
            for month in (1, 2, 3)
        ]
    rows[1]["recovered_amount"] = Decimal("20.00")  # a, one month after
    rows[2]["paid_principal_amount"] = Decimal("30.00")  # a, two months after
    rows[5]["recovered_amount"] = Decimal("70.00")  # b, one month after
    rows[5]["recovery_cost_amount"] = Decimal("10.00")
    return rows


def test_workout_lgd_by_hand():
    states = derived("states", [active("a"), active("b")])
    lgd = settings(lgd={"source": "workout", "minimum_defaults": 2}).lgd
    # Month 1: (20 + 60) of 400; month 2, only a is seen so long: 30 of 100. 1 - 0.2 - 0.3.
    assert workout_lgd(lgd, derived("panel", workouts()), states) == pytest.approx({"*": 0.5})
    # At 21 % a year the month-1 flows shrink by 1.21 ** (1/12), month 2 by its square.
    states = derived("states", [active("a", eir_annual=0.21), active("b", eir_annual=0.21)])
    expected = 1 - 0.2 * 1.21 ** (-1 / 12) - 0.3 * 1.21 ** (-2 / 12)
    found = workout_lgd(lgd, derived("panel", workouts()), states)
    assert found["*"] == pytest.approx(expected, rel=1e-9)


def test_workout_lgd_thin_segments_and_scalars():
    states = derived("states", [active("a"), active("b")])
    by_grade = {"source": "workout", "minimum_defaults": 1, "segment_column": "grade"}
    found = workout_lgd(settings(lgd=by_grade).lgd, derived("panel", workouts()), states)
    assert found == pytest.approx({"*": 0.5, "a": 0.5, "b": 0.8})
    with pytest.raises(UnsupportedError, match="at least 20 defaulted loans") as caught:
        workout_lgd(settings(lgd={"source": "workout"}).lgd, derived("panel", workouts()), states)
    assert "至少 20 笔" in caught.value.needs[0].zh  # type: ignore[attr-defined]
    chosen = settings(
        scenarios={"one": {"weight": "0.5"}, "two": {"weight": "0.5", "lgd_scalar": 3}}
    )
    assert severity(chosen.lgd, chosen.scenarios)["lgd_two"].tolist() == [1.0]


def test_movement_of_a_loan_made_and_written_off_between_and_of_a_part_write_off():
    def table(rows: list[tuple[str, int, str]]) -> Any:
        schema = {"loan_id": "string", "stage": "int64", "expected_loss_amount": "decimal(18, 2)"}
        names = list(schema)
        data = [dict(zip(names, (a, b, Decimal(c)), strict=True)) for a, b, c in rows]
        arrow = pa.Table.from_pylist(data, schema=ibis.schema(schema).to_pyarrow())
        return ibis.memtable(arrow)

    write_offs = ibis.memtable(
        pa.table({
            "loan_id": ["new", "part"],
            "written_off_amount": pa.array([Decimal("9.00"), Decimal(4)], pa.decimal128(18, 2)),
        })
    )  # fmt: skip
    rows = movement(table([("part", 2, "5.00")]), table([("part", 3, "6.00")]), write_offs)
    lines = {row["line"]: row for row in rows.execute().to_dict("records")}
    assert lines["remeasurement_in_stage"]["stage_3_amount"] == Decimal("9.00")
    assert lines["remeasurement_on_transfer"]["stage_3_amount"] == Decimal("5.00")
    assert lines["write_offs"]["stage_3_amount"] == Decimal("-13.00")
    assert lines["charge_to_profit_or_loss"]["total_amount"] == Decimal("14.00")
