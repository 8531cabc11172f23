"""Calibration figures by hand and against scikit-learn, statsmodels and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import beta, binom, binomtest, chi2
from sklearn.metrics import brier_score_loss

from fengkong.foundation.errors import InputError, OneClassError, OutOfRangeError
from fengkong.scorecard.validation import (
    brier_score,
    brier_split,
    calibration_slope,
    calibration_table,
    expected_calibration_error,
    grade_table,
    hosmer_lemeshow,
)


def sample(rows: int, *, seed: int, slope: float = 1.0, shift: float = 0.0):
    """Outcomes whose true log odds are shift + slope * log odds of the probability."""
    random = np.random.default_rng(seed)
    probability = random.beta(2.0, 8.0, rows)
    truth = 1 / (1 + np.exp(-(shift + slope * np.log(probability / (1 - probability)))))
    return (random.random(rows) < truth).astype(int), probability, random.uniform(0.2, 3.0, rows)


def test_murphy_split_by_hand():
    # Two forecasts: 0.2 on four rows with one bad, 0.6 on two rows with both bad; base rate 1/2.
    bad, p = [0, 0, 0, 1, 1, 1], [0.2] * 4 + [0.6] * 2
    found = brier_split(bad, p)
    assert found.reliability == pytest.approx((4 * 0.05**2 + 2 * 0.4**2) / 6)
    assert found.resolution == pytest.approx((4 * 0.25**2 + 2 * 0.5**2) / 6)
    assert found.uncertainty == pytest.approx(0.25)
    assert found.brier == pytest.approx((3 * 0.04 + 0.64 + 2 * 0.16) / 6)
    assert (found.within_variance, found.within_covariance) == pytest.approx((0.0, 0.0))
    assert found.bins == 2


def test_brier_agrees_with_scikit_learn():
    bad, p, weight = sample(500, seed=1)
    assert brier_score(bad, p) == pytest.approx(brier_score_loss(bad, p), abs=1e-14)
    assert brier_score(bad, p, sample_weight=weight) == pytest.approx(
        brier_score_loss(bad, p, sample_weight=weight), abs=1e-14
    )
    assert brier_score([1, 1], [0.5, 1.0]) == 0.125


def test_hosmer_lemeshow_by_hand():
    # Ten rows each at 0.1, 0.3, 0.6 with 2, 2, 7 bads: (2-1)^2/0.9 + (2-3)^2/2.1 + (7-6)^2/2.4.
    p = np.repeat([0.1, 0.3, 0.6], 10)
    bad = np.concatenate([np.arange(10) < k for k in (2, 2, 7)]).astype(int)
    found = hosmer_lemeshow(bad, p, groups=3)
    statistic = 1 / 0.9 + 1 / 2.1 + 1 / 2.4
    assert found.statistic == pytest.approx(statistic)
    assert (found.groups, found.degrees) == (3, 3)
    assert found.p_value == pytest.approx(chi2.sf(statistic, 3))
    assert hosmer_lemeshow(bad, p, groups=3, same_sample=True).degrees == 1


def test_hosmer_lemeshow_holds_its_level_on_new_rows():
    refused = sum(
        hosmer_lemeshow(*sample(500, seed=seed)[:2]).p_value < 0.05 for seed in range(400)
    )
    assert 0.0064 <= refused / 400 <= 0.0936  # four standard deviations of 0.05 in 400


def test_hosmer_lemeshow_of_certain_predictions():
    p = np.repeat([0.0, 0.5, 1.0], 10)
    bad = np.concatenate([np.zeros(10), np.arange(10) < 5, np.ones(10)]).astype(int)
    assert hosmer_lemeshow(bad, p, groups=3).statistic == pytest.approx(0.0)
    bad[0] = 1
    wrong = hosmer_lemeshow(bad, p, groups=3)
    assert (wrong.statistic, wrong.p_value) == (np.inf, 0.0)


def test_calibration_error_by_hand():
    bad, p = [0, 1, 0, 1, 1, 1], [0.1, 0.1, 0.2, 0.8, 0.9, 0.9]
    # Bins of three: mean p 0.4/3 against 1/3, and 2.6/3 against 1: off by 0.2 and 0.4/3.
    assert expected_calibration_error(bad, p, bins=2) == pytest.approx((0.2 + 0.4 / 3) / 2)


def test_calibration_table_holds_every_row():
    bad, p, _ = sample(1000, seed=2)
    table = calibration_table(bad, p)
    assert table.rows.tolist() == [100] * 10
    assert (table.rows * table.bad_rate).sum() == pytest.approx(bad.sum())
    assert (table.probability_lowest.to_numpy()[1:] > table.probability_highest[:-1]).all()
    assert ((table.lower <= table.bad_rate) & (table.bad_rate <= table.upper)).all()


def test_slope_and_intercept_agree_with_statsmodels():
    bad, p, weight = sample(2000, seed=3, slope=0.7, shift=0.4)
    eta = np.log(p / (1 - p))
    both = sm.Logit(bad, sm.add_constant(eta)).fit(disp=0)
    large = sm.GLM(bad, np.ones(2000), family=sm.families.Binomial(), offset=eta).fit()
    found = calibration_slope(bad, p)
    assert (found.intercept, found.slope) == pytest.approx(both.params, rel=1e-7)
    assert (found.slope_lower, found.slope_upper) == pytest.approx(both.conf_int()[1], rel=1e-6)
    assert found.in_the_large == pytest.approx(large.params[0], rel=1e-7)
    limits = (found.in_the_large_lower, found.in_the_large_upper)
    assert limits == pytest.approx(large.conf_int()[0], rel=1e-6)
    assert found.in_the_large_p_value == pytest.approx(large.pvalues[0], rel=1e-5)
    weighted = sm.GLM(
        bad, sm.add_constant(eta), family=sm.families.Binomial(), freq_weights=weight
    ).fit()
    assert calibration_slope(bad, p, sample_weight=weight).slope == pytest.approx(
        weighted.params[1], rel=1e-7
    )


def test_weighted_slope_error_is_the_sandwich_of_statsmodels():
    bad, p, weight = sample(2000, seed=4)
    design = sm.add_constant(np.log(p / (1 - p)))
    # Repeat the sandwich from statsmodels' own fit: H^-1 (sum w^2 r^2 x x') H^-1.
    fitted = sm.GLM(bad, design, family=sm.families.Binomial(), freq_weights=weight).fit()
    bread = np.asarray(fitted.cov_params())
    residual = (weight * (bad - fitted.fittedvalues))[:, None] * design
    error = np.sqrt((bread @ residual.T @ residual @ bread)[1, 1])
    found = calibration_slope(bad, p, sample_weight=weight)
    half = (found.slope_upper - found.slope_lower) / 2
    assert half == pytest.approx(1.959963984540054 * error, rel=1e-6)


def test_a_shift_shows_in_the_large_and_a_stretch_in_the_slope():
    shifted = calibration_slope(*sample(20_000, seed=5, shift=0.5)[:2])
    assert shifted.in_the_large_lower > 0.3
    assert shifted.slope_lower < 1.0 < shifted.slope_upper
    stretched = calibration_slope(*sample(20_000, seed=6, slope=0.6)[:2])
    assert stretched.slope_upper < 0.8
    assert stretched.slope_p_value < 1e-6


def test_grades_by_hand_and_against_scipy():
    # A: 200 rows at 2 %, 4 bads; B: 100 rows at 5 %, 11 bads; C: 50 rows at 20 %, 18 bads.
    rows, hits, pds = np.array([200, 100, 50]), np.array([4, 11, 18]), np.array([0.02, 0.05, 0.2])
    grade = np.repeat(["A", "B", "C"], rows)
    bad = np.concatenate([np.arange(n) < k for n, k in zip(rows, hits, strict=True)]).astype(int)
    table = grade_table(bad, np.repeat(pds, rows), grade)
    assert table.grade.tolist() == ["A", "B", "C", "(all)"]
    assert table.bad.tolist() == [4, 11, 18, 33]
    exact = [binomtest(k, n, q, alternative="greater").pvalue
             for k, n, q in zip(hits, rows, pds, strict=True)]  # fmt: skip
    assert table.binomial_p_value[:3].tolist() == pytest.approx(exact, rel=1e-10)
    assert table.jeffreys_p_value[:3].tolist() == pytest.approx(
        beta.cdf(pds, hits + 0.5, rows - hits + 0.5), rel=1e-10
    )
    assert table.ratio[:3].tolist() == pytest.approx([1.0, 2.2, 1.8])
    # P(at least 11 of 100 at 5 %) = 0.0115: amber; P(at least 18 of 50 at 20 %) = 0.0063: red.
    assert table.light[:3].tolist() == ["green", "amber", "red"]
    both = grade_table(bad, np.repeat(pds, rows), grade, alternative="two-sided")
    exact = [binomtest(k, n, q).pvalue for k, n, q in zip(hits, rows, pds, strict=True)]
    assert both.binomial_p_value[:3].tolist() == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize(("level", "light"), [(0.05, "amber"), (0.01, "red")])
def test_lights_open_just_below_their_level(level, light):
    # Of 1,000 rows at 3 % find the first count whose exact tail is below the level.
    counts = np.arange(1001)
    first = int(counts[binom.sf(counts - 1, 1000, 0.03) < level][0])
    before = {"amber": "green", "red": "amber"}[light]
    for hits, expected in ((first, light), (first - 1, before)):
        table = grade_table(np.arange(1000) < hits, np.full(1000, 0.03), np.full(1000, 1))
        assert table.light.tolist() == [expected] * 2


def test_grade_with_nothing_expected_is_said_and_never_divides():
    table = grade_table([0, 0, 1, 0], [0.0, 0.0, 0.5, 0.5], ["A", "A", None, None])
    assert table.grade.tolist() == ["A", "(missing)", "(all)"]
    assert np.isnan(table.ratio[0])
    assert table.binomial_p_value[0] == 1.0
    assert grade_table([1, 0], [0.0, 0.0], ["A", "A"]).light.tolist() == ["red", "red"]


def test_master_scale_and_order():
    table = grade_table(
        [0, 1, 0, 0], [0.5] * 4, ["A", "B", "B", "A"],
        grade_probability={"A": 0.1, "B": 0.3}, order=["B", "A", "unused"],
    )  # fmt: skip
    assert table.grade.tolist() == ["B", "A", "(all)"]
    assert table.probability.tolist() == pytest.approx([0.3, 0.1, 0.2])


def test_refusals():
    with pytest.raises(OutOfRangeError, match="probability"):
        brier_score([0, 1], [0.5, 1.01])
    with pytest.raises(OutOfRangeError, match="probability"):
        brier_score([0, 1], [-0.01, 0.5])
    with pytest.raises(OneClassError):
        brier_split([0, 0], [0.1, 0.2])
    with pytest.raises(InputError, match="missing or infinite"):
        hosmer_lemeshow([0, 1], [0.1, np.nan])
    with pytest.raises(InputError, match="too few"):
        hosmer_lemeshow([0, 1, 1], [0.1, 0.1, 0.2], same_sample=True)
    with pytest.raises(InputError, match="more than one value"):
        calibration_slope([0, 1], [0.3, 0.3])
    with pytest.raises(InputError, match="separated"):
        calibration_slope([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])
    with pytest.raises(InputError, match="alternative"):
        grade_table([0, 1], [0.1, 0.2], ["A", "B"], alternative="less")
    with pytest.raises(OutOfRangeError, match="red_below"):
        grade_table([0, 1], [0.1, 0.2], ["A", "B"], red_below=0.2)
    with pytest.raises(InputError, match="lacks the grades B"):
        grade_table([0, 1], [0.1, 0.2], ["A", "B"], grade_probability={"A": 0.1})
    with pytest.raises(InputError, match="lacks the grades B"):
        grade_table([0, 1], [0.1, 0.2], ["A", "B"], order=["A"])
    with pytest.raises(InputError, match="grade has 1 rows"):
        grade_table([0, 1], [0.1, 0.2], ["A"])
