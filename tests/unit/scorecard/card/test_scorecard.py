"""The estimator: one truth from bins to points, an audit, and ways to score that agree."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from tests.unit.scorecard.card.loans import loans

from fengkong.foundation.errors import InputError, OutOfRangeError, WrongSignError
from fengkong.scorecard import MinMaxScaling, PdoScaling, Scorecard, SelectionSettings
from fengkong.scorecard.card import Card
from fengkong.scorecard.card._penalty import GRID
from fengkong.scorecard.validation import PlattCalibrator

TABLE, BAD = loans()


@pytest.fixture(scope="module")
def model():
    return Scorecard().fit(TABLE, BAD)


def test_the_score_is_base_points_and_points_of_the_bins(model):
    card = model.card_
    total = np.full(len(TABLE), card.base_points)
    for variable in card.variables:
        codes = model.binner_.transform(TABLE, output="code")[
            :, list(model.binner_.bins_).index(variable.bins.name)
        ]
        total += variable.points[codes]
    assert (model.points(TABLE) == total).all()
    assert (np.mod(total, 1) == 0).all()


def test_points_come_from_the_regression_and_the_same_woe(model):
    card, fit = model.card_, model.regression_
    for variable, coefficient in zip(card.variables, fit.coefficients, strict=True):
        assert variable.coefficient == coefficient > 0
        exact = card.scaling.factor * coefficient * variable.bins.woe
        assert np.abs(variable.points - exact).max() <= 0.5
    assert abs(card.base_points - card.scaling.offset - card.scaling.factor * fit.intercept) <= 0.5


def test_probability_is_of_the_rounded_score(model):
    points, scaling = model.points(TABLE), model.card_.scaling
    odds = np.exp((points - scaling.offset) / scaling.factor)
    np.testing.assert_allclose(model.predict_proba(TABLE)[:, 1], 1 / (1 + odds), rtol=1e-12)
    assert model.predict_proba(TABLE)[:, 1].mean() == pytest.approx(BAD.mean(), abs=0.01)
    assert roc_auc_score(BAD, -points) > 0.7


def test_bad_is_the_greater_label_and_signs_follow_scikit_learn(model):
    named = Scorecard().fit(TABLE, np.where(BAD == 1, "late", "good"))
    assert named.classes_.tolist() == ["good", "late"]
    assert (named.points(TABLE) == model.points(TABLE)).all()
    assert set(named.predict(TABLE)) == {"good", "late"}
    decision = model.decision_function(TABLE)
    assert (decision == -model.card_.log_odds(TABLE)).all()
    assert ((decision > 0) == (model.predict(TABLE) == 1)).all()


def test_noise_left_and_the_audit_says_why(model):
    assert "noise" not in model.card_.names
    assert model.card_.audit == model.audit_
    lines = [line for line in model.audit_["selection"]["lines"] if line["variable"] == "noise"]
    assert not lines[-1]["kept"]
    assert lines[-1]["figure"] < lines[-1]["limit"]


def test_the_audit_holds_sample_settings_versions_and_the_time_it_was_given():
    at = datetime(2025, 3, 1, 12, tzinfo=UTC)
    weight = np.where(BAD == 1, 2.0, 1.0)
    model = Scorecard(seed=7).fit(TABLE, BAD, weight, fitted_at=at)
    audit = json.loads(model.card_.to_json())["audit"]
    assert audit["fitted_at"] == "2025-03-01T12:00:00+00:00"
    assert audit["seed"] == 7
    assert audit["sample"] == {
        "rows": 3000, "bad_rows": int(BAD.sum()), "weight_sum": 3000.0 + BAD.sum(),
        "bad_weight_sum": 2.0 * BAD.sum(),
    }  # fmt: skip
    assert audit["settings"]["penalty"] == "auto"
    assert audit["penalty_losses"]
    assert audit["settings"]["binner"]["max_bins"] == 10
    assert audit["versions"]["numpy"] == np.__version__


def test_the_hash_of_the_data_follows_the_data():
    small, bad = TABLE[:800], BAD[:800]
    first = Scorecard().fit(small, bad).audit_["data_sha256"]
    assert Scorecard().fit(small.copy(), bad).audit_["data_sha256"] == first
    other = small.assign(debt=small.debt[::-1].to_numpy())
    assert Scorecard().fit(other, bad).audit_["data_sha256"] != first


def test_a_saved_card_scores_bit_equal(model, tmp_path):
    model.save(tmp_path / "card.json")
    card = Card.load(tmp_path / "card.json")
    assert card.score(TABLE).probability.tobytes() == model.predict_proba(TABLE)[:, 1].tobytes()
    assert card.points(TABLE).tobytes() == model.points(TABLE).tobytes()


def test_tables_of_every_kind_fit_to_the_same_card(model):
    arrow = Scorecard().fit(pa.Table.from_pandas(TABLE), BAD)
    mapping = Scorecard().fit({name: TABLE[name].to_numpy() for name in TABLE}, BAD)
    assert arrow.card_.to_json() == mapping.card_.to_json() == model.card_.to_json()


def test_weights_count_as_repeated_rows():
    small, bad = TABLE[:600], BAD[:600]
    weight = np.random.default_rng(0).integers(0, 3, 600)
    rows = np.repeat(np.arange(600), weight)
    # A penalty chosen by parts of the rows would depend on what a row is.
    whole = Scorecard(scaling=PdoScaling(decimals=None), penalty=1.0)
    repeated = clone(whole).fit(small.iloc[rows], bad[rows])
    whole.fit(small, bad, weight)
    np.testing.assert_allclose(whole.points(small), repeated.points(small), rtol=1e-7)


def test_min_max_holds_every_row_between_its_limits():
    model = Scorecard(scaling=MinMaxScaling(low=0, high=100)).fit(TABLE, BAD)
    points = model.points(TABLE)
    assert points.min() >= 0
    assert points.max() <= 100
    lows = sum(variable.points.min() for variable in model.card_.variables)
    assert model.card_.base_points + lows == 0


def test_a_penalty_chosen_inside_the_training_rows_is_written_down():
    model = Scorecard(penalty="auto", seed=3).fit(TABLE, BAD)
    assert model.penalty_.penalty in GRID
    losses = model.audit_["penalty_losses"]
    assert min(losses.values()) == losses[str(model.penalty_.penalty)]
    assert model.regression_.penalty == model.penalty_.penalty
    again = Scorecard(penalty="auto", seed=3).fit(TABLE, BAD)
    assert again.card_.to_json() == model.card_.to_json()


def test_noise_asks_for_a_stronger_penalty_than_signal():
    draw = np.random.default_rng(1)
    table = pd.DataFrame(draw.normal(size=(600, 12)), columns=[f"n{i}" for i in range(12)])
    loose = SelectionSettings(iv_min=None, correlation_max=None)
    noise = Scorecard(selection=loose).fit(table, draw.integers(0, 2, 600))
    log_odds = table.to_numpy() @ np.linspace(0.5, 1.0, 12)
    signal = Scorecard(selection=loose).fit(table, draw.random(600) < 1 / (1 + np.exp(-log_odds)))
    assert noise.penalty_.penalty > signal.penalty_.penalty


def test_smoothing_shrinks_the_woe_that_is_fitted_and_scored():
    plain = Scorecard().fit(TABLE, BAD)
    soft = Scorecard(smoothing=50.0).fit(TABLE, BAD)
    for variable in soft.card_.variables:
        own = plain.binner_.bins_[variable.bins.name].woe
        assert (np.abs(variable.bins.woe) <= np.abs(own) + 1e-12).all()
        exact = soft.card_.scaling.factor * variable.coefficient * variable.bins.woe
        assert np.abs(variable.points - exact).max() <= 0.5


def test_a_variable_with_the_wrong_sign_leaves_and_is_refused_when_forced():
    # Bad rate rises in b alone (it follows a), but given a, b lowers it.
    draw = np.random.default_rng(2)
    a = draw.normal(size=6_000)
    b = a + 0.6 * draw.normal(size=6_000)
    table = pd.DataFrame({"a": a, "b": b})
    bad = (draw.random(6_000) < 1 / (1 + np.exp(1 - 2.5 * a + 1.2 * b))).astype(int)
    loose = {"correlation_max": None, "vif_max": None}
    model = Scorecard(selection=SelectionSettings(**loose)).fit(table, bad)
    line = model.selection_.why("b")[-1]
    assert (line.step, line.reason, line.limit) == ("sign", "wrong_sign", 0.0)
    assert line.figure < 0.0
    assert model.card_.names == ("a",)
    with pytest.raises(WrongSignError) as caught:
        Scorecard(selection=SelectionSettings(**loose, forced=("b",))).fit(table, bad)
    assert caught.value.columns == ("b",)


def test_a_calibrated_card_says_the_calibrated_probability(model):
    raw = model.predict_proba(TABLE)[:, 1]
    calibrator = PlattCalibrator().fit(raw, np.random.default_rng(0).permutation(BAD))
    card = Card.from_dict(model.card_.to_dict() | {"calibration": calibrator.to_dict()})
    np.testing.assert_allclose(card.probability(TABLE), calibrator.transform(raw), rtol=1e-12)
    record = TABLE.iloc[0].to_dict()
    assert card.score_one(record).probability == card.probability(TABLE)[0]
    assert card.score_one(record).points == model.points(TABLE)[0]
    with pytest.raises(InputError, match="not calibrated"):
        _ = model.card_.calibrator


def test_an_offset_known_beforehand_moves_the_intercept_only_by_itself():
    plain = Scorecard(penalty=0.0).fit(TABLE, BAD)
    moved = Scorecard(penalty=0.0).fit(TABLE, BAD, offset=np.full(len(BAD), 0.75))
    assert moved.regression_.intercept == pytest.approx(plain.regression_.intercept - 0.75)
    np.testing.assert_allclose(moved.regression_.coefficients, plain.regression_.coefficients)


def test_a_record_must_hold_every_variable_or_say_that_it_is_missing(model):
    record = TABLE.iloc[1].to_dict()
    whole = model.card_.score_one(record)
    del record["late"]
    with pytest.raises(InputError, match="late"):
        model.card_.score_one(record)
    declared = model.card_.score_one(record, missing=("late",))
    assert declared == model.card_.score_one(record | {"late": None})
    assert declared.points - declared.variable_points["late"] == pytest.approx(
        whole.points - whole.variable_points["late"]
    )


@pytest.mark.parametrize(
    "settings", [{"penalty": -1.0}, {"penalty": float("nan")}, {"smoothing": -1.0}]
)
def test_numbers_outside_their_intervals_are_refused(settings):
    with pytest.raises(OutOfRangeError):
        Scorecard(**settings).fit(TABLE, BAD)


@pytest.mark.parametrize("settings", [{"penalty": "strong"}, {"errors": "none"}])
def test_words_that_are_no_setting_are_refused(settings):
    with pytest.raises(InputError):
        Scorecard(**settings).fit(TABLE, BAD)


def test_importing_the_lab_loads_neither_boosting_nor_charts():
    code = (
        "import sys, fengkong.scorecard as lab; assert not {'lightgbm', 'altair', 'sklearn'} "
        "& set(sys.modules); lab.Scorecard; assert 'lightgbm' not in sys.modules; "
        "assert all(getattr(lab, name) for name in lab.__all__); assert set(lab.__all__) <= "
        "set(dir(lab))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("direction", ["backward", "both"])
@pytest.mark.parametrize("seed", range(3))
def test_who_stays_in_a_search_by_p_has_the_p_value_of_the_card(direction, seed):
    draw = np.random.default_rng(seed)
    table = pd.DataFrame(draw.normal(size=(2_000, 10)), columns=[f"v{i}" for i in range(10)])
    strength = np.array([0.6, 0.4, 0.2, 0.1, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0])
    bad = draw.random(2_000) < 1.0 / (1.0 + np.exp(2.0 - table.to_numpy() @ strength))
    search = SelectionSettings(stepwise=direction, criterion="p", iv_min=None, p_stay=0.1)
    model = Scorecard(selection=search).fit(table, bad)
    stayed = {
        line.variable: line.figure
        for line in model.selection_.lines
        if line.reason == "not_removed"
    }
    for variable in model.card_.variables:
        assert variable.p_value <= 0.1
        assert stayed[variable.bins.name] == pytest.approx(variable.p_value, rel=1e-6)
