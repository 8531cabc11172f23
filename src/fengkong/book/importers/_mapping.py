"""The mapping file: which column of a tape is which field of the book."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from fengkong.book.quality import Rule, rules_of
from fengkong.book.schema import TABLES
from fengkong.foundation.errors import InputError, TapeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

UNITS = ("percent", "basis_points", "wan", "thousand", "cents", "digits")
SIGNS = ("negate", "absolute", "floor_zero")
DERIVATIONS = ("annuity_principal",)
_PARTIES = "parties"
FORMATS = ("lendingclub", "taiwan", "mapping")
_TARGET_KEYS = {
    "table", "fields", "columns", "constants", "defaults", "needs", "distinct", "skip_if_empty",
    "melt",
}  # fmt: skip
_PART_KEYS = _TARGET_KEYS | {
    "pattern", "header", "targets", "skip_footer", "sheet", "lenient", "says", "refuse",
    "unknown", "missing",  # written by `propose` for a person to read
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """How one field of a table is made from a row.

    Attributes
    ----------
    sources : tuple of str
        Headers; the first that the file has is read.
    unit : str or None
        One of ``UNITS``: what the cell counts in.
    dates : tuple of str
        strptime patterns tried after ISO.
    codes : mapping or None
        Code of the tape to code of the book; one that is not listed is refused.
    sign : str or None
        One of ``SIGNS``.
    constant, default : str or None
        Value of every row; value where the cell is empty.
    thousands : str or None
        Separator taken out of numbers.
    derive : mapping or None
        ``function`` (one of ``DERIVATIONS``) and its arguments.
    row_prefix : str or None
        The value is this prefix and the line: for tapes without an identifier.
    """

    sources: tuple[str, ...] = ()
    unit: str | None = None
    dates: tuple[str, ...] = ()
    codes: Mapping[str, str] | None = None
    sign: str | None = None
    constant: str | None = None
    default: str | None = None
    thousands: str | None = None
    derive: Mapping[str, Any] | None = None
    row_prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One table that a file feeds; ``needs`` headers, else it is left out."""

    table: str
    fields: Mapping[str, Field]
    needs: tuple[str, ...] = ()
    distinct: bool = False
    skip_if_empty: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMap:
    """The files whose name fits ``pattern`` and whose header holds ``header``.

    ``refuse`` says why such files cannot enter a book at all.
    """

    targets: tuple[Target, ...]
    pattern: str = "*"
    header: tuple[str, ...] = ()
    skip_footer: int = 0
    sheet: str | None = None
    lenient: bool = False
    says: tuple[str, ...] = ()
    refuse: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole mapping: files and extra quality rules. ``text`` names it for the content hash."""

    files: tuple[FileMap, ...]
    rules: tuple[Rule, ...] = ()
    text: str = field(default="", repr=False)

    def of(self, name: str, header: Sequence[str] | None = None) -> FileMap:
        """Return the part for a file; TapeError when none fits."""
        for part in self.files:
            if fnmatch(name, part.pattern) and (
                not part.header or (header is not None and set(part.header) <= set(header))
            ):
                if part.refuse:
                    raise TapeError(part.refuse, file=name, line=1)
                return part
        raise TapeError("no part of the mapping fits this file (name and header)", file=name)


def _one_field(name: str, raw: Any) -> Field:
    if not isinstance(raw, dict):
        return Field(constant=str(raw))
    spec = dict(raw)
    source = spec.pop("from", ())
    dates = spec.pop("dates", ())
    made = {
        key: spec.pop(key, None) for key in ("unit", "sign", "thousands", "derive", "row_prefix")
    }
    codes, constant, default = (spec.pop(key, None) for key in ("codes", "constant", "default"))
    if spec:
        raise InputError(f"mapping, field {name}: unknown key {', '.join(sorted(spec))}")
    if made["unit"] not in (None, *UNITS) or made["sign"] not in (None, *SIGNS):
        raise InputError(f"mapping, field {name}: unit is one of {UNITS}, sign one of {SIGNS}")
    if made["derive"] is not None and made["derive"].get("function") not in DERIVATIONS:
        raise InputError(f"mapping, field {name}: derive.function is one of {DERIVATIONS}")
    return Field(
        sources=(source,) if isinstance(source, str) else tuple(source),
        dates=(dates,) if isinstance(dates, str) else tuple(dates),
        codes=None if codes is None else {str(key): str(value) for key, value in codes.items()},
        constant=None if constant is None else str(constant),
        default=None if default is None else str(default),
        **made,
    )  # fmt: skip


def _check_keys(raw: Any, known: set[str], where: str) -> None:
    if not isinstance(raw, dict):
        raise InputError(f"mapping, {where}: write keys and values, not {raw!r}")
    unknown = sorted(set(raw) - known)
    if unknown:
        raise InputError(
            f"mapping, {where}: unknown key {', '.join(unknown)}; "
            "docs/howto/import-a-tape.md lists them"
        )


def _target(raw: Mapping[str, Any], currency: str | None) -> Target:
    table = raw.get("table")
    if table not in TABLES:
        raise InputError(f"mapping: no table {table!r}; the book has {', '.join(TABLES)}")
    fields = {name: _one_field(name, spec) for name, spec in raw.get("fields", {}).items()}
    for header, spec in raw.get("columns", {}).items():
        to = spec if isinstance(spec, str) else spec.get("to")
        rest = {} if isinstance(spec, str) else {k: v for k, v in spec.items() if k != "to"}
        if to is None:
            raise InputError(f"mapping, column {header!r}: say the field it goes to")
        fields[to] = _one_field(to, {"from": header, **rest})
    for name, value in raw.get("constants", {}).items():
        fields[name] = Field(constant=str(value))
    for name, value in raw.get("defaults", {}).items():
        fields[name] = replace(fields.get(name, Field()), default=str(value))
    if currency and "currency" in TABLES[table] and "currency" not in fields:
        fields["currency"] = Field(constant=currency)
    if table == "payments":
        # As the schema says of an absent kind; the rules at the door ask for it.
        fields.setdefault("kind", Field(constant="payment"))
    unknown = sorted(set(fields) - set(TABLES[table].names) - {"recorded_at"})
    if unknown:
        raise InputError(f"mapping: table {table} has no column {', '.join(unknown)}")
    return Target(
        table=str(table), fields=fields, needs=tuple(raw.get("needs", ())),
        distinct=bool(raw.get("distinct", False)), skip_if_empty=raw.get("skip_if_empty"),
    )  # fmt: skip


def _melted(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Repeat a target once for each entry of ``melt``, with {name} replaced in its text."""
    entries = raw.get("melt")
    if not entries:
        return [dict(raw)]
    text = json.dumps({key: value for key, value in raw.items() if key != "melt"}, default=str)
    made = []
    for entry in entries:
        one = text
        for key, value in entry.items():
            one = one.replace("{" + key + "}", str(value))
        made.append(json.loads(one))
    return made


