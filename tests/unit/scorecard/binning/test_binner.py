"""The Binner: contract, outputs, wishes of single columns, and bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from fengkong.foundation.errors import (
    ColumnTypeError,
    InputError,
    OneClassError,
    OutOfRangeError,
)
from fengkong.scorecard.binning import Binner


class AnyTarget(Binner):
    """The battery's outcomes are classes of any number and name; the last one is taken as bad."""

    def fit(self, X, y=None, sample_weight=None):
        labels = np.asarray(y)
        if y is not None and labels.ndim == 1 and labels.dtype.kind in "iufU":
            missing = labels.dtype.kind == "f" and not np.isfinite(labels).all()
            if not missing and len(np.unique(labels)) > 1:
                y = (labels == np.unique(labels)[-1]).astype(int)
        return super().fit(X, y, sample_weight)


@parametrize_with_checks([AnyTarget(), AnyTarget(n_jobs=1, trend="none", max_p_value=0.1)])
def test_sklearn_contract(estimator, check):
    check(estimator)


def sample(rows=4000, seed=0):
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=rows)
    X = pd.DataFrame({
        "income": np.exp(risk * -0.5 + rng.normal(size=rows)),
        "late": rng.poisson(np.exp(risk * 0.5)).astype("int64"),
        "job": rng.choice(["clerk", "driver", "nurse"], rows),
        "shape": np.abs(risk) + rng.normal(size=rows) * 0.2,
    })  # fmt: skip
    X.loc[rng.random(rows) < 0.05, "income"] = np.nan
    X.loc[rng.random(rows) < 0.1, "late"] = -1
    X.loc[rng.random(rows) < 0.02, "job"] = None
    y = (rng.random(rows) < 1 / (1 + np.exp(1.5 - risk))).astype(int)
    return X, y


def test_every_code_counts_its_own_rows():
    X, y = sample()
    binner = Binner(specials={"late": {"never": [-1]}}).fit(X, y)
    codes = binner.transform(X, output="code")
    for place, (name, bins) in enumerate(binner.bins_.items()):
        rows = np.bincount(codes[:, place], minlength=bins.n_codes)
        bads = np.bincount(codes[:, place], weights=y, minlength=bins.n_codes)
        np.testing.assert_array_equal(bins.count, rows, err_msg=name)
        np.testing.assert_array_equal(bins.bad_count, bads, err_msg=name)
    assert binner.bins_["late"].label(binner.bins_["late"].missing_code + 1) == "never"


def test_outputs_agree():
    X, y = sample()
    binner = Binner().fit(X, y)
    codes = binner.transform(X, output="code")
    labels = binner.transform(X, output="label")
    woe = binner.transform(X)
    for place, bins in enumerate(binner.bins_.values()):
        np.testing.assert_array_equal(woe[:, place], bins.woe[codes[:, place]])
        assert labels[0, place] == bins.label(codes[0, place])
    assert np.isfinite(woe).all()
    assert list(binner.get_feature_names_out()) == list(X.columns)
    with pytest.raises(InputError, match="output"):
        binner.transform(X, output="points")


def test_summary_and_table_say_the_same():
    X, y = sample()
    binner = Binner().fit(X, y)
    summary = binner.summary_.set_index("column")
    for name in X:
        table = binner.table(name)
        assert table["iv"].sum() == pytest.approx(summary.loc[name, "iv"], rel=1e-12)
        assert table["share"].sum() == pytest.approx(1.0)
        held = table[table["count"] > 0]
        assert (held["bad_rate_low"] <= held["bad_rate"]).all()
        assert (held["bad_rate"] <= held["bad_rate_high"]).all()
    assert summary.loc["income", "missing_share"] == X["income"].isna().mean()
    assert summary.loc["job", "kind"] == "categorical"
    with pytest.raises(InputError, match="was not binned"):
        binner.table("age")


def test_tables_of_every_kind_give_the_same_bins():
    X, y = sample()
    numeric = X[["income", "shape"]]
    expected = Binner().fit(numeric, y).transform(numeric)
    arrow = pa.Table.from_pandas(numeric)
    for other in (arrow, {name: numeric[name].to_numpy() for name in numeric}, numeric.to_numpy()):
        np.testing.assert_array_equal(Binner().fit(other, y).transform(other), expected)


