"""Words for bins, reasons and changes in two languages, from one versioned map."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

import yaml

from fengkong.foundation.errors import InputError
from fengkong.scorecard.binning.bins import ColumnBins

Language: TypeAlias = Literal["en", "zh"]
Text: TypeAlias = dict[str, str]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
LISTED_BY: dict[str, str] = {"en": ", ", "zh": "、"}


@cache
def general_texts() -> dict[str, Any]:
    """Return the map that comes with the package."""
    text = files("fengkong.scorecard.card").joinpath("reasons.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def both(found: object, *, place: str) -> Text:
    """Return a text after checking that it is there in both languages and in no other.

    Raises
    ------
    InputError
        It is not; ``place`` says where.
    """
    if not isinstance(found, Mapping) or set(found) != set(LANGUAGES):
        raise InputError(f"{place}: give the text in both languages, en and zh; got {found!r}")
    for language in LANGUAGES:
        if not isinstance(found[language], str) or not found[language].strip():
            raise InputError(f"{place}: the text in {language} is empty")
    return {language: found[language] for language in LANGUAGES}


def said(section: str, key: str, **words: Text | str) -> Text:
    """Fill a general text in both languages; a word may itself be in both."""
    text = general_texts()[section][key]
    return {
        language: text[language].format(
            **{name: word if isinstance(word, str) else word[language]
               for name, word in words.items()}
        )
        for language in LANGUAGES
    }  # fmt: skip


def listed(words: list[Text]) -> Text:
    """Join texts as each language joins a list."""
    return {one: LISTED_BY[one].join(word[one] for word in words) for one in LANGUAGES}


def number_text(value: float) -> str:
    """Write a number in full, so that "at least" is true to the last digit."""
    text = f"{value:,}"
    return text.removesuffix(".0")


def bin_text(bins: ColumnBins, code: int) -> Text:
    """Say what a bin holds."""
    if code == bins.missing_code:
        return said("phrases", "missing")
    if code == bins.unseen_code:
        return said("phrases", "unseen")
    if code > bins.missing_code:
        return dict.fromkeys(LANGUAGES, bins.specials[code - bins.missing_code - 1].name)
    if bins.kind == "categorical":
        named: list[Text] = [dict.fromkeys(LANGUAGES, label) for label in bins.groups[code]]
        # Whoever is of a pooled rare category must not be told that he is of a named one.
        return listed([*named, said("phrases", "rare")] if code == bins.rare_code else named)
    low = number_text(float(bins.cuts[code - 1])) if code else ""
    high = number_text(float(bins.cuts[code])) if code < len(bins.cuts) else ""
    if low and high:
        return said("phrases", "between", low=low, high=high)
    if low or high:
        return said("phrases", "at_least" if low else "below", low=low, high=high)
    return said("phrases", "any")


def own_texts(own: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """Read the modeller's own map: YAML text or a mapping with ``version`` and ``variables``.

    Raises
    ------
    InputError
        Not YAML, no version, an unknown key, or a text that lacks a language.
    """
    if own is None:
        return {"version": "", "variables": {}}
    try:
        found = yaml.safe_load(own) if isinstance(own, str) else own
    except yaml.YAMLError as error:
        raise InputError(f"own reason texts are not YAML: {error}") from error
    if not isinstance(found, Mapping) or set(found) != {"version", "variables"}:
        raise InputError("own reason texts need two keys: version and variables")
    if not isinstance(found["version"], str) or not found["version"]:
        raise InputError("own reason texts need a version, written as text")
    if not isinstance(found["variables"], Mapping):
        raise InputError("own reason texts: variables must be a mapping of column to texts")
    return {
        "version": found["version"],
        "variables": {name: _own_variable(name, one) for name, one in found["variables"].items()},
    }


def _own_variable(name: str, found: Any) -> dict[str, Any]:
    place = f"own reason texts, variable {name!r}"
    if not isinstance(found, Mapping) or not set(found) <= {"name", "reason", "bins"}:
        raise InputError(f"{place}: the keys are name, reason and bins; got {found!r}")
    bins = found.get("bins") or {}
    if not isinstance(bins, Mapping):
        raise InputError(f"{place}: bins must be a mapping of bin to text")
    result: dict[str, Any] = {
        key: both(found[key], place=f"{place}, {key}") for key in ("name", "reason") if key in found
    }
    return result | {
        "bins": {str(key): both(one, place=f"{place}, bin {key!r}") for key, one in bins.items()}
    }


def content_hash(*parts: Any) -> str:
    """Return the SHA-256 of plain values, the same on every machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
