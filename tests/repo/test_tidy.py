"""The house stays tidy: sizes of files and functions, no stray names, no address of a registry."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "manager.py"}


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its decorators, signature and docstring."""
    body = node.body
    if ast.get_docstring(node) is not None:
        body = body[1:]
    if not body:
        return 0
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_and_function_sizes(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500, f"{path} is past 500 lines: make a folder of it"
    long_functions = [
        (node.name, body_lines(node))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > 70
    ]
    assert not long_functions


def test_no_drawer_for_everything():
    assert not [path for path in SOURCES if path.name in FORBIDDEN_NAMES]


def test_lock_files_carry_hashes_and_no_address():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert not re.search(r"https?://|file:|--index|--find-links|@ ", text), path
        assert text.count("==") > 20
        for block in re.split(r"\n(?=[a-z0-9])", text.strip()):
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_no_sql_text_reaches_an_engine():
    """Everything is an Ibis expression: no raw SQL call anywhere in the core."""
    pattern = re.compile(
        r"\.raw_sql\(|\.sql\([^)]|\bexecute\(\s*f?[\"'](SELECT|COPY|CREATE|INSERT)", re.I
    )
    # The vault is a SQLite file of its own; engines streams what Ibis itself has compiled.
    allowed = {"vault", "engines"}
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in SOURCES
        if path.stem not in allowed
        for line in path.read_text(encoding="utf-8").splitlines()
        if pattern.search(line)
    ]
    assert not found


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from click.testing import CliRunner; from fengkong.cli import fk;"
        "assert CliRunner().invoke(fk, ['--help']).exit_code == 0;"
        "heavy = {'numpy', 'pandas', 'ibis', 'duckdb', 'numba', 'pyarrow'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_command_in_the_table_exists():
    from fengkong.cli import COMMANDS, fk

    for name in COMMANDS:
        command = fk.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.help
