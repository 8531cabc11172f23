"""Points: by hand, rounding half up, limits that are met exactly, settings that are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard import MinMaxScaling, PdoScaling
from fengkong.scorecard.binning.bins import ColumnBins
from fengkong.scorecard.card.scaling import rounded, scale


def bins_of(woe, kind="numeric"):
    size = len(woe)
    regular = size - 2
    return ColumnBins(
        name="x", kind=kind, cuts=np.arange(regular - 1.0) if kind == "numeric" else np.empty(0),
        groups=() if kind == "numeric" else tuple((str(i),) for i in range(regular)),
        count=np.full(size, 10.0), bad_count=np.full(size, 2.0), woe=np.array(woe),
    )  # fmt: skip


def test_points_by_hand():
    # factor 20 / ln 2 = 28.8539; offset 600 - 28.8539 ln 50 = 487.1229.
    made = scale(PdoScaling(), intercept=1.0, coefficients=[0.5], bins=[bins_of([-1, 1, 0.2, 0])])
    assert made.base == 516  # 487.1229 + 28.8539 = 515.9768
    assert made.variables[0].tolist() == [-14, 14, 3, 0]  # 14.427 and 2.885


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [(2.5, 0, 3), (-2.5, 0, -2), (0.49999999999999994, 0, 0), (-0.4, 0, 0), (1.25, 1, 1.3),
     (-1.25, 1, -1.2), (7.0, 0, 7), (2.4999, 0, 2), (1.2345, None, 1.2345)],
)  # fmt: skip
def test_rounding_half_up(value, decimals, expected):
    found = rounded(np.array([value]), decimals)[0]
    assert found == expected
    assert math.copysign(1, found) == 1 or found < 0  # no minus zero on a card


def test_without_rounding_the_score_is_the_line_of_the_log_odds():
    settings = PdoScaling(decimals=None)
    columns = [bins_of([-1.0, 0.7, 0.2, 0.0]), bins_of([0.3, -0.4, 0.1, 0.0])]
    made = scale(settings, intercept=0.8, coefficients=[0.5, 1.2], bins=columns)
    log_odds = 0.8 + 0.5 * 0.7 + 1.2 * -0.4
    score = made.base + made.variables[0][1] + made.variables[1][1]
    assert score == pytest.approx(settings.offset + settings.factor * log_odds)


def test_base_points_spread_over_the_variables():
    columns = [bins_of([-1.0, 1.0, 0.2, 0.0]), bins_of([0.3, -0.4, 0.1, 0.0])]
    whole = scale(PdoScaling(decimals=None), intercept=1.0, coefficients=[1, 1], bins=columns)
    spread = scale(
        PdoScaling(decimals=None, spread_base=True), intercept=1.0, coefficients=[1, 1],
        bins=columns,
    )  # fmt: skip
    assert spread.base == 0.0
    assert spread.variables[0] - whole.variables[0] == pytest.approx(whole.base / 2)


@pytest.mark.parametrize("decimals", [None, 0, 2])
def test_min_max_meets_both_limits(decimals):
    draw = np.random.default_rng(0)
    columns = [bins_of([*np.sort(draw.normal(size=5)), 0.1, 0.0]) for _ in range(7)]
    settings = MinMaxScaling(low=300, high=850, decimals=decimals)
    made = scale(settings, intercept=2.0, coefficients=draw.random(7), bins=columns)
    lows = [part[:-1].min() for part in made.variables]  # numbers are never unseen
    highs = [part[:-1].max() for part in made.variables]
    assert made.base + sum(lows) == pytest.approx(300, abs=1e-9)
    assert made.base + sum(highs) == pytest.approx(850, abs=1e-9)
    for part, column in zip(made.variables, columns, strict=True):
        assert (np.diff(part[np.argsort(column.woe, kind="stable")]) >= 0).all()


def test_min_max_counts_an_unseen_category_where_one_can_come():
    unseen_worst = bins_of([1.0, 2.0, 1.5, 0.0], kind="categorical")
    made = scale(MinMaxScaling(), intercept=0.0, coefficients=[1.0], bins=[unseen_worst])
    assert made.base + made.variables[0][3] == 300
    assert made.base + made.variables[0].max() == 850


def test_min_max_of_one_score_for_all_is_refused():
    with pytest.raises(InputError, match="differs"):
        scale(MinMaxScaling(), intercept=0.0, coefficients=[0.0], bins=[bins_of([1, 2, 0, 0])])


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"pdo": 0}, "pdo"), ({"pdo": math.inf}, "pdo"), ({"base_odds": -1}, "base_odds"),
     ({"base_score": math.nan}, "base_score"), ({"decimals": -1}, "decimals"),
     ({"decimals": 7}, "decimals")],
)  # fmt: skip
def test_settings_of_pdo_outside_their_intervals(settings, name):
    with pytest.raises(OutOfRangeError) as caught:
        PdoScaling(**settings)
    assert caught.value.name == name


@pytest.mark.parametrize(
    "settings", [{"low": 850}, {"low": math.nan}, {"low": 300.5}, {"high": 850.25, "decimals": 1}]
)
def test_settings_of_min_max_outside_their_intervals(settings):
    with pytest.raises(OutOfRangeError):
        MinMaxScaling(**settings)


@pytest.mark.parametrize(
    "settings",
    [{"low": -2e12}, {"high": 2e12}, {"high": 2e6, "decimals": 6}, {"high": 1e300}],
)
def test_limits_of_more_units_than_a_float_tells_apart_are_refused(settings):
    with pytest.raises(OutOfRangeError) as caught:
        MinMaxScaling(**settings)
    assert caught.value.name in settings


@pytest.mark.parametrize(
    ("coefficient", "woe"), [(1e-310, [-1, 1, 0, 0]), (1.0, [5.0, 5.0 + 1e-12, 5.0, 0.0])]
)
@pytest.mark.parametrize("decimals", [None, 0])
def test_a_span_that_points_cannot_hold_is_refused(coefficient, woe, decimals):
    with pytest.raises(InputError, match="differs more"):
        scale(
            MinMaxScaling(decimals=decimals), intercept=0.0, coefficients=[coefficient],
            bins=[bins_of(woe)],
        )  # fmt: skip


def test_of_a_variable_rounded_to_one_value_only_the_best_bin_is_lifted():
    # Reaches 0.4 of 1.2 units each: each rounds to nothing, and one unit is to be had.
    columns = [bins_of([0.0, 0.1, 0.4, 0.0, 0.0]) for _ in range(3)]
    made = scale(
        MinMaxScaling(low=0, high=1), intercept=0.0, coefficients=[1.0, 1.0, 1.0], bins=columns
    )
    assert sorted(part.tolist() for part in made.variables) == [
        [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]
    ]  # fmt: skip
