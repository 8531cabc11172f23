"""Laws of the card: saved and loaded, one row and many, all ways of scoring give the same bits."""

from __future__ import annotations

import math
import struct

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from tests.unit.scorecard.card.designs import objective
from tests.unit.scorecard.card_maker import cards, slow_score, telling_records

from fengkong.scorecard.binning.bins import ColumnBins, weight_of_evidence
from fengkong.scorecard.card import Card, MinMaxScaling, PdoScaling
from fengkong.scorecard.card._design import Design, Outcomes
from fengkong.scorecard.card._logistic import fit_logistic
from fengkong.scorecard.card._penalty import smoothed
from fengkong.scorecard.card.scaling import rounded, scale


def table_of(card, records):
    """Make a table whose columns have the types of the card, whatever the values are."""
    columns = {}
    for variable in card.variables:
        name = variable.bins.name
        values = [record[name] for record in records]
        numeric = variable.bins.kind == "numeric"
        columns[name] = pd.Series(values, dtype="float64" if numeric else "str")
    return pd.DataFrame(columns)


def bits(values):
    return np.asarray(values, dtype=np.float64).tobytes()


@given(cards())
def test_a_loaded_card_scores_every_row_bit_equal(card):
    again = Card.from_json(card.to_json())
    assert again.to_json() == card.to_json()
    table = table_of(card, telling_records(card))
    before, after = card.score(table), again.score(table)
    assert bits(before.points) == bits(after.points)
    assert bits(before.probability) == bits(after.probability)
    assert before.unseen == after.unseen


@given(cards())
def test_one_record_and_a_table_give_the_same_bits(card):
    records = telling_records(card)
    many = card.score(table_of(card, records))
    by_variable = many.variable_points()
    unseen = dict.fromkeys((name for name in card.names), 0)
    for row, record in enumerate(records):
        one = card.score_one(record)
        assert bits([one.points, one.log_odds, one.probability]) == bits(
            [many.points[row], many.log_odds[row], many.probability[row]]
        )
        assert one.points == slow_score(card, record)
        assert [one.variable_points[name] for name in card.names] == by_variable.loc[row].tolist()
        for name in one.unseen:
            unseen[name] += 1
    assert many.unseen == {name: count for name, count in unseen.items() if count}
    assert np.isfinite(many.points).all()
    assert ((many.probability >= 0.0) & (many.probability <= 1.0)).all()


@given(cards(), st.randoms(use_true_random=False))
def test_order_of_rows_and_columns_and_kind_of_table_do_not_matter(card, shuffler):
    table = table_of(card, telling_records(card))
    points = card.points(table)
    rows = list(range(len(table)))
    shuffler.shuffle(rows)
    names = list(table.columns)
    shuffler.shuffle(names)
    assert bits(card.points(table.iloc[rows][names])) == bits(points[rows])
    assert bits(card.points(pa.Table.from_pandas(table))) == bits(points)
    assert bits(card.points({name: table[name] for name in names})) == bits(points)


@st.composite
def columns_of_bins(draw):
    """Draw the bins of a column from counts."""
    size = draw(st.integers(2, 6))
    count = np.array(draw(st.lists(st.integers(1, 500), min_size=size, max_size=size)), dtype=float)
    share = np.array(draw(st.lists(st.floats(0, 1), min_size=size, max_size=size)))
    bad = np.floor(count * share)
    bad[0], bad[1] = 0.0, count[1]  # both classes are there
    count, bad = np.append(count, [0.0, 0.0]), np.append(bad, [0.0, 0.0])
    return ColumnBins(
        name="x", kind="numeric", cuts=np.arange(size - 1.0), count=count, bad_count=bad,
        woe=weight_of_evidence(count, bad),
    )  # fmt: skip


def settings_of_scaling():
    decimals = st.sampled_from((None, 0, 1, 3))
    return st.one_of(
        st.builds(PdoScaling, pdo=st.floats(5, 80), base_score=st.floats(-1000, 1000),
                  base_odds=st.floats(0.1, 100), decimals=decimals, spread_base=st.booleans()),
        st.builds(MinMaxScaling, low=st.integers(-200, 400).map(float),
                  high=st.integers(401, 1000).map(float), decimals=decimals),
    )  # fmt: skip


@given(
    settings_of_scaling(), st.floats(-5, 5),
    st.lists(st.tuples(columns_of_bins(), st.floats(0.01, 3)), min_size=1, max_size=5),
)  # fmt: skip
def test_points_follow_the_bad_rate_and_add_up_to_the_log_odds(asked, intercept, parts):
    columns, coefficients = [b for b, _ in parts], [c for _, c in parts]
    made = scale(asked, intercept=intercept, coefficients=coefficients, bins=columns)
    unit = 0.0 if asked.decimals is None else 10.0**-asked.decimals
    for column, points in zip(columns, made.variables, strict=True):
        order = np.argsort(column.woe, kind="stable")
        assert (np.diff(points[order]) >= 0.0).all()
    # The sum of rounded parts is at most half a unit a part away from the line; min-max may move
    # the best bins by whole units to meet its limits.
    score = made.base + sum(points[0] for points in made.variables)
    log_odds = intercept + sum(c * b.woe[0] for b, c in parts)
    line = made.scaling.offset + made.scaling.factor * log_odds
    room = unit * (2.5 * len(parts) + 1) + 1e-6 * (1 + abs(line))
    assert abs(score - line) <= room


