"""The error table by hand, and its limits."""

from __future__ import annotations

import numpy as np
import pytest

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.loss import loss_capture_ratio, loss_validation


def test_four_loans_by_hand():
    found = loss_validation(
        [0.0, 0.2, 0.4, 1.0], [0.1, 0.1, 0.5, 0.9], period=["a", "b", "a", "b"], bands=2
    )
    overall = found.overall
    # Errors 0.1, -0.1, 0.1, -0.1.
    assert overall["mae"] == pytest.approx(0.1)
    assert overall["rmse"] == pytest.approx(0.1)
    assert overall["bias"] == pytest.approx(0.0)
    # Mean 0.4: squares 0.16, 0.04, 0, 0.36 over 4.
    assert overall["rmse_of_mean"] == pytest.approx(0.14**0.5)
    assert overall["r2"] == pytest.approx(1 - 0.01 / 0.14)
    # Caught of 1.6 by quarters: 1.0, 1.4 and both last at once. Areas above the diagonal:
    # 1/4 x (0 + .625)/2 + 1/4 x (.625 + .875)/2 + 1/2 x (.875 + 1)/2 - 1/2 = 0.234375
    # for the model, and with 1.4, 1.6 for the perfect order 0.25.
    assert overall["loss_capture_ratio"] == pytest.approx(0.234375 / 0.25)
    assert found.bands["rows"].tolist() == [2, 2]
    assert found.bands["mean_observed"].tolist() == pytest.approx([0.1, 0.7])
    assert found.bands["predicted_to"].tolist() == [0.1, 0.9]
    assert found.periods is not None
    assert found.periods["bias"].tolist() == pytest.approx([0.1, -0.1])


def test_the_ranking_from_perfect_to_reversed():
    loss = np.array([0.1, 0.2, 0.3, 0.9])
    assert loss_capture_ratio(loss, loss) == pytest.approx(1.0)
    assert loss_capture_ratio(loss, 1.0 - loss) == pytest.approx(-1.0)
    assert loss_capture_ratio(loss, np.full(4, 0.5)) == pytest.approx(0.0)
    assert loss_capture_ratio(np.full(4, 0.5), loss) == 0.0


def test_a_weight_of_two_is_a_row_twice():
    once = loss_validation([0.1, 0.5, 0.9], [0.2, 0.4, 0.6], weight=[2.0, 1.0, 1.0])
    twice = loss_validation([0.1, 0.1, 0.5, 0.9], [0.2, 0.2, 0.4, 0.6])
    for name in ("mae", "rmse", "bias", "r2", "loss_capture_ratio"):
        assert once.overall[name] == pytest.approx(twice.overall[name])


@pytest.mark.parametrize(
    ("observed", "predicted"), [([], []), ([0.1], [np.nan]), ([0.1], [0.1, 0.2]), ([-0.1], [0.1])]
)
def test_refuses_what_it_cannot_compare(observed, predicted):
    with pytest.raises(InputError):
        loss_validation(observed, predicted)


def test_refuses_no_bands_and_nameless_periods():
    with pytest.raises(OutOfRangeError):
        loss_validation([0.1], [0.1], bands=0)
    with pytest.raises(InputError, match="period"):
        loss_validation([0.1, 0.2], [0.1, 0.2], period=["a", None])
