"""The worked example of docs/howto/import-a-tape.md, run from its text."""

import re
import shlex
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from fengkong.book.importers import _mapping
from fengkong.book.store import Book
from fengkong.cli import fk

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "import-a-tape.md"
BLOCK = re.compile(r"^```(csv|yaml|console) ?(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EDIT = re.compile(r"^In `(\S+)`, replace `(.+)` by `(.+)`\.$", re.MULTILINE)


def run(line, batch):
    words = shlex.split(line.removeprefix("$ ").replace("BATCH", batch))
    assert words[0] == "fk"
    done = CliRunner().invoke(fk, words[1:], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def edit(text):
    for name, old, new in EDIT.findall(text):
        content = Path(name).read_text("utf-8")
        assert content.count(old) == 1
        Path(name).write_text(content.replace(old, new), "utf-8")


def test_the_example_does_what_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, batch, output, place, said = PAGE.read_text("utf-8"), "", "", 0, 0
    for block in BLOCK.finditer(text):
        edit(text[place : block.start()])
        place = block.end()
        kind, name, body = block.groups()
        if kind != "console":
            Path(name).write_text(body, "utf-8")
            continue
        for line in body.splitlines():
            if line.startswith("$ "):
                output = run(line, batch)
                batch = batch or Book.open(Path("book")).batches()[0].batch_id
            else:
                assert line.replace("BATCH", batch) in output
                said += 1
    assert said >= 10
    with Book.open(Path("book")).view(as_of=date(2026, 1, 1)) as view:
        loans = view.table("loans").order_by("loan_id").to_pyarrow().to_pylist()
        paid = view.table("payments").to_pyarrow().to_pylist()
    assert [(row["loan_id"], str(row["principal_amount"]), row["grade"]) for row in loans] == [
        ("HT-001", "50000.00", "A"),
        ("HT-002", "30000.00", "B"),
        ("HT-003", "25000.00", "unrated"),
    ]
    assert [row["term_months"] for row in loans] == [12, 24, 6]
    assert [str(row["amount"]) for row in paid] == ["4454.14", "4454.14"]


@pytest.mark.parametrize(
    "words",
    [
        _mapping.UNITS,
        _mapping.SIGNS,
        _mapping.DERIVATIONS,
        _mapping.FORMATS,
        _mapping.Field.__dataclass_fields__.keys() - {"sources"},
        _mapping.FileMap.__dataclass_fields__.keys(),
        _mapping.Target.__dataclass_fields__.keys(),
    ],
)
def test_the_page_names_every_option(words):
    text = PAGE.read_text("utf-8")
    assert [
        word
        for word in sorted(words)
        if f"`{word}`" not in text and f"{{function: {word}" not in text
    ] == []
