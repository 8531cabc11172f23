# ruff: noqa: PLR0917  (Numba functions take no keyword-only arguments)
"""Sums over the facts of the last days, each seen only while it was known and held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

COUNT, SUM, MEAN, SPREAD, MAXIMUM, NEWER = range(6)
_STATISTICS = 6
NONE_SEEN = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Asked:
    """Observations: whose, on which day, with the knowledge of which instant."""

    key: NDArray[np.int64]
    day: NDArray[np.int64]
    at: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Versions of facts, sorted by key and day; those of key k from ``start[k]`` on."""

    start: NDArray[np.int64]
    day: NDArray[np.int64]
    known: NDArray[np.int64]
    until: NDArray[np.int64]
    values: NDArray[np.float64]


def rows_of(frame: pd.DataFrame, values: NDArray[np.float64], *, keys: int) -> Rows:
    """Sort versions by key, day, instant and value, so that the order they came in is forgotten."""
    key = frame["key_"].to_numpy()
    day, known, until = (frame[name].to_numpy() for name in ("day_", "known_", "until_"))
    order = np.lexsort((until, *values.T[::-1], known, day, key))
    start = np.searchsorted(key[order], np.arange(keys + 1))
    return Rows(start, day[order], known[order], until[order], np.ascontiguousarray(values[order]))


def window_sums(
    asked: Asked, rows: Rows, windows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return statistics of each window and the last day a fact was seen.

    Returns
    -------
    statistics : ndarray of shape (n_observations, n_windows, 6)
        COUNT, SUM, MEAN, SPREAD (standard deviation, n in the denominator), MAXIMUM and NEWER (the
        part of the sum in the newer half of the window); MEAN, SPREAD and MAXIMUM are 0 of nothing.
    last : ndarray of shape (n_observations,)
        Last day of any fact seen, in the window or before; ``NONE_SEEN`` of none.
    """
    return _window_sums(
        asked.key, asked.day, asked.at, windows,
        rows.start, rows.day, rows.known, rows.until, rows.values[:, 0],
    )  # fmt: skip


def window_shares(
    asked: Asked, rows: Rows, windows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what share the first value is of the second, day by day, over each window.

    Returns
    -------
    statistics : ndarray of shape (n_observations, n_windows, 4)
        Days, mean, highest, newest less oldest share.
    last : ndarray of shape (n_observations,)
        Share on the last day seen; NaN of none.
    """
    return _window_shares(
        asked.key, asked.day, asked.at, windows,
        rows.start, rows.day, rows.known, rows.until, rows.values,
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _window_sums(key, today, at, windows, start, day, known, until, value):  # type: ignore[no-untyped-def]
    found = np.zeros((key.size, windows.size, _STATISTICS))
    last = np.full(key.size, NONE_SEEN, dtype=np.int64)
    for i in range(key.size):
        if key[i] < 0:
            continue
        first, end = start[key[i]], start[key[i] + 1]
        here = first + np.searchsorted(day[first:end], today[i], side="right")
        for row in range(here - 1, first - 1, -1):
            age = today[i] - day[row]
            beyond = age >= windows[-1]
            if beyond and last[i] != NONE_SEEN:
                break
            if known[row] > at[i] or until[row] <= at[i]:
                continue
            if last[i] == NONE_SEEN:
                last[i] = day[row]
            if beyond:
                break
            for w in range(windows.size - 1, -1, -1):
                if age >= windows[w]:
                    break
                _take(found[i, w], value[row], 2 * age < windows[w])
        for w in range(windows.size):
            if found[i, w, COUNT] > 0.0:
                found[i, w, SPREAD] = np.sqrt(found[i, w, SPREAD] / found[i, w, COUNT])
    return found, last


@numba.njit(cache=True, nogil=True)
def _take(into, value, newer):  # type: ignore[no-untyped-def]
    """Add one value to a window; the spread is kept as Welford's sum of squares."""
    into[COUNT] += 1.0
    into[SUM] += value
    step = value - into[MEAN]
    into[MEAN] += step / into[COUNT]
    into[SPREAD] += step * (value - into[MEAN])
    into[MAXIMUM] = value if into[COUNT] == 1.0 else max(into[MAXIMUM], value)
    if newer:
        into[NEWER] += value


@numba.njit(cache=True, nogil=True)
def _window_shares(key, today, at, windows, start, day, known, until, values):  # type: ignore[no-untyped-def]
    found = np.zeros((key.size, windows.size, 4))
    last = np.full(key.size, np.nan)
    for i in range(key.size):
        if key[i] < 0:
            continue
        first, end = start[key[i]], start[key[i] + 1]
        row = first + np.searchsorted(day[first:end], today[i], side="right") - 1
        while row >= first:
            this_day, part, whole = day[row], 0.0, 0.0
            while row >= first and day[row] == this_day:
                if known[row] <= at[i] and until[row] > at[i]:
                    part += values[row, 0]
                    whole += values[row, 1]
                row -= 1
            if whole <= 0.0:
                continue
            share = part / whole
            if np.isnan(last[i]):
                last[i] = share
            age = today[i] - this_day
            if age >= windows[-1]:
                break
            for w in range(windows.size):
                if age < windows[w]:
                    days_seen = found[i, w, 0] + 1.0
                    found[i, w, 0] = days_seen
                    found[i, w, 1] += (share - found[i, w, 1]) / days_seen
                    found[i, w, 2] = share if days_seen == 1.0 else max(found[i, w, 2], share)
                    found[i, w, 3] = last[i] - share
    return found, last
