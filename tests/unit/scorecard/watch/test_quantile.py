"""Quantiles by brackets are those of NumPy, bit for bit, whatever the column."""

from __future__ import annotations

import numpy as np
import pytest

from fengkong.scorecard.watch._count import at_least, native
from fengkong.scorecard.watch._quantile import SORT_AT_MOST, _selected, exact_quantiles

ROWS = 2 * SORT_AT_MOST
RNG = np.random.default_rng(7)
NORMAL = RNG.normal(size=ROWS)
COLUMNS = {
    "normal": NORMAL,
    "float32": NORMAL.astype("f4"),
    "sorted": np.sort(NORMAL),
    "missing": np.where(RNG.random(ROWS) < 0.3, np.nan, NORMAL),
    "cauchy": RNG.standard_cauchy(ROWS),
    "constant": np.ones(ROWS),
    "rare ones": (RNG.random(ROWS) < 0.05).astype(float),
    "mostly zero": np.where(RNG.random(ROWS) < 0.95, 0.0, RNG.exponential(size=ROWS)),
    "counts": RNG.poisson(3, ROWS),
    "int32": RNG.integers(-5, 10**9, ROWS).astype("i4"),
    "uint8": RNG.integers(0, 256, ROWS).astype("u1"),
    "largest int8": np.full(ROWS, 127, "i1"),
    "flags": RNG.random(ROWS) < 0.5,
    "periodic": np.tile(np.arange(1000.0), ROWS // 1000),
}
PROBABILITIES = {
    "deciles": np.arange(1, 10) / 10,
    "tails": np.array([0.0005, 0.01, 0.5, 0.99, 0.9995]),
    "median": np.array([0.5]),
    "percentiles": np.arange(1, 100) / 100,
}


@pytest.mark.parametrize("probabilities", PROBABILITIES.values(), ids=PROBABILITIES)
@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_equal_to_numpy(column, probabilities):
    present, found = exact_quantiles(native(column), probabilities)
    held = column[column == column].astype(np.float64)  # noqa: PLR0124
    assert present == len(held)
    assert np.array_equal(found, np.quantile(held, probabilities))


def test_brackets_are_used_and_not_only_the_fallback():
    taken = [
        name for name, column in COLUMNS.items()
        if _selected(native(column), PROBABILITIES["deciles"]) is not None
    ]  # fmt: skip
    assert {"normal", "float32", "missing", "rare ones", "constant", "int32", "counts"} <= set(
        taken
    )


def test_a_column_without_present_values():
    present, found = exact_quantiles(native(np.full(ROWS, np.nan)), np.array([0.5]))
    assert (present, found.size) == (0, 0)


@pytest.mark.parametrize("kind", ["f8", "f4", "i8", "i4", "i2", "i1", "u4", "u2", "u1"])
def test_thresholds_that_the_type_cannot_hold(kind):
    values = np.array([0, 1, 2, 100, 127], dtype=kind)
    thresholds = np.array([-np.inf, -1e300, -0.5, 0.1, 1.0, 99.9999999999, 127.0, 127.5, 1e300])
    present, above = at_least(native(values), thresholds)
    assert present == 5
    assert above.tolist() == [(values.astype(float) >= t).sum() for t in thresholds]
    weights = np.arange(1.0, 6.0)
    _, weighed = at_least(native(values), thresholds[::-1].copy(), weights)
    expected = [weights[values.astype(float) >= t].sum() for t in thresholds[::-1]]
    assert weighed.tolist() == expected


def test_a_copy_is_made_only_where_it_must():
    plain = np.arange(10.0)
    assert np.shares_memory(native(plain), plain)
    assert plain.flags.writeable
    assert not np.shares_memory(native(plain[::2]), plain)
    assert native(plain.astype(">f8")).dtype.isnative
