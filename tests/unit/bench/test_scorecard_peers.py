"""What all sides of the scorecard bench share: data, splits, information value, PSI, the record."""

from __future__ import annotations

import math
from importlib import util

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from bench import peers_environment
from bench.scorecard_accuracy_splits import load_set, split
from bench.scorecard_data import BAD_RATE, make_drift, make_loans, read_layout
from bench.scorecard_iv import bin_codes, information_value
from bench.scorecard_peer_drift import DRIFT, filled, psi, sturges_edges
from bench.scorecard_peer_run import PeerRun, gathered, next_step


def test_loans_are_those_of_the_seed_and_a_wide_table_begins_with_the_narrow_one(tmp_path):
    narrow = make_loans(tmp_path / "narrow.parquet", rows=2000, columns=10)
    make_loans(tmp_path / "again.parquet", rows=2000, columns=10)
    make_loans(tmp_path / "other.parquet", rows=2000, columns=10, seed=1)
    make_loans(tmp_path / "wide.parquet", rows=2000, columns=30)
    tables = {
        name: pq.read_table(tmp_path / f"{name}.parquet")
        for name in ("narrow", "again", "other", "wide")
    }
    assert tables["narrow"].equals(tables["again"])
    assert not tables["narrow"].equals(tables["other"])
    features = narrow.columns
    assert tables["wide"].select(features).equals(tables["narrow"].select(features))
    assert read_layout(tmp_path / "narrow.parquet") == narrow


def test_loans_hold_every_kind_of_column_and_the_bad_rate(tmp_path):
    layout = make_loans(tmp_path / "loans.parquet", rows=20_000, columns=30)
    table = pd.read_parquet(tmp_path / "loans.parquet")
    # Four standard errors of a share of 8 % in 20,000 rows.
    assert abs(table["bad"].mean() - BAD_RATE) < 4 * math.sqrt(BAD_RATE * (1 - BAD_RATE) / 20_000)
    assert [table[name].nunique() for name in layout.categories] == [50, 500, 5]
    missing = table[layout.columns].isna().mean()
    assert ((missing == 0) | ((missing > 0.04) & (missing < 0.21))).all()
    assert (missing > 0).sum() == 9
    for name, values in layout.special.items():
        assert set(values) <= set(table[name])
    for name, trend in layout.trends.items():
        known = table[name].notna()
        higher = table.loc[known & (table["bad"] == 1), name].mean()
        lower = table.loc[known & (table["bad"] == 0), name].mean()
        assert (higher > lower) == (trend == "ascending"), name


def test_every_fourth_column_of_the_current_table_is_shifted(tmp_path):
    reference, current = map(pd.read_parquet, make_drift(tmp_path, rows=20_000, columns=8))
    found = DRIFT["pandas-deciles"](reference, current)
    shifted = [name for number, name in enumerate(found) if number % 4 == 3]
    # A shift of 0.1 standard deviations gives about 0.1 ** 2; chance alone 9 (1/n + 1/m) = 0.0009.
    assert min(found[name] for name in shifted) > 0.008
    assert max(value for name, value in found.items() if name not in shifted) < 0.003


def test_a_split_keeps_shares_of_both_classes_and_its_seed():
    target = np.repeat([0, 1], [70, 31])
    first = split(target, 3)
    assert len(first.test) == 21 + 9  # round(0.3 * 70), round(0.3 * 31)
    assert target[first.test].sum() == 9
    assert sorted([*first.train, *first.test]) == list(range(101))
    assert (np.diff(first.test) > 0).all()
    np.testing.assert_array_equal(first.test, split(target, 3).test)
    assert not np.array_equal(first.test, split(target, 4).test)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "rows", "columns", "bad"),
    # Counts as the README of the shared data gives them; columns less target, ID and afam.
    [
        ("german_credit", 1000, 20, 300),
        ("taiwan", 30_000, 23, 6636),
        ("lendingclub_modeldata", 9857, 22, 517),
        ("boston_hmda", 2380, 12, 285),
    ],
)
def test_public_sets_are_whole(shared, name, rows, columns, bad):
    table, target = load_set(name, shared / "data")
    assert table.shape == (rows, columns)
    assert target.sum() == bad
    assert not {"afam", "ID"} & set(table)


