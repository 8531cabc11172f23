"""Adverse reasons: where an applicant lost most points, said in words that are his own case.

References
----------
US Regulation B, 12 CFR 1002.9(b)(2) and its commentary (specific principal reasons, not more than
four); CFPB Circulars 2022-03 and 2023-03 (a code that says nothing of the case is no reason);
FCRA 615(a).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.foundation.tables import read_table
from fengkong.scorecard.binning.bins import CODES_AT_MOST, ColumnBins, FloatArray
from fengkong.scorecard.card._texts import (
    LANGUAGES,
    Language,
    Text,
    bin_text,
    content_hash,
    general_texts,
    own_texts,
    said,
)
from fengkong.scorecard.card.document import Card, Variable

Reference: TypeAlias = Literal["maximum", "mean", "neutral"]
REASONS_AT_MOST = 4
NOTHING_LOST = 1e-9  # points; what rounding of a mean leaves is no loss


def reason_code(bins: ColumnBins, code: int) -> str:
    """Return the stable code of a reason, "variable:bin"."""
    return f"{bins.name}:{bins.label(code)}"


def reference_points(variable: Variable, reference: Reference) -> float:
    """Return the points against which an applicant lost some.

    Parameters
    ----------
    variable : Variable
    reference : "maximum", "mean" or "neutral"
        The most points of a bin that a stated value can reach; the mean over the rows of the fit,
        by their weights; the points of WoE 0, which say nothing for or against.

    Raises
    ------
    InputError
        Another reference, or no row was counted and the mean is asked.

    Notes
    -----
    The bins of missing and of unseen values do not count for the maximum: nobody should be told
    that he lost points because he answered.
    """
    bins, points = variable.bins, variable.points
    if reference == "maximum":
        stated = np.ones(bins.n_codes, dtype=bool)
        stated[[bins.missing_code, bins.unseen_code]] = False
        stated[bins.missing_code + 1 :] &= bins.count[bins.missing_code + 1 :] > 0
        return float(points[stated].max())
    if reference == "mean":
        if not bins.count.sum() > 0:
            raise InputError(f"column {bins.name!r}: no rows were counted, so there is no mean")
        return float(np.average(points, weights=bins.count))
    if reference == "neutral":
        return float(points[bins.unseen_code])
    raise InputError(f"reference must be one of {get_args(Reference)}; got {reference!r}")


def reason_texts(card: Card, own: str | Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the texts of every reason that a card can give, for its ``reasons``.

    Parameters
    ----------
    card : Card
    own : str or mapping, optional
        The modeller's own texts, as YAML text or read: ``version``, and ``variables`` with, for
        each column, any of ``name``, ``reason`` (for every regular bin) and ``bins`` (by the label
        of the bin, "missing", "unseen" or the name of a special value). Each text in en and zh.

    Returns
    -------
    dict
        version and own_version; sha256 of both maps; names and texts (one a code) by column; and
        needs_text, the columns for which a regular bin has no text but the generated one.

    Raises
    ------
    InputError
        A text lacks a language; a column or bin that the card does not have.

    Notes
    -----
    The texts rest in the card, so that a reason can be said again years later, word for word.
    """
    found = own_texts(own)
    unknown = set(found["variables"]) - {variable.bins.name for variable in card.variables}
    if unknown:
        raise InputError(f"own reason texts name columns not in the card: {sorted(unknown)}")
    names, texts, needs = {}, {}, []
    for variable in card.variables:
        bins, one = variable.bins, found["variables"].get(variable.bins.name, {"bins": {}})
        labels = [bins.label(code) for code in range(bins.n_codes)]
        if wrong := set(one["bins"]) - set(labels):
            raise InputError(f"own reason texts, variable {bins.name!r}: no bins {sorted(wrong)}")
        name = one.get("name", dict.fromkeys(LANGUAGES, bins.name))
        names[bins.name] = name
        texts[bins.name] = [
            one["bins"].get(label) or _reason(bins, code, name, one.get("reason"))
            for code, label in enumerate(labels)
        ]
        if "reason" not in one and not set(labels[: bins.n_bins]) <= set(one["bins"]):
            needs.append(bins.name)
    general = general_texts()
    return {
        "version": general["version"], "own_version": found["version"],
        "sha256": content_hash(general, found), "names": names, "texts": texts, "needs_text": needs,
    }  # fmt: skip


def with_reasons(card: Card, own: str | Mapping[str, Any] | None = None) -> Card:
    """Return the card with its texts of reasons; see :func:`reason_texts`."""
    return replace(card, reasons=reason_texts(card, own))


def _reason(bins: ColumnBins, code: int, name: Text, own: Text | None) -> Text:
    if code == bins.missing_code:
        return said("reasons", "missing", name=name)
    if code == bins.unseen_code:
        return said("reasons", "unseen", name=name)
    if code > bins.missing_code:
        return said("reasons", "special", name=name, value=bin_text(bins, code))
    return own or said("reasons", "bin", name=name, value=bin_text(bins, code))


