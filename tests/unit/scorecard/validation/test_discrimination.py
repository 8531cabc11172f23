"""AUC, KS, lift, CAP and ROC by hand and against scikit-learn, scipy and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score, roc_curve

from fengkong.foundation.errors import InputError, OneClassError, OutOfRangeError
from fengkong.scorecard.validation import (
    accuracy_ratio,
    auc,
    auc_interval,
    auc_test,
    cap_points,
    gini,
    ks,
    ks_grade,
    ks_table,
    lift_table,
    roc_points,
)


def sample(rows: int, *, seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    probability = random.beta(1.0, 4.0, rows)
    bad = (random.random(rows) < probability).astype(int)
    bad[:2] = (0, 1)
    return bad, np.round(probability, 1) if ties else probability, random.uniform(0, 3, rows)


def brute_delong(bad, value):
    """AUC and its variance as DeLong's equations say, pair by pair."""
    bads, goods = value[bad == 1], value[bad == 0]
    psi = (bads[:, None] > goods[None, :]) + 0.5 * (bads[:, None] == goods[None, :])
    by_bad, by_good = psi.mean(axis=1), psi.mean(axis=0)
    return psi.mean(), by_bad.var(ddof=1) / bads.size + by_good.var(ddof=1) / goods.size


def test_ks_by_hand():
    # Riskiest first: .9 bad, .8 bad, .7 good, .6 bad, .2 good, .1 good.
    # After .8: 2/3 of bads, no good: 0.667. After .6: 1 - 1/3 = 0.667 too; the riskiest is named.
    found = ks([1, 1, 0, 1, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.2, 0.1])
    assert found.ks == pytest.approx(2 / 3)
    assert (found.value, found.bad_share, found.good_share) == pytest.approx((0.8, 2 / 3, 0.0))
    assert found.grade == "strong"


def test_ks_of_a_score_lies_at_a_score():
    found = ks([1, 1, 0, 0], [500, 520, 600, 650], higher_is_safer=True)
    assert (found.ks, found.value) == (1.0, 520.0)


@pytest.mark.parametrize(
    ("distance", "grade"),
    [(0.0, "weak"), (0.199, "weak"), (0.20, "fair"), (0.299, "fair"), (0.30, "good"),
     (0.50, "good"), (0.501, "strong"), (0.75, "strong"), (0.751, "check"), (1.0, "check")],
)  # fmt: skip
def test_grading_of_regulation_d4(distance, grade):
    assert ks_grade(distance) == grade


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_auc_ks_and_roc_agree_with_scikit_learn_and_scipy(seed, ties):
    bad, value, weight = sample(800, seed=seed, ties=ties)
    assert auc(bad, value) == pytest.approx(roc_auc_score(bad, value), abs=1e-12)
    assert auc(bad, value, sample_weight=weight) == pytest.approx(
        roc_auc_score(bad, value, sample_weight=weight), abs=1e-12
    )
    assert ks(bad, value).ks == pytest.approx(
        ks_2samp(value[bad == 1], value[bad == 0]).statistic, abs=1e-12
    )
    false_positive, true_positive, threshold = roc_curve(bad, value, drop_intermediate=False)
    found = roc_points(bad, value)
    assert found.good_share.to_numpy() == pytest.approx(false_positive, abs=1e-12)
    assert found.bad_share.to_numpy() == pytest.approx(true_positive, abs=1e-12)
    assert found.value.to_numpy()[1:] == pytest.approx(threshold[1:])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_delong_equals_the_pairwise_definition(seed, ties):
    bad, value, _ = sample(60, seed=seed, ties=ties)
    area, variance = brute_delong(bad, value)
    found = auc_interval(bad, value)
    assert found.auc == pytest.approx(area, abs=1e-12)
    assert found.standard_error**2 == pytest.approx(variance, rel=1e-10)
    half = 1.959963984540054 * np.sqrt(variance)
    assert found.lower == pytest.approx(max(area - half, 0.0))
    assert found.upper == pytest.approx(min(area + half, 1.0))
    assert found.gini == pytest.approx(2 * area - 1)


