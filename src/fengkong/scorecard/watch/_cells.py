"""The cells of one column: what its rows are counted by, on both sides of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fengkong.foundation.errors import InputError
from fengkong.foundation.tables import Field, FieldKind
from fengkong.scorecard.binning.bins import ColumnBins, Special
from fengkong.scorecard.watch._count import FloatArray, at_least

MISSING, OTHER, NEW = "missing", "other", "new"
NEW_AT_MOST = 20  # new labels that are named, the most frequent first


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Cells of a column: regular ones, then missing, then each special, then (text) new labels.

    Attributes
    ----------
    name, kind : str
        Column, "numeric" or "categorical".
    edges : ndarray of shape (n_regular - 1,)
        Numeric: cell i holds edges[i - 1] <= x < edges[i]; infinities fall into the outer cells.
    groups : tuple of tuple of str
        Categorical: labels of each regular cell.
    other : bool
        The last group pools the rarer labels of the reference.
    specials : tuple of Special
        Values that never fall into a regular cell.
    """

    name: str
    kind: FieldKind
    edges: FloatArray
    groups: tuple[tuple[str, ...], ...] = ()
    other: bool = False
    specials: tuple[Special, ...] = ()

    @classmethod
    def of_bins(cls, bins: ColumnBins) -> Self:
        """Take the cells of fitted bins; labels that they never saw are counted as new."""
        return cls(
            name=bins.name, kind=bins.kind, edges=bins.cuts, groups=bins.groups,
            specials=bins.specials,
        )  # fmt: skip

    @property
    def n_regular(self) -> int:
        """Number of cells before the one of missing values."""
        return len(self.edges) + 1 if self.kind == "numeric" else len(self.groups)

    @property
    def labels(self) -> tuple[str, ...]:
        """Name each cell in a form that reads the same in every language."""
        tail = [MISSING, *(special.name for special in self.specials)]
        if self.kind == "categorical":
            names = [", ".join(group) for group in self.groups]
            if self.other:
                names[-1] = OTHER
            return (*names, *tail, NEW)
        return (*self._intervals(), *tail)

    def _intervals(self) -> list[str]:
        names = []
        bounds = [-np.inf, *self.edges, np.inf]
        for low, high in pairwise(bounds):
            if np.isfinite(low) and np.nextafter(low, np.inf) == high:
                names.append(f"= {low:.10g}")
            else:
                left = "(-inf" if low == -np.inf else f"[{low:.10g}"
                names.append(f"{left}, +inf)" if high == np.inf else f"{left}, {high:.10g})")
        return names

    def counted_numbers(self, values: NDArray[Any], weights: FloatArray | None) -> FloatArray:
        """Count the rows (or add the weights) of each cell of a numeric column.

        Parameters
        ----------
        values : ndarray of shape (n_rows,)
            Made by `native`.
        weights : ndarray of shape (n_rows,), optional
        """
        special = np.array([float(value) for one in self.specials for value in one.values])
        thresholds = np.concatenate([self.edges, special, np.nextafter(special, np.inf)])
        present, above = at_least(values, thresholds, weights)
        total = float(len(values)) if weights is None else float(weights.sum())
        k = len(self.edges)
        cells = -np.diff(np.concatenate([[present], above[:k], [0.0]]))
        alone = above[k : k + len(special)] - above[k + len(special) :]
        # The rows of a special value leave the regular cell that its number would fall into.
        np.subtract.at(cells, np.searchsorted(self.edges, special, side="right"), alone)
        sizes = [len(one.values) for one in self.specials]
        parts = np.split(alone, np.cumsum(sizes)[:-1]) if sizes else []
        tail = [total - present, *(float(part.sum()) for part in parts)]
        return np.maximum(np.concatenate([cells, tail]), 0.0)

    def counted_labels(
        self, field: Field, weights: FloatArray | None
    ) -> tuple[FloatArray, dict[str, float]]:
        """Count the rows of each cell of a categorical column, and those of each new label."""
        labels = field.labels or ()
        known = {label: code for code, group in enumerate(self.groups) for label in group}
        for place, special in enumerate(self.specials):
            known |= {str(value): self.n_regular + 1 + place for value in special.values}
        by_label = np.bincount(field.values + 1, weights=weights, minlength=len(labels) + 1)
        new = len(self.labels) - 1
        codes = [self.n_regular, *(known.get(label, new) for label in labels)]
        cells = np.bincount(codes, weights=by_label, minlength=len(self.labels))
        unseen = {
            label: float(count)
            for label, count in zip(labels, by_label[1:], strict=True)
            if label not in known and count > 0
        }
        named = sorted(unseen.items(), key=lambda item: (-item[1], item[0]))[:NEW_AT_MOST]
        return cells.astype(np.float64), dict(named)

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        return {
            "name": self.name, "kind": self.kind, "other": self.other,
            # JSON knows no infinity; an edge may be one when the reference holds it.
            "edges": [value if np.isfinite(value) else str(value) for value in self.edges.tolist()],
            "groups": [list(group) for group in self.groups],
            "specials": [{"name": s.name, "values": list(s.values)} for s in self.specials],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Self:
        """Read back what :meth:`to_dict` wrote; every edge bit-equal."""
        return cls(
            name=found["name"], kind=found["kind"], other=found["other"],
            edges=np.array([float(value) for value in found["edges"]], dtype=np.float64),
            groups=tuple(tuple(group) for group in found["groups"]),
            specials=tuple(Special(name=s["name"], values=tuple(s["values"]))
                           for s in found["specials"]),
        )  # fmt: skip


def checked_edges(name: str, edges: Any) -> FloatArray:
    """Return ascending, distinct inner edges.

    Raises
    ------
    InputError
        Not numbers, not finite, or not ascending.
    """
    try:
        found = np.asarray(edges, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"edges of {name!r} are not numbers: {edges!r}") from error
    if found.ndim != 1 or not np.isfinite(found).all() or (np.diff(found) <= 0).any():
        raise InputError(f"edges of {name!r} must be finite and ascending; got {edges!r}")
    return found
