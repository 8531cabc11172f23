"""Annual rates: every answer of the worked cases, computed independently, to 1e-6."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from fengkong.foundation.errors import InputError
from fengkong.foundation.rates import (
    effective_annual_rate,
    effective_from_periodic,
    nominal_from_effective,
    periodic_rate,
)

pytestmark = pytest.mark.shared
TOLERANCE = 1e-6


def answers(case: dict[str, Any]) -> dict[str, float]:
    flows = case["flows"]
    if case["timing"] == "periodic":
        amount, whole, odd = [], [], []
        for flow in flows:
            for number in range(flow.get("repeat", 1)):
                amount.append(float(flow["amount"]))
                whole.append(float(flow["at_period"]) + number)
                odd.append(float(Fraction(flow.get("odd_fraction", "0"))))
        rate = periodic_rate(amount, whole, odd_fraction=odd)[0]
        per_year = float(Fraction(str(case["periods_per_year"])))
        return {
            "periodic_rate": rate,
            "nominal_annual": per_year * rate,
            "effective_annual": float(effective_from_periodic(rate, per_year)),
        }
    amount = [float(flow["amount"]) for flow in flows]
    if case["timing"] == "years":
        rate = periodic_rate(amount, [float(Fraction(flow["at_years"])) for flow in flows])[0]
    else:
        days = [(flow["date"] - flows[0]["date"]).days for flow in flows]
        rate = effective_annual_rate(amount, days)[0]
    return {
        "effective_annual": rate,
        "nominal_annual_monthly": float(nominal_from_effective(rate, 12)),
    }


def test_every_rate_case(shared: Path):
    cases = yaml.safe_load((shared / "cases" / "rates.yaml").read_text(encoding="utf-8"))["cases"]
    assert len(cases) == 20
    for case in cases:
        found = answers(case)
        for name, expected in case["expected"].items():
            assert found[name] == pytest.approx(float(expected), abs=TOLERANCE), (case["id"], name)


def test_many_sets_at_once_equal_one_by_one():
    sets = [[-100.0, 60.0, 60.0], [-100.0, 110.0], [-100.0, 50.0, 30.0]]
    start = np.cumsum([0] + [len(flows) for flows in sets])
    periods = np.concatenate([np.arange(len(flows)) for flows in sets])
    together = periodic_rate(np.concatenate(sets), periods, start=start)
    alone = [periodic_rate(flows, np.arange(len(flows)))[0] for flows in sets]
    assert together.tolist() == alone
    # 100 (1 + i) = 110; and the third set gives back 80 of 100: a negative rate.
    assert together[1] == pytest.approx(0.10, abs=1e-12)
    assert together[2] < 0


def test_no_root_is_nan_and_bad_shapes_are_refused():
    assert np.isnan(periodic_rate([100.0, 10.0], [0, 1])[0])
    assert np.isnan(periodic_rate([], [])[0])
    for arguments in (([1.0, np.nan], [0, 1]), ([1.0], [0, 1])):
        with pytest.raises(InputError):
            periodic_rate(*arguments)
    with pytest.raises(InputError):
        periodic_rate([1.0, -1.0], [0, 1], start=[0, 1])
