"""``fk quarantine``: show, repair and re-submit rows that were refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click


@click.group("quarantine")
def command() -> None:
    """Show, repair and re-submit rows that were refused."""


_book = click.option("--book", "book_path", required=True, type=click.Path(path_type=Path))


def _open(path: Path) -> Any:
    from fengkong.book.store import Book

    return Book.open(path)


@command.command("list")
@_book
def list_command(book_path: Path) -> None:
    """List the batches with refused rows."""
    from fengkong.book.importers import _quarantine as door

    for one in door.quarantines(_open(book_path)):
        state = "expired" if one.expired else "expires"
        click.echo(f"{one.batch_id}: {one.rows:,} rows, {state} on {one.expires_on}")


@command.command("show")
@click.argument("batch_id")
@_book
def show_command(batch_id: str, book_path: Path) -> None:
    """Show file, line, column and rule of each refused row of a batch."""
    from fengkong.book.importers import _quarantine as door
    from fengkong.book.quality import rule_text

    for place in door.places(door.quarantine(_open(book_path), batch_id)):
        for rule, column in place["reasons"]:
            where = f"{place['file']}, line {place['line']}, column {column or '(whole row)'}"
            click.echo(f"{where}, rule {rule}: {rule_text(rule)} {rule_text(rule, language='zh')}")


@command.command("repair")
@click.argument("batch_id")
@_book
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the CSV.")
def repair_command(batch_id: str, book_path: Path, out: Path) -> None:
    """Write the refused rows of a batch as CSV for editing (in clear: keep it safe)."""
    from fengkong.book.importers import _quarantine as door

    book = _open(book_path)
    for path in door.export(book, door.quarantine(book, batch_id), out):
        click.echo(
            f"edit {path}, then: fk quarantine resubmit {batch_id} {path} --book {book_path}"
        )


@command.command("resubmit")
@click.argument("batch_id")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@_book
def resubmit_command(batch_id: str, files: tuple[Path, ...], book_path: Path) -> None:
    """Load repaired rows as a new batch, linked to the rows they replace."""
    from fengkong.book.importers._resubmit import resubmit

    report = resubmit(_open(book_path), batch_id, files, recorded_at=datetime.now(UTC))
    click.echo(json.dumps(report.to_dict(), ensure_ascii=False))


@command.command("expire")
@_book
def expire_command(book_path: Path) -> None:
    """Remove the content of refused rows whose day has come; places and rules remain."""
    from fengkong.book.importers import _quarantine as door

    click.echo(f"{door.expire(_open(book_path), on=datetime.now(UTC))} batches expired")
