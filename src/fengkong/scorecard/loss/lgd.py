"""Loss given default: a fractional response in one stage or in three parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from fengkong.foundation.errors import OutOfRangeError
from fengkong.scorecard.loss._design import independent
from fengkong.scorecard.loss._model import LossModel, read_target, refuse_constant
from fengkong.scorecard.loss._regression import LogitFit, fit_logit

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FractionalLgd(LossModel):
    """Expected loss given default as a logit of the features (fractional response).

    Parameters
    ----------
    highest : float, default=1.0
        Largest LGD, at least 1: costs may make a loss larger than the exposure. Predictions lie in
        [0, highest].

    Attributes
    ----------
    coefficients_, standard_errors_ : ndarray of shape (1 + n_columns,)
        Of ``terms_.names``; standard errors are robust (HC0).
    terms_ : Terms
        What each column became; ``terms_.dropped`` are constant or sums of others.
    audit_ : dict
        Rows, weight, ridge that was needed.

    Notes
    -----
    A missing number stands at the mean of the fit beside a flag of its own; a missing or unseen
    category stands at the commonest one. Infinities are read as 1e100.

    References
    ----------
    Papke, Wooldridge (1996), Journal of Applied Econometrics 11, 619-632.
    """

    format_: ClassVar[str] = "fengkong.lgd.fractional/1"

    def __init__(self, *, highest: float = 1.0) -> None:
        self.highest = highest

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit to losses given default.

        Parameters
        ----------
        X : DataFrame, pyarrow.Table, ndarray, mapping or Table, of shape (n_rows, n_columns)
        y : array-like of shape (n_rows,)
            Loss as a fraction of exposure at default, in [0, highest].
        sample_weight : array-like of shape (n_rows,), optional
            At or above 0.

        Raises
        ------
        OutOfRangeError
            A loss outside [0, highest], or ``highest`` below 1.
        InputError
            Nothing to model, or rows, weights or columns that cannot be used.
        """
        refuse_low(self.highest)
        table = self._opened(X, reset=True)
        loss, weight = read_target(table, y, sample_weight, name="y", highest=self.highest)
        share = loss / self.highest
        refuse_constant(share, weight, "y")
        design = self._learn_terms(table, weight)
        self.fits_["loss"] = fit_logit(design, share, weight, names=self.terms_.names)
        self.audit_ = {"rows": len(loss), "weight": float(weight.sum()),
                       "ridge": self.fits_["loss"].ridge}  # fmt: skip
        return self

    @property
    def coefficients_(self) -> NDArray[np.float64]:
        """Coefficients of the logit, intercept first."""
        return self.fits_["loss"].coefficients

    @property
    def standard_errors_(self) -> NDArray[np.float64]:
        """Robust standard errors of the coefficients."""
        return self.fits_["loss"].standard_errors

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the expected loss given default, in [0, highest], shape (n_rows,)."""
        _, design = self._design(X)
        return self.highest * self.fits_["loss"].mean(design)


class TwoStageLgd(LossModel):
    """Expected loss given default from the chances of none and of all, and the share between.

    Parameters
    ----------
    highest : float, default=1.0
        Largest LGD, at least 1; a loss of ``highest`` is a full loss.

    Attributes
    ----------
    fits_ : dict of str to LogitFit
        "zero" (chance that nothing is lost), "full" (chance that all is lost where something is),
        "middle" (share of ``highest`` lost where it is neither).
    audit_ : dict
        Rows of each stage; ``"constant"``: stages without two outcomes, which take their rate.

    Notes
    -----
    E(loss) = (1 - zero) x (full x highest + (1 - full) x middle x highest). A stage that has only
    one outcome on the rows of the fit takes it for every row; columns are read as in
    `FractionalLgd`, and those that do not vary within a stage are left out of it.

    References
    ----------
    Ramalho, Ramalho, Murteira (2011), Alternative estimating and testing empirical strategies for
    fractional regression models, Journal of Economic Surveys 25, 19-68, section 2.3.
    """

    format_: ClassVar[str] = "fengkong.lgd.two_stage/1"

    def __init__(self, *, highest: float = 1.0) -> None:
        self.highest = highest

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit the stages; parameters and errors as `FractionalLgd.fit`."""
        refuse_low(self.highest)
        table = self._opened(X, reset=True)
        loss, weight = read_target(table, y, sample_weight, name="y", highest=self.highest)
        share = loss / self.highest
        refuse_constant(share, weight, "y")
        design = self._learn_terms(table, weight)
        some, full = share > 0.0, share == 1.0
        stages = {
            "zero": (np.ones(len(share), dtype=bool), (~some).astype(np.float64)),
            "full": (some, full.astype(np.float64)),
            "middle": (some & ~full, share),
        }
        self.audit_: dict[str, Any] = {"rows": {}, "constant": [], "ridge": {}}
        for name, (rows, target) in stages.items():
            rows = rows & (weight > 0.0)  # noqa: PLW2901
            self.audit_["rows"][name] = int(rows.sum())
            self.fits_[name] = self._stage(name, design[rows], target[rows], weight[rows])
        return self

    def _stage(
        self, name: str, design: NDArray[np.float64], target: NDArray[np.float64],
        weight: NDArray[np.float64],
    ) -> LogitFit:  # fmt: skip
        names = self.terms_.names
        if len(target) and 0.0 < float(weight @ target / weight.sum()) < 1.0:
            found = _fit_varying(design, target, weight, names)
            self.audit_["ridge"][name] = found.ridge
            return found
        # One outcome only: that outcome for every row. 800 log odds are exactly 0 or 1.
        self.audit_["constant"].append(name)
        coefficients = np.zeros(len(names))
        coefficients[0] = 800.0 if len(target) and target[0] == 1.0 else -800.0
        return LogitFit(
            names=names,
            coefficients=coefficients,
            covariance=np.zeros((len(names),) * 2),
            ridge=0.0,
        )

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the expected loss given default, in [0, highest], shape (n_rows,)."""
        _, design = self._design(X)
        zero, full, middle = (self.fits_[name].mean(design) for name in ("zero", "full", "middle"))
        return (1.0 - zero) * (full + (1.0 - full) * middle) * self.highest

    def predict_stages(self, X: Any) -> dict[str, NDArray[np.float64]]:
        """Return the chance of no loss, the chance of a full one given some, the share between."""
        _, design = self._design(X)
        return {name: fit.mean(design) for name, fit in self.fits_.items()}


def _fit_varying(
    design: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64],
    names: tuple[str, ...],
) -> LogitFit:  # fmt: skip
    """Fit the columns that still vary and stay independent within a stage; the others get 0."""
    varies = np.flatnonzero(np.ptp(design, axis=0) > 0.0)
    kept = np.sort(np.append(0, varies[independent(design[:, varies], weight)])).astype(np.int64)
    some = fit_logit(design[:, kept], target, weight, names=tuple(names[k] for k in kept))
    coefficients = np.zeros(len(names))
    coefficients[kept] = some.coefficients
    covariance = np.zeros((len(names), len(names)))
    covariance[np.ix_(kept, kept)] = some.covariance
    return LogitFit(names=names, coefficients=coefficients, covariance=covariance, ridge=some.ridge)


def refuse_low(highest: float) -> None:
    """Refuse a highest LGD below 1 or without end."""
    if not 1.0 <= highest < np.inf:
        raise OutOfRangeError(name="highest", value=highest, allowed="[1, inf)")
