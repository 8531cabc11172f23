"""Rows with outcomes: what is bad, what is a feature, which rows are kept aside."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fengkong.foundation.errors import ColumnTypeError, InputError, OneClassError
from fengkong.report.scorecard.settings import Settings
from fengkong.scorecard.card import Card
from fengkong.scorecard.validation import refuse_group_features
from fengkong.scorecard.watch import RecalibrationProposal, recalibration_proposal

Rows = NDArray[np.int64]
_DATES = {"date", "datetime", "datetime64"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurable:
    """Rows with known outcomes, by sample.

    Attributes
    ----------
    frames : dict of str to DataFrame
    bads : dict of str to ndarray
        1 for bad.
    """

    frames: dict[str, pd.DataFrame]
    bads: dict[str, NDArray[np.int64]]

    @classmethod
    def of(
        cls, frame: pd.DataFrame, outcome: NDArray[np.int64], parts: Mapping[str, Rows]
    ) -> Measurable:
        """Take the samples out of one table; rows that served calibration are no evidence."""
        kept = {name: rows for name, rows in parts.items() if name != "calibration"}
        return cls(
            frames={name: frame.iloc[rows] for name, rows in kept.items()},
            bads={name: outcome[rows] for name, rows in kept.items()},
        )


def whole(frame: pd.DataFrame, outcome: NDArray[np.int64], name: str) -> Measurable:
    """Return all rows of a table as one sample."""
    return Measurable(frames={name: frame}, bads={name: outcome})


def column_of(frame: pd.DataFrame, name: str, *, what: str) -> pd.Series:
    """Return a column that the caller named.

    Raises
    ------
    InputError
        There is no such column; the nearest name is said.
    """
    if name in frame.columns:
        return frame[name]
    near = difflib.get_close_matches(name, [str(one) for one in frame.columns], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(str, frame.columns))}"
    raise InputError(f"{what} {name!r} is not a column of the table; {hint}")


def outcomes_of(column: pd.Series, bad: str | None) -> NDArray[np.int64]:
    """Return 1 for bad and 0 for good.

    Raises
    ------
    InputError
        An outcome is missing, the bad value is nowhere, or the column is not 0 and 1.
    OneClassError
        All outcomes are 0, or all are 1.
    """
    missing = int(column.isna().sum())
    if missing:
        raise InputError(
            f"{missing} of {len(column)} rows have no {column.name!r}: leave out rows whose "
            "outcome is not known yet"
        )
    values = [str(value) for value in column.unique()]
    shown = ", ".join(sorted(values)[:8])
    if bad is not None:
        found = (column.astype(str) == bad).to_numpy()
        if not found.any():
            raise InputError(f"no row has {column.name} = {bad!r}; values: {shown}")
        return found.astype(np.int64)
    numbers = {float(value) for value in column.unique() if _is_number(value)}
    if len(values) == 1 and numbers <= {0.0, 1.0} and numbers:
        word = "bad" if 1.0 in numbers else "good"
        raise OneClassError(
            f"every row has {column.name} = {values[0]} ({word}): a card is made of goods and "
            "bads. Where another value is bad, name it with --bad VALUE"
        )
    if not numbers >= {0.0, 1.0} or len(values) != 2:
        raise InputError(
            f"{column.name!r} holds {shown}, not 0 (good) and 1 (bad): name the bad value "
            "with --bad VALUE"
        )
    return np.asarray(column, dtype=np.int64)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | bool | np.number | np.bool_)


def features_of(frame: pd.DataFrame, target: str, settings: Settings) -> tuple[str, ...]:
    """Return the columns that may enter the card.

    Raises
    ------
    InputError
        A named column is not in the table.
    ProtectedFeatureError
        A protected group is among the named features.
    """
    for part in ("columns", "ignore", "groups", "known_after"):
        for name in getattr(settings, part):
            column_of(frame, name, what=f"settings: {part}:")
    for name in settings.binned_columns():
        column_of(frame, name, what="settings: binning:")
    taken = {target, settings.period, settings.weight, *settings.ignore, *settings.groups}
    if settings.columns:
        refuse_group_features(settings.columns, settings.groups)
        wrong = [name for name in settings.columns if name in taken]
        if wrong:
            raise InputError(f"settings: columns: {', '.join(wrong)} has another part already")
    names = settings.columns or tuple(str(one) for one in frame.columns if one not in taken)
    if not names:
        raise InputError("no column is left to be a feature")
    for name in names:
        if pd.api.types.infer_dtype(frame[name], skipna=True) in _DATES:
            raise ColumnTypeError(
                name=name, found="dates", expected="numbers or text: make days since some date of "
                "it, or leave it out (settings: ignore)",
            )  # fmt: skip
    return names


def periods_of(frame: pd.DataFrame, settings: Settings) -> NDArray[np.object_] | None:
    """Return the period of each row as text that sorts by time."""
    if settings.period is None:
        return None
    column = column_of(frame, settings.period, what="settings: period:")
    if column.isna().any():
        raise InputError(f"{int(column.isna().sum())} rows have no period {settings.period!r}")
    return column.astype(str).to_numpy(dtype=object)


def split_rows(
    outcome: NDArray[np.int64], period: NDArray[np.object_] | None, settings: Settings
) -> dict[str, Rows]:
    """Return the rows of each sample: train, and those of calibration, test and out_of_time.

    Bads and goods are drawn apart, so that each sample has the same share of them; where
    probabilities are calibrated, half of the rows kept aside at random serve that alone.
    """
    rows = np.arange(outcome.size)
    parts: dict[str, Rows] = {}
    since = settings.split.out_of_time_from
    if since is not None and period is not None:
        late = period.astype(str) >= since
        if late.all() or not late.any():
            raise InputError(
                f"out_of_time_from {since!r} leaves no rows on one side; periods run from "
                f"{min(period)} to {max(period)}"
            )
        parts["out_of_time"], rows = rows[late], rows[~late]
    rng = np.random.default_rng(settings.seed)
    aside = np.zeros(outcome.size, dtype=bool)
    for value in (0, 1):
        own = rng.permutation(rows[outcome[rows] == value])
        aside[own[: round(settings.split.test_share * own.size)]] = True
    test = rng.permutation(rows[aside[rows]])
    if settings.calibration != "none":
        if test.size < 2:
            raise InputError("calibration needs rows kept aside: split: test_share above 0")
        parts["calibration"], test = np.sort(test[::2]), test[1::2]
    if test.size:
        parts["test"] = np.sort(test)
    return {"train": rows[~aside[rows]], **dict(sorted(parts.items(), reverse=True))}


def refuse_text(card: Card, frame: pd.DataFrame) -> None:
    """Refuse text where the card has numbers, and name the first place.

    Raises
    ------
    ColumnTypeError
        A column of numbers holds text.
    """
    for one in card.variables:
        name = one.bins.name
        if one.bins.kind != "numeric" or name not in frame.columns:
            continue
        column = frame[name]
        if pd.api.types.infer_dtype(column, skipna=True) not in {"string", "mixed"}:
            continue
        wrong = column.notna() & pd.to_numeric(column, errors="coerce").isna()
        if wrong.any():
            place = int(np.argmax(wrong.to_numpy()))
            raise ColumnTypeError(
                name=name, expected="numbers", found=f"{column.iloc[place]!r} in row {place + 1}: "
                "correct it, or leave it empty if the value is missing",
            )  # fmt: skip


def propose(
    card: Card, frame: pd.DataFrame, outcome: NDArray[np.int64], *, seed: int = 0
) -> RecalibrationProposal | None:
    """Return what to do about the calibration; None where the outcomes cannot be judged by."""
    try:
        return recalibration_proposal(card.probability(frame), outcome, seed=seed)
    except InputError:  # one class in a part, or goods and bads told apart perfectly
        return None
