"""Rows as codes, columns as small tables of WoE: sums over a million rows, a block at a time.

A row's WoE is looked up when a block needs it, so the float64 matrix of all rows never exists.
Sums are made in a fixed order of blocks: the same bits on one thread or on many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from fengkong.foundation.errors import InputError
from fengkong.scorecard.binning.bins import FloatArray

T = TypeVar("T")
Codes: TypeAlias = NDArray[np.uint8]
Want: TypeAlias = Literal["gradient", "information", "scores"]
BLOCK_ROWS = 4096  # 51 columns of a block are 1.6 MiB: they stay in the second-level cache
CHUNK_BLOCKS = 16
THREADS = 2
CODE_VALUES = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """The columns of a regression, as codes and what each code is worth.

    Attributes
    ----------
    names : tuple of str
        Names of the columns.
    codes : ndarray of uint8, shape (n_columns, n_rows)
        Code of each value.
    tables : ndarray of shape (n_columns, 256)
        Worth of each code; for a card, its WoE.
    """

    names: tuple[str, ...]
    codes: Codes
    tables: FloatArray

    @classmethod
    def of(cls, codes: Codes, worths: Sequence[FloatArray], *, names: Sequence[str] = ()) -> Design:
        """Make a design of codes and one short table a column.

        Raises
        ------
        InputError
            Columns and tables differ in number, or a table holds a value that is not finite.
        """
        found = tuple(names) or tuple(f"x{place}" for place in range(len(worths)))
        if not len(codes) == len(worths) == len(found):
            raise InputError(f"{len(codes)} columns of codes, {len(worths)} tables of worths")
        tables = np.zeros((len(worths), CODE_VALUES))
        for place, worth in enumerate(worths):
            if not np.isfinite(worth).all():
                raise InputError(f"column {found[place]!r}: a WoE is not finite")
            tables[place, : len(worth)] = worth
        return cls(names=found, codes=codes, tables=tables)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.codes.shape[1])

    @property
    def columns(self) -> int:
        """Number of columns, the constant not counted."""
        return len(self.names)

    def only(self, places: Sequence[int]) -> Design:
        """Return the design of some columns; codes are copied."""
        chosen = list(places)
        return Design(
            names=tuple(self.names[place] for place in chosen),
            codes=self.codes[chosen],
            tables=self.tables[chosen],
        )

    def every(self, step: int) -> Design:
        """Return the design of every ``step``-th row."""
        codes = np.ascontiguousarray(self.codes[:, ::step])
        return Design(names=self.names, codes=codes, tables=self.tables)

    def at(self, rows: NDArray[np.int64]) -> Design:
        """Return the design of chosen rows."""
        return Design(names=self.names, codes=self.codes[:, rows], tables=self.tables)

    def matrix(self) -> FloatArray:
        """Return all rows at once, shape (n_rows, n_columns); for small designs and tests."""
        return np.stack(
            [table[code] for table, code in zip(self.tables, self.codes, strict=True)], axis=1
        ) if self.columns else np.empty((self.rows, 0))  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """What the regression explains: good or bad, with weights and offsets of rows.

    Attributes
    ----------
    good : ndarray of bool, shape (n_rows,)
    weight : ndarray of shape (n_rows,)
    offset : ndarray of shape (n_rows,)
        Part of the log odds of good that is known beforehand.
    """

    good: NDArray[np.bool_]
    weight: FloatArray
    offset: FloatArray

    @classmethod
    def of(
        cls, bad: NDArray[np.bool_], *, weight: FloatArray | None = None,
        offset: FloatArray | None = None,
    ) -> Outcomes:  # fmt: skip
        """Make outcomes of flags of bad; each row counts once by default."""
        rows = len(bad)
        return cls(
            good=~np.asarray(bad, dtype=bool),
            weight=np.ones(rows) if weight is None else np.asarray(weight, dtype=np.float64),
            offset=np.zeros(rows) if offset is None else np.asarray(offset, dtype=np.float64),
        )

    def every(self, step: int) -> Outcomes:
        """Return every ``step``-th row."""
        good, weight, offset = self.good[::step], self.weight[::step], self.offset[::step]
        return Outcomes(good=good, weight=weight, offset=offset)

    def at(self, rows: NDArray[np.int64]) -> Outcomes:
        """Return chosen rows."""
        return Outcomes(good=self.good[rows], weight=self.weight[rows], offset=self.offset[rows])


@dataclass(frozen=True, kw_only=True, eq=False)
class Sums:
    """What one pass over the rows found at given coefficients.

    Attributes
    ----------
    log_likelihood : float
    gradient : ndarray of shape (n_columns + 1,)
        Of the log likelihood, the constant first.
    matrix : ndarray of shape (n_columns + 1, n_columns + 1), or None
        Observed information, or the sum of squares of the rows' scores, as asked.
    gap : float
        Least log odds of a good row less the greatest of a bad row: positive when the
        coefficients tell every good from every bad.
    """

    log_likelihood: float
    gradient: FloatArray
    matrix: FloatArray | None
    gap: float


@contextmanager
def calm_blas() -> Iterator[None]:
    """Keep the linear algebra library on one thread.

    The rows are shared out over threads already; its own threads spin for each other and were
    measured to make a pass a hundred times slower on a busy machine of two cores.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    """Return the loaded libraries; looking for them costs more than a pass over 20,000 rows."""
    return ThreadpoolController()


