"""Calibrators against scikit-learn and statsmodels, by their laws, and through JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

from fengkong.foundation.errors import InputError, OneClassError, OutOfRangeError
from fengkong.scorecard.validation import (
    BetaCalibrator,
    IsotonicCalibrator,
    PlattCalibrator,
    calibrator,
    calibrator_from_dict,
    expected_calibration_error,
)

KINDS = [PlattCalibrator, IsotonicCalibrator, BetaCalibrator]


def sample(rows: int, *, seed: int, ties: bool = False):
    """A model that says the square root of the odds it should."""
    random = np.random.default_rng(seed)
    truth = random.beta(1.0, 5.0, rows)
    odds = np.sqrt(truth / (1 - truth))
    probability = odds / (1 + odds)
    if ties:
        probability = np.round(probability, 2)
    return probability, (random.random(rows) < truth).astype(int), random.uniform(0.2, 3, rows)


@pytest.mark.parametrize("ties", [False, True])
def test_isotonic_equals_scikit_learn(ties):
    p, bad, weight = sample(2000, seed=1, ties=ties)
    asked = np.linspace(0, 1, 501)
    for w in (None, weight):
        peer = IsotonicRegression(out_of_bounds="clip").fit(p, bad, w).predict(asked)
        found = IsotonicCalibrator().fit(p, bad, w).transform(asked)
        assert found == pytest.approx(peer, abs=1e-12)


def test_platt_equals_scikit_learn():
    p, bad, weight = sample(3000, seed=2)
    for w in (None, weight):
        peer = _SigmoidCalibration().fit(np.log(p / (1 - p)), bad, w)
        found = PlattCalibrator().fit(p, bad, w)
        # Theirs stops at a gradient of its own choice; hence 1e-4.
        assert (found.slope_, found.intercept_) == pytest.approx((-peer.a_, -peer.b_), rel=1e-4)


def test_platt_and_beta_are_the_logistic_regressions_of_statsmodels():
    p, bad, weight = sample(3000, seed=3)
    design = sm.add_constant(np.log(p / (1 - p)))
    peer = sm.Logit(bad, design).fit(disp=0).params
    platt = PlattCalibrator(prior_correction=False).fit(p, bad)
    assert (platt.intercept_, platt.slope_) == pytest.approx(peer, rel=1e-7)
    design = sm.add_constant(np.stack([np.log(p), -np.log(1 - p)], axis=1))
    peer = sm.GLM(bad, design, family=sm.families.Binomial(), freq_weights=weight).fit().params
    beta = BetaCalibrator().fit(p, bad, weight)
    assert min(peer[1:]) > 0  # so nothing was held at zero
    assert (beta.c_, beta.a_, beta.b_) == pytest.approx(peer, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_calibration_repairs_a_model_on_new_rows(kind):
    p, bad, _ = sample(20_000, seed=4)
    new_p, new_bad, _ = sample(20_000, seed=5)
    before = expected_calibration_error(new_bad, new_p)
    after = expected_calibration_error(new_bad, kind().fit(p, bad).transform(new_p))
    assert before > 0.10
    assert after < 0.015


@pytest.mark.parametrize("kind", KINDS)
def test_no_calibrator_turns_order_round(kind):
    p, bad, _ = sample(500, seed=6)
    wrong = kind().fit(1 - p, bad)
    asked = wrong.transform(np.linspace(0, 1, 201))
    assert (np.diff(asked) >= -1e-15).all()
    right = kind().fit(p, bad).transform(np.linspace(0, 1, 201))
    assert (np.diff(right) >= -1e-15).all()
    assert (right >= 0).all()
    assert (right <= 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_json_brings_back_the_same_bits(kind):
    p, bad, weight = sample(800, seed=7)
    fitted = kind().fit(p, bad, weight)
    again = calibrator_from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert type(again) is kind
    assert (again.transform(p) == fitted.transform(p)).all()
    assert calibrator(fitted.kind).fit(p, bad, weight).to_dict() == fitted.to_dict()


@pytest.mark.parametrize("kind", KINDS)
def test_constant_and_extreme_probabilities(kind):
    bad = np.array([0, 0, 0, 1])
    level = kind().fit([0.3] * 4, bad).transform([0.3, 0.9])
    # Nothing to tell rows apart by: the base rate, which Platt's targets pull towards one half.
    expected = (3 * (1 / 5) + 2 / 3) / 4 if kind is PlattCalibrator else 0.25
    assert level == pytest.approx([expected] * 2)
    certain = kind().fit([0.0, 0.0, 0.5, 1.0, 1.0, 0.5], [0, 1, 1, 1, 0, 0])
    assert np.isfinite(certain.transform([0.0, 0.5, 1.0])).all()


def test_platt_stands_separated_classes_and_beta_says_it_cannot():
    p, bad = [0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]
    found = PlattCalibrator().fit(p, bad).transform(p)
    assert (np.diff(found) > 0).all()
    assert found.sum() == pytest.approx(2 * 1 / 4 + 2 * 3 / 4)  # the targets' sum
    with pytest.raises(InputError, match="separated"):
        BetaCalibrator().fit(p, bad)


def test_separated_the_wrong_way_round_gives_the_base_rate():
    p, bad = [0.1, 0.2, 0.8, 0.9, 0.95], [1, 1, 0, 0, 0]
    for kind in (BetaCalibrator, IsotonicCalibrator):
        assert kind().fit(p, bad).transform(p) == pytest.approx([0.4] * 5, abs=1e-9)
    level = PlattCalibrator(prior_correction=False).fit(p, bad)
    assert level.slope_ == 0.0


def test_rows_without_weight_do_not_count():
    p, bad, _ = sample(300, seed=8)
    more_p, more_bad = np.append(p, 1.0), np.append(bad, 0)
    weight = np.append(np.ones(300), 0.0)
    for kind in KINDS:
        found = kind().fit(more_p, more_bad, weight).transform(p)
        assert found == pytest.approx(kind().fit(p, bad, np.ones(300)).transform(p), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_refusals(kind):
    with pytest.raises(InputError, match="not fitted"):
        kind().transform([0.1])
    with pytest.raises(InputError, match="not fitted"):
        kind().to_dict()
    with pytest.raises(OneClassError):
        kind().fit([0.1, 0.2], [0, 0])
    with pytest.raises(OneClassError):
        kind().fit([0.1, 0.2], [0, 1], [1.0, 0.0])
    with pytest.raises(OutOfRangeError):
        kind().fit([0.1, 1.2], [0, 1])
    with pytest.raises(OutOfRangeError):
        kind().fit([0.1, 0.2, 0.3, 0.25], [0, 1, 0, 1]).transform([1.2])
    with pytest.raises(InputError, match="is expected"):
        kind.from_dict({"kind": "other"})
    with pytest.raises(InputError, match="incomplete"):
        kind.from_dict({"kind": kind.kind})
    with pytest.raises(InputError, match="no calibrator"):
        calibrator_from_dict({"kind": "other"})


def test_a_damaged_isotonic_map_is_refused():
    with pytest.raises(InputError, match="must rise"):
        IsotonicCalibrator.from_dict(
            {"kind": "isotonic", "probability": [0.1, 0.2], "calibrated": [0.5, 0.4]}
        )
