"""The command ``fk`` itself: help without the engine, errors in one line, commands of others."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import click
import pytest
from click.testing import CliRunner

from fengkong import cli
from fengkong.foundation.errors import InputError


def test_help_imports_neither_engine_nor_numbers():
    script = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from fengkong.cli import COMMANDS, fk\n"
        "shown = CliRunner().invoke(fk, ['--help']).output\n"
        "assert all(name in shown for name in COMMANDS), shown\n"
        "print(sorted({'duckdb', 'ibis', 'numpy', 'pandas', 'altair'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (InputError("say the book"), 2, "fk: [fengkong.input] say the book"),
        # What DuckDB makes of Ctrl-C inside a query.
        (RuntimeError("Query interrupted"), 130, "fk: stopped; the book is as it was before"),
    ],
)
def test_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, error: Exception, status: int, says: str
):
    def broken(**_: Any) -> None:
        raise error

    monkeypatch.setattr(cli, "fk", broken)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == status
    assert capsys.readouterr().err.strip() == says


def test_an_error_that_is_not_ours_keeps_its_trace(monkeypatch: pytest.MonkeyPatch):
    def broken(**_: Any) -> None:
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr(cli, "fk", broken)
    with pytest.raises(RuntimeError, match="a fault"):
        cli.main()


def test_another_package_brings_a_command(monkeypatch: pytest.MonkeyPatch):
    @click.command("hello")
    def hello() -> None:
        click.echo("from another package")

    class Brought:
        name = "hello"

        def load(self) -> click.Command:
            return hello

    monkeypatch.setattr(cli, "_foreign", lambda: [Brought()])
    assert "hello" in CliRunner().invoke(cli.fk, ["--help"]).output
    assert CliRunner().invoke(cli.fk, ["hello"]).output == "from another package\n"


def test_a_missing_file_is_said_before_a_book_is_made(tmp_path):
    book, tape = tmp_path / "book", tmp_path / "no.csv"
    done = CliRunner().invoke(cli.fk, ["import", "mapping", str(tape), "--book", str(book)])
    assert done.exit_code != 0
    assert not book.exists()