def parse_mapping(raw: Mapping[str, Any]) -> Plan:
    """Check a mapping as read from YAML.

    Raises
    ------
    InputError
        A key, table, field, unit, sign or rule does not exist.
    """
    if not isinstance(raw, dict) or not raw.get("files"):
        raise InputError("a mapping has a list `files`; see docs/howto/import-a-tape.md")
    _check_keys(raw, {"files", "currency", "rules"}, "top")
    parts = []
    for number, part in enumerate(raw["files"], 1):
        _check_keys(part, _PART_KEYS, f"part {number}")
        for one in part.get("targets", ()):
            _check_keys(one, _TARGET_KEYS, f"part {number}, a target")
        targets = [] if part.get("refuse") else part.get("targets") or [part]
        parts.append(
            FileMap(
                pattern=part.get("pattern", "*"), header=tuple(part.get("header", ())),
                targets=tuple(_target(one, raw.get("currency")) for whole in targets for one in _melted(whole)),  # noqa: E501
                skip_footer=int(part.get("skip_footer", 0)), sheet=part.get("sheet"),
                lenient=bool(part.get("lenient", False)),
                says=tuple(part.get("says", ())), refuse=part.get("refuse"),
            )
        )  # fmt: skip
    text = json.dumps(raw, sort_keys=True, ensure_ascii=False, default=str)
    return Plan(files=tuple(parts), rules=rules_of(raw.get("rules", ())), text=text)


