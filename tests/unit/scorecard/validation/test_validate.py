"""`validate`: one object, samples side by side, equal to its parts; refusals."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from fengkong.foundation.errors import (
    InputError,
    OneClassError,
    OutOfRangeError,
    ProtectedFeatureError,
)
from fengkong.scorecard.validation import (
    Validation,
    auc_interval,
    brier_split,
    calibration_slope,
    expected_calibration_error,
    grade_table,
    hosmer_lemeshow,
    ks,
    ks_table,
    validate,
)


def model(rows: int, *, seed: int, drift: float = 0.0):
    random = np.random.default_rng(seed)
    truth = random.beta(1.0, 6.0, rows)
    bad = (random.random(rows) < truth).astype(int)
    log_odds = np.log(truth / (1 - truth)) + drift * random.normal(0, 2, rows)
    probability = 1 / (1 + np.exp(-log_odds))
    return {
        "bad": bad,
        "probability": probability,
        "score": 500 - 28.85 * log_odds,
        "grade": np.array(["C", "B", "A"])[np.digitize(-probability, [-0.2, -0.08])],
        "period": random.integers(1, 5, rows),
        "sex": random.choice(["F", "M"], rows),
        "region": random.choice(["north", "south"], rows),
    }


@pytest.fixture(scope="module")
def several() -> tuple[Validation, dict[str, dict[str, np.ndarray]]]:
    data = {
        "train": model(4000, seed=1), "test": model(2000, seed=2),
        "out_of_time": model(3000, seed=3, drift=1.0),
    }  # fmt: skip

    def of(name):
        return {sample: part[name] for sample, part in data.items()}

    result = validate(
        of("bad"), of("probability"), score=of("score"), grade=of("grade"), period=of("period"),
        groups={"out_of_time": {k: data["out_of_time"][k] for k in ("sex", "region")}},
        features=["income"], cutoff=550.0, grade_order=["C", "B", "A"],
    )  # fmt: skip
    return result, data


def test_headline_is_what_the_parts_say(several):
    result, data = several
    assert result.headline["sample"].tolist() == ["train", "test", "out_of_time"]
    for name, line in result.headline.set_index("sample").iterrows():
        part = data[name]
        bad, p = part["bad"], part["probability"]
        area = auc_interval(bad, part["score"], higher_is_safer=True)
        assert (line.auc, line.auc_lower, line.gini) == (area.auc, area.lower, area.gini)
        distance = ks(bad, part["score"], higher_is_safer=True)
        assert (line.ks, line.ks_value) == (distance.ks, distance.value)
        split = brier_split(bad, p, bins=10)
        assert (line.brier, line.reliability) == (split.brier, split.reliability)
        assert line.calibration_error == expected_calibration_error(bad, p)
        test = hosmer_lemeshow(bad, p, same_sample=name == "train")
        assert line.hosmer_lemeshow_p_value == test.p_value
        assert line.hosmer_lemeshow_degrees == test.degrees
        assert line.slope == calibration_slope(bad, p).slope
        assert line.observed_to_expected == pytest.approx(bad.mean() / p.mean())
        assert line.approval_rate == np.mean(part["score"] >= 550)


def test_tables_stand_side_by_side(several):
    result, data = several
    test = data["test"]
    mine = result.bands[result.bands["sample"] == "test"].drop(columns="sample")
    expected = ks_table(test["bad"], test["score"], higher_is_safer=True)
    pd.testing.assert_frame_equal(mine.reset_index(drop=True), expected)
    mine = result.grades[result.grades["sample"] == "test"].drop(columns="sample")
    expected = grade_table(test["bad"], test["probability"], test["grade"], order=["C", "B", "A"])
    pd.testing.assert_frame_equal(mine.reset_index(drop=True), expected)
    assert result.fairness["sample"].unique().tolist() == ["out_of_time"]
    assert result.rank_periods.groupby("sample", sort=False).size().tolist() == [4, 4, 4]
    assert result.roc.groupby("sample").size().max() <= 201


def test_a_worse_later_sample_is_a_finding(several):
    result, _ = several
    change = result.headline.set_index("sample").ks_change
    assert change["train"] == 0.0
    assert change["out_of_time"] < -0.1
    drops = [f for f in result.findings if f.kind == "stability.ks_drop"]
    assert [f.subject for f in drops] == ["out_of_time"]
    assert drops[0].value == pytest.approx(-change["out_of_time"])
    assert "out_of_time" in drops[0].reason_zh


def test_it_goes_through_json(several):
    result, _ = several
    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert document["schema"] == "fengkong.validation/1"
    assert [line["auc"] for line in document["headline"]] == result.headline.auc.tolist()
    assert document["tables"]["roc"][0]["value"] is None  # minus infinity at the origin
    assert document["settings"]["cutoff"] == 550.0
    assert document["settings"]["ranked_by"] == "score"
    assert len(document["findings"]) == len(result.findings)


def test_one_sample_of_plain_arrays_ranked_by_probability():
    part = model(1000, seed=4)
    result = validate(part["bad"], part["probability"], sample="test")
    assert result.settings["ranked_by"] == "probability"
    assert result.headline["sample"].tolist() == ["test"]
    assert result.grades.empty
    assert result.fairness.empty
    assert len(result.settings["band_cuts"]) == 9
    # Bands 1 (riskiest) to 10, all in order of risk: the first holds the highest probabilities.
    rates = result.rank_rates
    assert rates.place.tolist() == list(range(1, 11))
    assert rates.bad_rate.iloc[0] > 3 * rates.bad_rate.iloc[-1]
    assert rates.rows.sum() == 1000


def test_weights_reach_what_can_be_weighted_and_the_rest_is_said():
    part = model(1000, seed=5)
    weight = np.random.default_rng(5).uniform(0, 3, 1000)
    weight[:10] = 0.0
    result = validate(part["bad"], part["probability"], sample_weight=weight)
    line = result.headline.iloc[0]
    area = auc_interval(part["bad"], part["probability"], sample_weight=weight)
    assert line.auc_upper == area.upper
    slope = calibration_slope(part["bad"], part["probability"], sample_weight=weight)
    assert line.slope_upper == pytest.approx(slope.slope_upper)
    split = brier_split(part["bad"], part["probability"], bins=10, sample_weight=weight)
    assert line.reliability == pytest.approx(split.reliability)
    test = hosmer_lemeshow(part["bad"], part["probability"])
    assert line.hosmer_lemeshow == pytest.approx(test.statistic)
    assert "without weights" in result.notes[0]["reason"]


def test_what_cannot_be_computed_has_a_reason():
    result = validate([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], bands=2, trained_on="out_of_time")
    assert np.isnan(result.headline.slope[0])
    assert {note["figure"] for note in result.notes} == {"hosmer_lemeshow", "slope"}
    assert [f.kind for f in result.findings] == ["leakage.ks"]
    zero = validate([0, 1, 0, 1], [0.0] * 4)
    assert np.isnan(zero.headline.observed_to_expected[0])
    assert "observed_to_expected" in {note["figure"] for note in zero.notes}


def test_score_against_probability_unfair_cut_off_red_grades_and_leaks_are_findings():
    part = model(4000, seed=6)
    upside_down = validate(part["bad"], part["probability"], score=-part["score"])
    assert "score.disagrees" in {f.kind for f in upside_down.findings}
    sex = np.where(part["probability"] > np.median(part["probability"]), "F", "M")
    result = validate(
        part["bad"], 0.5 * part["probability"], grade=part["grade"], groups={"sex": sex},
        features=["income", "collections"], cutoff=float(0.5 * np.median(part["probability"])),
        table={"status": part["bad"]}, grade_order=["A", "B", "C"],
    )  # fmt: skip
    kinds = {f.kind for f in result.findings}
    assert {
        "calibration.grade_red", "rank_order.inversion", "fairness.four_fifths",
        "fairness.equal_opportunity", "leakage.function_of_target",
    } <= kinds  # fmt: skip
    assert result.headline.worst_ratio[0] == 0.0
    assert result.headline.red_grades[0] >= 2
    later = validate(
        part["bad"], part["probability"], features=["income", "collections"],
        known_after=["collections", "not a feature"],
    )  # fmt: skip
    assert [(f.kind, f.subject) for f in later.findings] == [("leakage.known_after", "collections")]


def test_refusals():
    part = model(200, seed=7)
    bad, p, sex = part["bad"], part["probability"], {"sex": part["sex"]}
    with pytest.raises(ProtectedFeatureError):
        validate(bad, p, groups=sex, cutoff=0.2, features=["income", "Sex"])
    with pytest.raises(InputError, match="cutoff and features"):
        validate(bad, p, groups=sex, features=["income"])
    with pytest.raises(InputError, match="cutoff and features"):
        validate(bad, p, groups=sex, cutoff=0.2)
    with pytest.raises(OneClassError, match="sample test: bad holds only goods"):
        validate({"train": bad, "test": [0, 0]}, {"train": p, "test": [0.1, 0.2]})
    with pytest.raises(OutOfRangeError, match="probability"):
        validate(bad, 100 * p)
    with pytest.raises(InputError, match="empty"):
        validate([], [])
    with pytest.raises(InputError, match="missing or infinite"):
        validate([0, 1], [0.1, np.nan])
    with pytest.raises(InputError, match="rows where"):
        validate(bad, p[:-1])
    with pytest.raises(InputError, match="rows where"):
        validate(bad, p[:-1], score=part["score"])
    with pytest.raises(InputError, match="no sample"):
        validate({}, {})
    with pytest.raises(InputError, match="lacks the samples test"):
        validate({"train": bad, "test": bad}, {"train": p})
    with pytest.raises(InputError, match="samples that bad does not: other"):
        validate({"train": bad}, {"train": p}, grade={"other": part["grade"]})
    with pytest.raises(InputError, match="must be a mapping"):
        validate({"train": bad}, p)
    with pytest.raises(InputError, match="but bad is not"):
        validate(bad, {"train": p})
