"""Exposure at default of a line: what is drawn, and the share of the rest that will be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.loss._model import LossModel, read_target, refuse_constant
from fengkong.scorecard.loss._regression import fit_logit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fengkong.foundation.tables import Table


class CreditConversionEad(LossModel):
    """Exposure at default from a credit conversion factor (CCF), a fractional logit.

    Parameters
    ----------
    drawn, limit : str
        Columns of the amount drawn and of the limit at the date of reference.
    weighting : "rows" or "undrawn"
        Every line counts the same, or by its undrawn amount (then the sum of money fits).

    Attributes
    ----------
    terms_, fits_, audit_
        As in `FractionalLgd`; ``audit_`` counts rows without room (drawn at or above the limit,
        which have no factor) and factors held within 0 and 1.

    Notes
    -----
    CCF = (exposure at default - drawn) / (limit - drawn), held within [0, 1]. Predicted exposure =
    drawn + CCF x (limit - drawn), and drawn itself where there is no room.

    References
    ----------
    Basel Committee (2017), CRE32.29: own estimates of CCF on the undrawn amount, not below 0.
    """

    format_: ClassVar[str] = "fengkong.ead.conversion/1"

    def __init__(
        self, *, drawn: str = "drawn_amount", limit: str = "limit_amount",
        weighting: Literal["rows", "undrawn"] = "rows",
    ) -> None:  # fmt: skip
        self.drawn = drawn
        self.limit = limit
        self.weighting = weighting

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit to exposures at default.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            With the amounts drawn and the limits; the other columns, and these, are features.
        y : array-like of shape (n_rows,)
            Exposure at default, an amount at or above 0.
        sample_weight : array-like of shape (n_rows,), optional

        Raises
        ------
        InputError
            No line has room, nothing to model, or an amount is missing.
        OutOfRangeError
            An exposure below 0.
        """
        if self.weighting not in {"rows", "undrawn"}:
            raise InputError(f"weighting is rows or undrawn; got {self.weighting!r}")
        table = self._opened(X, reset=True)
        exposure, weight = read_target(table, y, sample_weight, name="y", highest=np.inf)
        drawn, room = self._amounts(table)
        has_room = (room > 0.0) & (weight > 0.0)
        if not has_room.any():
            raise InputError("no line has room: the drawn amounts reach all limits")
        raw = np.divide(exposure - drawn, room, out=np.zeros(len(room)), where=has_room)
        factor = np.clip(raw, 0.0, 1.0)
        weight = np.where(has_room, weight * (room if self.weighting == "undrawn" else 1.0), 0.0)
        refuse_constant(factor, weight, "the conversion factor")
        design = self._learn_terms(table, weight)
        self.fits_["factor"] = fit_logit(design, factor, weight, names=self.terms_.names)
        self.audit_ = {
            "rows": len(exposure), "rows_without_room": int((~has_room).sum()),
            "below_zero": int((raw < 0.0).sum()), "above_one": int((raw > 1.0).sum()),
            "ridge": self.fits_["factor"].ridge,
        }  # fmt: skip
        return self

    def predict_factor(self, X: Any) -> NDArray[np.float64]:
        """Return the credit conversion factor, in [0, 1], shape (n_rows,)."""
        return self.fits_["factor"].mean(self._design(X)[1])

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the expected exposure at default, an amount, shape (n_rows,)."""
        table, design = self._design(X)
        drawn, room = self._amounts(table)
        return drawn + self.fits_["factor"].mean(design) * np.maximum(room, 0.0)

    def _amounts(self, table: Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what is drawn and the room left."""
        found = []
        for name in (self.drawn, self.limit):
            values = table.field(name, kind="numeric").values
            if not np.isfinite(values).all():
                raise InputError(f"{name} is missing or infinite in a row: no exposure without it")
            if len(values) and values.min() < 0.0:
                raise OutOfRangeError(name=name, value=float(values.min()), allowed="[0, inf)")
            found.append(values)
        return found[0], found[1] - found[0]
