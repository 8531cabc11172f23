"""Rows are split as asked, outcomes are read strictly, and files appear whole or not at all."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from fengkong.foundation.errors import DataQualityError, InputError, ProtectedFeatureError
from fengkong.report.scorecard import Settings, read_data
from fengkong.report.scorecard._evidence import score_bands
from fengkong.report.scorecard.files import whole_file, whole_folder, write_data
from fengkong.report.scorecard.rows import (
    features_of,
    outcomes_of,
    periods_of,
    split_rows,
)


@pytest.mark.parametrize(
    ("values", "bad", "found"),
    [
        ([0, 1, 1], None, [0, 1, 1]),
        ([True, False, True], None, [1, 0, 1]),
        ([0.0, 1.0, 0.0], None, [0, 1, 0]),
        (["good", "bad", "bad"], "bad", [0, 1, 1]),
        ([1, 2, 2], "2", [0, 1, 1]),
    ],
)
def test_outcomes(values, bad, found):
    assert outcomes_of(pd.Series(values, name="y"), bad).tolist() == found


@pytest.mark.parametrize(
    ("values", "bad", "said"),
    [
        ([0, 1, None], None, "1 of 3 rows have no 'y'"),
        ([1, 2, 2], None, "--bad VALUE"),
        (["a", "b"], None, "--bad VALUE"),
        (["a", "b"], "c", "values: a, b"),
        ([0, 1, 2], None, "--bad VALUE"),
        ([0, 0], None, "every row has y = 0 (good)"),
        ([1.0, 1.0], None, "every row has y = 1.0 (bad)"),
    ],
)
def test_outcomes_that_cannot_be_read(values, bad, said):
    with pytest.raises(InputError) as caught:
        outcomes_of(pd.Series(values, name="y"), bad)
    assert said in str(caught.value)


def settings(**more):
    return Settings.from_dict(more)


def test_features_are_what_has_no_other_part():
    frame = pd.DataFrame(columns=["id", "a", "b", "sex", "month", "w", "y"])
    own = settings(ignore=["id"], groups=["sex"], period="month", weight="w")
    assert features_of(frame, "y", own) == ("a", "b")
    with pytest.raises(ProtectedFeatureError):
        features_of(frame, "y", settings(columns=["a", "sex"], groups=["sex"]))
    with pytest.raises(InputError, match="y has another part"):
        features_of(frame, "y", settings(columns=["a", "y"]))


def test_split_keeps_every_row_once_and_the_share_of_bads():
    outcome = np.repeat([0, 1, 0, 1], [600, 200, 150, 50])
    frame = pd.DataFrame({"m": np.repeat(["2025-01", "2025-09"], [800, 200])})
    own = settings(period="m", calibration="platt", seed=3,
                   split={"test_share": 0.4, "out_of_time_from": "2025-06"})  # fmt: skip
    parts = split_rows(outcome, periods_of(frame, own), own)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(1000))
    assert list(parts) == ["train", "test", "out_of_time", "calibration"]
    assert parts["out_of_time"].tolist() == list(range(800, 1000))
    assert {name: len(rows) for name, rows in parts.items()} == {
        "train": 480, "test": 160, "out_of_time": 200, "calibration": 160,
    }  # fmt: skip
    assert outcome[parts["train"]].mean() == 0.25
    again = split_rows(outcome, periods_of(frame, own), own)
    assert all(np.array_equal(parts[name], again[name]) for name in parts)


def test_split_refuses_a_border_that_leaves_nothing():
    own = settings(period="m", split={"out_of_time_from": "2030"})
    frame = pd.DataFrame({"m": ["2025-01", "2025-02"]})
    with pytest.raises(InputError, match="periods run from 2025-01 to 2025-02"):
        split_rows(np.array([0, 1]), periods_of(frame, own), own)


def test_score_bands_hold_everybody_and_have_round_edges():
    rng = np.random.default_rng(1)
    score, bad = np.round(rng.normal(600, 40, 500)), rng.integers(0, 2, 500)
    bands = score_bands(score, bad)
    assert sum(row["good_share"] for row in bands) == pytest.approx(1.0)
    assert sum(row["bad_share"] for row in bands) == pytest.approx(1.0)
    # The least of 1, 2, 5, 10, ... that makes no more than 24 bands of the whole range.
    least = (score.max() - score.min()) / 24
    width = next(step for step in (1, 2, 5, 10, 20, 50) if step >= least)
    assert {row["score_to"] - row["score_from"] for row in bands} == {width}
    assert bands[0]["score_from"] <= score.min() < bands[0]["score_to"]
    assert bands[-1]["score_from"] <= score.max() < bands[-1]["score_to"]
    assert len(score_bands(np.full(4, 7.0), np.array([0, 1, 0, 1]))) == 1


def test_csv_in_both_encodings_gzip_and_parquet(tmp_path):
    text = "编号,城市\n007,杭州\n008,\n"
    (tmp_path / "a.csv").write_text(text, "gb18030")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(("\ufeff" + text).encode()))
    for name in ("a.csv", "b.csv.gz"):
        found = read_data(tmp_path / name, text=("编号",))
        assert found["编号"].tolist() == ["007", "008"]
        assert found["城市"].isna().tolist() == [False, True]
    write_data(found, tmp_path / "c", kind=tmp_path / "c.parquet")
    (tmp_path / "c").rename(tmp_path / "c.parquet")
    pd.testing.assert_frame_equal(read_data(tmp_path / "c.parquet"), found)


def test_chinese_values_under_plain_names(tmp_path):
    (tmp_path / "a.csv").write_text("id,city\n1,杭州\n", "gb18030")
    assert read_data(tmp_path / "a.csv")["city"].tolist() == ["杭州"]


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.txt", b"a\n1\n", InputError),
        ("a.csv", b"a,a\n1,2\n", InputError),
        ("a.csv", b"a,b\n1\n", DataQualityError),
        ("a.csv", b"", DataQualityError),
        ("a.csv", b"a\n", DataQualityError),
        ("a.csv.gz", b"no gzip", DataQualityError),
        ("a.parquet", b"no parquet", DataQualityError),
        ("a.csv", b"\xff\xfe\x00\x00", DataQualityError),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, error):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=name):
        read_data(tmp_path / name)


def test_a_folder_is_whole_or_not_there(tmp_path):
    out = tmp_path / "deep" / "out"
    with pytest.raises(FileNotFoundError), whole_folder(out, force=False) as part:
        (part / "a").write_text((part / "b").read_text("utf-8"), "utf-8")
    assert list((tmp_path / "deep").iterdir()) == []
    with whole_folder(out, force=False) as part:
        (part / "a").write_text("1", "utf-8")
    with pytest.raises(InputError, match="--force"), whole_folder(out, force=False):
        pass
    (out / "mine").write_text("kept", "utf-8")
    with whole_folder(out, force=True) as part:
        (part / "a").write_text("2", "utf-8")
    assert {path.name: path.read_text("utf-8") for path in out.iterdir()} == {
        "a": "2", "mine": "kept",
    }  # fmt: skip
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_a_place_that_cannot_be_written_to_is_said(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("1", "utf-8")
    for made, path, said in (
        (whole_folder, taken, "is a file: name a folder"),
        (whole_folder, taken / "out", "cannot be written"),
        (whole_file, tmp_path, "is a folder: name a file"),
        (whole_file, taken / "a.csv", "cannot be written"),
    ):
        with pytest.raises(InputError, match=said), made(path, force=True):
            pass


def test_a_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(LookupError), whole_file(path, force=False) as part:
        part.write_text("1", encoding="no such encoding")
    assert list(tmp_path.iterdir()) == []
    with whole_file(path, force=False) as part:
        part.write_text("1", "utf-8")
    with pytest.raises(InputError, match="--force"), whole_file(path, force=False):
        pass
    assert path.read_text("utf-8") == "1"
