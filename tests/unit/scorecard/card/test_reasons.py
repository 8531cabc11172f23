"""Reasons by hand, against a slow sort, in both languages, and what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scorecard.card_maker import (
    card_of,
    cards,
    categorical,
    numeric,
    slow_code,
    telling_records,
)

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.card.document import Card
from fengkong.scorecard.card.reasons import (
    adverse_reasons,
    reason_texts,
    reference_points,
    with_reasons,
)

INCOME = numeric(
    "income", [3000.0, 5000.0], [0, 10, 30, 5, 2, 10], specials={"self-employed": [-1]},
    count=[10, 20, 70, 0, 0, 0],
)  # fmt: skip
JOB = categorical("job", [["clerk"], ["driver", "cook"]], [20, 8, 25, 9], rare_code=None)
CARD = card_of(INCOME, JOB)
OWN = """
version: "2026-01"
variables:
  income:
    name: {en: Monthly income, zh: 月收入}
    reason: {en: Monthly income is low, zh: 月收入偏低}
    bins:
      missing: {en: Proof of income is missing, zh: 缺少收入证明}
  job:
    bins:
      clerk: {en: a, zh: 甲}
"""


def table(**columns):
    return pd.DataFrame(columns)


def test_points_lost_by_hand():
    # Income 2,000 loses 30 of 30, the driver 12 of 20; at 6,000 a clerk loses nothing.
    found = adverse_reasons(
        CARD, table(income=[2000.0, 6000.0, 4000.0], job=["driver", "clerk", "cook"])
    )
    assert found.lost_points.tolist() == [[30, 12, 0, 0], [0, 0, 0, 0], [20, 12, 0, 0]]
    assert found.variable.tolist() == [[0, 1, -1, -1], [-1, -1, -1, -1], [0, 1, -1, -1]]
    assert found.codes_of(0) == ("income:(-inf, 3000)", "job:driver, cook")
    assert found.codes_of(1) == ()
    assert found.texts_of(1, language="en") == ()


def test_the_three_references_by_hand():
    # Mean: (10 x 0 + 20 x 10 + 70 x 30) / 100 = 23; WoE 0 has 10 points.
    assert reference_points(INCOME, "maximum") == 30
    assert reference_points(INCOME, "mean") == pytest.approx(23, abs=1e-12)
    assert reference_points(INCOME, "neutral") == 10
    # A missing job has the most points of all, but nobody loses points by answering.
    assert reference_points(JOB, "maximum") == 20
    with pytest.raises(InputError, match="reference must be"):
        reference_points(INCOME, "median")
    with pytest.raises(InputError, match="no rows were counted"):
        reference_points(numeric("x", [], [1, 2, 0], count=[0, 0, 0]), "mean")


def test_a_special_value_counts_for_the_maximum_only_if_rows_had_it():
    points = [1, 5, 90, 0]
    seen = numeric("x", [], points, specials={"s": [-1]}, count=[5, 5, 5, 0])
    unseen = numeric("x", [], points, specials={"s": [-1]}, count=[5, 5, 0, 0])
    assert reference_points(seen, "maximum") == 90
    assert reference_points(unseen, "maximum") == 1


def test_equal_losses_stand_in_the_order_of_the_card():
    same = [numeric(name, [0.0], [0, 7, 0, 0]) for name in "edcba"]
    frame = table(**{name: [-1.0] for name in "abcde"})
    found = adverse_reasons(card_of(*same), frame)
    assert found.variable.tolist() == [[0, 1, 2, 3]]
    assert [code.split(":")[0] for code in found.codes_of(0)] == ["e", "d", "c", "b"]


def test_texts_of_every_kind_of_bin_in_both_languages():
    rows = table(
        income=[2000.0, 4000.0, np.nan, -1.0], job=pd.Series(["cook", "pilot", None, "clerk"])
    )
    found = adverse_reasons(CARD, rows, reasons_at_most=2)
    english = [found.texts_of(row, language="en") for row in range(4)]
    assert english[0] == (
        "income (below 3,000) lowered the score", "job (driver, cook) lowered the score",
    )  # fmt: skip
    assert english[1] == (
        "income (from 3,000 to below 5,000) lowered the score",
        "job is of a category not known to the model, which lowered the score",
    )
    assert english[2] == ("income was not provided or could not be found",)
    assert english[3] == ('income is recorded as "self-employed", which lowered the score',)
    assert found.texts_of(0, language="zh")[0] == "income（低于 3,000）拉低了评分"
    frame = found.to_frame(language="en")
    assert list(frame.columns) == ["reason_1", "reason_2"]
    told = [tuple(text for text in row if text is not None) for row in frame.to_numpy()]
    assert told == english


@pytest.mark.parametrize(
    ("named", "english", "chinese"),
    [
        ([], "job (a less common category) lowered the score", "job（其他少见类别）拉低了评分"),
        (["driver"], "job (driver, a less common category) lowered the score",
         "job（driver、其他少见类别）拉低了评分"),
    ],
)  # fmt: skip
def test_a_rare_category_is_not_told_that_it_is_a_named_one(named, english, chinese):
    # A pilot, never seen or too rare to be named, falls into the bin of the pooled ones.
    job = categorical("job", [["clerk"], named], [20, 8, 25, 9], rare_code=1)
    found = adverse_reasons(card_of(job), table(job=["pilot"]))
    assert found.texts_of(0, language="en") == (english,)
    assert found.texts_of(0, language="zh") == (chinese,)


def test_own_texts_come_first_and_what_has_none_is_listed():
    card = with_reasons(CARD, OWN)
    found = adverse_reasons(card, table(income=[2000.0, np.nan, -1.0], job=["driver"] * 3))
    assert found.texts_of(0, language="zh") == ("月收入偏低", "job（driver、cook）拉低了评分")
    assert found.texts_of(1, language="en")[0] == "Proof of income is missing"
    assert found.texts_of(2, language="zh")[0] == "月收入记录为“self-employed”，拉低了评分"
    assert card.reasons["needs_text"] == ["job"]
    assert reason_texts(CARD)["needs_text"] == ["income", "job"]
    assert (card.reasons["version"], card.reasons["own_version"]) == ("2", "2026-01")


def test_the_hash_changes_with_a_text_and_the_card_keeps_its_texts():
    card = with_reasons(CARD, OWN)
    other = reason_texts(CARD, OWN.replace("偏低", "较低"))
    assert len(card.reasons["sha256"]) == 64
    assert other["sha256"] != card.reasons["sha256"] != reason_texts(CARD)["sha256"]
    assert reason_texts(CARD, OWN) == card.reasons
    again = Card.from_json(card.to_json())
    assert again.reasons == card.reasons
    assert json.loads(card.to_json())["reasons"]["own_version"] == "2026-01"


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (OWN.replace(", zh: 月收入偏低", ""), "both languages"),
        (OWN.replace("en: Monthly income is low", "en: ' '"), "empty"),
        (OWN.replace("  income:", "  incme:"), "not in the card"),
        (OWN.replace("missing:", "none:"), "no bins"),
        (OWN.replace('version: "2026-01"', "version: 2026"), "written as text"),
        (OWN.replace("reason:", "why:"), "the keys are"),
        ("version: '1'", "two keys"),
        ("[", "not YAML"),
        ({"version": "1", "variables": ["income"]}, "mapping"),
    ],
)
def test_own_texts_that_are_refused(own, message):
    with pytest.raises(InputError, match=message):
        reason_texts(CARD, own)


def test_fewer_than_one_reason_is_refused():
    with pytest.raises(OutOfRangeError):
        adverse_reasons(CARD, table(income=[1.0], job=["cook"]), reasons_at_most=0)


@given(cards(most=6), st.sampled_from(("maximum", "mean", "neutral")), st.integers(1, 7))
def test_a_slow_stable_sort_finds_the_same_reasons(card, reference, most):
    records = telling_records(card)
    columns = {
        v.bins.name: np.array([record[v.bins.name] for record in records], dtype=object)
        for v in card.variables
    }
    found = adverse_reasons(card, columns, reference=reference, reasons_at_most=most)
    wanted = {v.bins.name: reference_points(v, reference) for v in card.variables}
    for row, record in enumerate(records):
        lost = []
        for place, variable in enumerate(card.variables):
            name = variable.bins.name
            code = slow_code(variable.bins, record[name])
            lost.append((wanted[name] - variable.points[code], place, code))
        told = sorted((one for one in lost if one[0] > 1e-9), key=lambda one: -one[0])[:most]
        said = [found.variable[row].tolist(), found.code[row].tolist()]
        assert [place for place in said[0] if place >= 0] == [place for _, place, _ in told]
        assert said[1][: len(told)] == [code for *_, code in told]
        assert math.fsum(found.lost_points[row]) == pytest.approx(sum(one for one, *_ in told))
        assert len(found.texts_of(row, language="zh")) == len(told)
