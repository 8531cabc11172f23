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
