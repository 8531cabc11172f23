"""Calibrators: what makes probabilities of a model agree with observed rates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression
from scipy.special import expit

from fengkong.foundation.errors import InputError
from fengkong.scorecard.validation._inputs import (
    BoolArray,
    FloatArray,
    outcomes,
    probabilities,
    tally,
    weights,
)
from fengkong.scorecard.validation._logistic import TINY, fit_logistic, log_odds


class Calibrator(ABC):
    """A rising map of probabilities, learned from outcomes.

    ``fit(probability, bad, sample_weight)`` learns it, ``transform(probability)`` applies it,
    ``to_dict`` and ``from_dict`` carry it bit-equal through JSON. No calibrator here turns the
    order of two rows round.
    """

    kind: ClassVar[str]

    def fit(
        self, probability: ArrayLike, bad: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn from probabilities of bad and outcomes of shape (n_rows,).

        Raises
        ------
        InputError
            Empty, missing or of different lengths; or no finite solution exists.
        OutOfRangeError
            A probability outside [0, 1].
        OneClassError
            Only goods or only bads.
        """
        is_bad = outcomes(bad)
        p = probabilities(probability, rows=is_bad.size)
        weight = weights(sample_weight, rows=is_bad.size)
        if weight is not None:
            held = weight > 0.0
            is_bad, p, weight = is_bad[held], p[held], weight[held]
            outcomes(is_bad)
        self._fit(p, is_bad, weight)
        return self

    def transform(self, probability: ArrayLike) -> FloatArray:
        """Return calibrated probabilities of shape (n_rows,), in [0, 1].

        Raises
        ------
        InputError
            Not fitted, empty or missing.
        OutOfRangeError
            A probability outside [0, 1].
        """
        if not self._is_fitted():
            raise InputError(f"{type(self).__name__} is not fitted")
        return self._transform(probabilities(probability))

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted map as plain JSON values.

        Raises
        ------
        InputError
            Not fitted.
        """
        if not self._is_fitted():
            raise InputError(f"{type(self).__name__} is not fitted")
        return {"kind": self.kind, **self._parameters()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Return the calibrator that ``to_dict`` described.

        Raises
        ------
        InputError
            Of another kind, or a part is missing or wrong.
        """
        if document.get("kind") != cls.kind:
            raise InputError(f"a {cls.kind} calibrator is expected; got {document.get('kind')!r}")
        made = cls()
        try:
            made._restore(document)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the {cls.kind} calibrator is incomplete: {error}") from error
        return made

    @abstractmethod
    def _fit(self, p: FloatArray, is_bad: BoolArray, weight: FloatArray | None) -> None: ...

    @abstractmethod
    def _transform(self, p: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _parameters(self) -> dict[str, Any]: ...

    @abstractmethod
    def _restore(self, document: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def _is_fitted(self) -> bool: ...


class PlattCalibrator(Calibrator):
    """Logistic calibration: log odds of bad = intercept + slope * log odds before.

    Parameters
    ----------
    prior_correction : bool, default=True
        Platt's targets (bads + 1) / (bads + 2) and 1 / (goods + 2) in place of 1 and 0: the fit is
        finite even when goods and bads are separated. False is plain maximum likelihood.

    Attributes
    ----------
    slope_, intercept_ : float
        ``slope_`` is held at 0 or above.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines, section 2.2.
    """

    kind = "platt"

    def __init__(self, *, prior_correction: bool = True) -> None:
        self.prior_correction = prior_correction

    def _fit(self, p: FloatArray, is_bad: BoolArray, weight: FloatArray | None) -> None:
        target = is_bad.astype(np.float64)
        if self.prior_correction:
            bads = float(is_bad.sum() if weight is None else weight[is_bad].sum())
            goods = float((~is_bad).sum() if weight is None else weight[~is_bad].sum())
            target = np.where(is_bad, (bads + 1.0) / (bads + 2.0), 1.0 / (goods + 2.0))
        columns = [np.ones(p.size), log_odds(p)]
        intercept, slope = _rising(columns, target, weight)
        self.intercept_, self.slope_ = intercept, slope

    def _transform(self, p: FloatArray) -> FloatArray:
        return np.asarray(expit(self.intercept_ + self.slope_ * log_odds(p)), dtype=np.float64)

    def _parameters(self) -> dict[str, Any]:
        return {"intercept": self.intercept_, "slope": self.slope_}

    def _restore(self, document: Mapping[str, Any]) -> None:
        self.intercept_, self.slope_ = float(document["intercept"]), float(document["slope"])

    def _is_fitted(self) -> bool:
        return hasattr(self, "slope_")


class BetaCalibrator(Calibrator):
    """Beta calibration: log odds of bad = c + a ln p - b ln(1 - p), a and b at 0 or above.

    Attributes
    ----------
    a_, b_, c_ : float
        a = b = 1, c = 0 leaves probabilities as they are; a = b is Platt's map.

    References
    ----------
    Kull, Silva Filho, Flach (2017), Beta calibration, AISTATS, PMLR 54, 623-631, section 4: a
    negative coefficient is set to 0 and the rest fitted again.
    """

    kind = "beta"

    def _fit(self, p: FloatArray, is_bad: BoolArray, weight: FloatArray | None) -> None:
        held = np.clip(p, TINY, 1.0 - TINY)
        columns = [np.ones(p.size), np.log(held), -np.log1p(-held)]
        self.c_, self.a_, self.b_ = _rising(columns, is_bad.astype(np.float64), weight)

    def _transform(self, p: FloatArray) -> FloatArray:
        held = np.clip(p, TINY, 1.0 - TINY)
        eta = self.c_ + self.a_ * np.log(held) - self.b_ * np.log1p(-held)
        return np.asarray(expit(eta), dtype=np.float64)

    def _parameters(self) -> dict[str, Any]:
        return {"a": self.a_, "b": self.b_, "c": self.c_}

    def _restore(self, document: Mapping[str, Any]) -> None:
        self.a_, self.b_, self.c_ = (float(document[name]) for name in ("a", "b", "c"))

    def _is_fitted(self) -> bool:
        return hasattr(self, "c_")


class IsotonicCalibrator(Calibrator):
    """Isotonic calibration: the rising step function closest to the outcomes.

    Between steps the map is linear, outside the range seen it is level. A step without bads maps to
    exactly 0 and one without goods to exactly 1: log odds do not exist there, so a card that needs
    them takes Platt or beta. Wants many rows: with fewer than about 1,000 bads it learns noise.

    Attributes
    ----------
    probability_, calibrated_ : arrays of shape (n_points,)
        Corners of the map.

    References
    ----------
    Zadrozny, Elkan (2002), KDD, 694-699; Barlow et al. (1972) for the pooling of violators.
    """

    kind = "isotonic"

    def _fit(self, p: FloatArray, is_bad: BoolArray, weight: FloatArray | None) -> None:
        distinct, place = np.unique(p, return_inverse=True)
        ones = np.ones(p.size) if weight is None else weight
        total = tally(place, ones, count=distinct.size)
        bad = tally(place, np.where(is_bad, ones, 0.0), count=distinct.size)
        level = np.clip(isotonic_regression(bad / total, weights=total).x, 0.0, 1.0)
        differs = level[1:] != level[:-1]
        corner = np.concatenate(([True], differs)) | np.concatenate((differs, [True]))
        self.probability_ = distinct[corner]
        self.calibrated_ = np.asarray(level[corner], dtype=np.float64)

    def _transform(self, p: FloatArray) -> FloatArray:
        return np.interp(p, self.probability_, self.calibrated_)

    def _parameters(self) -> dict[str, Any]:
        return {
            "probability": self.probability_.tolist(),
            "calibrated": self.calibrated_.tolist(),
        }

    def _restore(self, document: Mapping[str, Any]) -> None:
        points = probabilities(document["probability"], name="probability")
        levels = probabilities(document["calibrated"], name="calibrated", rows=points.size)
        if (np.diff(points) <= 0.0).any() or (np.diff(levels) < 0.0).any():
            raise InputError("the corners of an isotonic map must rise")
        self.probability_, self.calibrated_ = points, levels

    def _is_fitted(self) -> bool:
        return hasattr(self, "calibrated_")


_KINDS: tuple[type[Calibrator], ...] = (PlattCalibrator, IsotonicCalibrator, BetaCalibrator)


def calibrator(kind: str) -> Calibrator:
    """Return an unfitted calibrator: "platt", "isotonic" or "beta".

    Raises
    ------
    InputError
        Another name.
    """
    for known in _KINDS:
        if known.kind == kind:
            return known()
    raise InputError(f"no calibrator {kind!r}; known: {', '.join(k.kind for k in _KINDS)}")


def calibrator_from_dict(document: Mapping[str, Any]) -> Calibrator:
    """Return the calibrator that ``to_dict`` of any kind described.

    Raises
    ------
    InputError
        An unknown kind, or a part is missing or wrong.
    """
    return type(calibrator(str(document.get("kind")))).from_dict(document)


def _rising(
    columns: list[FloatArray], target: FloatArray, weight: FloatArray | None
) -> tuple[float, ...]:
    """Fit an intercept and columns whose coefficients may not be negative.

    The likelihood is concave, so when the free fit leaves the allowed region the best allowed one
    lies on its edge: with one column less. A column that does not vary carries nothing and gets 0.
    """
    varying = [place for place, column in enumerate(columns) if place and np.ptp(column) > TINY]
    tried = [varying, *([k] for k in varying if len(varying) > 1), []]
    best, likelihood = (0.0,) * len(columns), -np.inf
    for number, places in enumerate(tried):
        kept = [0, *places]
        design = np.stack([columns[k] for k in kept], axis=1)
        try:
            fitted = fit_logistic(design, target, weight=weight)
        except InputError:
            # Bads between goods separate two columns, and bads below goods separate one the wrong
            # way round: neither is allowed, so the best allowed fit is still to come.
            if len(places) > 1 or _falls(columns[places[0]], target, weight):
                continue
            raise
        if fitted.coefficient[1:].min(initial=0.0) < 0.0 or fitted.log_likelihood <= likelihood:
            continue
        likelihood, found = fitted.log_likelihood, [0.0] * len(columns)
        for place, value in zip(kept, fitted.coefficient, strict=True):
            found[place] = float(value)
        best = tuple(found)
        if number == 0:
            break
    return best


def _falls(column: FloatArray, target: FloatArray, weight: FloatArray | None) -> bool:
    distance = target - np.average(target, weights=weight)
    return bool(np.average(column * distance, weights=weight) < 0.0)