def pass_over(design: Design, outcomes: Outcomes, beta: FloatArray, *, want: Want) -> Sums:
    """Sum log likelihood, gradient and, if asked, a matrix over all rows.

    Parameters
    ----------
    design, outcomes : Design, Outcomes
        The rows.
    beta : ndarray of shape (n_columns + 1,)
        Coefficients of the log odds of good, the constant first.
    want : "gradient", "information" or "scores"
        Which matrix to make: none, the observed information, or the squares of the scores.
    """

    def of_chunk(start: int) -> tuple[float, FloatArray, FloatArray | None, float, float]:
        stop = min(start + BLOCK_ROWS * CHUNK_BLOCKS, design.rows)
        return _chunk(design, outcomes, beta, start, stop, want)

    width = design.columns + 1
    likelihood, gradient = 0.0, np.zeros(width)
    matrix = None if want == "gradient" else np.zeros((width, width))
    least_good, most_bad = np.inf, -np.inf
    for found in _each_chunk(of_chunk, design.rows):
        likelihood += found[0]
        gradient += found[1]
        if matrix is not None and found[2] is not None:
            matrix += found[2]
        least_good, most_bad = min(least_good, found[3]), max(most_bad, found[4])
    return Sums(
        log_likelihood=likelihood, gradient=gradient, matrix=matrix, gap=least_good - most_bad
    )


def gram(design: Design, weight: FloatArray) -> FloatArray:
    """Return the weighted sums of products of all columns, the constant first.

    Returns
    -------
    ndarray of shape (n_columns + 1, n_columns + 1)
    """

    def of_chunk(begin: int) -> FloatArray:
        total = np.zeros((design.columns + 1, design.columns + 1))
        buffer = np.empty((design.columns + 1, BLOCK_ROWS))
        for start in range(begin, min(begin + BLOCK_ROWS * CHUNK_BLOCKS, design.rows), BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, design.rows)
            block = _filled(design, buffer, start, stop)
            block *= np.sqrt(weight[start:stop])
            total += block @ block.T
        return total

    with calm_blas():
        return np.sum(list(_each_chunk(of_chunk, design.rows)), axis=0)


def _each_chunk(of_chunk: Callable[[int], T], rows: int) -> Iterator[T]:
    """Yield the answer of each chunk of rows in order, working on several at once."""
    starts = range(0, rows, BLOCK_ROWS * CHUNK_BLOCKS)
    if len(starts) < THREADS:
        yield from map(of_chunk, starts)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(of_chunk, starts)


def _filled(design: Design, buffer: FloatArray, start: int, stop: int) -> FloatArray:
    """Look up the worths of rows from ``start`` to ``stop``; the last block may be shorter."""
    block = buffer[:, : stop - start]
    if stop - start < buffer.shape[1]:
        block = np.empty((buffer.shape[0], stop - start))
    _gather(design.codes, design.tables, start, stop, block)
    return block


def _chunk(  # noqa: PLR0917 - one call, by position
    design: Design, outcomes: Outcomes, beta: FloatArray, begin: int, end: int, want: Want
) -> tuple[float, FloatArray, FloatArray | None, float, float]:
    width = design.columns + 1
    buffer, residual, root = (
        np.empty((width, BLOCK_ROWS)),
        np.empty(BLOCK_ROWS),
        np.empty(BLOCK_ROWS),
    )
    likelihood, gradient = 0.0, np.zeros(width)
    matrix = None if want == "gradient" else np.zeros((width, width))
    least_good, most_bad = np.inf, -np.inf
    for start in range(begin, end, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, end)
        block = _filled(design, buffer, start, stop)
        log_odds = beta @ block + outcomes.offset[start:stop]
        here, low, high = _explain(
            log_odds, outcomes.good[start:stop], outcomes.weight[start:stop], residual, root,
            want == "scores",
        )  # fmt: skip
        likelihood += here
        least_good, most_bad = min(least_good, low), max(most_bad, high)
        gradient += block @ residual[: stop - start]
        if matrix is not None:
            block *= root[: stop - start]
            matrix += block @ block.T
    return likelihood, gradient, matrix, least_good, most_bad


@numba.njit(cache=True, nogil=True)
def _gather(codes, tables, start, stop, block):  # type: ignore[no-untyped-def]
    """Write the constant and the worth of each code into a block, a column a line."""
    for i in range(stop - start):
        block[0, i] = 1.0
    for j in range(codes.shape[0]):
        for i in range(stop - start):
            block[j + 1, i] = tables[j, codes[j, start + i]]


@numba.njit(cache=True, nogil=True)
def _explain(log_odds, good, weight, residual, root, squares):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Sum log likelihood; leave each row's weighted residual and the root of its weight."""
    likelihood, least_good, most_bad = 0.0, np.inf, -np.inf
    for i in range(len(log_odds)):
        eta, w = log_odds[i], weight[i]
        small = np.exp(-abs(eta))
        if w > 0.0:
            if good[i]:
                least_good = min(least_good, eta)
            else:
                most_bad = max(most_bad, eta)
        toward = eta if good[i] else -eta
        likelihood += w * (min(toward, 0.0) - np.log1p(small))
        wrong = (small if toward >= 0.0 else 1.0) / (1.0 + small)  # no loss of digits near 0
        residual[i] = w * wrong if good[i] else -w * wrong
        root[i] = abs(residual[i]) if squares else np.sqrt(w * small) / (1.0 + small)
    return likelihood, least_good, most_bad
