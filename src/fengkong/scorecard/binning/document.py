"""Bins as a plain YAML text that a person can edit, and its reader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import yaml

from fengkong.foundation.errors import BinsTextError
from fengkong.scorecard.binning._wishes import RARE
from fengkong.scorecard.binning.bins import ColumnBins

FORMAT = "fengkong.bins/1"
KEY_AT_MOST = 1000  # characters; YAML looks for the colon of a simple key within 1024
_KEYS = {
    "numeric": {"kind", "cuts", "specials"},
    "categorical": {"kind", "groups", "specials"},
}
_HEAD = """\
# Bins. Edit cuts and groups and read the text back with Binner.from_yaml: what stands here is kept
# as it is, and fit counts it again. A value equal to a cut belongs to the bin above it. Missing
# values have a bin of their own. (rare) stands for categories too small to be named.
# Lines that start with # are for the reader and are not read back.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BinsText:
    """What a text of bins asks for.

    Attributes
    ----------
    splits : dict of str to list
        Cuts of numeric columns, groups of labels of the others.
    specials : dict of str to dict
        Values of each special by column and name.
    categorical : list of str
        Columns of categories.
    """

    splits: dict[str, list[Any]] = field(default_factory=dict)
    specials: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    categorical: list[str] = field(default_factory=list)


def write_yaml(bins: Mapping[str, ColumnBins]) -> str:
    """Return the text of the bins; numbers read back bit-equal."""
    lines = [_HEAD + f"format: {FORMAT}", "columns:"]
    for name, one in bins.items():
        lines += [f"  {_key(name)}:", f"    kind: {one.kind}"]
        if one.kind == "numeric":
            lines.append(f"    cuts: {_flow(one.cuts.tolist())}")
        else:
            groups = _written_groups(one)
            lines.append("    groups:" if groups else "    groups: []")
            lines += [f"      - {_flow(labels)}" for labels in groups]
        if one.specials:
            lines.append("    specials:")
            lines += [
                f"      {_key(special.name, indent=6)}: {_flow(list(special.values))}"
                for special in one.specials
            ]
        lines += [f"    # {_printable(text)}" for text in _read_only(one)]
    return "\n".join(lines) + "\n"


def read_yaml(text: str) -> BinsText:
    """Read a text of bins.

    Raises
    ------
    BinsTextError
        The text is not YAML, or a column of it is wrong; names the column and the line.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise BinsTextError(
            f"not YAML: {getattr(error, 'problem', error)}", line=mark.line + 1 if mark else None
        ) from error
    parts = _mapping(root, "the text", column=None)
    if "format" not in parts or _text("format", parts["format"]) != FORMAT:
        raise BinsTextError(f"the text must say format: {FORMAT}", line=1)
    found = BinsText()
    columns = parts.get("columns")
    if columns is None:
        raise BinsTextError("the text has no columns", line=1)
    for name, node in _mapping(columns, "columns", column=None).items():
        _read_column(name, node, found)
    return found


def _read_column(name: str, node: yaml.Node, found: BinsText) -> None:
    """Read one column into what was found so far."""
    parts = _mapping(node, "a column", column=name)
    kind = _text(name, parts["kind"]) if "kind" in parts else None
    if kind not in _KEYS:
        raise _wrong(f"kind must be numeric or categorical; found {kind!r}", name, node)
    for key, value in parts.items():
        if key not in _KEYS[kind]:
            raise _wrong(f"a {kind} column has no {key!r}", name, value)
    if kind == "numeric":
        found.splits[name] = _cuts(name, parts.get("cuts", node))
    else:
        found.categorical.append(name)
        found.splits[name] = _groups(name, parts.get("groups", node))
    if "specials" in parts:
        read = _special_number if kind == "numeric" else _text
        found.specials[name] = {
            special: [read(name, value) for value in _sequence(name, values, "values of a special")]
            for special, values in _mapping(parts["specials"], "specials", column=name).items()
        }


def _cuts(name: str, node: yaml.Node) -> list[float]:
    """Read ascending numbers."""
    items = _sequence(name, node, "cuts")
    cuts = [_number(name, item) for item in items]
    for item, low, high in zip(items[1:], cuts, cuts[1:], strict=False):
        if low >= high:
            raise _wrong(f"cuts must ascend; found {high!r} after {low!r}", name, item)
    return cuts


def _groups(name: str, node: yaml.Node) -> list[list[str]]:
    """Read lists of labels, none of them twice."""
    groups, seen = [], set()
    for item in _sequence(name, node, "groups"):
        labels = []
        for part in _sequence(name, item, "a group"):
            label = _text(name, part)
            if label in seen:
                raise _wrong(f"{label!r} stands in two groups", name, part)
            seen.add(label)
            labels.append(label)
        if not labels:
            raise _wrong("a group is empty", name, item)
        groups.append(labels)
    return groups


def _number(name: str, node: yaml.Node) -> float:
    value = _special_number(name, node)
    if not np.isfinite(value):
        raise _wrong(f"expected a finite number; found {node.value!r}", name, node)
    return value


def _special_number(name: str, node: yaml.Node) -> float:
    """Read a number; infinities, in YAML's own words too, may have a meaning of their own."""
    word = str(node.value).lower() if isinstance(node, yaml.ScalarNode) else ""
    if word in {".inf", "+.inf", "-.inf"}:
        return -np.inf if word.startswith("-") else np.inf
    try:
        value = float(word)
    except ValueError:
        raise _wrong(f"expected a number; found {node.value!r}", name, node) from None
    if np.isnan(value):
        raise _wrong(f"expected a number; found {node.value!r}", name, node)
    return value


