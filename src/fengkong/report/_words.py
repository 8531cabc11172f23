"""Words and numbers in the reader's language."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fengkong.foundation.errors import InputError, Need

LANGUAGES = ("zh", "en")


# One file a report; a key stands in one of them only.
FILES = ("texts.yaml", "texts_scorecard.yaml")


@cache
def _texts() -> dict[str, dict[str, Any]]:
    content: dict[str, Any] = {}
    for name in FILES:
        part = yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))
        for kind, entries in part.items():
            if isinstance(entries, list):
                content[kind] = [*content.get(kind, ()), *entries]
            else:
                content[kind] = {**content.get(kind, {}), **entries}
    return content


def say(key: str, language: str, **values: Any) -> str:
    """Return the text ``key`` in a language, with its places filled.

    Raises
    ------
    InputError
        No such text, or not in that language.
    """
    try:
        text = str(_texts()["texts"][key][language])
    except KeyError:
        raise InputError(f"the texts hold no {key!r} in {language!r}") from None
    return text.format(**values)


def has_text(key: str) -> bool:
    """Whether there is a text of that key."""
    return key in _texts()["texts"]


def column(name: str, language: str) -> str:
    """Return the heading of a column; a name without heading is shown as it is."""
    known = _texts()["columns"].get(name)
    return str(known[language]) if known else name


def has_column(name: str) -> bool:
    """Whether the column has a heading in every language."""
    return set(LANGUAGES) <= set(_texts()["columns"].get(name, ()))


def format_of(name: str) -> str | None:
    """Return how the figures of a column are written: the name of a format, None for any."""
    known = _texts()["columns"].get(name)
    return known.get("as") if known else None


def code_text(code: str, language: str) -> str:
    """Return a code in words; one without words is shown as it is."""
    known = _texts()["codes"].get(code)
    return str(known[language]) if known else code


def need(name: str, language: str) -> str:
    """Return what a book lacks, in words: a table, a column of one, or what the measure says."""
    if isinstance(name, Need):
        return name.zh if language == "zh" and name.zh else str(name)
    known = _texts()["needs"].get(name)
    if known:
        return str(known[language])
    table, _, field = name.partition(".")
    if field and table in _texts()["needs"]:
        words = column(field, language)
        # Inside a sentence; an abbreviation keeps its capitals.
        if not words[:2].isupper():
            words = words[:1].lower() + words[1:]
        return f"{words} ({name})"
    return name


def cell_text(name: str, value: Any, language: str, unit: str = "") -> str:
    """Return a value of a table as text: thousands separated, per cent with two decimals."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return say("yes" if value else "no", language)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return code_text(value, language)
    if is_fraction(name, unit):
        return percent(float(value))
    if isinstance(value, Decimal):
        return minus(f"{value:,.2f}")
    if isinstance(value, int):
        return minus(f"{value:,}") if name not in {"year", "stage"} else str(value)
    return minus(f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}")


def is_fraction(name: str, unit: str = "") -> bool:
    """Whether a column holds a fraction, by its name or its unit."""
    endings = tuple(str(ending) for ending in _texts()["fraction_endings"])
    return unit.startswith("fraction") or name.endswith(endings)


def percent(value: float, *, sign: bool = False) -> str:
    """Return a fraction as per cent with two decimals."""
    return minus(f"{value * 100:+.2f}%" if sign else f"{value * 100:.2f}%")


def amount(value: Any, language: str) -> str:
    """Return an amount for a sentence: 万 and 亿 in Chinese, thousands and millions in English.

    The word stays on the line of its number (a space that does not break).
    """
    number = float(value)
    steps = (
        ((1e8, "\u00a0亿"), (1e4, "\u00a0万"))
        if language == "zh"
        else ((1e9, "\u00a0bn"), (1e6, "\u00a0m"), (1e3, "\u00a0k"))
    )
    for size, word in steps:
        if abs(number) >= size:
            return minus(f"{number / size:,.2f}{word}")
    return minus(f"{number:,.2f}")


def minus(text: str) -> str:
    """Return the text with a true minus sign."""
    return text.replace("-", "−")
