"""Weight of evidence, information value and intervals against examples that others printed.

Sources
-------
optbinning 0.x, tutorial "optimal binning with binary target" and README (Navas-Palencia): variable
"mean radius" of the breast cancer data of scikit-learn, `binning_table.build()`; six decimals.
Data Science Central, forum "Scorecard building using WOE/ IV": age in five groups, four decimals.
hackingnote.com, "Weight of Evidence and Information Value" (2021): shares of six bins, three
decimals.
Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3: Wilson's score interval.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from fengkong.scorecard.binning import Binner, ColumnBins, weight_of_evidence
from fengkong.scorecard.binning.tables import jensen_shannon, wilson_interval

# optbinning's table: cuts, then count, non-event, event, WoE, IV of each bin.
RADIUS_CUTS = [11.42500019, 12.32999992, 13.09499979, 13.70499992, 15.04500008, 16.92500019]
RADIUS = np.array([
    [118, 3, 115, -3.125170, 0.962483],
    [79, 3, 76, -2.710972, 0.538763],
    [68, 7, 61, -1.643814, 0.226599],
    [49, 10, 39, -0.839827, 0.052131],
    [83, 28, 55, -0.153979, 0.003385],
    [54, 44, 10, 2.002754, 0.359566],
    [118, 117, 1, 5.283323, 2.900997],
])  # fmt: skip
RADIUS_IV, RADIUS_JS = 5.043925, 0.393784


@pytest.fixture(scope="module")
def radius():
    data = load_breast_cancer()
    return pd.DataFrame({"mean radius": data.data[:, 0]}), data.target


def test_optbinning_tutorial_bin_by_bin(radius):
    X, y = radius
    binner = Binner(splits={"mean radius": RADIUS_CUTS}).fit(X, y)
    table = binner.table("mean radius").iloc[:7]
    assert table["count"].tolist() == RADIUS[:, 0].tolist()
    assert table["bads"].tolist() == RADIUS[:, 2].tolist()
    np.testing.assert_allclose(table["woe"], RADIUS[:, 3], atol=5.1e-7)
    np.testing.assert_allclose(table["iv"], RADIUS[:, 4], atol=5.1e-7)
    assert binner.bins_["mean radius"].iv == pytest.approx(RADIUS_IV, abs=5.1e-7)
    assert jensen_shannon(binner.bins_["mean radius"]) == pytest.approx(RADIUS_JS, abs=5.1e-7)


def test_no_lower_than_the_tutorial_under_its_limits(radius):
    # Its limits: 20 pre-bins of at least 5 %, no bin without events or non-events.
    binner = Binner(trend="descending", max_bins=20, min_bin_share=0.05, min_bin_events=1)
    bins = binner.fit(*radius).bins_["mean radius"]
    assert bins.iv >= RADIUS_IV
    assert bins.count[: bins.n_bins].min() >= 0.05 * 569
    assert (np.diff(bins.bad_rate[: bins.n_bins]) <= 0).all()


def test_age_in_five_groups():
    goods = np.array([50, 75, 125, 175, 200.0])
    bads = np.array([120, 110, 90, 80, 70.0])
    woe = weight_of_evidence(goods + bads, bads)
    # The page cuts digits off where it does not round: one unit of the last place.
    np.testing.assert_allclose(woe, [-1.1604, -0.6680, 0.04348, 0.49774, 0.76480], atol=1e-4)
    # The page rounds each share to a tenth of a per cent before it multiplies.
    parts = np.round(goods / goods.sum(), 3) - np.round(bads / bads.sum(), 3)
    printed = [0.20308535, 0.07615328, 0.00039137, 0.05475144, 0.13078134]
    np.testing.assert_allclose(parts * woe, printed, atol=5.1e-9)
    assert np.sum(parts * woe) == pytest.approx(0.4651628, abs=5.1e-8)
    bins = ColumnBins(
        name="age", kind="categorical", cuts=np.empty(0), groups=tuple((k,) for k in "12345"),
        count=np.array([*(goods + bads), 0, 0]), bad_count=np.array([*bads, 0, 0]),
        woe=np.array([*woe, 0, 0]),
    )  # fmt: skip
    assert bins.iv == pytest.approx(0.4651628, abs=5e-4)  # not rounded on the way


def test_shares_of_six_bins():
    # The page's "pos" stand in the numerator, where our goods stand; a thousand rows of each.
    goods = 1000 * np.array([0.1, 0.15, 0.15, 0.2, 0.2, 0.2])
    bads = 1000 * np.array([0.05, 0.05, 0.1, 0.2, 0.25, 0.35])
    woe = weight_of_evidence(goods + bads, bads)
    np.testing.assert_allclose(woe, [0.693, 1.099, 0.405, 0.0, -0.223, -0.560], atol=5.1e-4)
    assert np.sum((goods - bads) / 1000 * woe) == pytest.approx(0.260, abs=5.1e-4)


@pytest.mark.parametrize(
    ("events", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
     (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_wilson_interval_of_newcombe(events, rows, low, high):
    found = wilson_interval(np.array([float(events)]), np.array([float(rows)]))
    np.testing.assert_allclose(np.concatenate(found), [low, high], atol=5.1e-5)
