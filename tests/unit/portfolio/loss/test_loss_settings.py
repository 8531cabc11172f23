"""Settings and staging rules: strict reading, clear refusals, the packaged defaults."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.unit.portfolio.loss.loss_tables import derived

from fengkong.foundation.errors import FengkongError, InputError
from fengkong.portfolio.loss import default_settings, load_rules, load_settings, staged
from fengkong.portfolio.loss.staging import rules_from

GOOD: dict[str, Any] = {
    "scenarios": {"base": {"weight": "0.7"}, "down": {"weight": "0.3"}},
    "pd": {"source": "given", "given": {"A": ["0.01"]}},
    "lgd": {"source": "given", "given": {"*": "0.5"}},
}
RULE = {"id": "r", "stage": 2, "when": "days_past_due > 10", "text": {"en": "a", "zh": "b"}}


def test_default_settings_hold():
    settings = default_settings()
    assert sum(scenario.weight for scenario in settings.scenarios) == Decimal(1)
    assert [scenario.name for scenario in settings.scenarios] == ["base", "up", "down"]
    assert (settings.pd.source, settings.lgd.source) == ("panel", "workout")
    assert [rule.stage for rule in settings.staging] == [3, 3, 2, 2, 2]


def change(path: str, value: Any) -> dict[str, Any]:
    content = deepcopy(GOOD)
    *parents, last = path.split(".")
    place = content
    for name in parents:
        place = place.setdefault(name, {})
    place[last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("extra", 1, "unknown extra"),
        ("scenarios.base.weight", "0.6", "sum to 0.9"),
        ("scenarios.base.weight", "x", "scenarios.base.weight must be a number"),
        ("scenarios.Bad name", {"weight": 0}, "lower-case"),
        ("scenarios.base.pd_scalar", "-1", "pd_scalar"),
        ("scenarios.base.pd_scalar", "nan", "pd_scalar"),
        ("pd.source", "guess", "panel, given"),
        ("pd.given", {}, "pd.given is needed"),
        ("pd.source", "panel", "pd.given contradicts"),
        ("pd.given", {"A": ["0.7", "0.4"]}, "above 1"),
        ("pd.given", {"A": {"base": ["0.1"]}}, "base, down"),
        ("pd.minimum_loan_months", 0, "whole number"),
        ("lgd.given", {"*": "1.2"}, "at most 1"),
        ("lgd.given", {"secured": "0.2"}, "segment_column"),
        ("exposure.credit_conversion_factor", "1.5", "at most 1"),
        ("missing_eir", "zero", "contract_rate, refuse"),
        ("staging", [{"id": "x"}], "staging rule 1"),
        ("staging", [RULE | {"stage": 4}], "stage must be 2 or 3"),
        ("staging", [RULE, RULE], "comes twice"),
        ("staging", [RULE | {"text": {"en": "a"}}], "en and zh"),
    ],
)
def test_refuses_and_names_the_place(path: str, value: Any, says: str):
    with pytest.raises(InputError, match=says.replace("(", r"\(")):
        load_settings(change(path, value))


def test_unreadable_files_and_conditions(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        load_settings(tmp_path / "absent.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [", encoding="utf-8")
    for read in (load_settings, load_rules):
        with pytest.raises(InputError, match="cannot be read"):
            read(broken)
    with pytest.raises(FengkongError):
        rules_from([RULE | {"when": "days_past_due >"}])


def test_highest_stage_wins_null_does_not_hold_and_the_reason_is_named():
    states = derived("states", [
        {"loan_id": "a", "status": "active", "days_past_due": 95, "watch": True},
        {"loan_id": "b", "status": "active", "days_past_due": 40, "watch": None},
        {"loan_id": "c", "status": "active", "days_past_due": None, "watch": None},
        {"loan_id": "d", "status": "active", "days_past_due": 0, "eba_default": True},
        {"loan_id": "e", "status": "active", "days_past_due": 30, "pd_lifetime_origination": 0.05},
        {"loan_id": "f", "status": "active", "days_past_due": 0, "pd_lifetime_origination": 0.0501},
    ])  # fmt: skip
    found = staged(states.mutate(pd_lifetime_now=0.1), load_rules()).execute().set_index("loan_id")
    assert found["stage"].to_dict() == {"a": 3, "b": 2, "c": 1, "d": 3, "e": 2, "f": 1}
    assert found["stage_reason"].to_dict() == {
        "a": "over_90_days", "b": "over_30_days", "c": "none", "d": "default", "e": "pd_doubled",
        "f": "none",
    }  # fmt: skip
    assert staged(states, ()).execute()["stage"].tolist() == [1] * 6
