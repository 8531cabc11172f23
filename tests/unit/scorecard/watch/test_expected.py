"""Expected performance: exact on small cases, covered at its level, doubted when it is wrong."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom
from sklearn.metrics import roc_auc_score

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.validation import auc, ks
from fengkong.scorecard.watch import expected_performance
from fengkong.scorecard.watch._soft import Ranked, simulated_ks, soft_auc


def population(rng, rows, centre=-2.0):
    return expit(rng.normal(centre, 1.0, size=rows))


def figure(found, name):
    return found.figures.set_index("figure").loc[name]


def test_small_case_against_all_outcomes():
    # Every outcome of six rows, ties included, with its probability.
    p = np.array([0.1, 0.3, 0.3, 0.5, 0.7, 0.7])
    right = pairs = brier = brier_square = rate = 0.0
    for bads in itertools.product([0.0, 1.0], repeat=6):
        y = np.array(bads)
        chance = float(np.prod(np.where(y == 1, p, 1 - p)))
        compared = (p[:, None] > p[None, :]) + 0.5 * (p[:, None] == p[None, :])
        right += chance * float((np.outer(y, 1 - y) * compared).sum())
        pairs += chance * y.sum() * (1 - y).sum()
        score = float(((y - p) ** 2).mean())
        brier, brier_square = brier + chance * score, brier_square + chance * score**2
        rate += chance * y.mean()
    assert soft_auc(Ranked.of(p, p)).expected == pytest.approx(right / pairs)
    found = expected_performance(p)
    assert figure(found, "bad_rate")["expected"] == pytest.approx(rate)
    assert figure(found, "brier")["expected"] == pytest.approx(brier)
    error = np.sqrt(brier_square - brier**2)
    assert figure(found, "brier")["standard_error"] == pytest.approx(error)


def test_certain_outcomes_give_the_auc_itself():
    # Probabilities of 0 and 1 are outcomes; a second score ranks them, with ties.
    rng = np.random.default_rng(3)
    y = (rng.random(200) < 0.3).astype(float)
    score = rng.integers(0, 20, size=200).astype(float)
    found = expected_performance(y, score=score)
    assert figure(found, "auc")["expected"] == pytest.approx(roc_auc_score(y, -score))
    assert figure(found, "auc")["standard_error"] == 0.0
    assert figure(found, "ks")["expected"] == pytest.approx(ks(y, -score).ks)
    assert figure(found, "ks")["lower"] == pytest.approx(figure(found, "ks")["upper"])


def test_simulated_draws_are_the_figures_of_validation():
    p = population(np.random.default_rng(5), 300)
    ranked = Ranked.of(p, p)
    draws = simulated_ks(ranked, seed=11, draws=3)
    rng = np.random.default_rng(11)
    for place in range(3):
        bad = np.empty(300)
        bad[ranked.order] = rng.random(300) < ranked.p
        assert draws.ks[place] == pytest.approx(ks(bad, p).ks)
        assert draws.auc[place] == pytest.approx(auc(bad, p))


@pytest.mark.parametrize(("rows", "centre"), [(400, -2.0), (3_000, -3.0), (300, -4.0)])
def test_the_band_covers_at_its_level_when_the_assumption_holds(rows, centre):
    # Each run: new probabilities, their outcomes drawn from them, 95 % bands.
    rng = np.random.default_rng(rows)
    runs, inside, judged = 500, dict.fromkeys(("auc", "ks", "brier", "bad_rate"), 0), 0
    for run in range(runs):
        p = population(rng, rows, centre)
        bad = rng.random(rows) < p
        found = expected_performance(p, seed=run, draws=300).figures.set_index("figure")
        if not 0 < bad.sum() < rows:
            continue
        judged += 1
        seen = {"auc": auc(bad, p), "ks": ks(bad, p).ks,
                "brier": float(((bad - p) ** 2).mean()), "bad_rate": float(bad.mean())}  # fmt: skip
        for name, value in seen.items():
            inside[name] += found.loc[name, "lower"] <= value <= found.loc[name, "upper"]
    assert judged > 0.95 * runs
    for name, count in inside.items():
        # 1 in 10,000 by chance around 93 % (300 draws; discrete figures) to 97.5 %.
        assert binom.ppf(5e-5, judged, 0.93) <= count, name
        assert count <= binom.ppf(1 - 5e-5, judged, 0.975), name


def test_bands_of_score_agree_with_rows():
    rng = np.random.default_rng(8)
    p = np.round(population(rng, 30_000), 3)
    ranked = Ranked.of(p, p)
    banded = simulated_ks(ranked, seed=1, draws=400)
    rows = [ks(rng.random(p.size) < p, p).ks for _ in range(400)]
    error = np.std(rows) / np.sqrt(400)
    assert banded.ks.mean() == pytest.approx(np.mean(rows), abs=5 * error)
    assert banded.ks.std() == pytest.approx(np.std(rows), rel=0.25)
    assert banded.auc.mean() == pytest.approx(soft_auc(ranked).expected, abs=1e-3)


def test_a_wrong_assumption_is_said_and_a_right_one_seldom_doubted():
    rng = np.random.default_rng(21)
    doubted = 0
    for _ in range(300):
        p = population(rng, 2_000)
        found = expected_performance(
            p[:500], matured_probability=p, matured_bad=rng.random(2_000) < p, draws=100
        )
        doubted += found.status == "does not hold"
    assert doubted <= binom.ppf(1 - 1e-4, 300, 0.012)
    p = population(rng, 4_000)
    log_odds = np.log(p / (1 - p))
    wrong = {
        "bad_rate": expit(log_odds + 0.7),
        "auc": np.full(4_000, p.mean()),
        "brier": expit(2.5 * (log_odds + 1.0) - 1.0),
    }
    for name, truth in wrong.items():
        found = expected_performance(
            p, matured_probability=p, matured_bad=rng.random(4_000) < truth, draws=100
        )
        assert found.status == "does not hold"
        assert found.checks.set_index("figure").loc[name, "fails"]
        assert "does not hold" in found.statement["en"]
        assert "不成立" in found.statement["zh"]


def test_unchecked_is_said_and_the_result_is_plain():
    found = expected_performance(population(np.random.default_rng(2), 100))
    assert found.status == "not checked"
    assert "not checked" in found.statement["en"]
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["seed"] == 0
    again = expected_performance(population(np.random.default_rng(2), 100))
    assert json.dumps(again.to_dict()) == text


def test_bad_input_is_refused():
    p = np.full(10, 0.1)
    for wrong in ([], [0.1], [0.1, np.nan], [[0.1, 0.2]]):
        with pytest.raises(InputError):
            expected_performance(wrong)
    with pytest.raises(OutOfRangeError):
        expected_performance([0.1, 1.1])
    with pytest.raises(InputError, match="needs matured_probability and matured_bad"):
        expected_performance(p, matured_bad=p)
    with pytest.raises(OutOfRangeError):
        expected_performance(p, confidence=1.0)
    with pytest.raises(OutOfRangeError):
        expected_performance(p, draws=99)
    with pytest.raises(InputError, match="no draw held both"):
        expected_performance([0.0, 0.0])
