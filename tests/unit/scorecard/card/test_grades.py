"""Master scales by hand, at both sides of an edge, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scorecard.card_maker import card_of, numeric, slow_probability

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.card.document import Card, Grade
from fengkong.scorecard.card.grades import (
    check_grades,
    grade_of,
    grades_at,
    grades_from,
    scale_table,
    with_grades,
)

# 600 points are odds of 50:1 and 20 points double them: 580 is 25:1, 560 is 12.5:1.
CARD = card_of(numeric("x", [0.0], [0, 1, 0, 0]))
EDGES = (1 / 51, 1 / 26)
SLOPE, SHIFT = st.floats(0.5, 3), st.floats(-2, 2)
STEEP = st.one_of(
    st.fixed_dictionaries({"kind": st.just("platt"), "slope": SLOPE, "intercept": SHIFT}),
    st.fixed_dictionaries({"kind": st.just("beta"), "a": SLOPE, "b": SLOPE, "c": SHIFT}),
)


def test_edges_become_scores_by_hand():
    scale = grades_at(CARD, EDGES)
    assert [grade.name for grade in scale] == ["C", "B", "A"]
    assert scale[0].score_from == -math.inf
    assert [grade.score_from for grade in scale[1:]] == pytest.approx([580, 600], abs=1e-6)
    # Middle in log odds of 50:1 and 25:1, and half a step (factor sqrt 2) beyond.
    odds = [50 / math.sqrt(0.5), 50 * math.sqrt(0.5), 25 * math.sqrt(0.5)]
    assert [grade.probability for grade in scale[::-1]] == pytest.approx(
        [1 / (1 + o) for o in odds]
    )


def test_an_edge_belongs_to_the_better_grade_from_both_sides():
    card = with_grades(CARD, grades_at(CARD, EDGES))
    at = card.grades[2].score_from
    assert grade_of(card, [at, math.nextafter(at, 0), -1e9, 1e9]).tolist() == ["A", "B", "C", "A"]


@given(
    st.lists(st.integers(1, 999), unique=True, min_size=1, max_size=6),
    st.one_of(st.none(), STEEP),
    st.lists(st.floats(200, 900), min_size=1, max_size=30),
)
def test_a_grade_by_score_is_the_grade_by_probability(thousandths, calibration, scores):
    card = card_of(numeric("x", [0.0], [0, 1, 0, 0]), calibration=calibration)
    edges = [one / 1000 for one in sorted(thousandths)]
    card = with_grades(card, grades_at(card, edges))
    names = [grade.name for grade in card.grades][::-1]
    bases = [
        card_of(*card.variables, base_points=score, calibration=calibration) for score in scores
    ]
    said = [base.score_one({"x": -1.0}).probability for base in bases]
    wanted = [names[sum(1 for edge in edges if edge < one)] for one in said]
    assert grade_of(card, scores).tolist() == wanted


def test_quantile_grades_hold_equal_shares_and_the_bad_rates():
    scores = np.repeat([500.0, 520.0, 540.0, 560.0], 25)
    bad = np.concatenate([np.arange(25) < n for n in (10, 5, 2, 1)]).astype(int)
    scale = grades_from(CARD, scores, n_grades=4, bad=bad)
    assert [grade.score_from for grade in scale] == [-math.inf, 520, 540, 560]
    assert [grade.probability for grade in scale] == pytest.approx([0.4, 0.2, 0.08, 0.04])
    by_model = grades_from(CARD, scores, n_grades=2)
    assert by_model[1].score_from == 540
    wanted = (slow_probability(CARD, 540) + slow_probability(CARD, 560)) / 2
    assert by_model[1].probability == pytest.approx(wanted)


def test_weights_count_as_rows():
    scores, weight = np.array([500.0, 520.0, 540.0]), np.array([3.0, 1.0, 2.0])
    rows = np.repeat(scores, weight.astype(int))
    bad, of_rows = np.array([1, 1, 0]), np.array([1, 1, 1, 1, 0, 0])
    assert grades_from(CARD, scores, n_grades=2, bad=bad, sample_weight=weight) == grades_from(
        CARD, rows, n_grades=2, bad=of_rows
    )


def test_geometric_grades_have_equal_ratios():
    scores = np.linspace(500, 640, 1001)
    scale = grades_from(CARD, scores, n_grades=4, steps="geometric")
    edges = [slow_probability(CARD, grade.score_from) for grade in scale[1:]]
    assert edges[0] / edges[1] == pytest.approx(edges[1] / edges[2], rel=1e-9)


def test_a_scale_that_is_not_monotone_is_refused_with_its_figures():
    scores = np.repeat([500.0, 520.0, 540.0], 10)
    bad = np.concatenate([np.arange(10) < n for n in (5, 2, 3)]).astype(int)
    with pytest.raises(InputError, match=r"not monotone: grade 'A'.*30\.0000%.*20\.0000%"):
        grades_from(CARD, scores, n_grades=3, bad=bad)


def test_grades_that_are_refused():
    scores = np.array([500.0] * 99 + [600.0])
    with pytest.raises(InputError, match="less than 2"):
        grades_from(CARD, scores, n_grades=2)
    with pytest.raises(InputError, match="2 distinct scores"):
        grades_from(CARD, scores, n_grades=3)
    with pytest.raises(InputError, match="geometric steps"):
        grades_from(CARD, [500.0, 500.0], n_grades=2, steps="geometric")
    with pytest.raises(InputError, match="steps must be"):
        grades_from(CARD, scores, n_grades=2, steps="other")
    with pytest.raises(InputError, match="0 \\(good\\) and 1"):
        grades_from(CARD, scores, n_grades=2, bad=np.full(100, 2))
    with pytest.raises(InputError, match="99 rows"):
        grades_from(CARD, scores, n_grades=2, bad=np.zeros(99))
    with pytest.raises(InputError, match="negative"):
        grades_from(CARD, scores, n_grades=2, sample_weight=-np.ones(100))
    with pytest.raises(InputError, match="finite"):
        grades_from(CARD, [math.nan, 1.0], n_grades=2)
    for bad_call in ({"n_grades": 1}, {"n_grades": 2, "min_share": 0.6}):
        with pytest.raises(OutOfRangeError):
            grades_from(CARD, scores, **bad_call)


@pytest.mark.parametrize(
    ("edges", "more", "message"),
    [
        ((0.2, 0.1), {}, "must rise"),
        ((), {}, "must rise"),
        ((0.0, 0.1), {}, r"\(0, 1\)"),
        ((0.1,), {"names": ["A"]}, "2 grades need 2 names"),
        ((0.1,), {"names": ["A", "A"]}, "one name"),
        ((0.1,), {"probabilities": [0.05]}, "make 2 grades"),
        ((0.1,), {"probabilities": [0.15, 0.2]}, "outside its grade"),
    ],
)
def test_edges_that_are_refused(edges, more, message):
    with pytest.raises(InputError, match=message):
        grades_at(CARD, edges, **more)


def test_a_calibration_that_divides_nothing_is_refused():
    flat = {"kind": "isotonic", "probability": [0.5], "calibrated": [0.3]}
    card = card_of(numeric("x", [0.0], [0, 1, 0, 0]), calibration=flat)
    with pytest.raises(InputError, match="divides"):
        grades_at(card, [0.2])


def test_a_card_with_grades_is_saved_and_read_back():
    card = with_grades(CARD, grades_at(CARD, EDGES))
    assert Card.from_json(card.to_json()).grades == card.grades


def test_a_scale_made_by_hand_is_checked():
    low = Grade(name="B", score_from=-math.inf, probability=0.2)
    for wrong in (
        (), (Grade(name="B", score_from=0.0, probability=0.2),),
        (low, Grade(name="A", score_from=-math.inf, probability=0.1)),
        (low, Grade(name="A", score_from=0.0, probability=0.2)),
        (low, Grade(name="B", score_from=0.0, probability=0.1)),
    ):  # fmt: skip
        with pytest.raises(InputError):
            check_grades(wrong)
        with pytest.raises(InputError):
            with_grades(CARD, wrong)


def test_no_grades_or_no_score_is_refused():
    with pytest.raises(InputError, match="no grades"):
        grade_of(CARD, [500.0])
    card = with_grades(CARD, grades_at(CARD, EDGES))
    with pytest.raises(InputError, match="finite"):
        grade_of(card, [math.nan])


def test_the_table_stands_best_first_and_adds_up():
    card = with_grades(CARD, grades_at(CARD, EDGES))
    table = scale_table(card, [601.0, 590.0, 590.0, 500.0], bad=[0, 0, 1, 1])
    assert table["grade"].tolist() == ["A", "B", "C"]
    assert table["rows"].tolist() == [1, 2, 1]
    assert table["share"].sum() == 1
    assert table["bad_rate"].tolist() == [0, 0.5, 1]
    assert table["mean_probability"][0] == pytest.approx(slow_probability(CARD, 601.0))
    empty = scale_table(card, [500.0])
    assert math.isnan(empty["mean_probability"][0])
