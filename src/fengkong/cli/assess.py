"""``fk assess``: compute the risk position of a book and write the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fengkong.report import Position

Progress = Callable[[str, float], None]


@click.command()
@click.argument("book", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Business date; the last month-end with data when absent.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the report.",
)
@click.option(
    "--known-at", help="Instant whose knowledge is used, ISO 8601; UTC when it names no zone."
)
@click.option(
    "--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True
)
@click.option(
    "--language", type=click.Choice(["both", "zh", "en"]), default="both", show_default=True
)
@click.option(
    "--loss-settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Scenarios, PD, LGD and staging of the expected loss (YAML); an example when absent.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    *,
    book: Path,
    as_of: datetime | None,
    out: Path,
    known_at: str | None,
    engine: str,
    language: str,
    loss_settings: Path | None,
    as_json: bool,
) -> None:
    """Compute all that BOOK supports; write position.json, tables, a workbook and report.html."""
    from fengkong.book.store import Book
    from fengkong.portfolio.loss import load_settings
    from fengkong.report import assess

    settings = load_settings(loss_settings) if loss_settings else None
    opened = Book.open(book)
    day = as_of.date() if as_of else last_month_end(opened)
    with progress_bar() as progress:
        position = assess(
            opened, as_of=day, known_at=instant(known_at), out=out, engine=engine,
            language=language, progress=progress, loss_settings=settings,
        )  # fmt: skip
    show(position, as_json=as_json)


def instant(text: str | None) -> datetime | None:
    """Return the instant of a text; UTC where it names no zone.

    Raises
    ------
    InputError
        The text is no instant.
    """
    if text is None:
        return None
    from fengkong.foundation.errors import InputError

    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"--known-at takes an instant such as 2026-10-31T08:30:00Z; got {text!r}"
        ) from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def last_month_end(book: Any) -> date:
    """Return the last month-end on or before the last business date of the book's facts.

    Raises
    ------
    InputError
        No fact of the book has a business date.
    """
    from fengkong.foundation.errors import InputError
    from fengkong.report._scope import last_day, month_end_at

    days = [
        last_day(part)
        for batch in book.batches()
        for part in batch.tables.values()
        if part.business_date_max is not None
    ]
    if not days:
        raise InputError(
            f"the book {book.path} holds no dated fact: import a tape first (fk import), "
            "or say --as-of"
        )
    return month_end_at(max(days))


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Draw progress on stderr while the block runs; nothing when nobody looks at a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description:<34}"), BarColumn(), TaskProgressColumn(),
               TimeRemainingColumn())  # fmt: skip
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def tell(step: str, fraction: float) -> None:
            bar.update(task, description=step[:34], completed=fraction)

        yield tell


def summary(position: Position) -> dict[str, Any]:
    """Return what a reader needs first: dates, headlines, counts, and where the report is."""
    from fengkong.report.position import to_json_value

    return {
        "as_of": position.as_of.isoformat(),
        "known_at": position.known_at.isoformat() if position.known_at else None,
        "engine": position.engine,
        "currency": position.currency,
        "facts": {
            "first_on": to_json_value(position.facts.first_on),
            "last_on": to_json_value(position.facts.last_on),
        },
        "headlines": [
            {name: to_json_value(line[name]) for name in ("id", "on", "value", "before", "unit")}
            for line in position.headlines
        ],
        "computed": len(position.results),
        "not_supported": len(position.missing),
        "failed": [one.name for one in position.failed],
        "report": str(position.out / "report.html"),
    }


def show(position: Position, *, as_json: bool = False) -> None:
    """Print the summary, as text or as JSON."""
    content = summary(position)
    if as_json:
        click.echo(json.dumps(content, ensure_ascii=False, indent=1))
        return
    click.echo(f"Risk position as of {content['as_of']}")
    if facts_hint := _hint(position):
        click.echo(facts_hint)
    for line in position.headlines:
        title = line["title"]["en"]
        if line["on"] != position.as_of:
            title = f"{title} ({line['on'].isoformat()})"
        before = "" if line["before"] is None else f"  (a quarter before {_figure(line, 'before')})"
        click.echo(f"  {title:<44} {_figure(line, 'value'):>16}{before}")
    click.echo(
        f"{content['computed']} measures computed, {content['not_supported']} not supported by "
        "this book (the report says what they need)."
    )
    if position.failed:
        click.echo(f"These stopped with an error (see the report): {', '.join(content['failed'])}.")
    click.echo(f"Report: {content['report']}")


def _hint(position: Position) -> str:
    """Say when the day lies before the first or after the last fact of the book."""
    facts = position.facts
    if position.known_at is not None and not position.inputs:
        return (
            f"At {position.known_at.isoformat()} the book knew nothing yet: choose a later instant."
        )
    if facts.first_on is not None and position.as_of < facts.first_on:
        return f"The facts of the book begin on {facts.first_on}: choose a later day."
    if facts.last_on is not None and position.as_of > facts.last_on:
        return (
            f"The facts of the book end on {facts.last_on}: what was paid later is not in it, so "
            "loans may look more overdue than they are."
        )
    return ""


def _figure(line: dict[str, Any], name: str) -> str:
    value = line[name]
    if value is None:
        return "-"
    return f"{float(value):.2%}" if line["unit"].startswith("fraction") else f"{float(value):,.2f}"
