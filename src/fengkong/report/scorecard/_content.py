"""What a report of the scorecard lab is made of: tiles, sections, figures and sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fengkong.report._words import say


@dataclass(frozen=True, slots=True)
class Both:
    """A text in both languages; may stand as a cell of a sheet."""

    zh: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


def both(key: str, **values: Any) -> Both:
    """Return the text ``key`` in both languages; a value that is a `Both` is put in by language."""
    return Both(*(say(key, one, **_in(values, one)) for one in ("zh", "en")))


def _in(values: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {
        name: value[language] if isinstance(value, Both) else value
        for name, value in values.items()
    }


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A table in both languages, for the page and for the workbook.

    Attributes
    ----------
    key : str
        Name of the sheet in the workbook; unique in a report.
    title : Both
        What the table holds.
    columns : tuple of str
        Names; their headings and the form of their figures are in the texts.
    rows : sequence of mapping
        Numbers, texts, codes, `Both`, None or NaN where there is nothing.
    words : tuple of str
        Columns that hold words: they are aligned to the left.
    how : tuple of (Both, Both)
        What a reader asks of a figure: name and text of definition, formula, inputs.
    """

    key: str
    title: Both
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    words: tuple[str, ...] = ()
    how: tuple[tuple[Both, Both], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its words in one language, and the table behind it.

    Attributes
    ----------
    title : str
        The finding.
    about : str
        The definition, with its unit.
    svg : str
        The drawing; colours are tokens of the stylesheet.
    sheet : Sheet
        What was drawn.
    note : str
        What a reader must know to read it; empty when nothing.
    """

    title: str
    about: str
    svg: str
    sheet: Sheet
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One headline: its name, its figure, and a word on it."""

    title: str
    value: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page: a title, sentences, pictures, open tables, and folded ones."""

    title: str
    lines: Sequence[str] = ()
    points: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    sheets: Sequence[Sheet] = ()
    folded: Sequence[Sheet] = ()


@dataclass(frozen=True, kw_only=True)
class Page:
    """A report in one language."""

    language: str
    title: str
    about: str
    tiles: Sequence[Tile] = ()
    worst: Sequence[str] = ()
    sections: Sequence[Section] = field(default_factory=list)

    def sheets(self) -> list[Sheet]:
        """Return all tables in the order of the page."""
        return [
            sheet
            for part in self.sections
            for sheet in (*(one.sheet for one in part.figures), *part.sheets, *part.folded)
        ]
