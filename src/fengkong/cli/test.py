"""``fk test``: format, lint, types, import contracts, tests; and what was skipped, with reasons."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import click


def _root() -> Path:
    """Folder of the checkout, given by the bootstrap script."""
    return Path(os.environ.get("FENGKONG_ROOT", Path(__file__).resolve().parents[3]))


def _steps(
    long: bool, workers: int, paths: tuple[str, ...]
) -> list[tuple[str, list[str], dict[str, str]]]:
    """List each step as (name, command, extra environment)."""
    python, scripts = sys.executable, Path(sys.executable).parent
    tests = [python, "-m", "pytest", "-q", "-n", str(workers), "--dist", "loadfile", *paths]
    steps: list[tuple[str, list[str], dict[str, str]]] = []
    if not paths:
        steps += [
            ("format", [str(scripts / "ruff"), "format", "--check", "--quiet", "."], {}),
            ("lint", [str(scripts / "ruff"), "check", "--quiet", "."], {}),
            ("types", [str(scripts / "mypy")], {}),
            ("import contracts", [str(scripts / "lint-imports"), "--no-cache"], {}),
        ]
    steps.append(("tests", tests, {}))
    if long:
        marked = [python, "-m", "pytest", "-q", "-m", "long", *paths]
        steps.append(("long tests", marked, {"FENGKONG_HYPOTHESIS": "long"}))
    return steps


@click.command("test")
@click.option("--long", is_flag=True, help="Also the soaks, full fuzzing and full sizes.")
@click.option("--workers", default=2, show_default=True, help="Test processes side by side.")
@click.argument("paths", nargs=-1)
def command(long: bool, workers: int, paths: tuple[str, ...]) -> None:
    """Run all checks, or only the tests under PATHS; the end lists what was skipped and why."""
    failed = []
    for name, arguments, extra in _steps(long, workers, paths):
        started = time.monotonic()
        click.echo(f"== {name}", err=True)
        done = subprocess.run(arguments, cwd=_root(), env={**os.environ, **extra}, check=False)  # noqa: S603
        click.echo(f"== {name}: {'ok' if done.returncode == 0 else 'FAILED'} "
                   f"({time.monotonic() - started:.0f} s)", err=True)  # fmt: skip
        if done.returncode:
            failed.append(name)
    if not long:
        click.echo("== long tests (soaks, full fuzzing, full sizes): not run; ask with --long",
                   err=True)  # fmt: skip
    if failed:
        click.echo(f"fk test: failed: {', '.join(failed)}", err=True)
        sys.exit(1)
