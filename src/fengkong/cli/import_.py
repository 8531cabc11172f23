"""``fk import``: load a tape into a book."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click


def _plain(report, book: Path) -> str:  # type: ignore[no-untyped-def]
    """Say in plain words what happened."""
    state = "was loaded before; nothing was added" if report.already_loaded else "loaded"
    lines = [
        f"Batch {report.batch_id} {state}: {report.read:,} rows read, "
        f"{report.accepted:,} accepted, "
        f"{report.quarantined:,} quarantined."
    ]
    lines += [f"  {f.file}: {f.read:,} read, {f.quarantined:,} quarantined" for f in report.files]
    for rule in report.rules:
        first = rule.examples[0]
        lines.append(
            f"{rule.rows:,} {'row breaks' if rule.rows == 1 else 'rows break'} rule {rule.rule}. "
            f"{rule.en} {rule.zh} "
            f"First: {first.file}, line {first.line}, column {first.column or '(whole row)'}."
        )
    if report.quarantined:
        lines.append(
            f"Repair them: fk quarantine repair {report.batch_id} --book {book} --out FOLDER"
        )
    lines += [f"Supports: {text}." for text in report.supports]
    lines += [f"Not supported: {text}." for text in report.needs]
    return "\n".join(lines)


@click.command("import")
@click.argument("tape_format", metavar="FORMAT")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--book", "book_path", type=click.Path(path_type=Path), help="Folder of the book.")
@click.option("--mapping", type=click.Path(path_type=Path), help="Mapping file (YAML).")
@click.option("--propose", "proposing", is_flag=True, help="Print a mapping; load nothing.")
@click.option("--memory-limit", default=None, help='Memory of the engine, for example "2GiB".')
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(  # noqa: PLR0917  one argument an option
    tape_format: str,
    files: tuple[Path, ...],
    book_path: Path | None,
    mapping: Path | None,
    proposing: bool,
    memory_limit: str | None,
    as_json: bool,
) -> None:
    """Load FILES in FORMAT (lendingclub, taiwan, mapping) into a book."""
    from tempfile import TemporaryDirectory

    from rich.console import Console
    from rich.progress import Progress

    from fengkong.book.importers import Limits, import_tape
    from fengkong.book.importers._resubmit import propose_files
    from fengkong.book.store import Book
    from fengkong.foundation.errors import TapeError

    if proposing:
        with TemporaryDirectory() as folder:
            click.echo(propose_files(files, Path(folder)))
        return
    if book_path is None:
        raise click.UsageError("say the book: --book DIR")
    for path in files:
        if not path.is_file():  # said before an empty book is made
            raise TapeError("there is no such file", file=path.name)
    book = Book.open(book_path) if book_path.exists() else Book.create(book_path)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("import", total=1.0)
        report = import_tape(
            book, files, format=tape_format, mapping=mapping, recorded_at=datetime.now(UTC),
            limits=Limits(memory=memory_limit),
            progress=lambda text, share: bar.update(task, description=text, completed=share),
        )  # fmt: skip
    click.echo(
        json.dumps(report.to_dict(), ensure_ascii=False) if as_json else _plain(report, book_path)
    )
