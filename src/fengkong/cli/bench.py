"""``fk bench``: measure against peers in one run; the benches live in the folder bench/."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import click

BENCHES = {
    "accuracy": "scorecard_accuracy.py",
    "import": "import_csv.py",
    "portfolio": "portfolio.py",
    "scorecard": "scorecard.py",
}


@click.command("bench", context_settings={"ignore_unknown_options": True})
@click.argument("name", type=click.Choice(sorted(BENCHES)))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(name: str, arguments: tuple[str, ...]) -> None:
    """Run the bench NAME; ARGUMENTS go to it (try `fk bench portfolio --help`)."""
    root = Path(os.environ.get("FENGKONG_ROOT", Path(__file__).resolve().parents[3]))
    script = root / "bench" / BENCHES[name]
    if not script.is_file():
        raise click.ClickException(f"{script} is not here: benches run from a checkout")
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(root))
    runpy.run_path(str(script), run_name="__main__")
