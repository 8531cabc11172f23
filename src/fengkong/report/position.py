"""The position: every figure, where it comes from, and what the book could not support."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import fengkong
from fengkong.report._compute import Failed, Missing, Result
from fengkong.report._scope import Facts

SCHEMA_NAME = "position.schema.json"
# A result with more rows is kept as a table only; its figures would drown the others.
FIGURES_MAX = 5000
ROUNDING = {
    "amounts": "DECIMAL(18,2); a product is rounded half up to the cent a loan before it is summed",
    "ratios": "computed from exact sums, given to 12 significant digits",
}


@dataclass(frozen=True, kw_only=True)
class Position:
    """A position of a book.

    Attributes
    ----------
    as_of : date
        Business date.
    known_at : datetime or None
        Instant whose knowledge is used; None: all that the book knows.
    results, missing
        Computations, and those that the book does not support.
    failed
        Computations that went wrong although the book supports them.
    inputs : list of dict
        Batches: id, content hash, rows.
    headlines : list of dict
        Figures of the top with the day each speaks about (``on``: as_of, or the last month-end) and
        the figures a quarter and a year before.
    comparisons : list of dict
        span ("quarter", "year"), as_of, reached (whether the book holds loans at that date) and key
        (the field of a headline with the figure at that date).
    out : Path
        Folder with the files.
    currency : str or None
        Of every amount; None when the book names none.
    facts : Facts
        First and last business date of what the book knows of its loans.
    example_scenarios : bool
        Whether the expected loss stands on the example that comes with the package.
    """

    as_of: date
    known_at: datetime | None
    engine: str
    inputs: list[dict[str, Any]]
    results: list[Result]
    missing: list[Missing]
    failed: list[Failed] = field(default_factory=list)
    headlines: list[dict[str, Any]] = field(default_factory=list)
    comparisons: list[dict[str, Any]] = field(default_factory=list)
    out: Path = Path()
    currency: str | None = None
    facts: Facts = field(default_factory=Facts)
    example_scenarios: bool = False

    def result(self, name: str) -> Result | None:
        """Return the computation of that name, None when it is missing or empty."""
        return next((one for one in self.results if one.name == name and one.rows), None)

    def content(self) -> dict[str, Any]:
        """Return what `position.json` holds; no clock, so equal inputs give equal bytes."""
        return {
            "schema": SCHEMA_NAME,
            "as_of": self.as_of.isoformat(),
            "known_at": self.known_at.isoformat() if self.known_at else None,
            "engine": self.engine,
            "currency": self.currency,
            "facts": {
                "first_on": to_json_value(self.facts.first_on),
                "last_on": to_json_value(self.facts.last_on),
            },
            "code": {"version": fengkong.__version__, "source_hash": source_hash()},
            "rounding": ROUNDING,
            "inputs": [{**batch, "rows": sum_rows(batch["rows"])} for batch in self.inputs],
            "computations": [_computation(result) for result in self.results],
            "comparisons": [_jsonable(one) for one in self.comparisons],
            "headlines": [_jsonable(line) for line in self.headlines],
            "figures": [figure for result in self.results for figure in self._figures(result)],
            "failed": [
                {
                    "computation": one.name,
                    "measure": one.measure,
                    "code": one.code,
                    "text": one.text,
                }
                for one in self.failed
            ],
            "not_supported": [
                {"computation": one.name, "measure": one.measure, "needs": list(one.needs)}
                for one in self.missing
            ],
        }

    def to_json(self) -> str:
        """Return the text of `position.json`."""
        return json.dumps(self.content(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def _figures(self, result: Result) -> Iterator[dict[str, Any]]:
        if len(result.rows) > FIGURES_MAX:
            return
        for row in result.rows:
            dimensions = {name: to_json_value(row[name]) for name in result.keys}
            place = ",".join(f"{name}={value}" for name, value in dimensions.items())
            yield {
                "id": f"{result.name}[{place}]",
                "computation": result.name,
                "measure": result.measure.name,
                "value": to_json_value(row[result.measure.value]),
                "unit": result.measure.unit,
                "dimensions": dimensions,
                "as_of": self.as_of.isoformat(),
                "known_at": self.known_at.isoformat() if self.known_at else None,
            }


def _computation(result: Result) -> dict[str, Any]:
    known = result.measure
    return {
        "name": result.name,
        "measure": known.name,
        "title": dict(known.title),
        "definition": dict(known.definition),
        "unit": known.unit,
        "value": known.value,
        "by": list(result.by),
        "parameters": _jsonable(result.parameters),
        "reads": list(known.needs),
        "rows": len(result.rows),
        "figures_listed": len(result.rows) <= FIGURES_MAX,
        "table": f"tables/{result.name}.parquet",
    }


def _jsonable(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_json_value(value) for name, value in content.items()}


def to_json_value(value: Any) -> Any:
    """Return a value for JSON: amounts as text with their cents, dates in ISO form."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return _jsonable(value)
    if isinstance(value, list | tuple):
        return [to_json_value(one) for one in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def sum_rows(rows: Any) -> int:
    """Return all rows of a batch, given as a number or by table."""
    return sum(rows.values()) if isinstance(rows, Mapping) else int(rows)


@cache
def source_hash() -> str:
    """Return a hash of the package's own source, the part of "which code" that a version lacks."""
    folder = Path(fengkong.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", ".yaml"}:
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
