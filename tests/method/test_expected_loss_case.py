"""IFRS 9 case P8: staging, scenarios and movement, every number as computed independently."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.portfolio.loss.loss_tables import derived

from fengkong.portfolio.loss import (
    LossSettings,
    load_settings,
    loss_by_loan,
    movement,
    parameters,
    write_offs_between,
)

pytestmark = pytest.mark.shared
SCENARIOS = ("base", "up", "down")


@pytest.fixture(scope="module")
def case(shared: Path) -> dict[str, Any]:
    text = (shared / "cases" / "portfolios.yaml").read_text(encoding="utf-8")
    found = next(item for item in yaml.safe_load(text)["cases"] if item["id"] == "P8")
    assert len(found["loans"]) == 12
    return found


def settings_of(scenarios: dict[str, Any]) -> LossSettings:
    return load_settings(
        {
            "scenarios": {
                name: {"weight": weight} for name, weight in scenarios["weights"].items()
            },
            "pd": {"source": "given", "given": scenarios["pd"]},
            "lgd": {"source": "given", "given": {"*": scenarios["lgd"]}},
        }
    )


def tables_at(case: dict[str, Any], when: str) -> tuple[Any, Any]:
    states, exposures = [], []
    for loan in case["loans"]:
        at = loan.get(when)
        if at is None:
            if when == "closing" and "written_off" in loan:
                states.append({
                    "loan_id": loan["id"], "status": "written_off",
                    "outstanding_principal_amount": Decimal("0.00"),
                    "written_off_principal_amount": Decimal(loan["written_off"]),
                })  # fmt: skip
            continue
        states.append({
            "loan_id": loan["id"], "status": "active", "grade": at["grade"],
            "months_on_book": 5, "days_past_due": at["dpd"], "watch": at.get("flag", False),
            "outstanding_principal_amount": Decimal(at["ead"][0]),
            "eir_annual": float(loan["eir"]),
            "pd_lifetime_origination": float(loan["lifetime_pd_at_origination"]),
        })  # fmt: skip
        exposures += [
            {"loan_id": loan["id"], "year_number": year, "exposure_amount": Decimal(amount)}
            for year, amount in enumerate(at["ead"], start=1)
        ]
    return derived("states", states), derived("exposures", exposures)


def results(states: Any, exposures: Any, case: dict[str, Any]) -> Any:
    settings = settings_of(case["scenarios"])
    using = parameters(settings, None, states)
    return loss_by_loan(states, exposures, settings=settings, using=using)


def shown(value: Any, places: int) -> str:
    unit = Decimal(1).scaleb(-places)
    return str(Decimal(str(value)).quantize(unit, rounding=ROUND_HALF_UP))


def check_loans(result: Any, expected: dict[str, Any]) -> None:
    rows = {row["loan_id"]: row for row in result.execute().to_dict("records")}
    assert set(rows) == set(expected)
    for name, wanted in expected.items():
        row = rows[name]
        found = {
            "stage": row["stage"],
            "lifetime_pd_now": shown(row["pd_lifetime_now"], 6),
            **{f"ecl_{s}": shown(row[f"expected_loss_{s}_amount"], 6) for s in SCENARIOS},
            "ecl_weighted": shown(row["expected_loss_weighted_amount"], 6),
            "ecl": str(row["expected_loss_amount"]),
        }
        assert found == wanted, name


def check_movement(table: Any, case: dict[str, Any]) -> None:
    rows = {row["line"]: row for row in table.execute().to_dict("records")}
    expected = dict(case["expected"]["movement"])
    charge = expected.pop("charge_to_profit_or_loss", None)
    for line, wanted in expected.items():
        assert {key: str(rows[line][f"{key}_amount"]) for key in wanted} == wanted, line
    charge = charge or case["expected"]["charge_to_profit_or_loss"]
    assert str(rows["charge_to_profit_or_loss"]["total_amount"]) == charge == "4665.15"


@pytest.mark.parametrize("when", ["opening", "closing"])
def test_every_loan(case: dict[str, Any], when: str):
    states, exposures = tables_at(case, when)
    check_loans(results(states, exposures, case), case["expected"][when])


def test_reasons(case: dict[str, Any]):
    result = results(*tables_at(case, "closing"), case).execute().set_index("loan_id")
    reasons = result["stage_reason"].to_dict()
    # Read off the facts: I2 doubled its PD, I3 95 days, I12 flagged, I11 35 days, I1 nothing.
    assert {name: reasons[name] for name in ("I1", "I2", "I3", "I11", "I12")} == {
        "I1": "none", "I2": "pd_doubled", "I3": "over_90_days", "I11": "over_30_days",
        "I12": "watch",
    }  # fmt: skip


def test_movement(case: dict[str, Any]):
    opening, closing = tables_at(case, "opening"), tables_at(case, "closing")
    table = movement(
        results(*opening, case), results(*closing, case), write_offs_between(opening[0], closing[0])
    )
    check_movement(table, case)


def test_check_value(case: dict[str, Any]):
    # 453.03 by hand, stated with the case: 60 % x (5 % x 10,000 / 1.12 + ...), stage 2.
    settings = load_settings(
        {
            "scenarios": {"only": {"weight": 1}},
            "pd": {"source": "given", "given": {"G": ["0.05", "0.04", "0.03"]}},
            "lgd": {"source": "given", "given": {"*": "0.6"}},
        }
    )
    states = derived("states", [{
        "loan_id": "L", "status": "active", "grade": "G", "days_past_due": 31, "eir_annual": 0.12,
        "outstanding_principal_amount": Decimal("10000.00"),
    }])  # fmt: skip
    exposures = derived("exposures", [
        {"loan_id": "L", "year_number": year, "exposure_amount": Decimal(amount)}
        for year, amount in ((1, "10000.00"), (2, "7000.00"), (3, "4000.00"))
    ])  # fmt: skip
    using = parameters(settings, None, states)
    row = loss_by_loan(states, exposures, settings=settings, using=using).execute().iloc[0]
    assert str(row["expected_loss_amount"]) == case["expected"]["check_value"]["ecl"] == "453.03"