def test_equal_weights_change_no_interval():
    bad, value, _ = sample(300, seed=5, ties=True)
    plain = auc_interval(bad, value)
    weighted = auc_interval(bad, value, sample_weight=np.full(300, 2.5))
    assert weighted.standard_error == pytest.approx(plain.standard_error, rel=1e-12)


def test_weighted_interval_covers_as_it_says():
    # Goods sampled at one in four and weighted back: the interval must cover the area of the whole.
    random = np.random.default_rng(11)
    covered, truth = 0, 0.76024993  # P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt 2)
    for _ in range(400):
        bad = (random.random(400) < 0.3).astype(int)
        weight = np.where(bad == 1, 1.0, random.choice([1.0, 4.0], 400))
        found = auc_interval(bad, random.normal(bad, 1.0), sample_weight=weight)
        covered += found.lower <= truth <= found.upper
    # 400 draws of 0.95: four standard deviations are 0.044.
    assert 0.906 <= covered / 400 <= 0.994


def test_paired_test_of_one_order_is_no_difference_and_of_reversed_order_is_certain():
    bad = np.array([0, 0, 0, 1, 1, 1])
    value = np.arange(6.0)
    same = auc_test(bad, value, np.exp(value))
    assert (same.difference, same.z, same.p_value) == (0.0, 0.0, 1.0)
    reverse = auc_test(bad, value, -value)
    assert (reverse.difference, reverse.z, reverse.p_value) == (1.0, np.inf, 0.0)


def test_paired_test_holds_its_level():
    random = np.random.default_rng(4)
    refused = 0
    for _ in range(500):
        bad = (random.random(200) < 0.4).astype(int)
        common = random.normal(bad, 1.0)
        first, second = random.normal(common, 1.0), random.normal(common, 1.0)
        refused += auc_test(bad, first, second).p_value < 0.05
    assert 0.015 <= refused / 500 <= 0.09  # four standard deviations of 0.05 in 500


def test_ks_table_by_hand():
    table = ks_table(
        [1, 1, 0, 1, 0, 0, 0, 0], [0.9, 0.8, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2], cuts=[0.5, 0.8]
    )
    assert table.band.tolist() == [1, 2, 3]
    assert table.lowest.tolist() == [0.8, 0.5, 0.2]
    assert table.highest.tolist() == [0.9, 0.6, 0.4]
    assert table.rows.tolist() == [3, 2, 3]
    assert table.bad.tolist() == [2, 1, 0]
    assert table.bad_rate.tolist() == pytest.approx([2 / 3, 1 / 2, 0])
    assert table.ks.tolist() == pytest.approx([2 / 3 - 1 / 5, 1 - 2 / 5, 0])
    assert table.lift.tolist() == pytest.approx([(2 / 3) / (3 / 8), (1 / 2) / (3 / 8), 0])
    assert table.cumulative_lift.tolist() == pytest.approx([16 / 9, (3 / 5) / (3 / 8), 1])


def test_tied_rows_stay_in_one_band():
    value = np.repeat([0.1, 0.2, 0.9], [700, 200, 100])
    bad = np.arange(1000) % 3 == 0
    table = ks_table(bad, value, bands=10)
    assert table.rows.tolist() == [100, 200, 700]
    assert (table.lowest == table.highest).all()


def test_ten_bands_of_equal_size_when_there_are_no_ties():
    bad, value, _ = sample(1000, seed=8, ties=False)
    assert ks_table(bad, value).rows.tolist() == [100] * 10
    assert ks_table(bad, value).bad.sum() == bad.sum()


def test_score_and_probability_give_the_same_table():
    bad, value, _ = sample(500, seed=9, ties=True)
    by_probability = ks_table(bad, value, cuts=[0.15, 0.35])
    by_score = ks_table(bad, 600 - 100 * value, cuts=[565, 585], higher_is_safer=True)
    assert by_score.bad.tolist() == by_probability.bad.tolist()
    assert by_score.rows.tolist() == by_probability.rows.tolist()
    assert by_score.lowest.iloc[0] < by_score.lowest.iloc[-1]


