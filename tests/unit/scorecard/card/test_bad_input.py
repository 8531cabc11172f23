"""Bad input: each a typed error or a stated fallback, and never a score that is not a number."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from tests.unit.scorecard.card.loans import loans

from fengkong.foundation.errors import (
    ColumnTypeError,
    InputError,
    NoVariableLeftError,
    OneClassError,
    OutOfRangeError,
    SeparationError,
)
from fengkong.scorecard import Binner, Scorecard, SelectionSettings
from fengkong.scorecard.boosting import Challenger

TABLE, BAD = loans()
LOOSE = SelectionSettings(iv_min=None, correlation_max=None, vif_max=None)


@pytest.fixture(scope="module")
def card():
    return Scorecard().fit(TABLE, BAD).card_


def finite(scored):
    return bool(
        np.isfinite(scored.points).all()
        and np.isfinite(scored.log_odds).all()
        and ((scored.probability >= 0) & (scored.probability <= 1)).all()
    )


@pytest.mark.parametrize("value", [3.0, "same", True])
def test_a_constant_column_leaves_with_its_reason(value):
    model = Scorecard(selection=LOOSE).fit(TABLE.assign(flat=value), BAD)
    assert model.selection_.why("flat")[-1].reason == "constant"
    assert "flat" not in model.card_.names


@pytest.mark.parametrize("value", [np.nan, None])
def test_a_column_without_values_leaves_with_its_reason(value):
    model = Scorecard().fit(TABLE.assign(empty=value), BAD)
    assert model.selection_.why("empty")[-1].reason == "missing_high"


def test_only_useless_columns_are_an_error_that_names_each():
    with pytest.raises(NoVariableLeftError) as caught:
        Scorecard().fit(pd.DataFrame({"flat": np.ones(200), "empty": np.nan}), BAD[:200])
    assert set(caught.value.reasons) == {"flat", "empty"}


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_class_is_an_error(outcome):
    with pytest.raises(OneClassError):
        Scorecard().fit(TABLE, np.full(len(TABLE), outcome))


def test_one_class_by_weight_is_an_error():
    with pytest.raises(OneClassError):
        Scorecard().fit(TABLE, BAD, np.where(BAD == 1, 0.0, 1.0))


def test_perfect_separation_is_an_error_without_a_penalty_and_written_down_with_one():
    leak = TABLE.assign(leak=BAD * 10.0)
    with pytest.raises(SeparationError) as caught:
        Scorecard(penalty=0.0).fit(leak, BAD)
    assert caught.value.columns[0] == "leak"
    model = Scorecard().fit(leak, BAD)
    assert model.audit_["regression"]["separated"] is True
    assert finite(model.card_.score(leak))
    limited = Scorecard(selection=SelectionSettings(iv_max=3.0)).fit(leak, BAD)
    assert limited.selection_.why("leak")[-1].reason == "iv_high"


def test_infinite_values_fall_into_the_first_and_last_bin(card):
    table = TABLE[:4].assign(income=[-np.inf, np.inf, 0.0, 1e300])
    points = card.variable_points(table).income
    assert points[0] == points[2]
    assert points[1] == points[3]
    assert finite(card.score(table))
    spoilt = TABLE.assign(income=TABLE.income.where(TABLE.income < 20_000, np.inf))
    assert finite(Scorecard().fit(spoilt, BAD).card_.score(spoilt))


def test_an_unseen_category_is_neutral_counted_and_reported(card):
    table = TABLE[:5].assign(home=["own", "boat", "cave", None, "boat"])
    scored = card.score(table)
    assert scored.unseen == {"home": 3}
    neutral = scored.variable_points().home[[1, 2, 4]]
    assert (neutral == 0.0).all()
    assert finite(scored)
    one = card.score_one(table.iloc[1].to_dict())
    assert (one.unseen, one.points) == (("home",), scored.points[1])


def test_an_unseen_category_follows_the_pooled_rare_ones():
    draw = np.random.default_rng(0)
    town = np.where(draw.random(3_000) < 0.03, draw.integers(0, 30, 3_000).astype(str), "big")
    town = np.where(draw.random(3_000) < 0.3, "middle", town)
    bad = np.where(np.isin(town, ["big", "middle"]), BAD, draw.random(3_000) < 0.8).astype(int)
    model = Scorecard(binner=Binner(rare_share=0.01, min_bin_share=0.01)).fit(
        TABLE.assign(town=town), bad
    )
    bins = model.binner_.bins_["town"]
    assert bins.rare_code is not None
    table = TABLE[:1].assign(town="never heard of")
    points = model.card_.variable_points(table).town
    variable = next(v for v in model.card_.variables if v.bins.name == "town")
    assert points[0] == variable.points[bins.rare_code] != 0.0
    assert model.card_.score(table).unseen == {"town": 1}


def test_ten_thousand_categories_are_pooled():
    draw = np.random.default_rng(0)
    table = TABLE.assign(code=[f"c{i}" for i in draw.integers(0, 10_000, len(TABLE))])
    model = Scorecard(selection=LOOSE).fit(table, BAD)
    assert model.binner_.bins_["code"].n_bins <= Binner().max_bins
    assert finite(model.card_.score(table))


@pytest.mark.parametrize(
    ("name", "values"),
    [("income", ["much", "little"]), ("income", pd.to_datetime(["2024-01-01", "2024-01-02"])),
     ("income", [1 + 2j, 3j]), ("income", [[1], [2]]), ("home", pd.to_datetime(["2024-01-01"] * 2)),
     ("income", ["1000", "2000"])],
)  # fmt: skip
def test_a_column_of_another_type_is_an_error_that_names_it(card, name, values):
    with pytest.raises(ColumnTypeError) as caught:
        card.score(TABLE[:2].assign(**{name: values}))
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("name", "value"),
    [("income", "1000"), ("income", 1 + 2j), ("income", [1]), ("income", date(2024, 1, 1)),
     ("income", 10**400), ("home", date(2024, 1, 1)), ("home", ["own"])],
)  # fmt: skip
def test_a_value_of_another_type_is_an_error_that_names_it(card, name, value):
    with pytest.raises(ColumnTypeError) as caught:
        card.score_one(TABLE.iloc[0].to_dict() | {name: value})
    assert caught.value.name == name


@pytest.mark.parametrize(
    "value", [9000, 9000.0, np.float32(9000), np.int64(9000), Decimal("9000"), True, np.bool_(1)]
)
def test_numbers_of_any_kind_score_as_a_table_of_them_does(card, value):
    record = TABLE.iloc[0].to_dict() | {"income": value}
    table = TABLE[:1].assign(income=[value])
    assert card.score_one(record).points == card.points(table)[0]


@pytest.mark.parametrize("value", [None, math.nan, pd.NA, pd.NaT, np.nan, Decimal("NaN")])
def test_what_is_not_known_has_the_points_of_missing(card, value):
    for name in ("income", "home"):
        variable = next(v for v in card.variables if v.bins.name == name)
        found = card.score_one(TABLE.iloc[0].to_dict() | {name: value})
        assert found.variable_points[name] == variable.points[variable.bins.missing_code]


def test_numbers_where_the_card_has_categories_are_their_text():
    table = TABLE.assign(product=np.where(TABLE.home == "own", "3", "7"))
    card = Scorecard(selection=LOOSE).fit(table, BAD).card_
    numbers = table.assign(product=table["product"].astype(float))
    assert (card.points(numbers) == card.points(table)).all()
    record = table.iloc[0].to_dict()
    for value in (float(record["product"]), int(record["product"]), record["product"]):
        assert card.score_one(record | {"product": value}).points == card.points(table)[0]


def test_a_column_that_is_not_there_is_an_error(card):
    with pytest.raises(InputError, match="income"):
        card.score(TABLE.drop(columns="income"))


@pytest.mark.parametrize(
    "binner", [Binner(), Binner(min_bin_events=0, min_bin_share=0.0, max_bins=20)]
)
def test_fewer_rows_than_bins_make_a_card_without_nan(binner):
    few, bad = TABLE[:6], np.array([0, 1, 0, 1, 0, 0])
    model = Scorecard(binner=binner, selection=LOOSE).fit(few, bad)
    assert finite(model.card_.score(TABLE))


def test_too_few_rows_for_any_bin_are_an_error():
    with pytest.raises(NoVariableLeftError):
        Scorecard().fit(TABLE[["income", "debt"]][:6], np.array([0, 1, 0, 1, 0, 0]))


def test_a_table_without_rows_scores_to_nothing(card):
    scored = card.score(TABLE[:0])
    assert scored.points.shape == scored.probability.shape == (0,)


@pytest.mark.parametrize(
    "y", [None, np.array([0, 1, 2] * 1000), np.where(BAD, np.nan, 0.0), BAD[:-1],
          BAD.reshape(-1, 2), np.random.default_rng(0).random(3_000)]
)  # fmt: skip
def test_outcomes_that_are_no_outcomes_are_an_error(y):
    with pytest.raises(InputError):
        Scorecard().fit(TABLE, y)


@pytest.mark.parametrize(
    "weight", [np.full(3_000, -1.0), np.full(3_000, np.nan), np.ones(10), np.zeros(3_000)]
)
def test_weights_that_cannot_be_are_an_error(weight):
    with pytest.raises(InputError):
        Scorecard().fit(TABLE, BAD, weight)


def test_offsets_that_cannot_be_are_an_error():
    for offset in (np.ones(3), np.full(3_000, np.inf)):
        with pytest.raises(InputError, match="offset"):
            Scorecard().fit(TABLE, BAD, offset=offset)


@pytest.mark.parametrize(
    "values",
    [
        pd.Categorical([True, False]),
        pd.Categorical([9007199254740993, 9007199254740996]),  # beyond 2**53, as numbers of cards
        pd.Categorical(np.array([0.1, 3.0], dtype=np.float32)),
        np.array(["a", True], dtype=object),
        np.array(["a", 3], dtype=object),
    ],
    ids=["flags", "long numbers", "float32", "text and flags", "text and numbers"],
)
def test_a_record_has_the_label_of_its_column(values):
    place = np.arange(len(TABLE)) % 2
    bad = np.where(np.random.default_rng(0).random(len(TABLE)) < 0.7, place, BAD)
    column = pd.Series(values).take(place).reset_index(drop=True)
    card = Scorecard(penalty=1.0).fit(TABLE.assign(kind=column), bad).card_
    table = TABLE[:2].assign(kind=column[:2])
    one = [card.score_one(table.iloc[row].to_dict()) for row in range(2)]
    assert [found.points for found in one] == card.points(table).tolist()
    assert [found.unseen for found in one] == [(), ()]
    assert one[0].codes["kind"] != one[1].codes["kind"]


def test_a_whole_number_beyond_all_floats_is_a_typed_error_as_a_category():
    card = Scorecard(penalty=1.0).fit(TABLE, BAD).card_
    with pytest.raises(InputError, match="too large"):
        card.score_one(TABLE.iloc[0].to_dict() | {"home": 10**400})


ROWS = len(TABLE)


def spoilt(*changes, dtype=object):
    """Return outcomes with other values in some rows."""
    y = BAD.astype(dtype)
    for row, value in changes:
        y[row] = value
    return y


LEARNERS = [Binner(), Scorecard(), Challenger(rounds_at_most=3)]
BY_NAME = pytest.mark.parametrize("learner", LEARNERS, ids=["Binner", "Scorecard", "Challenger"])


@BY_NAME
@pytest.mark.parametrize(
    ("y", "said"),
    [
        (spoilt((7, None), (9, None)), "2 of 3000 rows, the first in row 7"),
        (spoilt((5, math.nan)), "1 of 3000 rows, the first in row 5"),
        (spoilt((5, pd.NA)), "1 of 3000 rows, the first in row 5"),
        (spoilt((6, math.nan), dtype=float), "1 of 3000 rows, the first in row 6"),
        (spoilt((3, "bad"), (4, "1")), "than numbers in 2 of 3000 rows, the first in row 3"),
        (list(spoilt((3, "1"))), "than numbers in 1 of 3000 rows, the first in row 3"),
        ([*map(str, BAD[:-1]), None], "1 of 3000 rows, the first in row 2999"),
        (spoilt((8, date(2024, 1, 1))), "than numbers in 1 of 3000 rows, the first in row 8"),
        (pd.Series(BAD).astype("Int64").mask(pd.Series(range(ROWS)) == 2), "the first in row 2"),
    ],
)
def test_outcomes_that_are_missing_or_mixed_say_how_many_and_where(learner, y, said):
    with pytest.raises(InputError, match=said):
        clone(learner).fit(TABLE, y)


@BY_NAME
@pytest.mark.parametrize("y", [[[0], [1, 0]] * (ROWS // 2), np.array([{}] * ROWS)])
def test_outcomes_that_form_no_column_are_a_typed_error(learner, y):
    with pytest.raises(InputError):
        clone(learner).fit(TABLE, y)


@BY_NAME
@pytest.mark.parametrize(
    "weight",
    [["heavy"] * ROWS, ["1"] * ROWS, np.array(["1", 2.0] * (ROWS // 2), dtype=object),
     np.full(ROWS, "2024-01-01", dtype="datetime64[D]"), np.full(ROWS, 1 + 0j),
     np.array([{}] * ROWS)],
    ids=["words", "digits", "mixed", "dates", "complex", "dicts"],
)  # fmt: skip
def test_weights_that_are_no_numbers_are_a_typed_error(learner, weight):
    with pytest.raises(ColumnTypeError) as caught:
        clone(learner).fit(TABLE, BAD, weight)
    assert caught.value.name == "sample_weight"


@BY_NAME
@pytest.mark.parametrize("value", [1e-300, 1e300, 9e-13, 1.1e12, -1.0, math.inf, math.nan])
def test_weights_whose_sums_would_vanish_or_overflow_are_refused(learner, value):
    for weight in (np.full(ROWS, value), np.where(np.arange(ROWS) == 4, value, 1.0)):
        with pytest.raises(OutOfRangeError, match=r"0 or \[1e-12, 1e12\]"):
            clone(learner).fit(TABLE, BAD, weight)


@pytest.mark.parametrize("weight", [[None, 1.0], [pd.NA, 1.0]])
def test_missing_weights_are_refused(weight):
    with pytest.raises(OutOfRangeError):
        Binner().fit(TABLE, BAD, np.array(weight * (ROWS // 2), dtype=object))


def test_weights_at_the_ends_of_the_interval_are_taken():
    binner = Binner(min_bin_events=0.0)
    cuts = binner.fit(TABLE, BAD).bins_["income"].cuts
    for value in (1e-12, 1e12):
        woe = clone(binner).fit(TABLE, BAD, np.full(ROWS, value)).transform(TABLE)
        assert np.isfinite(woe).all()
    heavy = clone(binner).fit(TABLE, BAD, np.full(ROWS, 1e12)).bins_["income"].cuts
    assert heavy.tolist() == cuts.tolist()
    both = np.where(np.arange(ROWS) % 2, 1e-12, 1e12)
    assert np.isfinite(clone(binner).fit(TABLE, BAD, both).transform(TABLE)).all()
