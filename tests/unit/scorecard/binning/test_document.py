"""Bins as text: what is written reads back, and what is wrong is named with its line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fengkong.foundation.errors import BinsTextError
from fengkong.scorecard.binning import Binner


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(2)
    X = pd.DataFrame({
        "amount": rng.normal(size=3000),
        "no": rng.choice(["null", "yes", "#1, a", "2"], 3000, p=[0.4, 0.3, 0.295, 0.005]),
        "empty": np.nan,
    })  # fmt: skip
    X.loc[:40, "amount"] = -99.0
    X.loc[41:60, "amount"] = np.nan
    y = (rng.random(3000) < 0.2 + 0.1 * (X["amount"] > 0)).astype(int)
    return X, y


def test_text_reads_back_to_the_same_bins(data):
    X, y = data
    binner = Binner(specials={"amount": {"none: so far": [-99]}}).fit(X, y)
    again = Binner.from_yaml(binner.to_yaml()).fit(X, y)
    np.testing.assert_array_equal(again.transform(X), binner.transform(X))
    np.testing.assert_array_equal(
        again.transform(X, output="label"), binner.transform(X, output="label")
    )
    assert again.bins_["amount"].cuts.tolist() == binner.bins_["amount"].cuts.tolist()


def test_an_edited_cut_is_kept_and_counted(data):
    X, y = data
    text = Binner().fit(X[["amount"]], y).to_yaml()
    line = next(line for line in text.splitlines() if "cuts:" in line)
    edited = Binner.from_yaml(text.replace(line, "    cuts: [0, 0.5]")).fit(X[["amount"]], y)
    bins = edited.bins_["amount"]
    assert bins.cuts.tolist() == [0.0, 0.5]
    assert bins.count[2] == (X["amount"] >= 0.5).sum()


def test_left_out_columns_are_binned_as_usual(data):
    X, y = data
    text = "format: fengkong.bins/1\ncolumns:\n  amount: {kind: numeric, cuts: [0]}\n"
    binner = Binner.from_yaml(text, max_bins=3).fit(X, y)
    assert binner.bins_["amount"].n_bins == 2
    assert binner.bins_["no"].note == ""


HEAD = "format: fengkong.bins/1\ncolumns:\n  age:\n"


@pytest.mark.parametrize(
    ("text", "line", "match"),
    [
        (HEAD + "    kind: numeric\n    cuts: [1, 3, 2]\n", 5, "ascend"),
        (HEAD + "    kind: numeric\n    cuts:\n      - 1\n      - old\n", 7, "a number"),
        (HEAD + "    kind: numeric\n    cuts: [.inf]\n", 5, "a number|finite"),
        (HEAD + "    kind: numeric\n    cuts: 3\n", 5, "list"),
        (HEAD + "    kind: numeric\n    groups: [[a]]\n", 5, "has no 'groups'"),
        (HEAD + "    kind: words\n", 4, "kind"),
        (HEAD + "    kind: numeric\n", 4, "list"),
        (HEAD + "    kind: categorical\n    groups: [[a], [b, a]]\n", 5, "two groups"),
        (HEAD + "    kind: categorical\n    groups:\n      - [a]\n      - []\n", 7, "empty"),
        (HEAD + "    kind: categorical\n    groups: [[a, [b]]]\n", 5, "one label"),
        (HEAD + "    kind: numeric\n    cuts: [1]\n    specials: [1]\n", 6, "keys and values"),
        (HEAD + "    kind: numeric\n    cuts: [1]\n  age:\n    kind: numeric\n", 6, "twice"),
    ],
)
def test_wrong_edits_name_column_and_line(text, line, match):
    with pytest.raises(BinsTextError, match=match) as caught:
        Binner.from_yaml(text)
    assert (caught.value.line, caught.value.column) == (line, "age")
    assert caught.value.code == "fengkong.input.bins_text"


@pytest.mark.parametrize(
    "text", ["", "a: [", "format: other\n", "format: fengkong.bins/1\n", "- 1"]
)
def test_other_texts_are_refused(text):
    with pytest.raises(BinsTextError):
        Binner.from_yaml(text)


@pytest.mark.parametrize(
    "sign", ["\x85", "\u2028", "\u2029", "\x7f", "\x00", "\x1b", "\x9f", "\ufeff", "\ufffe", "\n"]
)
def test_signs_that_yaml_has_no_place_for_read_back(data, sign):
    X, y = data
    hostile = X.rename(columns={"amount": f"am{sign}ount", "no": sign})
    hostile[sign] = hostile[sign].map({"null": f"nu{sign}ll", "yes": sign}).fillna("2")
    binner = Binner(specials={f"am{sign}ount": {f"a{sign}b": [-99]}}).fit(hostile, y)
    again = Binner.from_yaml(binner.to_yaml()).fit(hostile, y)
    np.testing.assert_array_equal(
        again.transform(hostile, output="label"), binner.transform(hostile, output="label")
    )


@pytest.mark.parametrize("length", [900, 1000, 1020, 1024, 1025, 5000])
def test_long_names_and_labels_read_back(data, length):
    X, y = data
    long = "n" * length
    named = X.rename(columns={"amount": long, "no": "c" + long})
    named["c" + long] = named["c" + long].map(lambda label: label + long)
    binner = Binner(specials={long: {"s" + long: [-99]}}).fit(named, y)
    again = Binner.from_yaml(binner.to_yaml()).fit(named, y)
    np.testing.assert_array_equal(again.transform(named), binner.transform(named))
    assert list(again.bins_) == list(named.columns)


def test_infinite_specials_read_back(data):
    X, y = data
    endless = X[["amount"]].copy()
    endless.loc[100:200, "amount"] = np.inf
    endless.loc[201:300, "amount"] = -np.inf
    binner = Binner(specials={"amount": {"never": [np.inf], "before": [-np.inf]}}).fit(endless, y)
    text = binner.to_yaml()
    assert '"never": [.inf]' in text
    assert '"before": [-.inf]' in text
    again = Binner.from_yaml(text).fit(endless, y)
    np.testing.assert_array_equal(again.transform(endless), binner.transform(endless))
    assert again.bins_["amount"].specials == binner.bins_["amount"].specials


@pytest.mark.parametrize(
    "part",
    ["    kind: [numeric]\n", "    ? [a]\n    : 1\n", "    kind: numeric\n    cuts: [.nan]\n"],
)
def test_nested_and_missing_values_out_of_place_are_refused(part):
    with pytest.raises(BinsTextError) as caught:
        Binner.from_yaml(HEAD + part)
    assert caught.value.column == "age"
