"""``fk scorecard`` on wrong input: one clear error, and no file left behind."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from fengkong.cli import fk
from fengkong.foundation.errors import (
    ColumnTypeError,
    DataQualityError,
    FengkongError,
    InputError,
    OneClassError,
    OutOfRangeError,
    ProtectedFeatureError,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with a table, a card made of it, and a few files that are wrong."""
    folder = tmp_path_factory.mktemp("scorecard")
    rng = np.random.default_rng(5)
    income, city = rng.normal(size=3000).round(2), rng.choice(["北京", "=cmd()"], 3000)
    bad = (rng.random(3000) < 1 / (1 + np.exp(1.5 + income))).astype(int)
    frame = pd.DataFrame({"income": income, "city": city, "bad": bad, "one": 0})
    frame.to_csv(folder / "data.csv", index=False, encoding="gb18030")
    frame.drop(columns="income").to_csv(folder / "few.csv", index=False)
    frame.assign(income="x").to_csv(folder / "text.csv", index=False)
    (folder / "broken.csv").write_text("a,b\n1\n", "utf-8")
    (folder / "settings.yaml").write_text("grades: {count: 3}\ngroups: [city]\n", "utf-8")
    (folder / "wrong.yaml").write_text("grade: {count: 3}\n", "utf-8")
    (folder / "wide.yaml").write_text("split: {test_share: 2}\n", "utf-8")
    (folder / "protected.yaml").write_text("groups: [city]\ncolumns: [city]\n", "utf-8")
    call(folder, "fit data.csv --target bad --settings settings.yaml --out card --language zh")
    return folder


def call(folder, line):
    words = [str(folder / word) if _is_path(folder, word) else word for word in line.split()]
    done = CliRunner().invoke(fk, ["scorecard", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def _is_path(folder, word):
    return (folder / word).exists() or "." in word or word in {"card", "new"}


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ("fit data.csv --target bda --out new", InputError, "did you mean 'bad'?"),
        ("fit data.csv --target city --out new", InputError, "--bad VALUE"),
        ("fit data.csv --target one --out new", OneClassError, "--bad VALUE"),
        ("fit data.csv --target one --bad 0 --out new", OneClassError, "one class"),
        ("fit data.csv --target bad --settings wrong.yaml --out new", InputError, "'grades'?"),
        ("fit data.csv --target bad --settings wide.yaml --out new", InputError, "[0, 0.9]"),
        ("fit data.csv --target bad --settings protected.yaml --out new", ProtectedFeatureError,
         "city"),
        ("fit broken.csv --target bad --out new", DataQualityError, "broken.csv"),
        ("fit data.csv --target bad --out card", InputError, "--force"),
        ("fit data.csv --target bad --rejects few.csv --out new", InputError, "rejected"),
        ("score few.csv --card card/card.json --out s.csv", InputError, "'income'"),
        ("score text.csv --card card/card.json --out s.csv", ColumnTypeError, "'x' in row 1"),
        ("score data.csv --card card/card.json --out data.csv/s.csv", InputError, "written"),
        ("validate text.csv --card card/card.json --target bad --out new", ColumnTypeError,
         "'income'"),
        ("fit data.csv --target bad --bins data.csv --out new", DataQualityError, "UTF-8"),
        ("fit data.csv --target bad --out data.csv", InputError, "name a folder"),
        ("drift data.csv data.csv --period city --out new", InputError, "--card"),
        ("score data.csv --card settings.yaml --out s.csv", InputError, "not a scorecard"),
        ("score data.csv --card card/card.json --out s.txt", InputError, ".parquet"),
        ("score data.csv --card card/card.json --keep x --out s.csv", InputError, "--keep"),
        ("validate data.csv --card card/card.json --target bad --groups income --out new",
         ProtectedFeatureError, "income"),
        ("drift data.csv few.csv --out new", InputError, "income"),
        ("drift data.csv data.csv --columns a,b --out new", InputError, "'a'"),
    ],
)  # fmt: skip
def test_a_fault_is_said_and_leaves_nothing(data, line, error, said):
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    with pytest.raises(FengkongError) as caught:
        call(data, line)
    assert isinstance(caught.value, error)
    assert said in str(caught.value)
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_out_of_range_settings_keep_their_class():
    from fengkong.report.scorecard import Settings

    with pytest.raises(OutOfRangeError):
        Settings.from_dict({"selection": {"iv_min": -1}})


def test_json_summaries_and_parquet_scores(data, tmp_path):
    scores = tmp_path / "scores.parquet"
    found = json.loads(call(data, f"score data.csv --card card/card.json --reasons 1 --json "
                                  f"--out {scores}"))  # fmt: skip
    table = pd.read_parquet(scores)
    assert found["rows"] == len(table) == 3000
    assert found["mean_score"] == table["score"].mean()
    assert list(table) == ["score", "probability", "grade", "reason_1"]
    out = tmp_path / "watch"
    moved = json.loads(call(data, f"drift data.csv data.csv --card card/card.json --json "
                                  f"--out {out} --language en"))  # fmt: skip
    assert {one["psi"] for one in moved["columns"].values()} == {0.0}
    assert moved["mean_score"][0] == moved["mean_score"][1]


def test_export_to_the_terminal_and_to_a_file(data, tmp_path):
    out = tmp_path / "card.py"
    for kind, sign in (("sql", "SELECT"), ("python", "def score"), ("pmml", "<PMML")):
        text = call(data, f"export --card card/card.json --format {kind}")
        assert sign in text
        call(data, f"export --card card/card.json --format {kind} --out {out} --force")
        assert out.read_text("utf-8") == text.removesuffix("\n")
