"""What each way of reject inference would change: a table to decide by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import ArrayLike

from fengkong.foundation.errors import InputError
from fengkong.scorecard.validation._discrimination import auc
from fengkong.scorecard.validation._inputs import BoolArray, FloatArray, outcomes, probabilities
from fengkong.scorecard.validation._reject import (
    AugmentedDesign,
    acceptance_by_band,
    accepted_only,
    fuzzy_augmentation,
    parcelling,
    reweighting,
)

Predict = Callable[[Any], ArrayLike]
Fit = Callable[[Any, BoolArray, FloatArray], Predict]


def reject_sensitivity(
    fit: Fit,
    accepted: Any,
    bad: ArrayLike,
    rejected: Any,
    *,
    cutoff: float,
    factors: Sequence[float] = (1.0, 1.5, 2.0, 3.0),
    acceptance_probability: ArrayLike | None = None,
    check: tuple[Any, ArrayLike] | None = None,
    bands: int = 10,
    seed: int,
) -> pd.DataFrame:
    """Return what changes when the model is fitted again under each reject inference.

    Parameters
    ----------
    fit : callable (X, bad, weight) -> predict
        Fits a model and returns its ``predict(X) -> probability of bad``.
    accepted, rejected : table
        Features of accepted and rejected applicants: both DataFrames, both pyarrow Tables, both
        arrays or both mappings of arrays.
    bad : array-like of shape (n_accepted,)
    cutoff : float
        Approve where the probability of bad is below it.
    factors : sequence of float
        Tried for parcelling and for fuzzy augmentation.
    acceptance_probability : array-like of shape (n_accepted,), optional
        For reweighting; without it the acceptance rate by band of the first model's probability.
    check : (X, bad), optional
        Accepted rows kept aside, on which the AUC is measured; without them the AUC is that on the
        rows fitted on.
    bands : int, default=10
    seed : int
        For parcelling.

    Returns
    -------
    DataFrame
        method, factor, rejected_bad_rate (supposed by the design), auc, mean_pd_accepted,
        mean_pd_rejected, approval_rate (of all applicants at the cut-off), accepted_now_declined,
        rejected_now_approved (rows), approved_mean_pd, and auc_change, mean_pd_rejected_change,
        approval_rate_change against the first line, "accepted_only".

    Raises
    ------
    InputError
        Empty, of different lengths, tables of two kinds.
    OutOfRangeError
        A factor is not positive, or a prediction lies outside [0, 1].
    OneClassError
        Outcomes of one class.

    Notes
    -----
    No AUC here says which line is right: outcomes of rejects are not known. The table says how much
    the decision hangs on what is assumed.
    """
    is_bad = outcomes(bad)
    table = _stacked(accepted, rejected)
    first = accepted_only(is_bad, rejected_rows=_length(rejected))
    if _length(accepted) != is_bad.size:
        raise InputError(f"bad has {is_bad.size} rows where {_length(accepted)} are expected")
    predict = _fitted(fit, table, first)
    p = probabilities(predict(accepted), rows=is_bad.size)
    p_rejected = probabilities(predict(rejected), rows=_length(rejected))
    chance = acceptance_probability
    if chance is None:
        chance = acceptance_by_band(p, p_rejected, bands=2 * bands)
    designs = [reweighting(is_bad, chance, rejected_rows=p_rejected.size)]
    for factor in factors:
        designs.append(fuzzy_augmentation(is_bad, p_rejected, factor=factor))
        designs.append(parcelling(is_bad, p, p_rejected, factor=factor, bands=bands, seed=seed))
    lines = [_line(first, predict, table, is_bad, cutoff, check)]
    for design in sorted(designs, key=lambda made: made.method):
        again = _fitted(fit, table, design)
        lines.append(_line(design, again, table, is_bad, cutoff, check))
    result = pd.DataFrame(lines)
    for name in ("auc", "mean_pd_rejected", "approval_rate"):
        result[f"{name}_change"] = result[name] - result[name].iloc[0]
    return result


def _fitted(fit: Fit, table: Any, design: AugmentedDesign) -> Predict:
    return fit(_taken(table, design.index), design.bad, design.weight)


def _line(  # noqa: PLR0917
    design: AugmentedDesign,
    predict: Predict,
    table: Any,
    is_bad: BoolArray,
    cutoff: float,
    check: tuple[Any, ArrayLike] | None,
) -> dict[str, Any]:
    every = probabilities(predict(table), rows=design.accepted_rows + design.rejected_rows)
    p, p_rejected = every[: is_bad.size], every[is_bad.size :]
    passed = every < cutoff
    kept = (p, is_bad) if check is None else (predict(check[0]), check[1])
    supposed = design.rejected_bad_rate()
    return {
        "method": design.method,
        "factor": design.factor,
        "rejected_bad_rate": np.nan if supposed is None else supposed,
        "auc": auc(kept[1], kept[0]),
        "mean_pd_accepted": float(p.mean()),
        "mean_pd_rejected": float(p_rejected.mean()),
        "approval_rate": float(passed.mean()),
        "accepted_now_declined": int((~passed[: is_bad.size]).sum()),
        "rejected_now_approved": int(passed[is_bad.size :].sum()),
        "approved_mean_pd": float(every[passed].mean()) if passed.any() else np.nan,
    }


def _length(table: Any) -> int:
    if isinstance(table, Mapping):
        return len(next(iter(table.values()))) if table else 0
    return len(table)


def _stacked(accepted: Any, rejected: Any) -> Any:
    """Return the applicants, accepted first."""
    if _length(accepted) == 0 or _length(rejected) == 0:
        raise InputError("reject inference needs accepted and rejected applicants")
    if isinstance(accepted, pd.DataFrame) and isinstance(rejected, pd.DataFrame):
        if list(accepted.columns) != list(rejected.columns):
            raise InputError("accepted and rejected have different columns")
        return pd.concat([accepted, rejected], ignore_index=True)
    if isinstance(accepted, pa.Table) and isinstance(rejected, pa.Table):
        if accepted.column_names != rejected.column_names:
            raise InputError("accepted and rejected have different columns")
        return pa.concat_tables([accepted, rejected], promote_options="permissive")
    if isinstance(accepted, Mapping) and isinstance(rejected, Mapping):
        if list(accepted) != list(rejected):
            raise InputError("accepted and rejected have different columns")
        return {name: np.concatenate([accepted[name], rejected[name]]) for name in accepted}
    if isinstance(accepted, np.ndarray) and isinstance(rejected, np.ndarray):
        if accepted.shape[1:] != rejected.shape[1:]:
            raise InputError("accepted and rejected have different columns")
        return np.concatenate([accepted, rejected])
    raise InputError("accepted and rejected must be tables of one kind")


def _taken(table: Any, index: Any) -> Any:
    if isinstance(table, pd.DataFrame):
        return table.iloc[index].reset_index(drop=True)
    if isinstance(table, pa.Table):
        return table.take(pa.array(index))
    if isinstance(table, Mapping):
        return {name: column[index] for name, column in table.items()}
    return table[index]
