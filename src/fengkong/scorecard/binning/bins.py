"""The bins of one column: what a value falls into, and what is known of each bin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import isinf
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fengkong.foundation.errors import InputError
from fengkong.foundation.tables import Field, FieldKind

FloatArray: TypeAlias = NDArray[np.float64]
CodeArray: TypeAlias = NDArray[np.uint8]
CODES_AT_MOST = 250
ZERO_CELL = 0.5  # added to both counts of a bin without goods or without bads


@dataclass(frozen=True, slots=True, kw_only=True)
class Special:
    """Values with a meaning of their own ("-1: never late"), which share one bin."""

    name: str
    values: tuple[float | str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; infinity, which JSON has no word for, becomes text."""
        values = [str(v) if isinstance(v, float) and isinf(v) else v for v in self.values]
        return {"name": self.name, "values": values}

    @classmethod
    def from_dict(cls, found: dict[str, Any], *, kind: FieldKind) -> Self:
        """Read back what :meth:`to_dict` wrote, for a column of this kind."""
        values = found["values"]
        if kind == "numeric":
            values = [float(v) if isinstance(v, str) else v for v in values]
        return cls(name=found["name"], values=tuple(values))


@dataclass(frozen=True, kw_only=True, eq=False)
class ColumnBins:
    """The fitted bins of one column; arrays are indexed by code.

    Codes: 0 .. k-1 regular bins, k missing, then one for each special, the last one unseen.

    Attributes
    ----------
    name, kind : str
        Column, and "numeric" or "categorical".
    cuts : ndarray of shape (k - 1,)
        Numeric: ascending; bin i holds cuts[i - 1] <= x < cuts[i]. Empty for categories.
    groups : tuple of tuple of str
        Categorical: the labels of each regular bin, in the order of codes.
    rare_code : int or None
        The regular bin that took the pooled rare categories; unseen categories follow them.
    specials : tuple of Special
        Values that never fall into a regular bin.
    count, bad_count : ndarray of shape (k + 2 + n_specials,)
        Sums of weights of all rows and of bad rows.
    woe : ndarray of the same shape
        ln(share of goods / share of bads): higher is safer.
    trend : str
        Trend of the bad rate over the regular bins that the fit was held to.
    note : str
        What a reader must know: which constraint bound, which fallback was taken; empty if none.
    """

    name: str
    kind: FieldKind
    cuts: FloatArray
    groups: tuple[tuple[str, ...], ...] = ()
    rare_code: int | None = None
    specials: tuple[Special, ...] = ()
    count: FloatArray
    bad_count: FloatArray
    woe: FloatArray
    trend: str = "none"
    note: str = ""

    def __post_init__(self) -> None:
        if self.n_codes > CODES_AT_MOST:
            raise InputError(f"column {self.name!r}: {self.n_codes} bins; {CODES_AT_MOST} at most")
        if not (len(self.count) == len(self.bad_count) == len(self.woe) == self.n_codes):
            raise InputError(f"column {self.name!r}: counts do not fit {self.n_codes} bins")

    @property
    def n_bins(self) -> int:
        """Number of regular bins."""
        return len(self.cuts) + 1 if self.kind == "numeric" else len(self.groups)

    @property
    def missing_code(self) -> int:
        """Code of the bin of missing values."""
        return self.n_bins

    @property
    def unseen_code(self) -> int:
        """Code of a category that the fit never saw."""
        return self.n_bins + 1 + len(self.specials)

    @property
    def n_codes(self) -> int:
        """Number of codes: regular bins, missing, specials, unseen."""
        return self.unseen_code + 1

    @cached_property
    def code_of_label(self) -> dict[str, int]:
        """Code of each known label of a categorical column."""
        known = {label: code for code, group in enumerate(self.groups) for label in group}
        for place, special in enumerate(self.specials):
            known |= {str(value): self.missing_code + 1 + place for value in special.values}
        return known

    def codes(self, field: Field) -> CodeArray:
        """Tell the code of each row.

        Parameters
        ----------
        field : Field
            Values of the column, of the kind of these bins.

        Returns
        -------
        ndarray of uint8, shape (n_rows,)
        """
        from fengkong.scorecard.binning._encode import category_codes, numeric_codes

        if field.kind != self.kind:
            raise InputError(f"column {self.name!r} has {self.kind} bins; found {field.kind}")
        return (numeric_codes if self.kind == "numeric" else category_codes)(self, field)

    @property
    def bad_rate(self) -> FloatArray:
        """Bad rate of each code; NaN where no row fell."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.count > 0, self.bad_count / self.count, np.nan)

    @property
    def iv(self) -> float:
        """Information value over all codes, with the same WoE as is used for scoring."""
        bads, goods = self.bad_count, self.count - self.bad_count
        return float(np.sum((goods / goods.sum() - bads / bads.sum()) * self.woe))

    def label(self, code: int) -> str:
        """Name a bin in a form that reads the same in every language."""
        if code == self.missing_code:
            return "missing"
        if code == self.unseen_code:
            return "unseen"
        if code > self.missing_code:
            return self.specials[code - self.missing_code - 1].name
        if self.kind == "categorical":
            rare = ("(rare)",) if code == self.rare_code else ()
            return ", ".join([*self.groups[code], *rare]) or "(none)"
        low = f"[{self.cuts[code - 1]:.10g}" if code else "(-inf"
        high = f"{self.cuts[code]:.10g})" if code < len(self.cuts) else "+inf)"
        return f"{low}, {high}"

    def counted(self, count: FloatArray, bad_count: FloatArray, *, note: str = "") -> Self:
        """Return the same bins with other counts, and the WoE that follows from them."""
        return replace(
            self, count=count, bad_count=bad_count, woe=weight_of_evidence(count, bad_count),
            note=note or self.note,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads: plain lists, numbers and text."""
        return {
            "name": self.name, "kind": self.kind, "cuts": self.cuts.tolist(),
            "groups": [list(group) for group in self.groups], "rare_code": self.rare_code,
            "specials": [s.to_dict() for s in self.specials],
            "count": self.count.tolist(), "bad_count": self.bad_count.tolist(),
            "woe": self.woe.tolist(), "trend": self.trend, "note": self.note,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Self:
        """Read back what :meth:`to_dict` wrote; every number bit-equal."""
        arrays = {key: np.array(found[key], dtype=np.float64)
                  for key in ("cuts", "count", "bad_count", "woe")}  # fmt: skip
        return cls(
            name=found["name"], kind=found["kind"], rare_code=found["rare_code"],
            groups=tuple(tuple(group) for group in found["groups"]),
            specials=tuple(Special.from_dict(s, kind=found["kind"]) for s in found["specials"]),
            trend=found["trend"], note=found["note"], **arrays,
        )  # fmt: skip


def weight_of_evidence(count: FloatArray, bad_count: FloatArray) -> FloatArray:
    """Return ln(share of goods / share of bads) of each bin.

    Parameters
    ----------
    count, bad_count : ndarray of shape (n_codes,)
        Sums of weights; both goods and bads must be there in all.

    Returns
    -------
    ndarray of shape (n_codes,)
        0 where no row fell; 0.5 is added to both counts where one of them is zero.

    References
    ----------
    Siddiqi (2017), Intelligent Credit Scoring, chapter 10.
    """
    bads, goods = bad_count, count - bad_count
    if not (bads.sum() > 0 and goods.sum() > 0):
        raise InputError("weight of evidence needs good and bad rows: only one class is there")
    add = np.where((bads <= 0) | (goods <= 0), ZERO_CELL, 0.0)
    shares = ((goods + add) / goods.sum()) / ((bads + add) / bads.sum())
    return np.where(count > 0, np.log(shares), 0.0)
