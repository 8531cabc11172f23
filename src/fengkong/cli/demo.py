"""``fk demo``: simulate a platform, or take a tape, and assess it."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from fengkong.cli.assess import Progress, last_month_end, progress_bar, show

MONTHS = 24
SEED = 20260101


@click.command()
@click.option(
    "--tape",
    nargs=2,
    metavar="FORMAT FILE",
    help="Take this tape instead, for example: --tape lendingclub FILE.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for book and report; a new temporary one when absent.",
)
@click.option(
    "--borrowers",
    type=click.IntRange(min=10),
    default=2000,
    show_default=True,
    help="Borrowers to simulate.",
)
def command(tape: tuple[str, str] | None, out: Path | None, borrowers: int) -> None:
    """Simulate a platform (or take a tape), assess it and say where the report is."""
    from fengkong.book.store import Book
    from fengkong.report import assess

    folder = out or Path(tempfile.mkdtemp(prefix="fengkong-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    place = new_place(folder)
    with progress_bar() as progress:
        if tape:
            _take(place, tape[0], Path(tape[1]), progress)
        else:
            _simulate(place, borrowers, progress)
        book = Book.open(place)
        position = assess(
            book, as_of=last_month_end(book), out=folder / "report",
            progress=lambda step, part: progress(step, 0.4 + 0.6 * part),
        )  # fmt: skip
    show(position)
    click.echo("Open it in a browser. Look first at the title (what changed), then at the list")
    click.echo("'What is worst', then at the pictures; behind each picture is its table.")


def new_place(folder: Path) -> Path:
    """Return a folder for a book that does not exist yet: a book is never written over."""
    place, number = folder / "book", 2
    while place.exists():
        place, number = folder / f"book-{number}", number + 1
    return place


def _simulate(place: Path, borrowers: int, progress: Progress) -> None:
    from fengkong.book.simulate import simulate

    simulate(
        place, borrowers=borrowers, months=MONTHS, seed=SEED,
        progress=lambda step, part: progress(step, 0.4 * part),
    )  # fmt: skip


def _take(place: Path, layout: str, file: Path, progress: Progress) -> None:
    from fengkong.book.importers import import_tape
    from fengkong.book.store import Book
    from fengkong.foundation.errors import InputError

    if not file.is_file():
        raise InputError(f"there is no file {file}")
    import_tape(
        Book.create(place), [file], format=layout, recorded_at=datetime.now(UTC),
        progress=lambda step, part: progress(step, 0.4 * part),
    )  # fmt: skip