def read_mapping(path: Path) -> Plan:
    """Read a mapping file."""
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path.name}: the mapping cannot be read ({error})") from error
    return parse_mapping(raw)


@cache
def built_in_mapping(name: str) -> Plan:
    """Return the mapping that comes with a format."""
    return parse_mapping(yaml.safe_load(_resource(f"{name}.yaml")))


@cache
def synonyms() -> dict[str, dict[str, list[str]]]:
    """Return known headers: table to field to names."""
    found: dict[str, dict[str, list[str]]] = yaml.safe_load(_resource("synonyms.yaml"))
    return found


@cache
def words() -> dict[str, dict[str, str]]:
    """Return words of a tape known without codes: "table.column" to word to code of the book."""
    raw: dict[str, dict[str, list[str]]] = yaml.safe_load(_resource("words.yaml"))
    return {
        place: {word: code for code, names in codes.items() for word in names}
        for place, codes in raw.items()
    }


def _resource(name: str) -> str:
    return files("fengkong.book.importers").joinpath("formats").joinpath(name).read_text("utf-8")


def propose(name: str, header: Sequence[str]) -> dict[str, Any]:
    """Return the part of a mapping that the names of the columns suggest.

    The table is one whose key is there, with most of its columns; `parties` only when no other
    has its key. Columns of a person in a tape of another table become a second target, one row a
    party. Unknown columns stand under ``unknown`` for somebody to place.
    """
    best: tuple[tuple[bool, bool, int], str, dict[str, str]] = ((False, False, 0), "", {})
    for table in synonyms():
        found = _known(table, header)
        keyed = all(key in found.values() for key in TABLES[table].key if key != "schedule_version")
        score = (keyed, table != _PARTIES, len(found))
        if found and score > best[0]:
            best = (score, table, found)
    _, table, columns = best
    if not table:
        raise TapeError("none of its columns is known; write a mapping file", file=name)
    part: dict[str, Any] = {"pattern": name, "table": table, "columns": columns}
    missing = [
        c.name for c in TABLES[table].columns if c.required and c.name not in columns.values()
    ]
    if "schedule_version" in missing:
        part["constants"] = {"schedule_version": 0}
        missing.remove("schedule_version")
    people = _people(columns, header)
    if people:
        own = {key: part.pop(key) for key in ("table", "columns", "constants") if key in part}
        part["targets"] = [own, {"table": _PARTIES, "distinct": True, "columns": people}]
    if missing:
        part["missing"] = missing
    unknown = [column for column in header if column not in columns and column not in people]
    if unknown:
        part["unknown"] = unknown
    return part


def _known(table: str, header: Sequence[str]) -> dict[str, str]:
    """Return header to field for the columns of a table that are known by name."""
    known = {
        alias.lower(): to for to, aliases in synonyms()[table].items() for alias in (to, *aliases)
    }
    known |= {name: name for name in TABLES[table].names if name not in known}
    found: dict[str, str] = {}
    for column in header:
        to = known.get(column.strip().lower())
        if to is not None and to not in found.values():
            found[column] = to
    return found


def _people(columns: Mapping[str, str], header: Sequence[str]) -> dict[str, str]:
    """Return header to field of `parties` for the columns left over.

    None without the number of the party: a personal value is sealed under the key of somebody.
    """
    owner = next((column for column, to in columns.items() if to == "borrower_id"), None)
    left = _known(_PARTIES, [column for column in header if column not in columns])
    left = {column: to for column, to in left.items() if to != "party_id"}
    return {owner: "party_id", **left} if owner and left else {}
