"""A card is made as asked: grades, bins of single columns, and the first of many findings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fengkong.foundation.errors import ColumnTypeError, InputError
from fengkong.report.scorecard import Settings, develop, write_development


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(8)
    x, code = rng.normal(size=2500).round(1), rng.integers(1, 5, 2500)
    sex = np.where(x + rng.normal(size=2500) > 0, "M", "F")
    bad = (rng.random(2500) < 1 / (1 + np.exp(1.2 + 1.5 * x + 0.2 * code))).astype(int)
    return pd.DataFrame({"x": x, "code": code, "sex": sex, "bad": bad})


def made(frame, **more):
    return develop(frame, target="bad", bad=None, settings=Settings.from_dict(more))


def test_grades_are_those_asked_for_or_the_finest_that_fit(frame):
    assert len(made(frame, grades={"count": 3}).card.grades) == 3
    assert len(made(frame, grades={"count": 0}).card.grades) == 0
    assert len(made(frame).card.grades) == 5
    two = frame.assign(x=(frame["x"] > 0).astype(int), code=1).drop(columns="sex")
    assert len(made(two).card.grades) == 2
    with pytest.raises(InputError, match="Ask for fewer"):
        made(two, grades={"count": 4})
    edges = made(frame, grades={"edges": [0.1, 0.3], "names": ["a", "b", "c"]}).card.grades
    assert [one.name for one in edges] == ["c", "b", "a"]


def test_settings_of_bins_may_name_columns_that_are_only_tested(frame):
    binning = {"categorical": ["code", "sex"]}
    found = made(frame, binning=binning, groups=["sex"])
    assert found.bins["code"].kind == "categorical"
    assert "sex" not in found.bins
    with pytest.raises(InputError, match="did you mean 'code'"):
        made(frame, binning={"splits": {"cod": [2]}})


def test_dates_are_refused_with_what_to_do(frame):
    dated = frame.assign(day=pd.Timestamp("2026-01-01"))
    with pytest.raises(ColumnTypeError, match="settings: ignore"):
        made(dated)
    assert "day" not in made(dated, ignore=["day"]).bins


def test_calibration_is_fitted_on_rows_that_are_no_evidence(frame):
    found = made(frame, calibration="platt", split={"test_share": 0.4})
    assert found.card.calibration is not None
    assert found.evidence.samples == ["train", "test"]
    rows = {one["sample"]: one["rows"] for one in found.evidence.summary()}
    assert rows == {"train": 1500, "test": 500}


def test_one_finding_of_a_kind_speaks_for_the_others(frame):
    evidence = made(frame, groups=["sex"], cutoff=545).evidence
    kinds = [one.kind for one in evidence.validation.findings]
    first = evidence.foremost()
    assert [one.kind for one, _ in first] == list(dict.fromkeys(kinds))
    assert sum(1 + more for _, more in first) == len(kinds)
    unfair = {one.kind: (one, more) for one, more in first}["fairness.four_fifths"]
    assert "test" in unfair[0].subject
    text = next(line for line in evidence.worst("en") if "adverse impact" in line)
    assert text.startswith("The adverse impact ratio of sex: F (test)")
    assert ("more of this kind" in text) is (unfair[1] > 0)


def test_findings_call_samples_by_their_names(frame):
    evidence = made(frame, groups=["sex"], cutoff=545).evidence
    chinese = " ".join(evidence.sentence(one, "zh") for one in evidence.validation.findings)
    assert "（测试样本）" in chinese or "(测试样本)" in chinese
    assert "(test)" not in chinese
    english = " ".join(evidence.sentence(one, "en") for one in evidence.validation.findings)
    assert "(development)" in english
    assert "(train)" not in english


def test_a_name_at_the_start_of_a_finding_keeps_its_letters(frame):
    leaky = frame.assign(late=frame["bad"] * 2 + (frame["x"] > 1))
    lines = made(leaky, fit={"penalty": 1}).evidence.worst("en")
    assert any(line.startswith("late ") for line in lines)


@pytest.mark.parametrize("way", ["forward", "both"])
def test_a_stepwise_search_has_its_report(frame, tmp_path, way):
    more = frame.assign(noise=np.random.default_rng(1).normal(size=len(frame)))
    found = made(more, selection={"stepwise": way, "criterion": "bic", "iv_min": None})
    assert any(line.step.startswith("stepwise ") for line in found.selection.lines)
    write_development(found, tmp_path, languages=("zh", "en"))
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "逐步回归 1" in text
    assert "stepwise 1" in text


def test_a_weight_counts_as_repeated_rows(frame):
    twice = pd.concat([frame, frame[frame["x"] > 0]], ignore_index=True)
    weighted = frame.assign(w=np.where(frame["x"] > 0, 2.0, 1.0))
    none = {"split": {"test_share": 0}, "selection": {"stepwise": "none"}, "fit": {"penalty": 1.0}}
    once = made(weighted, weight="w", **none).card
    again = made(twice, **none).card
    assert once.names == again.names
    assert [one.bins.cuts.tolist() for one in once.variables] == [
        one.bins.cuts.tolist() for one in again.variables
    ]
    assert [one.points.tolist() for one in once.variables] == [
        one.points.tolist() for one in again.variables
    ]
    for one, two in zip(once.grades, again.grades, strict=True):
        assert one.score_from == two.score_from
        assert one.probability == pytest.approx(two.probability, rel=1e-12)
