"""The design of a loss model: numbers, flags of missing, categories against the commonest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fengkong.foundation.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fengkong.foundation.tables import Table

_LARGEST = 1e100
_DEPENDENT = 1e-8  # of the largest; a column that leaves less of itself is a sum of others


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One column of the table in the design.

    Attributes
    ----------
    name : str
    fill : float
        What stands for a missing number: the weighted mean of the fit. 0 for categories.
    labels : tuple of str or None
        Categories with a coefficient of their own; None for numbers. Missing, unseen and the
        commonest category share the reference level.
    """

    name: str
    fill: float
    labels: tuple[str, ...] | None

    def columns(self) -> list[str]:
        """Name the columns that the term makes."""
        if self.labels is None:
            return [self.name, f"{self.name}=missing"]
        return [f"{self.name}={label}" for label in self.labels]

    def read(self, table: Table) -> NDArray[np.float64]:
        """Return the term's columns, shape (n_rows, n_columns)."""
        if self.labels is None:
            values = table.field(self.name, kind="numeric").values
            missing = np.isnan(values)
            filled = np.clip(np.where(missing, self.fill, values), -_LARGEST, _LARGEST)
            return np.column_stack([filled, missing.astype(np.float64)])
        field = table.field(self.name, kind="categorical")
        place = {label: code for code, label in enumerate(self.labels)}
        code = np.array([*(place.get(label, -1) for label in field.labels or ()), -1])
        return (code[field.values][:, None] == np.arange(len(self.labels))).astype(np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        labels = None if self.labels is None else list(self.labels)
        return {"name": self.name, "fill": self.fill, "labels": labels}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """Return the term that ``to_dict`` described."""
        labels = found["labels"]
        labels = None if labels is None else tuple(labels)
        return cls(name=found["name"], fill=float(found["fill"]), labels=labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All terms; ``kept`` are the columns that vary and are no sum of earlier ones."""

    terms: tuple[Term, ...]
    kept: tuple[str, ...]

    def read(self, table: Table) -> NDArray[np.float64]:
        """Return the design with the intercept first, shape (n_rows, 1 + n_kept)."""
        kept = set(self.kept)
        blocks = [np.ones((table.rows, 1))]
        for term in self.terms:
            wanted = [name in kept for name in term.columns()]
            if any(wanted):
                blocks.append(term.read(table)[:, wanted])
            else:  # a column that is not there or of another type is refused all the same
                table.field(term.name, kind="numeric" if term.labels is None else "categorical")
        return np.hstack(blocks)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the design's columns."""
        return ("intercept", *self.kept)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Columns left out: constant, or the sum of others."""
        every = [name for term in self.terms for name in term.columns()]
        return tuple(name for name in every if name not in self.kept)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"terms": [term.to_dict() for term in self.terms], "kept": list(self.kept)}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """Return the terms that ``to_dict`` described."""
        terms = tuple(Term.from_dict(term) for term in found["terms"])
        return cls(terms=terms, kept=tuple(found["kept"]))


def learned_terms(table: Table, weight: NDArray[np.float64]) -> Terms:
    """Learn means, categories and which columns carry anything, from rows with weight."""
    terms = tuple(_term(field, weight) for field in table)
    names = [name for term in terms for name in term.columns()]
    if not names:
        return Terms(terms=terms, kept=())
    held = weight > 0.0
    full = np.hstack([term.read(table) for term in terms])[held]
    varies = np.flatnonzero(np.ptp(full, axis=0) > 0.0)
    kept = varies[independent(full[:, varies], weight[held])]
    return Terms(terms=terms, kept=tuple(names[place] for place in sorted(kept.tolist())))


def _term(field: Any, weight: NDArray[np.float64]) -> Term:
    if field.labels is None:
        told = ~np.isnan(field.values) & (weight > 0.0)
        held = np.clip(field.values[told], -_LARGEST, _LARGEST)
        fill = float(np.average(held, weights=weight[told])) if told.any() else 0.0
        return Term(name=field.name, fill=fill, labels=None)
    told = field.values >= 0
    share = np.bincount(field.values[told], weights=weight[told], minlength=len(field.labels))
    seen = [place for place in range(len(field.labels)) if share[place] > 0.0]
    commonest = max(seen, key=lambda place: share[place], default=-1)
    labels = tuple(field.labels[place] for place in seen if place != commonest)
    return Term(name=field.name, fill=0.0, labels=labels)


def independent(columns: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of columns that are no sum of earlier ones and of a constant."""
    centred = columns - np.average(columns, axis=0, weights=weight)
    centred *= np.sqrt(weight)[:, None]
    basis = np.empty((len(columns), 0))
    kept = []
    for place, column in enumerate(centred.T):
        size = float(np.linalg.norm(column))
        if size == 0.0:
            continue
        left = column / size
        for _ in range(2):  # once more, for what rounding left of the first projection
            left = left - basis @ (basis.T @ left)
        rest = float(np.linalg.norm(left))
        if rest > _DEPENDENT:
            kept.append(place)
            basis = np.column_stack([basis, left / rest])
    return np.array(kept, dtype=np.int64)


def refuse_empty(table: Table, rows: int) -> None:
    """Refuse a table without columns or rows, or of another length than the target."""
    if not table.names:
        raise InputError(
            f"0 feature(s) (shape=({table.rows}, 0)) while a minimum of 1 is required."
        )
    if not table.rows:
        raise InputError("0 sample(s) (shape=(0, n)) while a minimum of 1 is required.")
    if table.rows != rows:
        raise InputError(f"X has {table.rows} rows and the target {rows}")
