"""Versions of facts as arrays: which row was known, and held, at which instant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fengkong.foundation.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEVER = np.iinfo(np.int64).max
DAY_US = 86_400_000_000


def frame_of(table: Any, columns: Sequence[str], *, name: str) -> pd.DataFrame:
    """Return the table in pandas with a fresh index; refuse it when a column is not there.

    A pandas or Arrow table, an Ibis expression, or a mapping of names to arrays will do.
    """
    if hasattr(table, "to_pandas"):
        table = table.to_pandas()
    frame = pd.DataFrame(table).reset_index(drop=True)
    lacking = [column for column in columns if column not in frame.columns]
    if lacking:
        have = ", ".join(map(str, frame.columns)) or "none"
        raise InputError(f"{name} needs the column {', '.join(lacking)}; it has {have}")
    return frame


def instants(values: pd.Series, *, name: str) -> NDArray[np.int64]:
    """Return microseconds since 1970, UTC; a time without a zone is read as UTC."""
    found = _times(values, name=name)
    return found.astype("datetime64[us]").astype(np.int64)


def days(values: pd.Series, *, name: str) -> NDArray[np.int64]:
    """Return days since 1970; the hour of an instant is cut."""
    found = _times(values, name=name)
    return found.astype("datetime64[D]").astype(np.int64)


def _times(values: pd.Series, *, name: str) -> NDArray[Any]:
    if not len(values):
        return np.empty(0, dtype="datetime64[us]")
    if pd.api.types.is_numeric_dtype(values):
        # Which unit a bare number counts in is a guess that may reveal the future.
        raise InputError(f"{name} must hold dates or instants; got {values.dtype}")
    try:
        found = pd.DatetimeIndex(pd.to_datetime(values, utc=True, format="ISO8601"))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must hold dates or instants: {error}") from error
    if found.hasnans:
        raise InputError(
            f"{name} is empty in {int(np.count_nonzero(found.isna()))} rows: known when?"
        )
    return found.tz_localize(None).to_numpy()


def codes(*columns: pd.Series, sort: bool = False) -> list[NDArray[np.int64]]:
    """Return whole numbers for texts, the same number for the same text in all columns.

    An empty value is -1. Sorted, texts that come later leave the order of the others as it was.
    """
    together = pd.concat([column.astype("string") for column in columns], ignore_index=True)
    found = pd.factorize(together, sort=sort)[0].astype(np.int64)
    ends = np.cumsum([len(column) for column in columns])
    return np.split(found, ends[:-1])


def held_until(identity: Sequence[pd.Series], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the instant at which a later version of the same fact took a row's place.

    Of two versions known at the same instant, the one that stands later in the table holds.
    Rows without an identity are never replaced.
    """
    until = np.full(len(known), NEVER, dtype=np.int64)
    if not identity or not len(known):
        return until
    parts = [codes(column)[0] for column in identity]
    order = np.lexsort((known, *parts[::-1]))  # stable: place in the table decides a tie
    same = np.ones(max(len(known) - 1, 0), dtype=bool)
    for part in parts:
        same &= (part[order][1:] == part[order][:-1]) & (part[order][1:] >= 0)
    until[order[:-1][same]] = known[order[1:][same]]
    return until


def with_owner(rows: pd.DataFrame, loans: pd.DataFrame, *, key: str) -> pd.DataFrame:
    """Join each version of a fact with the versions of its loan that held at the same time.

    Parameters
    ----------
    rows, loans : DataFrame
        With ``loan_id``, ``known_`` and ``until_`` (instants); ``loans`` also with ``key``.

    Returns
    -------
    DataFrame
        ``rows`` with ``key``; a row stands once for each pair that overlaps in time.
    """
    found = rows.merge(
        loans[["loan_id", key, "known_", "until_"]], on="loan_id", suffixes=("", "loan_")
    )
    found["known_"] = np.maximum(found["known_"], found.pop("known_loan_"))
    found["until_"] = np.minimum(found["until_"], found.pop("until_loan_"))
    return found[found["known_"] < found["until_"]].reset_index(drop=True)


def stamped(
    frame: pd.DataFrame, identity: Sequence[str], *, date: str | None, name: str
) -> pd.DataFrame:
    """Add ``day_``, ``known_`` and ``until_`` to a table of versions."""
    frame = frame.copy()
    frame["known_"] = instants(frame["recorded_at"], name=f"{name}.recorded_at")
    if date is not None:
        frame["day_"] = days(frame[date], name=f"{name}.{date}")
    have = [frame[column] for column in identity if column in frame.columns]
    complete = len(have) == len(identity)
    frame["until_"] = held_until(have if complete else (), frame["known_"].to_numpy())
    if "replaced_at" in frame.columns:
        told = frame["replaced_at"].notna().to_numpy()
        until = frame["until_"].to_numpy(copy=True)
        until[told] = np.minimum(until[told], instants(frame["replaced_at"][told], name="replaced"))
        frame["until_"] = until
    return frame


def numbers(values: pd.Series, *, name: str) -> NDArray[np.float64]:
    """Return float64 of amounts (also Decimal), empty as NaN; refuse text and infinities."""
    try:
        found = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must hold numbers: {error}") from error
    if np.isinf(found).any():
        raise InputError(f"{name} holds an infinite number")
    return found
