"""Points that each variable moved, and that they add up to the move of the mean score."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from fengkong.foundation.errors import ColumnTypeError, InputError
from fengkong.scorecard.binning.bins import ColumnBins
from fengkong.scorecard.card.document import Card, Scaling, Variable
from fengkong.scorecard.watch import characteristic_stability


def variable(points, **bins):
    made = ColumnBins(
        count=np.ones(len(points)), bad_count=np.zeros(len(points)), woe=np.zeros(len(points)),
        **bins,
    )  # fmt: skip
    return Variable(
        bins=made, points=np.array(points, dtype=float), coefficient=1.0, standard_error=0.1,
        p_value=0.0,
    )  # fmt: skip


@pytest.fixture
def card():
    age = variable([10, 20, 30, 5, 0], name="age", kind="numeric", cuts=np.array([30.0, 50.0]))
    home = variable(
        [40, 15, 0, 7], name="home", kind="categorical", cuts=np.empty(0),
        groups=(("own",), ("rent", "other")), rare_code=1,
    )  # fmt: skip
    scaling = Scaling(method="pdo", factor=28.85, offset=487.0, decimals=0)
    return Card(name="c", variables=(age, home), intercept=0.0, base_points=100.0, scaling=scaling)


def test_by_hand(card):
    reference = pd.DataFrame({"age": [20, 40, 60, 60], "home": ["own", "own", "rent", "rent"]})
    current = pd.DataFrame({"age": [20, 20, 60, np.nan], "home": ["own", "own", "own", "tent"]})
    found = characteristic_stability(card, reference, current)
    csi = found.variables.set_index("variable")["csi"]
    # age: +1/4 x 10, -1/4 x 20, -1/4 x 30, +1/4 x 5; home: +1/4 x 40, -1/4 x 15.
    assert csi["age"] == pytest.approx((10 - 20 - 30 + 5) / 4)
    assert csi["home"] == pytest.approx((40 - 15) / 4)
    assert found.variables["variable"].tolist() == ["age", "home"]
    assert found.mean_reference == pytest.approx(100 + 22.5 + 27.5)
    # "tent" was never seen: it is scored, and counted, in the bin of rare ones.
    assert found.mean_current == pytest.approx(100 + (10 + 10 + 30 + 5) / 4 + (40 * 3 + 15) / 4)
    cells = found.cells.set_index(["variable", "cell"])
    assert cells.loc[("age", "missing"), "points_shift"] == pytest.approx(1.25)
    json.dumps(found.to_dict(), allow_nan=False)


def test_shifts_add_up_to_the_move_of_the_mean_score(card):
    rng = np.random.default_rng(1)
    sides = [
        pd.DataFrame({"age": rng.normal(mean, 15, size=2_000),
                      "home": rng.choice(["own", "rent", "x"], size=2_000, p=odds)})
        for mean, odds in ((40, [0.5, 0.4, 0.1]), (35, [0.4, 0.3, 0.3]))
    ]  # fmt: skip
    found = characteristic_stability(card, *sides)
    moved = found.mean_current - found.mean_reference
    assert found.variables["csi"].sum() == pytest.approx(moved)
    assert found.cells["points_shift"].sum() == pytest.approx(moved)
    assert found.score.columns["psi"].item() > 0
    again = characteristic_stability(card, sides[0], sides[0])
    assert (again.variables["csi"] == 0).all()
    assert again.score.columns["psi"].item() == 0


def test_a_scorecard_that_holds_a_card_will_do(card):
    class Fitted:
        card_ = card

    frame = pd.DataFrame({"age": [20, 40], "home": ["own", "rent"]})
    assert characteristic_stability(Fitted(), frame, frame).variables["psi"].tolist() == [0.0, 0.0]


def test_bad_input_is_named(card):
    frame = pd.DataFrame({"age": [20, 40], "home": ["own", "rent"]})
    with pytest.raises(InputError, match="a card is needed"):
        characteristic_stability(object(), frame, frame)
    with pytest.raises(InputError, match="'home' is not in the table"):
        characteristic_stability(card, frame, frame[["age"]])
    with pytest.raises(ColumnTypeError):
        characteristic_stability(card, frame, frame.assign(age=["a", "b"]))
    with pytest.raises(InputError, match="current has no rows"):
        characteristic_stability(card, frame, frame.iloc[:0])