@given(st.lists(st.tuples(columns_of_bins(), st.floats(0.05, 3)), min_size=1, max_size=8))
def test_min_max_meets_both_limits_on_whole_points(parts):
    made = scale(MinMaxScaling(low=300, high=850), intercept=1.0,
                 coefficients=[c for _, c in parts], bins=[b for b, _ in parts])  # fmt: skip
    occurring = [points[:-1] for points in made.variables]
    assert made.base + sum(points.min() for points in occurring) == 300
    assert made.base + sum(points.max() for points in occurring) == 850
    assert all(np.equal(np.mod(points, 1), 0).all() for points in made.variables)


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_rounding_half_up_is_within_half_a_unit_and_settles(value, decimals):
    found = float(rounded(np.array([value]), decimals)[0])
    assert abs(found - value) <= 0.5 * 10.0**-decimals * (1 + 1e-6)
    assert float(rounded(np.array([found]), decimals)[0]) == found
    assert struct.pack("d", found) != struct.pack("d", -0.0)


@given(columns_of_bins(), st.floats(0, 1e4), st.floats(1.01, 10))
def test_smoothing_pulls_every_bin_to_neutral_and_keeps_its_side(bins, pseudo_rows, more):
    mild, strong = smoothed(bins, pseudo_rows), smoothed(bins, pseudo_rows * more + 1.0)
    assert (np.abs(strong.woe) <= np.abs(mild.woe) + 1e-12).all()
    assert (strong.woe * mild.woe >= -1e-12).all()
    assert np.isfinite(strong.woe).all()
    assert strong.woe[bins.count == 0].tolist() == [0.0] * int((bins.count == 0).sum())


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from((0.0, 0.5, 4.0)))
@settings(max_examples=25)
def test_no_point_is_better_than_the_fit(seed, columns, penalty):
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, 3, size=(columns, 300)).astype(np.uint8)
    design = Design.of(codes, [draw.normal(size=3) for _ in range(columns)])
    outcomes = Outcomes.of(draw.random(300) < 0.3, weight=draw.random(300) + 0.1)
    fit = fit_logistic(design, outcomes, penalty=penalty)
    beta = np.array([fit.intercept, *fit.coefficients])
    assert (fit.coefficients >= 0.0).all()
    own = objective(beta, design, outcomes, penalty)
    peer = minimize(objective, beta + 0.05, args=(design, outcomes, penalty), method="L-BFGS-B",
                    bounds=[(None, None)] + [(0, None)] * columns)  # fmt: skip
    assert own <= peer.fun + 1e-9 * abs(peer.fun)
    assert math.isclose(-own + penalty / 2 * fit.coefficients @ fit.coefficients,
                        fit.log_likelihood, rel_tol=1e-9)  # fmt: skip


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 80), st.floats(1e-6, 1.0), st.integers(0, 3),
    st.sampled_from([(300, 850), (0, 1), (0, 100), (-5, 5), (0, 3)]),
)  # fmt: skip
def test_min_max_of_many_tiny_variables_meets_both_limits_exactly(
    seed, tiny, size, decimals, limits
):
    draw = np.random.default_rng(seed)
    coefficients = [1.0, *(size * draw.random(tiny))]
    columns = []
    for _ in coefficients:
        count = np.full(draw.integers(3, 8), 100.0)
        columns.append(
            ColumnBins(
                name="x", kind="numeric", cuts=np.arange(len(count) - 3.0), count=count,
                bad_count=count / 5, woe=np.round(draw.normal(size=len(count)), 3),
            )
        )  # fmt: skip
    made = scale(
        MinMaxScaling(low=limits[0], high=limits[1], decimals=decimals),
        intercept=draw.normal(), coefficients=coefficients, bins=columns,
    )  # fmt: skip
    seen = [part[:-1] for part in made.variables]  # numbers are never unseen
    units = [[round(value * 10**decimals) for value in part] for part in seen]
    base = round(made.base * 10**decimals)
    assert base + sum(min(part) for part in units) == limits[0] * 10**decimals
    assert base + sum(max(part) for part in units) == limits[1] * 10**decimals
    for part, column in zip(seen, columns, strict=True):
        worse_first = np.argsort(column.woe[:-1], kind="stable")
        assert (np.diff(part[worse_first]) >= 0.0).all()
