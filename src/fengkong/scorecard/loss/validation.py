"""How far predicted losses lie from those that came, out of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fengkong.foundation.errors import InputError, OutOfRangeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class LossValidation:
    """Errors of predicted losses.

    Attributes
    ----------
    overall : dict of str to float
        rows, mean_observed, mean_predicted, bias (predicted less observed), mae, rmse,
        rmse_of_mean (of predicting the observed mean for all), r2, loss_capture_ratio.
    bands : DataFrame
        By band of predicted loss, low to high: rows, predicted_from, predicted_to, mean_predicted,
        mean_observed, bias, mae.
    periods : DataFrame or None
        The same by period, when periods were given.
    """

    overall: dict[str, float]
    bands: pd.DataFrame
    periods: pd.DataFrame | None


def loss_validation(
    observed: ArrayLike,
    predicted: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    period: Any = None,
    bands: int = 10,
) -> LossValidation:
    """Return the error table of a loss model.

    Parameters
    ----------
    observed, predicted : array-like of shape (n_rows,)
        LGD as fractions, or exposures as amounts; at or above 0.
    weight : array-like of shape (n_rows,), optional
        For example the exposure at default: then shares of money are compared.
    period : array-like of shape (n_rows,), optional
        Labels of periods, for example months of default.
    bands : int, default=10
        Bands of predicted loss with about equal rows; equal predictions stay together.

    Raises
    ------
    InputError
        Empty, missing, infinite, below 0, or of different lengths.
    OutOfRangeError
        ``bands`` is below 1.

    Notes
    -----
    Loss capture ratio: rows from the highest predicted loss down, share of the loss caught over
    share of rows (by weight); the area above the diagonal over the same area for a perfect order.
    It is the Gini of the ranking: 1 perfect, 0 none, below 0 the wrong way round; 0 when all
    losses are equal. Rows of equal prediction count as one step, so their order says nothing.

    References
    ----------
    Li, Bhariok, Keenan, Santilli (2009), Validation techniques and performance metrics for loss
    given default models, Journal of Risk Model Validation 3(3), 3-26, section 4.
    """
    if bands < 1:
        raise OutOfRangeError(name="bands", value=bands, allowed="[1, inf)")
    seen, guess, held = _read(observed, predicted, weight)
    frame = pd.DataFrame({"observed": seen, "predicted": guess, "weight": held})
    mean = float(np.average(seen, weights=held))
    error = guess - seen
    squares = float(np.average(error**2, weights=held))
    spread = float(np.average((seen - mean) ** 2, weights=held))
    overall = {
        "rows": float(len(seen)),
        "mean_observed": mean,
        "mean_predicted": float(np.average(guess, weights=held)),
        "bias": float(np.average(error, weights=held)),
        "mae": float(np.average(np.abs(error), weights=held)),
        "rmse": squares**0.5,
        "rmse_of_mean": spread**0.5,
        "r2": 1.0 - squares / spread if spread > 0.0 else 0.0,
        "loss_capture_ratio": loss_capture_ratio(seen, guess, weight=held),
    }
    edges = np.unique(np.quantile(guess, np.linspace(0.0, 1.0, bands + 1)[1:-1]))
    place = np.searchsorted(edges, guess, side="right")
    by_band = _errors(frame, place, "band")
    ranges = frame.groupby(place)["predicted"].agg(["min", "max"])
    by_band.insert(1, "predicted_from", ranges["min"].to_numpy())
    by_band.insert(2, "predicted_to", ranges["max"].to_numpy())
    by_band["band"] = np.arange(1, len(by_band) + 1)
    periods = None
    if period is not None:
        labels = np.asarray(period)
        if labels.shape != seen.shape or pd.isna(labels).any():
            raise InputError("period must name a period for every row")
        periods = _errors(frame, labels, "period")
    return LossValidation(overall=overall, bands=by_band, periods=periods)


def loss_capture_ratio(
    observed: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None
) -> float:
    """Return the Gini of the ranking of losses; see `loss_validation`."""
    seen, guess, held = _read(observed, predicted, weight)
    best = _area(seen, seen, held)
    return _area(seen, guess, held) / best if best > 0.0 else 0.0


def _read(
    observed: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    found: list[NDArray[np.float64]] = []
    given = {"observed": observed, "predicted": predicted}
    if weight is not None:
        given["weight"] = weight
    for name, values in given.items():
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 1 or not array.size or not np.isfinite(array).all() or array.min() < 0.0:
            raise InputError(f"{name} must be 1-D, non-empty, finite and not below 0")
        if found and array.size != found[0].size:
            raise InputError(f"{name} has {array.size} rows, observed {found[0].size}")
        found.append(array)
    if weight is None:
        found.append(np.ones(found[0].size))
    if not found[2].any():
        raise InputError("weight is zero on every row")
    held = found[2] > 0.0
    return found[0][held], found[1][held], found[2][held]


def _area(
    observed: NDArray[np.float64], score: NDArray[np.float64], weight: NDArray[np.float64]
) -> float:
    """Return the area between the curve of losses caught and the diagonal."""
    total = float(weight @ observed)
    if total == 0.0:
        return 0.0
    _, step = np.unique(-score, return_inverse=True)
    caught = np.bincount(step, weights=weight * observed) / total
    rows = np.bincount(step, weights=weight) / weight.sum()
    height = np.concatenate(([0.0], np.cumsum(caught)))
    return float((rows * (height[1:] + height[:-1]) / 2.0).sum() - 0.5)


def _errors(frame: pd.DataFrame, place: NDArray[Any], name: str) -> pd.DataFrame:
    """Return weighted means and errors of each group, the groups in order."""
    parts = pd.DataFrame(
        {
            name: place,
            "rows": 1,
            "weight": frame["weight"],
            "mean_predicted": frame["weight"] * frame["predicted"],
            "mean_observed": frame["weight"] * frame["observed"],
            "mae": frame["weight"] * (frame["predicted"] - frame["observed"]).abs(),
        }
    )
    sums = parts.groupby(name, as_index=False).sum()
    for column in ("mean_predicted", "mean_observed", "mae"):
        sums[column] /= sums["weight"]
    sums.insert(5, "bias", sums["mean_predicted"] - sums["mean_observed"])
    return sums.drop(columns="weight")
