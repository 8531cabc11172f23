"""Drift: equal to plain NumPy where that has an answer, and a stated answer where it has none."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import binom

from fengkong.foundation.errors import ColumnTypeError, InputError, OutOfRangeError
from fengkong.scorecard.binning.bins import ColumnBins, Special
from fengkong.scorecard.watch import DriftReference, drift, stability

DECILES = np.arange(1, 10) / 10


def plain_psi(reference, current):
    """Return the index as a modeller writes it in NumPy, for columns without ties or gaps."""
    edges = np.quantile(reference, DECILES)
    shares = [
        np.bincount(np.searchsorted(edges, side, side="right"), minlength=10) / len(side)
        for side in (reference, current)
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


@pytest.fixture
def rng():
    return np.random.default_rng(20261123)


@pytest.mark.parametrize("rows", [1_000, 250_000])
@pytest.mark.parametrize("kind", ["f8", "f4", "i8", "i4", "i2"])
def test_equals_plain_numpy_exactly(rng, rows, kind):
    reference = (rng.normal(size=rows) * 5_000).astype(kind)
    current = (rng.normal(0.2, 1.1, size=rows // 2) * 5_000).astype(kind)
    found = drift(pd.DataFrame({"x": reference}), pd.DataFrame({"x": current}))
    wide = [side.astype(np.float64) for side in (reference, current)]
    assert found.columns["psi"].item() == pytest.approx(plain_psi(*wide), rel=1e-12)


def test_every_way_to_hand_over_a_table_gives_the_same(rng):
    names = ["a", "b", "c"]
    sides = [rng.normal(size=(500, 3)), rng.normal(0.3, 1, size=(400, 3))]
    frames = [pd.DataFrame(side, columns=names) for side in sides]
    expected = drift(*frames).columns
    for made in (
        [pa.table(frame) for frame in frames],
        [{name: frame[name].to_numpy() for name in names} for frame in frames],
        [frame.astype("Float64") for frame in frames],
        [frame.astype(object) for frame in frames],
    ):
        pd.testing.assert_frame_equal(drift(*made).columns, expected)
    by_place = drift(*sides).columns.replace({"x0": "a", "x1": "b", "x2": "c"})
    pd.testing.assert_frame_equal(by_place, expected)
    pd.testing.assert_frame_equal(drift(*frames, n_jobs=1).columns, expected)


def test_cells_add_up_and_name_what_moved():
    reference = pd.DataFrame({"x": np.repeat([1.0, 2.0, np.nan], [50, 30, 20])})
    current = pd.DataFrame({"x": np.repeat([1.0, 2.0, np.nan], [50, 10, 40])})
    found = drift(reference, current, bins={"x": [1.5]})
    cells = found.cells.set_index("cell")
    assert list(cells.index) == ["(-inf, 1.5)", "[1.5, +inf)", "missing"]
    assert cells["reference_count"].tolist() == [50, 30, 20]
    assert cells["current_count"].tolist() == [50, 10, 40]
    by_hand = {"[1.5, +inf)": -0.2 * np.log(1 / 3), "missing": 0.2 * np.log(2)}
    for name, value in by_hand.items():
        assert cells.loc[name, "contribution"] == pytest.approx(value)
    row = found.columns.iloc[0]
    assert row["psi"] == pytest.approx(sum(by_hand.values()))
    assert row["worst_cell"] == "[1.5, +inf)"
    assert (row["missing_reference"], row["missing_current"]) == (0.2, 0.4)
    assert row["missing_change"] == pytest.approx(0.2)
    # Present rows: 50 of 80 and 50 of 60 below the edge.
    assert row["ks"] == pytest.approx(50 / 60 - 50 / 80)


def test_an_empty_cell_stands_for_half_a_row_or_a_share():
    half = stability([50, 50], [100, 0])
    assert half.psi == pytest.approx(0.5 * np.log(2) + (0.005 - 0.5) * np.log(0.005 / 0.5))
    floor = stability([50, 50], [100, 0], zero_cell=0.0001)
    assert floor.psi == pytest.approx(0.5 * np.log(2) + (0.0001 - 0.5) * np.log(0.0001 / 0.5))
    assert stability([50, 50, 0], [100, 0, 0]).psi == half.psi
    for wrong in (0.0, 1.0, -0.1, float("nan")):
        with pytest.raises(OutOfRangeError):
            stability([1, 1], [1, 1], zero_cell=wrong)


def test_ties_do_not_hide_a_shift():
    # All deciles of each column are one value; quantile bins alone would give PSI 0.
    n = 1_000
    rare = pd.DataFrame({"x": np.repeat([0.0, 1.0], [n - 50, 50])})
    often = pd.DataFrame({"x": np.repeat([0.0, 1.0], [n - 500, 500])})
    expected = (0.5 - 0.05) * np.log(0.5 / 0.05) + (0.5 - 0.95) * np.log(0.5 / 0.95)
    for kind in ("f8", "f4", "i8", "u1", "bool"):
        found = drift(rare.astype(kind), often.astype(kind))
        assert found.columns["psi"].item() == pytest.approx(expected), kind
    assert "= 0" in set(found.cells["cell"])
    constant = pd.DataFrame({"x": np.full(n, 3.0)})
    for moved in (2.0, 4.0, np.nextafter(3.0, 4.0)):
        for size in (2, 10):
            shifted = drift(constant, pd.DataFrame({"x": np.full(n, moved)}), bins=size)
            assert shifted.columns["grade"].item() == "shift"
    same = drift(constant, constant).columns.iloc[0]
    assert (same["psi"], same["p_value"], same["chance"]) == (0.0, 1.0, "within 95")


def test_equal_width_edges():
    reference = pd.DataFrame({"x": np.arange(101.0)})
    found = DriftReference.fit(reference, bins=4, method="equal_width")
    assert found.columns[0].cells.edges.tolist() == [25.0, 50.0, 75.0]
    huge = pd.DataFrame({"x": [-1.7e308, 0.0, 1.7e308]})
    assert np.isfinite(DriftReference.fit(huge, method="equal_width").columns[0].cells.edges).all()
    constant = pd.DataFrame({"x": [5.0, 5.0, np.inf]})
    labels = DriftReference.fit(constant, method="equal_width").columns[0].cells.labels
    assert labels[1] == "= 5"


def test_infinities_are_values_and_never_become_nan():
    x = np.array([-np.inf] * 300 + list(range(100)) + [np.inf] * 300, dtype=float)
    y = np.array([-np.inf] * 100 + list(range(100)) + [np.inf] * 500, dtype=float)
    found = drift(pd.DataFrame({"x": x}), pd.DataFrame({"x": y}))
    assert np.isfinite(found.columns["psi"]).all()
    assert found.columns["grade"].item() == "shift"
    assert found.cells["reference_count"].sum() == 700
    json.dumps(found.to_dict(), allow_nan=False)
    reference = DriftReference.fit(pd.DataFrame({"x": x}))
    again = DriftReference.from_json(reference.to_json())
    assert drift(again, pd.DataFrame({"x": y})).to_dict() == found.to_dict()


def test_categories_new_rare_and_missing():
    reference = pd.DataFrame({"c": ["a"] * 60 + ["b"] * 30 + ["c"] * 6 + ["d"] * 4})
    current = pd.DataFrame({"c": ["a"] * 50 + ["b"] * 20 + ["z"] * 20 + [None] * 10})
    found = drift(reference, current, categories_at_most=2)
    cells = found.cells.set_index("cell")
    assert list(cells.index) == ["a", "other", "missing", "new"]
    assert cells["reference_count"].tolist() == [60, 40, 0, 0]
    assert cells["current_count"].tolist() == [50, 20, 10, 20]
    assert found.new_labels.to_dict("records") == [
        {"column": "c", "label": "z", "count": 20.0, "share": 0.2}
    ]
    assert found.columns["new_share"].item() == 0.2
    assert found.columns["ks"].isna().all()
    assert found.to_dict()["columns"][0]["ks"] is None


def test_codes_that_are_numbers_in_the_next_file_stay_categories():
    reference = pd.DataFrame({"c": ["1", "2", "2"]})
    current = pd.DataFrame({"c": [1, 2, 2]})
    assert drift(reference, current).columns["psi"].item() == 0.0


def test_fitted_bins_with_specials_count_what_their_codes_count(rng):
    values = np.where(rng.random(2_000) < 0.2, -1.0, rng.normal(size=2_000))
    values[rng.random(2_000) < 0.1] = np.nan
    values[:50] = -9.0
    bins = ColumnBins(
        name="x", kind="numeric", cuts=np.array([-1.0, 0.5]),
        specials=(Special(name="never", values=(-1.0,)), Special(name="odd", values=(-9.0, 7.0))),
        count=np.ones(7), bad_count=np.zeros(7), woe=np.zeros(7),
    )  # fmt: skip
    frame = pd.DataFrame({"x": values})
    reference = DriftReference.fit(frame, bins={"x": bins})
    from fengkong.foundation.tables import read_table

    expected = np.bincount(bins.codes(read_table(frame).field("x")), minlength=7)[:6]
    assert reference.columns[0].count.tolist() == expected.tolist()
    assert reference.columns[0].cells.labels[3:] == ("missing", "never", "odd")


def test_a_fitted_binner_gives_the_cells(rng):
    from fengkong.scorecard.binning import Binner

    frame = pd.DataFrame({"x": rng.normal(size=3_000), "c": rng.choice(["a", "b"], size=3_000)})
    bad = (rng.random(3_000) < 1 / (1 + np.exp(2 - frame["x"]))).astype(int)
    binner = Binner().fit(frame, bad)
    found = drift(frame, frame.assign(x=frame["x"] + 1), bins=binner)
    edges = binner.bins_["x"].cuts
    shares = [
        np.bincount(np.searchsorted(edges, side, side="right"), minlength=len(edges) + 1) / 3_000
        for side in (frame["x"], frame["x"] + 1)
    ]
    expected = ((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum()
    psi = found.columns.set_index("column")["psi"]
    assert psi["x"] == pytest.approx(expected)
    assert psi["c"] == 0.0
    with pytest.raises(InputError, match="fitted Binner"):
        drift(frame, frame, bins=Binner())


def test_weights_count_like_repeated_rows(rng):
    values = rng.normal(size=300)
    times = rng.integers(1, 4, size=300)
    other = pd.DataFrame({"x": rng.normal(0.3, 1, size=200)})
    edges = {"x": [-1.0, 0.0, 1.0]}
    weighted = drift(pd.DataFrame({"x": values}), other, bins=edges, reference_weight=times)
    repeated = drift(pd.DataFrame({"x": np.repeat(values, times)}), other, bins=edges)
    assert weighted.columns["psi"].item() == pytest.approx(repeated.columns["psi"].item())
    # Kish: 300 rows that weigh unequally are worth fewer than 300.
    assert DriftReference.fit(other, sample_weight=np.arange(1, 201)).rows_effective < 200
    for wrong in ([1.0], np.full(300, -1.0), np.zeros(300), np.full(300, np.nan)):
        with pytest.raises(InputError):
            drift(pd.DataFrame({"x": values}), other, reference_weight=wrong)


def test_a_reference_keeps_no_rows_and_reads_back_bit_equal(rng):
    frame = pd.DataFrame({
        "x": rng.normal(size=5_000), "c": rng.choice(["甲", "乙"], size=5_000)})  # fmt: skip
    reference = DriftReference.fit(frame)
    text = reference.to_json()
    assert len(text) < 2_000
    assert DriftReference.from_json(text).to_json() == text
    for wrong in ("{", '{"format": "other"}'):
        with pytest.raises(InputError):
            DriftReference.from_json(wrong)


def test_bad_input_is_named():
    frame = pd.DataFrame({"x": [1.0, 2.0], "c": ["a", "b"]})
    with pytest.raises(InputError, match="lacks columns of the reference: c"):
        drift(frame, frame[["x"]])
    with pytest.raises(ColumnTypeError, match="expected numbers"):
        drift(frame[["x"]], frame[["c"]].rename(columns={"c": "x"}))
    with pytest.raises(InputError, match="current has no rows"):
        drift(frame, frame.iloc[:0])
    with pytest.raises(InputError, match="reference has no rows"):
        drift(frame.iloc[:0], frame)
    with pytest.raises(InputError, match="no columns"):
        DriftReference.fit(np.empty((3, 0)))
    for edges in ([2.0, 1.0], [1.0, 1.0], [np.nan], ["a"], [[1.0]]):
        with pytest.raises(InputError, match="edges"):
            drift(frame, frame, bins={"x": edges})
    with pytest.raises(InputError, match="not there: y"):
        drift(frame, frame, bins={"y": [1.0]})
    for size in (1, 201):
        with pytest.raises(OutOfRangeError):
            drift(frame, frame, bins=size)
    with pytest.raises(OutOfRangeError):
        drift(frame, frame, n_jobs=0)
    with pytest.raises(InputError):
        drift(DriftReference.fit(frame), frame, reference_weight=[1, 1])
    assert drift(frame[["x"]], frame).extra_columns == ("c",)


def test_a_column_without_present_values_is_said():
    missing = pd.DataFrame({"x": [np.nan] * 10})
    present = pd.DataFrame({"x": np.arange(10.0)})
    gone = drift(present, missing).columns.iloc[0]
    assert gone["note"] == "current has no present value"
    assert gone["missing_change"] == 1.0
    assert gone["grade"] == "shift"
    came = drift(missing, present).columns.iloc[0]
    assert came["note"] == "the reference has no present value"
    assert came["grade"] == "shift"
    assert drift(missing, missing).columns["psi"].item() == 0.0


@pytest.mark.parametrize(("n", "m", "bins"), [(2_000, 1_000, 10), (800, 800, 5)])
def test_quantiles_without_a_change_hold_in_simulation(rng, n, m, bins):
    # 2,000 pairs of samples from one population, edges from the first sample as always.
    runs = 2_000
    found = [
        drift(
            {"x": rng.normal(size=n)}, {"x": rng.normal(size=m)}, bins=bins, n_jobs=1
        ).columns.iloc[0]
        for _ in range(runs)
    ]
    for name, level in (("psi_95", 0.95), ("psi_99", 0.99)):
        inside = sum(row["psi"] <= row[name] for row in found)
        # Binomial limits at 1 in 10,000, widened by 0.4 % for the second-order error at these n.
        low = binom.ppf(5e-5, runs, level - 0.004)
        high = binom.ppf(1 - 5e-5, runs, min(level + 0.004, 1.0))
        assert low <= inside <= high


def test_small_samples_look_like_a_shift_by_chance_alone(rng):
    frame = [pd.DataFrame({"x": rng.normal(size=40)}) for _ in range(2)]
    row = drift(*frame).columns.iloc[0]
    assert row["psi"] > 0.10
    assert row["chance"] == "within 95"
