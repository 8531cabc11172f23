"""The page and the workbook: whole, safe, in both languages, and the same for equal content."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import openpyxl
import pytest
import yaml

from fengkong.report import _words
from fengkong.report._words import FILES, LANGUAGES, _texts
from fengkong.report.scorecard._bins import bins_figure
from fengkong.report.scorecard._cells import text_of
from fengkong.report.scorecard._content import Both, Page, Section, Sheet, Tile, both
from fengkong.report.scorecard._page import page_text
from fengkong.report.scorecard._standalone import file_name, standalone
from fengkong.report.scorecard._workbook import write_workbook

FOLDER = Path(_words.__file__).parent


class Tags(HTMLParser):
    """Check that every tag is closed in order, and note what a browser would fetch."""

    VOID = frozenset({"meta", "link", "input", "br", "path", "rect", "use"})

    def __init__(self):
        super().__init__()
        self.open, self.fetched = [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.fetched += [found[name] for name in ("src", "href") if found.get(name)]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open
        assert self.open.pop() == tag


def sheet(rows, **more):
    return Sheet(key="k", title=Both("表", "table"), columns=("bin", "bad_rate", "note"), rows=rows,
                 words=("bin", "note"), **more)  # fmt: skip


def pages(content):
    return [
        Page(language=one, title="<b>", about="", tiles=[Tile(title="t", value="1")],
             sections=[Section(title="s", figures=content(one), sheets=[sheet([])])])
        for one in LANGUAGES
    ]  # fmt: skip


def test_page_is_whole_escaped_and_fetches_nothing(channel):
    text = page_text(pages(lambda one: [bins_figure(channel, None, one, f"{one}0")]), bar=[])
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.fetched == ["data:,"]
    assert "&lt;b&gt;" in text
    assert len(re.findall(r'id="(zh|en)0-', text)) == len(
        set(re.findall(r'id="((?:zh|en)0-[^"]+)', text))
    )


def test_workbook_cells_are_typed_and_cannot_be_formulas(tmp_path):
    rows = [{"bin": "=cmd()", "bad_rate": np.float64(0.25), "note": both("bin_missing")},
            {"bin": "+1", "bad_rate": float("nan"), "note": None}]  # fmt: skip
    facts = [(Both("卡", "card"), "@x")]
    how = ((Both("定义", "definition"), Both("-甲", "-a")),)
    for name in ("a", "b"):
        write_workbook([sheet(rows, how=how)], tmp_path / name, facts=facts)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    (tmp_path / "a").rename(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    table = book["k"]
    assert [cell.value for cell in table[2]] == ["'=cmd()", 0.25, "缺失\nmissing"]
    assert table["B2"].number_format == "0.00%"
    assert [cell.value for cell in table[3]] == ["'+1", None, None]
    assert table["A1"].value == "分箱\nBin\nbin"
    first = [cell.value for row in book.worksheets[0].iter_rows() for cell in row if cell.value]
    assert not [text for text in first if text.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("bad_rate", 0.125, "12.50%"), ("woe", -1.5, "−1.5000"), ("p_value", 0.00001, "<0.0001"),
        ("p_value", 0.031, "0.0310"), ("count", 12.0, "12"), ("count", 12.5, "12.5"),
        ("points", np.float64(-12.0), "−12"), ("highest", float("inf"), "∞"), ("iv", None, "–"),
        ("iv", float("nan"), "–"), ("in_card", np.bool_(True), "yes"), ("bin", "a", "a"),
    ],
)  # fmt: skip
def test_figures_read_as_the_house_writes_them(name, value, text):
    assert text_of(name, value, "en") == text


def test_every_text_is_there_in_both_languages():
    holes = [
        (kind, key, one)
        for kind in ("texts", "columns", "codes")
        for key, entry in _texts()[kind].items()
        for one in LANGUAGES
        if not str(entry.get(one, "")).strip()
    ]
    assert holes == []


def test_both_languages_say_the_same_figures():
    texts = yaml.safe_load((FOLDER / "texts_scorecard.yaml").read_text("utf-8"))["texts"]
    odd = {
        key
        for key, entry in texts.items()
        if set(re.findall(r"{(\w+)}", entry["zh"])) != set(re.findall(r"{(\w+)}", entry["en"]))
    }
    assert odd == set()


def test_no_key_stands_in_two_files():
    first, second = (yaml.safe_load((FOLDER / name).read_text("utf-8")) for name in FILES)
    assert [key for kind in second for key in second[kind] if key in first.get(kind, ())] == []


def test_a_picture_alone_keeps_its_words_and_needs_no_stylesheet(income):
    figure = bins_figure(income, None, "en", "k")
    text = standalone(figure)
    tree = ET.fromstring(text)  # noqa: S314
    assert tree.tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(" not in text
    assert tree[0].text == figure.title
    assert [node.text for node in tree.iter() if node.tag.endswith("}text")] == [
        node.text
        for node in ET.fromstring(figure.svg.replace("xlink:", "")).iter()  # noqa: S314
        if node.tag == "text"
    ]
    assert file_name(figure, "en") == "picture-bins-income-en.svg"
    long = re.findall(r' (?:d|transform|x|y)="[^"]*\d\.\d{3}', text)
    assert long == []
