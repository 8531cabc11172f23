"""The page about the schema says what the code says."""

from __future__ import annotations

from pathlib import Path

from fengkong.book.schema import DERIVED, TABLES
from fengkong.book.schema.document import document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "schema-of-the-book.md"


def test_the_page_is_the_generators_output():
    assert PAGE.read_text("utf-8") == document(), (
        "run: python -m fengkong.book.schema.document > docs/methods/schema-of-the-book.md"
    )


def test_every_table_and_column_is_on_the_page():
    text = document()
    for table in (*TABLES.values(), *DERIVED.values()):
        section = text.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        assert all(f"| `{name}` |" in section for name in table.names)