def test_one_thread_and_two_give_the_same():
    X, y = sample()
    one, two = (Binner(n_jobs=jobs).fit(X, y).transform(X) for jobs in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_trend_by_column():
    X, y = sample()
    binner = Binner(trend={"income": "ascending", "shape": "valley"}).fit(X, y)
    assert binner.bins_["income"].trend == "ascending"
    assert binner.bins_["shape"].trend == "valley"
    rates = binner.bins_["income"].bad_rate[: binner.bins_["income"].n_bins]
    assert (np.diff(rates) >= 0).all()


def test_fixed_cuts_are_kept():
    X, y = sample()
    bins = Binner(splits={"income": [2.0, 0.5], "late": []}).fit(X, y).bins_
    assert bins["income"].cuts.tolist() == [0.5, 2.0]
    assert bins["late"].n_bins == 1
    assert "fixed" in bins["income"].note


def test_fixed_groups_and_the_rare_ones():
    X, y = sample()
    splits = {"job": [["nurse", "clerk"], ["(rare)"]]}
    bins = Binner(splits=splits).fit(X, y).bins_["job"]
    assert bins.groups == (("nurse", "clerk"), ())
    assert bins.count[1] == (X["job"] == "driver").sum()  # in no group, so with the rare ones
    without = Binner(splits={"job": [["nurse"], ["clerk"]]}).fit(X, y).bins_["job"]
    assert without.count[without.unseen_code] == (X["job"] == "driver").sum()


def test_a_hint_is_a_candidate():
    # Cuts can only be at hints or pre-bins, and two pre-bins hold none near the jump at 0.731.
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"x": rng.random(20_000)})
    y = (rng.random(20_000) < np.where(X["x"] < 0.731, 0.1, 0.3)).astype(int)
    bins = Binner(max_bins=2, hints={"x": [0.731]}).fit(X, y).bins_["x"]
    assert bins.cuts[0] == pytest.approx(0.731, abs=0.01)


def test_numbers_forced_to_be_categories():
    X, y = sample()
    X["code"] = np.random.default_rng(1).integers(0, 4, len(X))
    bins = Binner(categorical=["code"]).fit(X, y).bins_["code"]
    assert bins.kind == "categorical"
    assert sorted(label for group in bins.groups for label in group) == ["0", "1", "2", "3"]


def test_specials_for_all_columns():
    X, y = sample()
    binner = Binner(specials=[-1, "driver"]).fit(X, y)
    late, job = binner.bins_["late"], binner.bins_["job"]
    assert [special.name for special in late.specials] == ["-1"]
    assert late.count[late.missing_code + 1] == (X["late"] == -1).sum()
    assert job.count[job.missing_code + 2] == (X["job"] == "driver").sum()
    assert all("driver" not in group for group in job.groups)


def test_limits_are_kept():
    X, y = sample()
    rules = {"max_bins": 4, "min_bins": 3, "min_bin_share": 0.15, "min_bin_events": 100}
    bins = Binner(**rules).fit(X, y).bins_["income"]
    k = bins.n_bins
    assert 3 <= k <= 4
    assert bins.count[:k].min() >= 0.15 * len(X)
    assert bins.bad_count[:k].min() >= 100
    assert bins.note == ""


def test_significance_joins_what_does_not_differ():
    X, y = sample()
    X["noise"] = np.random.default_rng(9).normal(size=len(X))
    free = Binner(trend="none").fit(X, y).bins_["noise"]
    held = Binner(trend="none", max_p_value=0.001, min_bin_share=0.1).fit(X, y).bins_["noise"]
    assert held.n_bins < free.n_bins


# -- bad input: a typed error or a stated fallback, never a silent NaN ------------------------


def test_constant_column_is_one_bin():
    X, y = sample()
    bins = Binner().fit(X.assign(c=7.0), y).bins_["c"]
    assert (bins.n_bins, bins.note) == (1, "only one value")
    assert bins.woe[0] == pytest.approx(0.0)


def test_all_missing_column():
    X, y = sample()
    for missing in (np.nan, None):
        X["m"] = missing
        binner = Binner().fit(X, y)
        assert binner.bins_["m"].note == "no value outside missing and specials"
        assert np.isfinite(binner.transform(X)).all()


def test_column_missing_in_the_fit_only_is_neutral_in_scoring():
    X, y = sample()
    binner = Binner().fit(X.assign(m=np.nan), y)
    woe = binner.transform(X.assign(m=1.0))
    assert (woe[:, -1] == 0.0).all()


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_is_refused(value):
    X, _ = sample(100)
    with pytest.raises(OneClassError, match="one class"):
        Binner().fit(X, np.full(100, value))


def test_perfect_separation_is_kept_and_said():
    x = np.arange(1000.0)
    bins = Binner().fit(pd.DataFrame({"x": x}), x >= 600).bins_["x"]
    assert bins.cuts.tolist() == [600.0]
    assert "separated" in bins.note
    assert np.isfinite(bins.woe).all()
    assert bins.iv > 5


def test_infinite_values_fall_into_the_outer_bins():
    X, y = sample()
    X.loc[:50, "shape"], X.loc[51:90, "shape"] = np.inf, -np.inf
    binner = Binner().fit(X, y)
    bins = binner.bins_["shape"]
    codes = binner.transform(X, output="code")[:, 3]
    assert (codes[:51] == bins.n_bins - 1).all()
    assert (codes[51:91] == 0).all()
    assert np.isfinite(bins.cuts).all()


