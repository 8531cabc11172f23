"""The challenger: parts that add up, directions that hold, documents, fallbacks and refusals."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from fengkong.foundation.errors import (
    ColumnTypeError,
    EngineError,
    InputError,
    OneClassError,
    OutOfRangeError,
)
from fengkong.scorecard import PdoScaling, Scorecard
from fengkong.scorecard.boosting import Blend, BlendModel, Challenger, ChallengerModel
from fengkong.scorecard.validation import auc, calibration_slope

SMALL: dict[str, Any] = {"rounds_at_most": 60, "patience": 10, "folds": 3, "learning_rate": 0.1}


def sample(rows: int = 3_000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw loans whose risk falls with income, rises with debt, and depends on the job."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(9.0, 0.6, rows),
            "debt": rng.uniform(0.0, 1.0, rows),
            "job": rng.choice(["clerk", "driver", "farmer"], rows),
            "noise": rng.normal(size=rows),
        }
    )
    risk = -1.5 - 1.2 * (np.log(frame["income"]) - 9.0) + 2.0 * frame["debt"]
    risk += 0.8 * (frame["job"] == "driver")
    bad = (rng.random(rows) < expit(risk)).astype(int)
    frame.loc[rng.random(rows) < 0.05, "income"] = np.nan
    frame.loc[rng.random(rows) < 0.05, "job"] = None
    return frame, bad


@pytest.fixture(scope="module")
def data() -> tuple[pd.DataFrame, np.ndarray]:
    return sample()


@pytest.fixture(scope="module", params=["platt", "beta", "isotonic", None])
def fitted(request, data) -> Challenger:
    return Challenger(calibration=request.param, **SMALL).fit(*data)


@pytest.fixture(scope="module")
def blend(data) -> Blend:
    return Blend(challenger=Challenger(**SMALL), folds=3).fit(*data)


def strange() -> pd.DataFrame:
    """Rows that no fit has seen: unknown job, nothing at all, infinities."""
    return pd.DataFrame(
        {
            "income": [np.nan, np.inf, -np.inf, 1e4],
            "debt": [np.nan, 0.5, np.inf, 0.5],
            "job": [None, "pilot", "clerk", "driver"],
            "noise": [np.nan, 0.0, -np.inf, 0.0],
        }
    )


def laws(model: ChallengerModel | BlendModel, frame: pd.DataFrame) -> None:
    """Check what holds for every model: parts add up, reasons raised the risk, one scale."""
    odds, probability = model.log_odds(frame), model.probability(frame)
    parts = model.contributions(frame)
    assert np.isfinite(odds).all()
    assert np.allclose(parts.base + parts.values.sum(axis=1), odds, rtol=0.0, atol=1e-9)
    assert np.allclose(expit(-odds), probability, rtol=1e-12, atol=1e-12)
    assert np.allclose(model.points(frame), 600.0 + 20.0 * (odds / np.log(2) - np.log2(50.0)))
    reasons = model.reasons(frame, top=3)
    assert (reasons.variable >= 0).any()
    for row in range(len(frame)):
        found = reasons.variables_of(row)
        value = dict(zip(parts.names, parts.values[row], strict=True))
        assert all(value[name] < 0.0 for name in found)
        worst = sorted((name for name in value if value[name] < -1e-12), key=value.__getitem__)
        assert list(found) == worst[:3]
        lost = reasons.lost_points[row, : len(found)]
        assert np.allclose(lost, [-value[name] * 20.0 / np.log(2) for name in found])


def test_parts_add_up_and_reasons_only_raised_the_risk(fitted, data):
    laws(fitted.model_, data[0].head(300))
    laws(fitted.model_, strange())


def test_the_same_holds_for_a_blend(blend, data):
    laws(blend.model_, data[0].head(300))
    laws(blend.model_, strange())


def test_a_risk_is_found_and_calibrated_on_rows_not_seen(data):
    model = Challenger(**SMALL).fit(*data)
    frame, bad = sample(6_000, seed=9)
    probability = model.probability(frame)
    assert auc(bad, probability) > 0.7
    slope = calibration_slope(bad, probability)
    assert 0.8 < slope.slope < 1.2
    assert abs(probability.mean() - bad.mean()) < 0.02


def test_directions_are_learned_and_hold_everywhere(fitted, data):
    signs = {column.name: column.monotone for column in fitted.model_.columns}
    assert (signs["income"], signs["debt"], signs["job"]) == (-1, 1, 0)
    frame = pd.concat([data[0].head(40)] * 60, ignore_index=True)
    for name, grid in (("debt", np.linspace(-1.0, 2.0, 60)), ("income", np.geomspace(1, 1e7, 60))):
        moved = frame.assign(**{name: np.repeat(grid, 40)})
        risk = fitted.probability(moved).reshape(60, 40)
        assert np.all(np.diff(risk, axis=0) * signs[name] >= -1e-12), name


def test_given_directions_win(data):
    model = Challenger(monotone={"debt": -1}, **SMALL).fit(*data)
    assert [column.monotone for column in model.model_.columns] == [0, -1, 0, 0]
    moved = pd.concat([data[0].head(1)] * 50, ignore_index=True)
    risk = model.probability(moved.assign(debt=np.linspace(0, 1, 50)))
    assert np.all(np.diff(risk) <= 1e-12)
    free = Challenger(monotone=None, **SMALL).fit(*data)
    assert not any(column.monotone for column in free.model_.columns)


def test_saved_and_loaded_scores_bit_equal(fitted, data, tmp_path):
    fitted.save(tmp_path / "challenger.json")
    again = ChallengerModel.load(tmp_path / "challenger.json")
    for frame in (data[0], strange()):
        assert np.array_equal(again.points(frame), fitted.points(frame))
        assert np.array_equal(again.probability(frame), fitted.probability(frame))
        assert np.array_equal(
            again.contributions(frame).values, fitted.model_.contributions(frame).values
        )
    assert again.to_json() == fitted.model_.to_json()


def test_a_blend_saved_and_loaded_scores_bit_equal(blend, data, tmp_path):
    blend.save(tmp_path / "blend.json")
    again = BlendModel.load(tmp_path / "blend.json")
    assert np.array_equal(again.points(data[0]), blend.points(data[0]))
    assert again.to_json() == blend.model_.to_json()
    with pytest.raises(InputError, match="blend"):
        BlendModel.from_json("[]")


def test_one_record_has_the_numbers_of_its_row(fitted, blend, data):
    frame = data[0].head(20)
    for model in (fitted.model_, blend.model_):
        table = model.points(frame)
        for row, record in enumerate(frame.to_dict("records")):
            one = model.score_one(record)
            assert one.points == table[row]
            assert one.probability == model.probability(frame)[row]
        with pytest.raises(InputError, match="lacks debt"):
            model.score_one({"income": 1.0, "job": "clerk", "noise": 0.0})
        left_out = model.score_one({"income": 1.0, "job": "clerk", "noise": 0.0}, missing={"debt"})
        assert np.isfinite(left_out.points)


def test_the_same_seed_gives_the_same_trees(data):
    first, second = (Challenger(seed=7, **SMALL).fit(*data).model_.to_json() for _ in range(2))
    assert first == second


def test_weights_of_a_blend_are_not_negative_and_beat_either_half(blend, data):
    model = blend.model_
    assert model.card_weight >= 0.0
    assert model.challenger_weight >= 0.0
    assert 0.5 < model.card_weight + model.challenger_weight < 1.5
    frame, bad = sample(6_000, seed=9)
    both = auc(bad, model.probability(frame))
    halves = [auc(bad, -half.log_odds(frame)) for half in (model.card, model.challenger)]
    assert both > min(halves)
    assert both > max(halves) - 0.01


def test_a_useless_model_gets_no_weight(data):
    """A challenger that may not look at anything but noise leaves all weight to the card."""
    frame, bad = data
    blend = Blend(
        card=Scorecard(), challenger=Challenger(monotone={}, leaf_rows=10**6, rounds_at_most=2),
        folds=3,
    ).fit(frame, bad)  # fmt: skip
    assert blend.model_.challenger_weight < 0.2 < blend.model_.card_weight


def test_sentences_in_both_languages(data):
    texts = {"income": {"en": "Income", "zh": "收入"}, "job": {"en": "Job", "zh": "职业"}}
    model = Challenger(texts=texts, **SMALL).fit(*data).model_
    frame = pd.DataFrame({"income": [50.0], "debt": [1.0], "job": ["driver"], "noise": [0.0]})
    reasons = model.reasons(frame)
    assert "Income (50) lowered the score" in reasons.texts_of(0, language="en")
    assert "职业（driver）拉低了评分" in reasons.texts_of(0, language="zh")
    table = reasons.to_frame(language="zh")
    assert list(table.columns) == [f"reason_{rank}" for rank in range(1, 5)]
    with pytest.raises(InputError, match="texts of 'income'"):
        Challenger(texts={"income": {"en": "Income"}}, **SMALL).fit(*data)


def test_columns_without_anything_in_them_do_no_harm(data):
    frame = data[0].assign(constant=1.0, nothing=np.nan, blank=None)
    model = Challenger(**SMALL).fit(frame, data[1])
    assert np.isfinite(model.points(frame)).all()


def test_ten_thousand_categories(data):
    rng = np.random.default_rng(2)
    frame = data[0].assign(shop=[f"s{n}" for n in rng.integers(0, 10_000, len(data[0]))])
    model = Challenger(**SMALL).fit(frame, data[1])
    assert np.isfinite(model.points(frame.assign(shop="never seen"))).all()


def test_too_few_rows_are_told(data):
    frame, bad = data
    rows = [*np.flatnonzero(bad == 0)[:9], np.flatnonzero(bad == 1)[0]]
    model = Challenger(**SMALL).fit(frame.iloc[rows], bad[rows]).model_
    assert model.calibration is None
    assert "fewer than two rows" in model.audit["fallback"][0]
    assert np.isfinite(model.points(frame)).all()


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"folds": 1}, OutOfRangeError),
        ({"learning_rate": 0.0}, OutOfRangeError),
        ({"leaves": 1}, OutOfRangeError),
        ({"calibration": "guess"}, InputError),
        ({"monotone": "up"}, InputError),
        ({"monotone": {"nobody": 1}}, InputError),
        ({"monotone": {"debt": 2}}, InputError),
        ({"monotone": {"job": 1}}, InputError),
        ({"scaling": PdoScaling()}, InputError),
    ],
)
def test_refuses_settings(settings, error, data):
    with pytest.raises(error):
        Challenger(**settings).fit(*data)


def test_refuses_data(data, fitted):
    frame, bad = data
    with pytest.raises(OneClassError):
        Challenger().fit(frame, np.zeros(len(bad)))
    with pytest.raises(OneClassError):
        Challenger().fit(frame, bad, np.where(bad == 1, 0.0, 1.0))
    with pytest.raises(InputError, match="1e12"):
        Challenger().fit(frame, bad, -np.ones(len(bad)))
    with pytest.raises(InputError, match="rows"):
        Challenger().fit(frame.head(5), bad)
    with pytest.raises(ColumnTypeError):
        fitted.points(frame.assign(debt="much"))
    with pytest.raises(OutOfRangeError):
        fitted.reasons(frame, top=0)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": "fengkong.challenger/1"}'])
def test_refuses_documents(text):
    with pytest.raises(InputError):
        ChallengerModel.from_json(text)


def test_refuses_damaged_trees(fitted):
    document = {**fitted.model_.to_dict(), "trees": "tree\nnothing"}
    with pytest.raises(InputError, match="trees"):
        ChallengerModel.from_dict(document)


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (ModuleNotFoundError("No module named 'lightgbm'"), "pip install"),
        (OSError("libgomp.so.1: cannot open shared object file"), "libgomp1"),
    ],
)
def test_a_missing_engine_says_what_to_install(fault, advice, data, monkeypatch):
    original = importlib.import_module

    def broken(name: str, *rest: Any) -> Any:
        if name == "lightgbm":
            raise fault
        return original(name, *rest)

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(EngineError, match=advice):
        Challenger().fit(*data)