def test_lift_by_hand_and_within_ties():
    # Two bads of ten, both among the four rows that share the riskiest value.
    bad = [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    value = [0.9] * 4 + [0.1] * 6
    table = lift_table(bad, value, depths=[0.2, 0.4, 1.0])
    assert table.bad_share.tolist() == pytest.approx([0.5, 1.0, 1.0])
    assert table.lift.tolist() == pytest.approx([2.5, 2.5, 1.0])
    assert table.best_lift.tolist() == pytest.approx([5.0, 2.5, 1.0])


def test_points_are_thinned_on_the_curve_and_keep_the_ks():
    bad, value, _ = sample(5000, seed=10, ties=False)
    full, thin = roc_points(bad, value), roc_points(bad, value, points=50)
    assert 40 <= len(thin) <= 51
    assert set(zip(thin.good_share, thin.bad_share, strict=True)) <= set(
        zip(full.good_share, full.bad_share, strict=True)
    )
    assert (thin.bad_share - thin.good_share).max() == pytest.approx(ks(bad, value).ks)
    cap = cap_points(bad, value, points=50)
    assert cap.iloc[0].row_share == 0.0
    assert cap.iloc[-1].bad_share == 1.0
    assert (cap.perfect_share >= cap.bad_share - 1e-12).all()


def test_accuracy_ratio_is_gini():
    bad, value, weight = sample(700, seed=12, ties=True)
    assert accuracy_ratio(bad, value) == pytest.approx(gini(bad, value), abs=1e-12)
    assert accuracy_ratio(bad, value, sample_weight=weight) == pytest.approx(
        gini(bad, value, sample_weight=weight), abs=1e-12
    )


@pytest.mark.parametrize("figure", [auc, gini, auc_interval, ks, ks_table, lift_table, roc_points])
def test_refusals_of_bad_input(figure):
    with pytest.raises(OneClassError, match="only goods"):
        figure([0, 0, 0], [0.1, 0.2, 0.3])
    with pytest.raises(OneClassError, match="only bads"):
        figure([1, 1], [0.1, 0.2])
    with pytest.raises(InputError, match="empty"):
        figure([], [])
    with pytest.raises(InputError, match="3 rows where 2"):
        figure([0, 1], [0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="missing or infinite"):
        figure([0, 1], [0.1, np.nan])
    with pytest.raises(InputError, match="missing or infinite"):
        figure([0, np.nan], [0.1, 0.2])
    with pytest.raises(InputError, match="must hold 0"):
        figure([0, 2], [0.1, 0.2])
    with pytest.raises(InputError, match="must be numbers"):
        figure(["good", "bad"], [0.1, 0.2])
    with pytest.raises(InputError, match="one dimension"):
        figure([[0, 1]], [[0.1, 0.2]])
    with pytest.raises(OutOfRangeError, match="sample_weight"):
        figure([0, 1, 1, 0], [0.1, 0.2, 0.3, 0.4], sample_weight=[1, 1, -1, 1])
    with pytest.raises(OneClassError, match="no weight"):
        figure([0, 1, 1, 0], [0.1, 0.2, 0.3, 0.4], sample_weight=[1, 0, 0, 1])


def test_refusals_of_settings():
    bad, value = [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]
    with pytest.raises(OutOfRangeError, match="confidence"):
        auc_interval(bad, value, confidence=1.0)
    with pytest.raises(InputError, match="at least two goods"):
        auc_interval([0, 1, 1], [0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="bands"):
        ks_table(bad, value, bands=0)
    with pytest.raises(InputError, match="rise strictly"):
        ks_table(bad, value, cuts=[0.3, 0.3])
    with pytest.raises(OutOfRangeError, match="depths"):
        lift_table(bad, value, depths=[0.0])
    with pytest.raises(InputError, match="points"):
        roc_points(bad, value, points=1)
