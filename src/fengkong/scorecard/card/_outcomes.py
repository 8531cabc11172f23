"""Checked outcomes: which rows are bad, whatever the two labels are called."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from fengkong.foundation.errors import InputError, OneClassError
from fengkong.scorecard.binning._target import one_array, refuse_unclear


def read_outcomes(y: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Return flags of bad, and the two labels, good first.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Two labels of one kind; the greater one is bad.

    Raises
    ------
    InputError
        Missing or infinite values, labels of more than one kind or that have no order, more than
        two labels; says how many rows are wrong and the first of them.
    OneClassError
        One label only.
    """
    if y is None:
        raise InputError("requires y to be passed, but the target y is None: outcomes are needed")
    found = one_array(y, name="y")
    if found.ndim == 2 and found.shape[1] == 1:
        found = column_or_1d(found, warn=True)
    if found.ndim != 1:
        raise InputError(f"y must have one dimension; got shape {found.shape}")
    refuse_unclear(y, found)
    if found.dtype.kind in "iu" and found.size and found.max() - found.min() == 1:
        classes = np.array([found.min(), found.max()])  # the usual 0 and 1: no need to sort them
        return found == classes[1], classes
    try:
        classes, place = np.unique(found, return_inverse=True)
    except TypeError as error:
        raise InputError(f"y must hold labels that have an order: {error}") from error
    if len(classes) > 2:
        kind = type_of_target(found)
        raise InputError(
            f"Only binary classification is supported. The type of the target is {kind}. "
            f"Unknown label type: {len(classes)} labels where good and bad are expected"
        )
    if len(classes) < 2:
        raise OneClassError("y holds only one class: a card needs goods and bads")
    return place == 1, classes
