"""``fk simulate``: a book of a simulated platform."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click


@click.command("simulate")
@click.option("--borrowers", type=click.IntRange(1), required=True, help="How many borrowers.")
@click.option("--months", type=click.IntRange(2), required=True, help="How many calendar months.")
@click.option("--seed", type=click.IntRange(0), required=True, help="Equal seeds, equal tables.")
@click.option("--book", "book", type=click.Path(path_type=Path), required=True, help="New book.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), default="2023-01-01", show_default=True,
              help="First month.")  # fmt: skip
@click.option("--loans", type=click.IntRange(1), default=None,
              help="Exactly so many loans (default: 1.6 a borrower).")  # fmt: skip
@click.option("--payments/--no-payments", default=None,
              help="Write payments and fees (default: up to 200,000 loans).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    *, borrowers: int, months: int, seed: int, book: Path, start: datetime, loans: int | None,
    payments: bool | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a book of a simulated platform; the truth lies beside it."""
    from rich.console import Console
    from rich.progress import Progress

    from fengkong.book.simulate import simulate
    from fengkong.book.simulate.truth import truth_path

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("simulate", total=1.0)
        truth = simulate(
            book, borrowers=borrowers, months=months, seed=seed, start=start.date(), loans=loans,
            payments=payments,
            progress=lambda step, done: bar.update(task, description=step, completed=done),
        )  # fmt: skip
    summary = {
        "book": str(book), "truth": str(truth_path(book)), "seed": seed, "loans": truth.loans,
        "months": months, "payments": truth.payments, "rows": truth.rows,
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(summary))
        return
    click.echo(f"{book}: {truth.loans:,} loans, {truth.rows['loan_months']:,} loan-months")
    click.echo(f"truth: {summary['truth']}")
