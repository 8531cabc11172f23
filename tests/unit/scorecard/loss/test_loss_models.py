"""Loss models: known truth comes back, documents read back bit-equal, bad input is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone

from fengkong.foundation.errors import ColumnTypeError, InputError, OutOfRangeError
from fengkong.scorecard.loss import CreditConversionEad, FractionalLgd, TwoStageLgd


def sample(rows: int = 40_000, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw losses whose mean is a known logit: zero, full or between, by chance."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "ltv": rng.normal(0.8, 0.3, rows),
            "product": rng.choice(["car", "cash", "home"], rows, p=[0.2, 0.6, 0.2]),
        }
    )
    mean = expit(-1.0 + 1.5 * frame["ltv"] - 0.7 * (frame["product"] == "home"))
    return frame, rng.beta(2.0 * mean, 2.0 * (1.0 - mean))


def test_fractional_finds_the_truth_it_was_drawn_from():
    frame, loss = sample()
    frame["product"] = pd.Categorical(frame["product"], categories=["car", "cash", "home"])
    model = FractionalLgd().fit(frame, loss)
    found = dict(zip(model.terms_.names, model.coefficients_, strict=True))
    error = dict(zip(model.terms_.names, model.standard_errors_, strict=True))
    for name, truth in {"ltv": 1.5, "product=home": -0.7}.items():
        assert abs(found[name] - truth) < 4.0 * error[name]
        assert error[name] < 0.05
    assert model.terms_.dropped == ("ltv=missing",)


def test_two_stage_finds_the_chances_it_was_drawn_from():
    rng = np.random.default_rng(3)
    x = rng.normal(size=60_000)
    zero = rng.random(len(x)) < expit(-1.0 + x)
    full = rng.random(len(x)) < expit(0.5 - 0.8 * x)
    mean = expit(0.3 + 0.4 * x)
    middle = rng.beta(5.0 * mean, 5.0 * (1.0 - mean))
    loss = np.where(zero, 0.0, np.where(full, 1.0, middle))
    model = TwoStageLgd().fit({"x": x}, loss)
    for stage, truth in {"zero": (-1.0, 1.0), "full": (0.5, -0.8), "middle": (0.3, 0.4)}.items():
        fit = model.fits_[stage]
        assert np.all(np.abs(fit.coefficients - truth) < 4.0 * fit.standard_errors), stage
    # The prediction is the expectation of what was drawn.
    ends = np.array([-1.5, 0.0, 1.5])
    truth = (1 - expit(-1 + ends)) * (
        expit(0.5 - 0.8 * ends) + (1 - expit(0.5 - 0.8 * ends)) * expit(0.3 + 0.4 * ends)
    )
    assert np.allclose(model.predict({"x": ends}), truth, atol=0.02)


@pytest.mark.parametrize("weighting", ["rows", "undrawn"])
def test_conversion_factor_finds_the_truth(weighting):
    rng = np.random.default_rng(5)
    limit = rng.uniform(1_000.0, 9_000.0, 30_000)
    drawn = limit * rng.uniform(0.0, 1.2, len(limit))
    late = rng.integers(0, 2, len(limit)).astype(float)
    mean = expit(-0.5 + 1.0 * late)
    factor = rng.beta(3.0 * mean, 3.0 * (1.0 - mean))
    exposure = drawn + factor * np.maximum(limit - drawn, 0.0)
    table = {"drawn_amount": drawn, "limit_amount": limit, "late": late}
    model = CreditConversionEad(weighting=weighting).fit(table, exposure)
    place = model.terms_.names.index("late")
    fit = model.fits_["factor"]
    assert abs(fit.coefficients[place] - 1.0) < 4.0 * fit.standard_errors[place]
    assert model.audit_["rows_without_room"] == int((drawn >= limit).sum())
    predicted = model.predict(table)
    assert np.all(predicted[drawn >= limit] == drawn[drawn >= limit])
    assert np.all((predicted >= drawn) & (predicted <= np.maximum(limit, drawn)))
    if weighting == "undrawn":  # the score equation of the intercept: the sum of money fits
        assert np.isclose(predicted.sum(), exposure.sum(), rtol=1e-9)


@pytest.mark.parametrize("model", [FractionalLgd(highest=1.3), TwoStageLgd(highest=1.3)])
def test_a_loss_above_one_only_where_the_setting_says_so(model):
    frame, loss = sample(2_000)
    loss = np.where(loss > 0.9, 1.3, loss)
    predicted = model.fit(frame, loss).predict(frame)
    assert np.all((predicted >= 0.0) & (predicted <= 1.3))
    with pytest.raises(OutOfRangeError):
        type(model)().fit(frame, loss)
    with pytest.raises(OutOfRangeError, match="highest"):
        type(model)(highest=0.5).fit(frame, loss)


def lines() -> tuple[pd.DataFrame, np.ndarray]:
    frame, share = sample(3_000)
    frame["limit_amount"], frame["drawn_amount"] = 100.0, 40.0
    return frame, 40.0 + 60.0 * share


@pytest.mark.parametrize("model", [FractionalLgd(), TwoStageLgd(), CreditConversionEad()])
def test_saved_and_loaded_predicts_bit_equal(model, tmp_path):
    frame, target = lines() if isinstance(model, CreditConversionEad) else sample(3_000)
    frame.loc[::7, "ltv"] = np.nan
    model = clone(model).fit(frame, target)
    model.save(tmp_path / "loss.json")
    again = type(model).load(tmp_path / "loss.json")
    assert np.array_equal(model.predict(frame), again.predict(frame))
    assert again.to_json() == model.to_json()
    one = pd.DataFrame({name: frame[name].iloc[:1] for name in frame})
    assert again.predict(one)[0] == pytest.approx(model.predict(frame)[0], rel=1e-12)
    with pytest.raises(InputError, match="no JSON"):
        type(model).from_json("{}")
    with pytest.raises(InputError, match="is expected"):
        type(model).from_json('{"format": "other/1"}')


@pytest.mark.parametrize("model", [FractionalLgd(), TwoStageLgd()])
def test_bad_columns_have_stated_fallbacks(model):
    frame, loss = sample(3_000)
    frame["constant"] = 1.0
    frame["nothing"] = np.nan
    frame["twice"] = 2.0 * frame["ltv"] + 1.0
    frame["end"] = np.where(np.arange(len(frame)) == 5, np.inf, 0.0)
    model = clone(model).fit(frame, loss)
    assert {"constant", "nothing", "nothing=missing"} <= set(model.terms_.dropped)
    assert len({"ltv", "twice"} & set(model.terms_.dropped)) == 1
    strange = frame.iloc[:4].copy()
    strange["product"] = ["yacht", None, "car", "home"]
    strange["ltv"] = [np.nan, -np.inf, np.inf, 0.5]
    predicted = model.predict(strange)
    assert np.isfinite(predicted).all()
    assert np.all((predicted >= 0.0) & (predicted <= 1.0))
    with pytest.raises(ColumnTypeError):
        model.predict(frame.assign(ltv="high"))
    with pytest.raises((InputError, ValueError)):
        model.predict({"ltv": [1.0]})


def test_separation_falls_back_to_a_ridge_and_says_so():
    x = np.linspace(-1.0, 1.0, 200)
    loss = (x > 0).astype(float)
    model = FractionalLgd().fit({"x": x}, loss)
    assert model.audit_["ridge"] == 1.0
    assert np.isfinite(model.coefficients_).all()
    low, high = model.predict({"x": [-1.0, 1.0]})
    assert low < 0.1
    assert high > 0.9


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ([0.0, 0.0, 0.0], "nothing to model"),
        ([1.0, 1.0, 1.0], "nothing to model"),
        ([0.1, np.nan, 0.2], "NaN"),
        ([0.1, -0.1, 0.2], "must lie in"),
        ([0.1, 0.2], "rows"),
        (None, "None"),
    ],
)
@pytest.mark.parametrize("model", [FractionalLgd(), TwoStageLgd()])
def test_refuses_losses_it_cannot_model(model, loss, message):
    with pytest.raises(InputError, match=message):
        clone(model).fit({"x": [1.0, 2.0, 3.0]}, loss)


def test_refuses_lines_without_room_or_amounts():
    table = {"drawn_amount": [5.0, 6.0], "limit_amount": [5.0, 5.0]}
    with pytest.raises(InputError, match="no line has room"):
        CreditConversionEad().fit(table, [5.0, 6.0])
    with pytest.raises(InputError, match="drawn_amount is missing"):
        CreditConversionEad().fit({**table, "drawn_amount": [None, 1.0]}, [5.0, 6.0])
    with pytest.raises(InputError, match="limit_amount"):
        CreditConversionEad().fit({"drawn_amount": [1.0]}, [1.0])
