"""The main job through the command line: simulate, assess, open the page; and on Spark."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from fengkong.book.simulate import simulate
from fengkong.book.store import Book
from fengkong.cli.assess import command, last_month_end
from fengkong.cli.demo import command as demo
from fengkong.foundation.errors import InputError
from fengkong.report import assess


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("platform") / "book"
    simulate(folder, borrowers=1000, months=24, seed=1)
    return folder


@pytest.fixture(scope="module")
def report(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    result = CliRunner().invoke(command, [str(place), "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content["report"] == str(out / "report.html")
    assert content["computed"] > 20
    return out


def test_default_day_is_the_last_month_end_with_data(place: Path):
    assert last_month_end(Book.open(place)) == date(2024, 12, 31)


def test_book_without_dated_facts_says_what_to_do(tmp_path: Path):
    with pytest.raises(InputError, match="fk import"):
        last_month_end(Book.create(tmp_path / "book"))


def test_instant_that_is_none_is_refused(place: Path, tmp_path: Path):
    arguments = [str(place), "--out", str(tmp_path), "--known-at", "yesterday"]
    result = CliRunner().invoke(command, arguments)
    assert isinstance(result.exception, InputError)


def test_expected_loss_movement_adds_up(report: Path):
    figures = json.loads((report / "position.json").read_text(encoding="utf-8"))["figures"]
    lines = {
        figure["dimensions"]["line"]: round(float(figure["value"]) * 100)
        for figure in figures
        if figure["measure"] == "expected_loss_movement"
    }
    closing = lines.pop("closing")
    del lines["charge_to_profit_or_loss"]
    assert sum(lines.values()) == closing
    total = sum(
        round(float(figure["value"]) * 100)
        for figure in figures
        if figure["computation"] == "expected_loss"
    )
    assert total == closing


def test_movement_of_a_year_says_what_the_earlier_date_lacks(report: Path):
    content = json.loads((report / "position.json").read_text(encoding="utf-8"))
    lacking = {one["computation"]: one["needs"] for one in content["not_supported"]}
    # A year before, the small platform had only a few defaults to take an LGD from.
    need = lacking["expected_loss_movement_year"][0]
    assert re.fullmatch(r"at least 20 defaulted loans .*, on 2023-12-31", need)
    assert need in (report / "report.html").read_text(encoding="utf-8")


SETTINGS = """
scenarios: {base: {weight: "0.6"}, up: {weight: "0.1"}, down: {weight: "0.3", pd_scalar: "2"}}
pd: {source: panel, minimum_loan_months: 500}
lgd: {source: given, given: {"*": "0.45"}}
missing_eir: contract_rate
"""


def test_loss_settings_of_the_lender_take_the_place_of_the_example(
    place: Path, report: Path, tmp_path: Path
):
    file, out = tmp_path / "loss.yaml", tmp_path / "out"
    file.write_text(SETTINGS, encoding="utf-8")
    arguments = [str(place), "--out", str(out), "--loss-settings", str(file), "--language", "en"]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    content = json.loads((out / "position.json").read_text(encoding="utf-8"))
    used = next(one for one in content["computations"] if one["name"] == "expected_loss")
    assert used["parameters"]["settings"]["lgd"]["given"]["*"]["down"] == "0.45"
    # With an LGD given, the year before, of few defaults, has an expected loss too.
    assert "expected_loss_movement_year" in {one["name"] for one in content["computations"]}
    hint = "not on a forecast"
    assert hint in (report / "report.html").read_text(encoding="utf-8")
    assert hint not in (out / "report.html").read_text(encoding="utf-8")


def test_demo_says_where_the_report_is(tmp_path: Path):
    result = CliRunner().invoke(demo, ["--borrowers", "60", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert f"Report: {tmp_path / 'report' / 'report.html'}" in result.stdout
    assert "Look first" in result.stdout


def test_page_loads_in_a_browser_without_error(report: Path, tmp_path: Path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("needs chromium: apt-get install chromium")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path}", "--virtual-time-budget=2000", "--dump-dom",
         f"{(report / 'report.html').as_uri()}#en"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert not re.findall(r".*CONSOLE.*", done.stderr)
    assert '<html lang="en">' in done.stdout, "the page's own script did not run"


WIDE = """<body style="margin:0"><iframe width="360" height="900" style="border:0"></iframe><script>
var frame = document.querySelector("iframe");
frame.onload = function () {
  var page = frame.contentDocument, wide = [];
  page.querySelectorAll("details").forEach(function (one) { one.open = true; });
  page.querySelectorAll("main *").forEach(function (one) {
    var box = one.getBoundingClientRect();
    if (box.width && box.right > 361 && !one.closest(".scroll")) { wide.push(one.tagName); }
  });
  document.body.dataset.tables = page.querySelectorAll(".scroll").length;
  document.body.dataset.page = page.documentElement.scrollWidth;
  document.body.dataset.wide = wide.join(" ");
};
frame.src = "PAGE";
</script>"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_a_phone_only_tables_scroll_sideways(report: Path, tmp_path: Path, language: str):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("needs chromium: apt-get install chromium")
    page = tmp_path / "phone.html"
    address = f"{(report / 'report.html').as_uri()}#{language}"
    page.write_text(WIDE.replace("PAGE", address), encoding="utf-8")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000", "--dump-dom",
         page.as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found = dict(re.findall(r'data-(\w+)="([^"]*)"', done.stdout.partition("</iframe>")[0]))
    assert int(found["tables"]) > 40
    assert found["wide"] == ""
    assert int(found["page"]) <= 360


@pytest.mark.spark
def test_spark_gives_the_same_position(place: Path, report: Path, tmp_path: Path):
    pytest.importorskip("pyspark", reason="needs the extra [scale]")
    if shutil.which("java") is None:
        pytest.skip("needs Java 17")
    book = Book.open(place)
    assess(book, as_of=last_month_end(book), out=tmp_path, engine="spark", language="en")
    ours, theirs = (
        json.loads((folder / "position.json").read_text(encoding="utf-8"))
        for folder in (report, tmp_path)
    )
    assert theirs["engine"] == "spark"
    assert [one["id"] for one in theirs["figures"]] == [one["id"] for one in ours["figures"]]
    assert theirs["not_supported"] == ours["not_supported"]
    for own, other in zip(ours["figures"], theirs["figures"], strict=True):
        if isinstance(own["value"], float) and other["value"] is not None:
            assert other["value"] == pytest.approx(own["value"], rel=1e-9, abs=1e-12), own["id"]
        else:
            assert other["value"] == own["value"], own["id"]