def _text(name: str, node: yaml.Node) -> str:
    """Return a label as it is written: no, 1 and null are labels like any other."""
    if not isinstance(node, yaml.ScalarNode):
        raise _wrong("expected one label", name, node)
    return str(node.value)


def _sequence(name: str, node: yaml.Node, what: str) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        raise _wrong(f"{what} must be a list", name, node)
    return list(node.value)


def _mapping(node: yaml.Node | None, what: str, *, column: str | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node is not None else 1
        raise BinsTextError(f"{what} must have keys and values", column=column, line=line)
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            line = key.start_mark.line + 1
            raise BinsTextError(f"a key of {what} must be text", column=column, line=line)
        if key.value in found:
            raise _wrong(f"{key.value!r} stands twice", column or str(key.value), key)
        found[str(key.value)] = value
    return found


def _wrong(message: str, name: str, node: yaml.Node) -> BinsTextError:
    return BinsTextError(message, column=name, line=node.start_mark.line + 1)


def _written_groups(bins: ColumnBins) -> list[list[str]]:
    """Return the groups with the sign of the rare ones; one without labels is left out."""
    groups = [
        [*group, *([RARE] if code == bins.rare_code else [])]
        for code, group in enumerate(bins.groups)
    ]
    return [group for group in groups if group]


def _read_only(bins: ColumnBins) -> list[str]:
    """Return lines for the reader: each bin with its rows, bad rate and WoE."""
    lines = [
        f"{' '.join(bins.label(code).split())[:60]}: {bins.count[code]:.10g} rows, "
        f"bad rate {100 * bins.bad_rate[code]:.2f} %, WoE {bins.woe[code]:+.3f}"
        for code in range(bins.n_codes)
        if bins.count[code] > 0
    ]
    tail = f"; {bins.note}" if bins.note else ""
    return [*lines, f"IV {bins.iv:.4f}, trend {bins.trend}{tail}"]


def _key(text: str, *, indent: int = 2) -> str:
    """Return a key without its colon; a long one in the explicit form, which has no limit."""
    key = _flow(text)
    return key if len(key) <= KEY_AT_MOST else f"? {key}\n{' ' * indent}"


def _flow(value: Any) -> str:
    """Return a value on one line of YAML; text is always quoted, so that no is not false."""
    if isinstance(value, list):
        return "[" + ", ".join(_flow(part) for part in value) + "]"
    if isinstance(value, str):
        return _printable(json.dumps(value, ensure_ascii=False))
    if isinstance(value, float) and np.isinf(value):
        return "-.inf" if value < 0 else ".inf"
    return repr(value)


def _printable(text: str) -> str:
    """Return text with what cannot be seen escaped as quoted YAML has it.

    Some of it (U+0085, U+2028) ends a line of YAML, some (control characters) is no YAML at all.
    """
    return "".join(char if char.isprintable() else _escaped(ord(char)) for char in text)


def _escaped(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
