"""What would have passed: by hand, against every combination, and what is refused."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scorecard.card_maker import (
    card_of,
    cards,
    categorical,
    numeric,
    slow_code,
    slow_score,
    telling_records,
    telling_values,
)

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.card._moves import Move
from fengkong.scorecard.card._search import smallest_change
from fengkong.scorecard.card.counterfactual import ChangeRules, what_would_pass
from fengkong.scorecard.card.document import Grade
from fengkong.scorecard.card.reasons import with_reasons

INCOME = numeric("income", [3000.0, 5000.0, 9000.0], [0, 10, 30, 40, 5, 10])
QUERIES = numeric("queries", [1.0, 3.0, 6.0], [35, 20, 8, 0, 12, 0])
JOB = categorical("job", [["clerk"], ["driver", "cook"], ["none"]], [20, 15, 0, 5, 9])
AGE = numeric("age", [25.0, 60.0], [0, 20, 5, 0, 0])
CARD = card_of(INCOME, QUERIES, JOB, AGE, base_points=500.0)
POOR = {"income": 2500.0, "queries": 7, "job": "none", "age": 22}  # scores 500
FIXED = ChangeRules(immutable=["age"])


def changed(result):
    return [[one.variable for one in answer.changes] for answer in result.answers]


def test_one_change_with_the_fewest_steps_by_hand():
    # 30 more points: income two bins up gives them; queries to none gives 35 but is three steps.
    found = what_would_pass(CARD, POOR, score=530, rules=FIXED)
    assert found.score == 500
    assert not found.passes
    assert changed(found)[:2] == [["income"], ["queries"]]
    assert found.answers[0].changes[0].text["en"] == "income: from 2,500 to at least 5,000"
    assert found.answers[0].changes[0].text["zh"] == "income：由 2,500 提高到至少 5,000"
    assert found.answers[1].changes[0].text["en"] == "queries: from 7 to below 1"
    assert (found.answers[0].score, found.answers[0].cost) == (530, 2)
    assert found.texts(language="en")[0] == (
        "With this change the score would be 530 instead of 500: "
        "income: from 2,500 to at least 5,000."
    )


def test_given_costs_turn_the_order():
    found = what_would_pass(
        CARD, POOR, score=530, rules=ChangeRules(immutable=["age"], costs={"income": 2.0})
    )
    assert changed(found)[:2] == [["queries"], ["income"]]
    assert [answer.cost for answer in found.answers[:2]] == [3, 4]


def test_answers_are_diverse_and_proved_by_scoring_again():
    found = what_would_pass(CARD, POOR, score=545, rules=FIXED, answers_at_most=9)
    sets = [set(one) for one in changed(found)]
    # 30 + 20 points in 2 + 1 steps; then, of two with 4 steps, 35 + 20 before 30 + 20 points.
    assert sets == [{"income", "job"}, {"queries", "job"}, {"income", "queries"}]
    for answer in found.answers:
        assert CARD.score_one(answer.record).points == answer.score >= 545
        assert {k for k in POOR if POOR[k] != answer.record[k]} == {
            one.variable for one in answer.changes
        }


def test_the_far_edge_is_named_where_going_further_would_cost():
    found = what_would_pass(
        CARD, POOR, score=520, rules=ChangeRules(immutable=["income", "queries", "job"])
    )
    assert found.answers[0].changes[0].text["en"] == "age: from 22 to at least 25 and below 60"
    peak = card_of(numeric("x", [1.0, 2.0], [0, 9, 3, 0, 0]))
    falling = what_would_pass(peak, {"x": 5}, score=509)
    assert falling.answers[0].changes[0].text["en"] == "x: from 5 to below 2 but at least 1"


def test_limits_and_one_way_fields_hold():
    rules = ChangeRules(
        immutable=["age", "job"], one_way={"queries": "rise"}, limits={"income": (0.0, 8000.0)}
    )
    assert changed(what_would_pass(CARD, POOR, score=530, rules=rules)) == [["income"]]
    assert what_would_pass(CARD, POOR, score=540, rules=rules).answers == ()
    # The reach of 5,000 includes its end, where the bin of 30 points begins.
    for reach, count in ((5000.0, 1), (math.nextafter(5000.0, 0), 0)):
        within = ChangeRules(immutable=["age", "job", "queries"], limits={"income": (0.0, reach)})
        assert len(what_would_pass(CARD, POOR, score=530, rules=within).answers) == count
    only = ChangeRules(immutable=["age", "income", "queries"], limits={"job": ["cook"]})
    answer = what_would_pass(CARD, POOR, score=515, rules=only).answers[0]
    assert answer.changes[0].text["en"] == "job: from none to cook"
    assert what_would_pass(CARD, POOR, score=520, rules=only).answers == ()


def test_a_fall_to_a_limit_inside_a_bin_is_said_and_proved():
    rules = ChangeRules(immutable=["age", "job", "income"], limits={"queries": (0, 2)})
    found = what_would_pass(CARD, POOR, score=520, rules=rules)
    assert found.answers[0].changes[0].text["en"] == "queries: from 7 to at most 2"
    assert found.answers[0].record["queries"] == 2


def test_a_limit_at_a_cut_belongs_to_the_bin_above():
    for most, text in ((3, "queries: from 7 to below 3"), (2.5, "queries: from 7 to at most 2.5")):
        rules = ChangeRules(immutable=["age", "job", "income"], limits={"queries": (0, most)})
        answer = what_would_pass(CARD, POOR, score=520, rules=rules).answers[0]
        assert answer.changes[0].text["en"] == text
        assert answer.record["queries"] == (2.5 if most == 2.5 else math.nextafter(3.0, 0.0))


def test_linked_variables_are_left_alone_and_named():
    rules = ChangeRules(immutable=["age"], linked=[("income", "queries")])
    found = what_would_pass(CARD, POOR, score=530, rules=rules)
    assert found.answers == ()
    assert found.texts(language="en") == (
        "Nothing that may change would have passed.",
        "income, queries move together; no change of one alone is proposed.",
    )
    assert found.texts(language="zh")[0] == "在可变更的范围内，没有任何改变能使该申请通过。"


def test_what_passes_already_needs_nothing():
    found = what_would_pass(CARD, POOR, score=500)
    assert found.passes
    assert found.answers == ()
    assert found.texts(language="zh") == ("该申请按现状即可通过。",)


def test_a_missing_or_unseen_value_may_be_given():
    record = POOR | {"income": None, "job": "pilot"}
    found = what_would_pass(CARD, record, score=545, rules=FIXED, answers_at_most=1)
    texts = [one.text["en"] for one in found.answers[0].changes]
    assert texts == ["income: from no value to 9,000 or more"]
    to_clerk = ChangeRules(immutable=["age", "income", "queries"])
    found = what_would_pass(CARD, record, score=525, rules=to_clerk)
    assert found.answers[0].changes[0].text["en"] == "job: from pilot to clerk"


def test_a_value_at_an_edge_that_is_special_is_stepped_over():
    card = card_of(numeric("x", [0.0], [0, 9, 0, -5, 0], specials={"none": [0.0]}))
    found = what_would_pass(card, {"x": -3}, score=505)
    assert found.answers[0].record["x"] == math.nextafter(0.0, 1.0)
    held = ChangeRules(limits={"x": (-5, 0)})
    assert what_would_pass(card, {"x": -3}, score=505, rules=held).answers == ()


def test_cut_offs_of_probability_and_grade():
    graded = card_of(
        *CARD.variables, grades=(Grade(name="B", score_from=-math.inf, probability=0.2),
                                 Grade(name="A", score_from=530, probability=0.1)),
    )  # fmt: skip
    by_grade = what_would_pass(graded, POOR, grade="A", rules=FIXED)
    by_score = what_would_pass(graded, POOR, score=530, rules=FIXED)
    assert changed(by_grade) == changed(by_score)
    edge = graded.score_one(POOR | {"income": 6000}).probability
    assert changed(what_would_pass(graded, POOR, probability=edge, rules=FIXED)) == changed(
        by_score
    )
    tighter = what_would_pass(graded, POOR, probability=math.nextafter(edge, 0), rules=FIXED)
    assert tighter.answers[0].score > 530
    assert what_would_pass(graded, POOR, grade="B").passes


def test_a_probability_that_no_score_has_is_never_reached():
    flat = {"kind": "isotonic", "probability": [0.5], "calibrated": [0.3]}
    card = card_of(*CARD.variables, calibration=flat)
    assert what_would_pass(card, POOR, probability=0.2).answers == ()
    assert what_would_pass(card, POOR, probability=0.3).passes


def test_own_names_are_used():
    own = {"version": "1", "variables": {"income": {"name": {"en": "Income", "zh": "收入"}}}}
    found = what_would_pass(with_reasons(CARD, own), POOR, score=530, rules=FIXED)
    assert found.answers[0].changes[0].text["zh"] == "收入：由 2,500 提高到至少 5,000"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"immutable": ["sex"]}, "not in the card"),
        ({"one_way": {"income": "up"}}, "rise"),
        ({"one_way": {"job": "rise"}}, "numeric variable"),
        ({"limits": {"income": (5, 1)}}, "low <= high"),
        ({"limits": {"income": (1, math.nan)}}, "low <= high"),
        ({"limits": {"job": (1, 2)}}, "labels"),
        ({"limits": {"job": "clerk"}}, "not one text"),
        ({"linked": [["income"]]}, "two or more"),
        ({"linked": ["income"]}, "not in the card"),
        ({"costs": {"income": 0.0}}, "cost of"),
    ],
)
def test_rules_that_are_refused(rules, message):
    with pytest.raises(InputError, match=message):
        what_would_pass(CARD, POOR, score=530, rules=ChangeRules(**rules))


@pytest.mark.parametrize(
    "cut",
    [{}, {"score": 1, "grade": "A"}, {"grade": "Z"}, {"score": math.nan}, {"probability": 0.0}],
)
def test_cut_offs_that_are_refused(cut):
    with pytest.raises(InputError):
        what_would_pass(CARD, POOR, **cut)


def test_no_answers_asked_is_refused():
    with pytest.raises(OutOfRangeError):
        what_would_pass(CARD, POOR, score=530, answers_at_most=0)


def may_go(variable, value, goal, rules):
    """Tell from single values alone whether a bin can be reached."""
    bins, name = variable.bins, variable.bins.name
    now, k = slow_code(bins, value), bins.n_bins
    if name in rules.immutable:
        return False
    if name in rules.one_way and now < k and (goal > now) != (rules.one_way[name] == "rise"):
        return False
    limit = rules.limits.get(name)
    tried = [*telling_values(bins), *([] if limit is None else limit)]
    if bins.kind == "numeric":
        tried = [one for one in tried if one is not None and not math.isnan(one)]
        tried += [math.nextafter(one, side) for one in tried for side in (-math.inf, math.inf)]
        if limit is not None:
            tried = [one for one in tried if limit[0] <= one <= limit[1]]
    elif limit is not None:
        tried = list(limit)
    return any(slow_code(bins, one) == goal for one in tried)


def every_change(card, record, rules):
    """Yield (changed, cost, score) of every combination of regular bins that can be reached."""
    options = []
    for variable in card.variables:
        bins, name = variable.bins, variable.bins.name
        now = slow_code(bins, record[name])
        ordered = bins.kind == "numeric" and now < bins.n_bins
        goals = [(now, 0.0)]
        goals += [
            (goal, rules.costs[name] * (abs(goal - now) if ordered else 1))
            for goal in range(bins.n_bins)
            if goal != now and may_go(variable, record[name], goal, rules)
        ]
        options.append([(variable.points.tolist()[g], cost, g != now) for g, cost in goals])
    for combination in product(*options):
        score = card.base_points
        for points, _, _ in combination:
            score += points
        cost = sum(cost for _, cost, _ in combination)
        yield frozenset(i for i, one in enumerate(combination) if one[2]), cost, score


@st.composite
def change_rules(draw, card):
    """Draw rules that fit a card: a fixed variable, ways, reaches and costs."""
    names = card.names
    ways, limits = {}, {}
    for variable in card.variables:
        bins, name = variable.bins, variable.bins.name
        if bins.kind == "numeric":
            if draw(st.booleans()):
                ways[name] = draw(st.sampled_from(("rise", "fall")))
            edges = [v for v in telling_values(bins) if v is not None and not math.isnan(v)]
            ends = draw(st.lists(st.sampled_from(edges), min_size=2, max_size=2))
            if draw(st.booleans()):
                limits[name] = tuple(sorted(ends))
        elif draw(st.booleans()):
            limits[name] = draw(st.sets(st.sampled_from([g for one in bins.groups for g in one])))
    return ChangeRules(
        immutable=draw(st.sets(st.sampled_from(names), max_size=1)), one_way=ways, limits=limits,
        costs={name: draw(st.sampled_from((1.0, 0.5, 3.0))) for name in names},
    )  # fmt: skip


@pytest.mark.parametrize(("end", "points"), [(-math.inf, [9, 0]), (math.inf, [0, 9])])
def test_a_reach_of_nothing_but_a_special_infinity_is_no_reach(end, points):
    # The search for a value beside the special one had no end.
    score = numeric("score", [0.0], [*points, 0, 0, 0], specials={"no file": [end]})
    record = {"score": 1.0 if end < 0 else -1.0}
    found = what_would_pass(
        card_of(score), record, score=card_of(score).score_one(record).points + 5,
        rules=ChangeRules(limits={"score": (end, end)}),
    )  # fmt: skip
    assert found.answers == ()


@given(cards(most=3), st.data())
def test_every_combination_tried_gives_the_same_answers(card, data):
    record = data.draw(st.sampled_from(telling_records(card)))
    rules = data.draw(change_rules(card))
    tried = list(every_change(card, record, rules))
    # A cut-off that some combination meets exactly, or that it misses by one float.
    cut = data.draw(st.sampled_from(sorted({score for *_, score in tried})))
    cut = data.draw(st.sampled_from((cut, math.nextafter(cut, math.inf))))
    found = what_would_pass(card, record, score=cut, rules=rules)
    assert found.passes == (slow_score(card, record) >= cut)
    wanted, earlier = [], []
    while not found.passes and len(wanted) < 3:
        left = [
            (len(which), cost, -score) for which, cost, score in tried
            if score >= cut and not any(one <= which for one in earlier)
        ]  # fmt: skip
        if not left:
            break
        wanted.append(min(left))
        # Ties between sets of variables may fall either way: follow the answer that was given.
        if len(found.answers) < len(wanted):
            break
        given = found.answers[len(wanted) - 1]
        earlier.append(frozenset(card.names.index(one.variable) for one in given.changes))
    said = [(len(one.changes), one.cost, -one.score) for one in found.answers]
    assert said == wanted
    for answer in found.answers:
        assert slow_score(card, answer.record) == answer.score
        assert not set(rules.immutable) & {one.variable for one in answer.changes}


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 6), st.integers(1, 12)), max_size=4),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 40),
)
def test_the_search_is_exact_where_costs_and_gains_lie_close(options, floor):
    moves = [
        [Move(code=code, points=float(points), cost=float(cost))
         for code, (cost, points) in enumerate(one)] for one in options
    ]  # fmt: skip
    now = [0.0] * len(moves)
    every = product(*[[None, *one] for one in moves])
    reached = [[move for move in one if move] for one in every]
    wanted = min(
        (
            (len(one), sum(move.cost for move in one), -sum(move.points for move in one))
            for one in reached if sum(move.points for move in one) >= floor
        ),
        default=None,
    )  # fmt: skip
    found = smallest_change(0.0, now, moves, float(floor))
    assert (found and (len(found[2]), found[0], -found[1])) == wanted
