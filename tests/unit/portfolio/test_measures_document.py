"""docs/methods/measures.md is what the register says."""

from __future__ import annotations

from pathlib import Path

import fengkong.portfolio  # noqa: F401  fills the register
from fengkong.portfolio._document import measures_markdown

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "methods" / "measures.md"


def test_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == measures_markdown(), (
        "run: python -m fengkong.portfolio._document docs/methods/measures.md"
    )