@dataclass(frozen=True, kw_only=True, eq=False)
class AdverseReasons:
    """The reasons of every applicant, most points lost first.

    Attributes
    ----------
    card : Card
        With its texts.
    reference : str
        What the points were lost against.
    variable : ndarray of int16, shape (n_rows, reasons_at_most)
        Place of the variable in the card; -1 where there is no further reason.
    code : ndarray of uint8, same shape
        Code of the bin; 0 where there is no reason.
    lost_points : ndarray of float64, same shape
        Points lost, above 0; 0 where there is no reason.
    """

    card: Card
    reference: Reference
    variable: NDArray[np.int16]
    code: NDArray[np.uint8]
    lost_points: FloatArray

    def __len__(self) -> int:
        return len(self.variable)

    def codes_of(self, row: int) -> tuple[str, ...]:
        """Return the reason codes of one applicant."""
        return tuple(reason_code(v.bins, code) for v, code in self._reasons(row))

    def texts_of(self, row: int, *, language: Language) -> tuple[str, ...]:
        """Return the reasons of one applicant as sentences."""
        texts = self.card.reasons["texts"]
        return tuple(texts[v.bins.name][code][language] for v, code in self._reasons(row))

    def _reasons(self, row: int) -> list[tuple[Variable, int]]:
        places, codes = self.variable[row].tolist(), self.code[row].tolist()
        return [
            (self.card.variables[place], code)
            for place, code in zip(places, codes, strict=True)
            if place >= 0
        ]

    def to_frame(self, *, language: Language) -> pd.DataFrame:
        """Return one row an applicant and one column of sentences a reason; None where none."""
        texts = self.card.reasons["texts"]
        widest = max(v.bins.n_codes for v in self.card.variables)
        known = np.full((len(self.card.variables) + 1, widest), None, dtype=object)
        for place, variable in enumerate(self.card.variables):
            said_here = [text[language] for text in texts[variable.bins.name]]
            known[place, : len(said_here)] = said_here
        # Place -1 is the last row of the table, which holds no text.
        columns = {
            f"reason_{rank + 1}": pd.Series(
                known[self.variable[:, rank], self.code[:, rank]], dtype=object
            )
            for rank in range(self.variable.shape[1])
        }
        return pd.DataFrame(columns)


def adverse_reasons(
    card: Card,
    X: Any,
    *,
    reference: Reference = "maximum",
    reasons_at_most: int = REASONS_AT_MOST,
) -> AdverseReasons:
    """Return the variables on which each applicant lost most points.

    Parameters
    ----------
    card : Card
        If it has no texts of reasons, the general ones are used.
    X : table
        Whatever `read_table` opens; one row an applicant.
    reference : "maximum", "mean" or "neutral", default "maximum"
        See :func:`reference_points`.
    reasons_at_most : int, default 4
        At least 1.

    Raises
    ------
    OutOfRangeError
        ``reasons_at_most`` is below 1.
    InputError
        A column is not in the table, or another reference.
    ColumnTypeError
        A column of another type than the card has.

    Notes
    -----
    A variable that lost nothing is never a reason. Equal losses stand in the order of the card.
    """
    if reasons_at_most < 1:
        raise OutOfRangeError(name="reasons_at_most", value=reasons_at_most, allowed="[1, inf)")
    table = read_table(X)
    codes = np.empty((len(card.variables), table.rows), dtype=np.uint8)
    lost = np.zeros((len(card.variables), CODES_AT_MOST), dtype=np.float64)
    for place, variable in enumerate(card.variables):
        bins = variable.bins
        codes[place] = bins.codes(table.field(bins.name, kind=bins.kind))
        lost[place, : bins.n_codes] = reference_points(variable, reference) - variable.points
    shape = (table.rows, reasons_at_most)
    found = np.full(shape, -1, dtype=np.int16)
    most = np.zeros(shape, dtype=np.float64)
    _rank(codes, lost, NOTHING_LOST, found, most)
    rows = np.arange(table.rows)[:, None]
    code = np.where(found >= 0, codes[found, rows], np.uint8(0)) if len(codes) else found
    return AdverseReasons(
        card=card if "texts" in card.reasons else with_reasons(card),
        reference=reference, variable=found, code=code.astype(np.uint8), lost_points=most,
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _rank(
    codes: NDArray[np.uint8],
    lost: FloatArray,
    nothing: float,
    variable: NDArray[np.int16],
    most: FloatArray,
) -> None:
    """Keep the greatest losses of each row; a later variable must lose more to pass an earlier."""
    size = variable.shape[1]
    for row in range(codes.shape[1]):
        for place in range(codes.shape[0]):
            points = lost[place, codes[place, row]]
            if points <= nothing or points <= most[row, size - 1]:
                continue
            rank = size - 1
            while rank > 0 and points > most[row, rank - 1]:
                most[row, rank] = most[row, rank - 1]
                variable[row, rank] = variable[row, rank - 1]
                rank -= 1
            most[row, rank] = points
            variable[row, rank] = place