def test_information_value_by_hand():
    values = pd.Series([1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    target = np.array([1, 0, 0, 0, 1, 1, 1, 0])
    # goods 3/4 and 1/4, bads 1/4 and 3/4: 0.5 ln 3 + (-0.5) ln (1/3) = ln 3
    found = information_value(values, target, {"cuts": [2.0]})
    assert found == pytest.approx(math.log(3.0), abs=1e-12)


def test_a_bin_of_one_class_gets_half_a_count_of_each():
    values = pd.Series([1.0, 1.0, np.nan, np.nan])
    target = np.array([0, 1, 0, 0])
    # value: goods 1/3, bads 1/1. missing: 2 goods and 0 bads, so 2.5/3 and 0.5/1.
    expected = (1 / 3 - 1) * math.log(1 / 3) + (2.5 / 3 - 0.5) * math.log((2.5 / 3) / 0.5)
    assert information_value(values, target, {"cuts": []}) == pytest.approx(expected, abs=1e-12)


def test_bins_are_closed_below_and_special_missing_and_unnamed_values_stand_apart():
    numbers = bin_codes(pd.Series([0.5, 1.0, 2.0, -1.0, np.nan]), {"cuts": [1.0], "special": [-1]})
    assert numbers.tolist() == [0, 1, 1, 3, 2]
    texts = bin_codes(pd.Series(["a", "b", "c", None]), {"groups": [["b"], ["a"]]})
    assert texts.tolist() == [1, 0, 2, 3]


def test_psi_by_hand_and_zero_shares():
    # (0.4 - 0.5) ln 0.8 + (0.6 - 0.5) ln 1.2
    expected = -0.1 * math.log(0.8) + 0.1 * math.log(1.2)
    assert psi(np.array([0.5, 0.5]), np.array([0.4, 0.6])) == pytest.approx(expected, abs=1e-12)
    assert filled(np.array([0.0, 1.0])).tolist() == [1e-4, 1.0]
    assert filled(np.array([0.0, 1e-4, 0.9999])).tolist() == pytest.approx([1e-10, 1e-4, 0.9999])


def test_edges_of_evidently_are_those_of_numpy():
    random = np.random.default_rng(5)
    for rows in (30, 1000, 1024):
        reference, current = random.normal(size=rows), random.lognormal(size=rows)
        edges = np.histogram_bin_edges(np.concatenate([reference, current]), bins="sturges")
        np.testing.assert_array_equal(sturges_edges(reference, current), edges[1:-1])


def test_the_tuned_statistic_is_that_of_the_plain_one():
    random = np.random.default_rng(6)
    reference = pd.DataFrame(
        {"a": random.normal(size=3001), "b": random.integers(0, 5, 3001) * 1.0}
    )
    current = pd.DataFrame({"a": random.normal(0.3, 1, 999), "b": random.integers(0, 6, 999) * 1.0})
    plain = DRIFT["pandas-deciles"](reference, current)
    assert plain["a"] > 0.03
    assert DRIFT["numpy-tuned"](reference, current) == pytest.approx(plain, abs=1e-12)


def test_the_record_of_a_stopped_peer_is_a_lower_bound():
    lines = (
        '{"event": "ready", "import_s": 1.5, "version": "0.1"}\n'
        '{"event": "call", "step": "fit", "call": "cold", "seconds": 70.0}\n'
    )
    run = gathered(PeerRun(peer="toad", task="card"), lines)
    assert run.least("fit", "cold") == (70.0, True)
    assert run.least("fit", "warm", 600) == (600, False)
    assert next_step(run) == "fit"
    lines += '{"event": "call", "step": "fit", "call": "warm", "seconds": 71.0}\n'
    assert next_step(gathered(run, lines)) == "score"


def test_a_changed_lock_asks_for_a_new_environment(tmp_path, monkeypatch):
    lock = tmp_path / "peers.txt"
    lock.write_text("one")
    monkeypatch.setattr(peers_environment, "LOCK", lock)
    python = peers_environment.interpreter(tmp_path)
    python.parent.mkdir()
    python.touch()
    assert not peers_environment.is_ready(tmp_path)
    (tmp_path / "peers.stamp").write_text(peers_environment.lock_hash())
    assert peers_environment.is_ready(tmp_path)
    lock.write_text("two")
    assert not peers_environment.is_ready(tmp_path)


def test_no_peer_is_in_our_own_environment():
    assert not [name for name in ("optbinning", "toad", "scorecardpy", "evidently")
                if util.find_spec(name)]  # fmt: skip
