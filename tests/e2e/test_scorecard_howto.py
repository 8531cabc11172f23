"""The tutorial docs/howto/build-a-scorecard.md, run from its text.

To make its pictures again: FENGKONG_REMAKE_PICTURES=1 pytest tests/e2e/test_scorecard_howto.py
"""

import contextlib
import io
import json
import os
import re
import runpy
import shlex
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from fengkong.cli import fk
from fengkong.scorecard import Card

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "build-a-scorecard.md"
BLOCK = re.compile(r"^```(python|yaml|console) ?(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EDIT = re.compile(r"^In `(\S+)`, replace `(.+)` by `(.+)`\.$", re.MULTILINE)
PICTURE = re.compile(r"!\[(.+?)\]\(pictures/(\w+?)-(\S+?)\.svg\)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def run(line):
    words = shlex.split(line.removeprefix("$ "))
    if words[0] == "python":
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            runpy.run_path(words[1])
        return printed.getvalue()
    assert words[0] == "fk"
    done = CliRunner().invoke(fk, words[1:], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def edit(text):
    for name, old, new in EDIT.findall(text):
        content = Path(name).read_text("utf-8")
        assert content.count(old) == 1
        Path(name).write_text(content.replace(old, new), "utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder after all that the page does, each line that it quotes found in the output."""
    here, home = tmp_path_factory.mktemp("tutorial"), Path.cwd()
    os.chdir(here)
    try:
        text, output, place, said = PAGE.read_text("utf-8"), "", 0, 0
        for block in BLOCK.finditer(text):
            edit(text[place : block.start()])
            place = block.end()
            kind, name, body = block.groups()
            if kind != "console":
                Path(name).write_text(body, "utf-8")
                continue
            for line in body.splitlines():
                if line.startswith("$ "):
                    output = run(line)
                else:
                    assert line in output, f"{line!r} is not in\n{output}"
                    said += 1
        assert said >= 20
    finally:
        os.chdir(home)
    return here


def test_the_reports_stand_alone_and_are_whole(folder):
    for name in ("first", "card", "watch", "matured"):
        text = (folder / name / "report.html").read_text("utf-8")
        assert "http" not in re.sub(r'"http://www\.w3\.org/[^"]*"', "", text)
        assert not re.search(r"\bnan\b|undefined|None", re.sub(r"<style>.*?</style>", "", text))
        assert (folder / name / "report.xlsx").stat().st_size > 10_000


def test_figures_in_the_prose_are_those_of_the_run(folder):
    page = PAGE.read_text("utf-8")
    card = Card.load(folder / "card" / "card.json")
    best = card.grades[-1]
    assert f"says {best.probability * 100:.2f} % for it" in page
    watch = json.loads((folder / "watch" / "drift.json").read_text("utf-8"))
    band = next(one for one in watch["expected"]["figures"] if one["figure"] == "bad_rate")
    low, high = (f"{band[end] * 100:.2f} %" for end in ("lower", "upper"))
    assert f"between {low} and {high} of these" in " ".join(page.split())
    points = {one["variable"]: one["csi"] for one in watch["characteristic"]["variables"]}
    assert f"costs {-points['channel']:.1f} points" in page
    assert f"incomes give {points['income']:.1f} back" in page
    matured = json.loads((folder / "matured" / "validation.json").read_text("utf-8"))
    seen = matured["headline"][0]
    assert band["lower"] <= seen["bad_rate"] <= band["upper"]
    area = next(one for one in watch["expected"]["figures"] if one["figure"] == "auc")
    assert area["lower"] <= seen["auc"] <= area["upper"]


def test_the_same_inputs_give_the_same_card(folder, monkeypatch):
    monkeypatch.chdir(folder)
    run("$ fk scorecard fit applications.csv --target bad --settings settings.yaml "
        "--bins bins.yaml --out again --language en")  # fmt: skip
    first, second = (
        json.loads((folder / name / "card.json").read_text("utf-8")) for name in ("card", "again")
    )
    for one in (first, second):
        one["audit"].pop("fitted_at")
    assert first == second


def test_the_sql_scores_every_row_as_the_card_does(folder):
    later = pd.read_csv(folder / "later.csv")
    with duckdb.connect() as engine:
        engine.register("applications", later)
        found = engine.execute((folder / "card.sql").read_text("utf-8")).df()
    scores = pd.read_csv(folder / "scores.csv")
    found = found.set_index("application").loc[scores["application"]]
    np.testing.assert_array_equal(found["score"], scores["score"])
    np.testing.assert_allclose(found["probability"], scores["probability"], rtol=1e-9)


@pytest.mark.parametrize(("alt", "run_name", "key"), PICTURE.findall(PAGE.read_text("utf-8")))
def test_a_picture_of_the_page_can_be_made_again(folder, alt, run_name, key):
    made = folder / run_name / f"picture-{key}-en.svg"
    kept = PAGE.parent / "pictures" / f"{run_name}-{key}.svg"
    if os.environ.get("FENGKONG_REMAKE_PICTURES"):
        shutil.copy(made, kept)
    old, new = kept.read_text("utf-8"), made.read_text("utf-8")
    assert NUMBER.sub("#", old) == NUMBER.sub("#", new)
    # Hundredths of a pixel may differ between machines.
    np.testing.assert_allclose(
        [float(one) for one in NUMBER.findall(old)], [float(one) for one in NUMBER.findall(new)],
        atol=0.02, rtol=0,
    )  # fmt: skip
    assert kept.stat().st_size < 40_000


def test_no_picture_is_kept_that_the_page_does_not_show():
    shown = {f"{name}-{key}.svg" for _, name, key in PICTURE.findall(PAGE.read_text("utf-8"))}
    assert {path.name for path in (PAGE.parent / "pictures").iterdir()} == shown
    assert len(shown) >= 5
