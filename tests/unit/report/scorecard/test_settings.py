"""Settings and bins are files of people: every key is known, every fault is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.report.scorecard import Settings
from fengkong.scorecard.binning import Binner
from fengkong.scorecard.card import MinMaxScaling


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("binnin: {}", "settings has no key 'binnin'; did you mean 'binning'?"),
        ("binning: {max_bin: 3}", "binning has no key 'max_bin'; did you mean 'max_bins'?"),
        ("selection: {iv: 3}", "selection has no key 'iv'"),
        ("selection: [1]", "selection must be a mapping"),
        ("split: {test_share: 0.95}", "test_share must lie in [0, 0.9]"),
        ("split: {out_of_time_from: '2025'}", "needs the key 'period'"),
        ("scaling: {method: logit}", "method is pdo or min_max"),
        ("scaling: {method: min_max, pdo: 20}", "scaling has no key 'pdo'"),
        ("calibration: plat", "calibration is one of none, platt, isotonic, beta"),
        ("ignore: id", "ignore must be a list of names"),
        ("fit: {penalties: 1}", "did you mean 'penalty'?"),
        ("- a", "settings must be a mapping"),
        ("seed: abc", "settings: seed must be a whole number; got 'abc'"),
        ("cutoff: high", "settings: cutoff must be a number"),
        ("period: [month]", "settings: period must be text"),
        ("split: {test_share: 30%}", "split: test_share must be a number; got '30%'"),
        ("grades: {count: 2.5}", "grades: count must be a whole number"),
        ("grades: {edges: [a]}", "grades: edges must be a list of numbers"),
        ("selection: {forced: income}", "selection: forced must be a list of names"),
        ("binning: {max_bins: many}", "binning: max_bins must be a whole number"),
        ("fit: {smoothing: x}", "fit: smoothing must be a number"),
        ("scaling: {spread_base: 1}", "scaling: spread_base must be true or false"),
        ("a: [", "not a YAML file"),
    ],
)
def test_a_fault_is_named_with_its_file(tmp_path, text, said):
    path = tmp_path / "settings.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        Settings.load(path)
    assert said in str(caught.value)
    assert "settings.yaml" in str(caught.value)


def test_parts_become_what_the_lab_takes(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text(
        "scaling: {method: min_max, low: 300, high: 850}\nselection: {forced: [a]}\n"
        "grades: {edges: [0.1, 0.2]}\nignore: [id]\n", "utf-8",
    )  # fmt: skip
    found = Settings.load(path)
    assert found.scaling == MinMaxScaling(low=300, high=850)
    assert (found.selection.forced, found.grades.edges, found.ignore) == (
        ("a",), (0.1, 0.2), ("id",),
    )  # fmt: skip
    path.write_text("", "utf-8")
    assert Settings.load(path) == Settings()


@pytest.mark.parametrize(("written", "read"), [("2025-10-01", "2025-10-01"), ("202510", "202510")])
def test_a_bare_date_is_a_period(tmp_path, written, read):
    path = tmp_path / "settings.yaml"
    path.write_text(f"period: month\nsplit: {{out_of_time_from: {written}}}\n", "utf-8")
    assert Settings.load(path).split.out_of_time_from == read


def test_out_of_range_has_its_own_class():
    with pytest.raises(OutOfRangeError):
        Settings.from_dict({"split": {"test_share": -0.1}})


@pytest.fixture
def table():
    rng = np.random.default_rng(3)
    amount = rng.normal(size=2000).round(2)
    code = rng.choice(["01", "02", "x", "rare"], 2000, p=[0.4, 0.3, 0.296, 0.004])
    amount[:100] = np.nan
    amount[100:200] = -99
    bad = (rng.random(2000) < 1 / (1 + np.exp(1 + amount.clip(-3)))).astype(int)
    return pd.DataFrame({"amount": amount, "code": code}), np.where(np.isnan(amount), 1, bad)


def test_bins_read_back_give_the_same_bins(table):
    frame, bad = table
    own = {"binning": {"specials": {"amount": {"no account": [-99]}}, "max_bins": 4}}
    first = Binner(**own["binning"]).fit(frame, bad)
    again = Settings.from_dict(own).with_bins(first.to_yaml())
    second = Binner(**again.binning).fit(frame, bad)
    for name, one in first.bins_.items():
        two = second.bins_[name]
        assert one.specials == two.specials
        np.testing.assert_array_equal(one.cuts, two.cuts)
        np.testing.assert_array_equal(one.count, two.count)
        np.testing.assert_array_equal(one.woe, two.woe)
    # What the file leaves out is binned as the settings say.
    assert again.binning["max_bins"] == 4


def test_a_list_of_specials_gives_way_to_those_that_a_file_names(table):
    frame, bad = table
    listed = Settings.from_dict({"binning": {"specials": [-99]}})
    text = Binner(**listed.binning).fit(frame, bad).to_yaml()
    assert listed.with_bins(text).binning["specials"]["amount"] == {"-99": [-99.0]}