def test_only_infinities_are_one_bin():
    x = np.where(np.arange(200) % 2, np.inf, -np.inf)
    bins = Binner().fit(pd.DataFrame({"x": x}), np.arange(200) % 3 == 0).bins_["x"]
    assert bins.n_bins == 1


def test_unseen_category_is_neutral_or_follows_the_rare():
    X, y = sample()
    new = X.assign(job="astronaut")
    assert (Binner().fit(X, y).transform(new)[:, 2] == 0.0).all()
    X.loc[:9, "job"] = "pilot"
    binner = Binner().fit(X, y)
    bins = binner.bins_["job"]
    assert bins.rare_code is not None
    assert (binner.transform(new, output="code")[:, 2] == bins.rare_code).all()


def test_ten_thousand_categories():
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 10_000, 50_000)
    X = pd.DataFrame({"c": np.where(rng.random(50_000) < 0.5, "big", codes.astype(str))})
    y = rng.random(50_000) < np.where(X["c"] == "big", 0.1, 0.2)
    bins = Binner().fit(X, y).bins_["c"]
    assert bins.n_bins == 2
    assert bins.groups[bins.rare_code] == ()
    every = Binner(rare_share=0.0, rare_count=0).fit(X, y).bins_["c"]
    assert sum(len(group) for group in every.groups) == X["c"].nunique()


def test_another_type_at_scoring_is_refused():
    X, y = sample()
    binner = Binner().fit(X, y)
    with pytest.raises(ColumnTypeError, match="income"):
        binner.transform(X.assign(income="much"))
    as_text = binner.transform(X.assign(job=3))  # numbers where categories were: unseen labels
    assert (as_text[:, 2] == 0.0).all()


def test_fewer_rows_than_bins():
    X = pd.DataFrame({"x": [1.0, 2.0, 3.0], "t": ["a", "b", "c"]})
    binner = Binner(min_bins=5).fit(X, [0, 1, 0])
    assert all("relaxed" in bins.note for bins in binner.bins_.values())
    assert np.isfinite(binner.transform(X)).all()


def test_min_bins_is_relaxed_and_said():
    x = np.arange(1000.0)
    y = np.random.default_rng(0).random(1000) < 0.6 - x / 2000
    wish = {"trend": "ascending", "min_bins": 4, "min_bin_share": 0.2}
    bins = Binner(**wish).fit(pd.DataFrame({"x": x}), y).bins_["x"]
    assert bins.note.startswith("min_bins was relaxed")


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"max_bins": 0}, OutOfRangeError),
        ({"min_bins": 9}, OutOfRangeError),
        ({"min_bin_share": 0.6}, OutOfRangeError),
        ({"min_bin_events": -1}, OutOfRangeError),
        ({"max_p_value": 1.0}, OutOfRangeError),
        ({"rare_share": 1.0}, OutOfRangeError),
        ({"rare_count": -1}, OutOfRangeError),
        ({"n_prebins": 1}, OutOfRangeError),
        ({"objective": "gini"}, InputError),
        ({"trend": "up"}, InputError),
        ({"trend": {"age": "peak"}}, InputError),
        ({"splits": {"income": ["a"]}}, InputError),
        ({"splits": {"income": [1, 1]}}, InputError),
        ({"splits": {"income": [np.inf]}}, InputError),
        ({"splits": {"job": [["a"], ["a"]]}}, InputError),
        ({"splits": {"job": [["a"], []]}}, InputError),
        ({"splits": {"job": [["a"], "b"]}}, InputError),
        ({"splits": {"job": [["(rare)"], ["(rare)"]]}}, InputError),
        ({"specials": {"income": {"x": [1], "y": [1]}}}, InputError),
        ({"specials": {"income": {"x": ["a"]}}}, InputError),
        ({"specials": [np.nan]}, InputError),
        ({"categorical": ["age"]}, InputError),
    ],
)
def test_wrong_wishes_are_refused(wish, error):
    X, y = sample(300)
    with pytest.raises(error):
        clone(Binner(**wish)).fit(X, y)


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (None, "target y is None"),
        ([0, 1], "inconsistent"),
        ([0, 1, 2], "0 \\(good\\) and 1 \\(bad\\)"),
        (["a", "b", "a"], "text"),
        ([0, 1, np.nan], "NaN"),
        ([[0, 1], [1, 0], [0, 0]], "one dimension"),
    ],
)
def test_wrong_outcomes_are_refused(y, match):
    with pytest.raises(InputError, match=match):
        Binner().fit(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), y)


@pytest.mark.parametrize("weights", [[1, -1, 1], [1, np.nan, 1], [0, 0, 0], [1, 1]])
def test_wrong_weights_are_refused(weights):
    with pytest.raises(InputError):
        Binner().fit(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), [0, 1, 0], sample_weight=weights)
