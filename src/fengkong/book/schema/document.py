"""The schema as a page for readers, made from the code so that it cannot be out of date.

Write it anew with ``python -m fengkong.book.schema.document > docs/methods/schema-of-the-book.md``.
"""

from __future__ import annotations

import sys

from fengkong.book.schema import DERIVED, TABLES
from fengkong.foundation.columns import Column, Table

_HEAD = """\
# Schema of the book

Generated from `fengkong.book.schema` by `python -m fengkong.book.schema.document`; do not edit.

Every fact row also carries `recorded_at`, the UTC instant from which it is known, and `batch_id`,
the load that brought it. Money is DECIMAL(18, 2) in the currency of the loan, losses are positive,
rates are fractions and say nominal or effective, instants are UTC. A row is named by its key; a
correction is a new row with the same key and a later `recorded_at`. How it is stored and read:
[The book](the-book.md).

In the tables below, *required* columns are never null; *personal* columns hold keyed tokens, their
clear values lie in the vault; measures may be asked by a *dimension*.
"""


def document() -> str:
    """Return the page as Markdown text."""
    parts = [_HEAD, "## Facts\n", _contents(TABLES), "## Derived\n", _contents(DERIVED)]
    parts += [_table(table) for table in (*TABLES.values(), *DERIVED.values())]
    return "\n".join(parts)


def _contents(tables: dict[str, Table]) -> str:
    lines = [f"- [{name}](#{name}): {table.meaning}" for name, table in tables.items()]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> str:
    date = f"`{table.business_date}`" if table.business_date else "none, rows are always seen"
    lines = [
        f"## {table.name}",
        "",
        table.meaning,
        "",
        f"Key: {', '.join(f'`{name}`' for name in table.key)}. Business date: {date}.",
        "",
        "| column | kind | unit | | meaning |",
        "|---|---|---|---|---|",
        *(_row(column) for column in table.columns),
        "",
    ]
    return "\n".join(lines)


def _row(column: Column) -> str:
    marks = [
        word
        for word, holds in (
            ("required", column.required),
            ("personal", column.personal),
            ("dimension", column.dimension),
        )
        if holds
    ]
    meaning = column.meaning
    if column.values:
        meaning += " Codes: " + ", ".join(f"`{value}`" for value in column.values) + "."
    meaning = meaning.replace("|", "\\|")
    return (
        f"| `{column.name}` | {column.kind.value} | {column.unit} | {', '.join(marks)} "
        f"| {meaning} |"
    )


if __name__ == "__main__":
    sys.stdout.write(document())
