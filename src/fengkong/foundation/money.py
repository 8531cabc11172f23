"""Exact money: integer cents, half-up rounding of products, and the way to and from Arrow.

Inside a loop an amount is an int64 of cents. A product that makes money is rounded once, half up,
by integer arithmetic, so that no tie is lost to binary fractions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit

RATE_SCALE = 10_000_000_000
"""A rate is held as an integer number of 1e-10."""


@njit(cache=True)
def mul_div_half_up(a: int, b: int, c: int) -> int:
    """Return ``a * b / c`` rounded half up, exact although the product may pass 64 bits.

    A float estimate is corrected by the remainder computed modulo 2**64: the true remainder is
    only a few times ``c``, so the wrapped value equals it.

    Parameters
    ----------
    a, b : int
        Factors, not negative; the quotient must stay below 2**52.
    c : int
        Divisor, positive, below 2**60.

    Returns
    -------
    int
    """
    guess = np.int64(np.float64(a) * np.float64(b) / np.float64(c))
    wrapped = np.uint64(a) * np.uint64(b) - np.uint64(guess) * np.uint64(c)
    rest = np.int64(wrapped)
    divisor = np.int64(c)
    while rest < 0:
        rest += divisor
        guess -= 1
    while rest >= divisor:
        rest -= divisor
        guess += 1
    if rest >= divisor - rest:
        guess += 1
    return guess  # type: ignore[return-value]


def scaled_rate(rate: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return rates (fractions a year) as int64 in units of 1e-10; -1 where not a number."""
    known = np.isfinite(rate)
    return np.where(known, np.rint(np.where(known, rate, 0.0) * RATE_SCALE), -1).astype(np.int64)


def to_cents(column: Any) -> np.ndarray[Any, Any]:
    """Return a decimal(18, 2) column as int64 cents, null as 0."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if array.type != pa.decimal128(18, 2):
        array = array.cast(pa.decimal128(18, 2))
    if len(array) == 0:
        return np.zeros(0, dtype=np.int64)
    buffer: Any = array.buffers()[1]
    words = np.frombuffer(buffer, dtype=np.int64)
    low = words[2 * array.offset : 2 * (array.offset + len(array)) : 2]
    if array.null_count:
        return np.where(array.is_valid().to_numpy(zero_copy_only=False), low, 0)
    return low.copy()


def from_cents(cents: np.ndarray[Any, Any], valid: np.ndarray[Any, Any] | None = None) -> Any:
    """Return int64 cents as a decimal(18, 2) array.

    Parameters
    ----------
    cents : ndarray of int64, shape (n,)
        Amounts in cents.
    valid : ndarray of bool, shape (n,), optional
        False where the amount is null.

    Returns
    -------
    pyarrow.Array
    """
    words = np.empty((len(cents), 2), dtype=np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    mask: Any = None
    if valid is not None:
        mask = _buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [mask, _buffer(words)])


def _buffer(values: Any) -> Any:
    return pa.py_buffer(values)
