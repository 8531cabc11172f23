"""PSI of every column between two tables: evidently through its own interface, and pandas.

The edges evidently uses (0.7.23, ``legacy/calculations/stattests/utils.py::get_binned_data``):
missing and infinite values are dropped; a number with more than 20 distinct reference values is cut
at ``numpy.histogram_bin_edges(both samples, "sturges")``, that is ceil(log2(n_reference +
n_current) + 1) bins of equal width from the least to the largest value of both, [a, b) and the last
closed; anything else goes by value. A share of 0 becomes 0.0001, or a millionth of the least
positive share of that sample where that is at most 0.0001. ``sturges_edges`` is the same rule in
two lines, so that others can be asked for the same statistic. evidently draws its pictures within
``run`` whatever one asks, so ``evidently_function`` gives the time of its statistic alone, too.

pandas has no PSI. "pandas-deciles" is what modellers write: tenths of the reference, vectorised by
column, in the fastest usual calls. "pandas-sturges" is evidently's statistic written the same way.
"numpy-tuned" gives the statistic of the tenths in the fastest way we know without compiled code.
Frozen: a peer's code is changed only to make the peer faster or to mend it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

Statistic = dict[str, float]
DECILES = np.arange(1, 10) / 10


def evidently_preset(reference: pd.DataFrame, current: pd.DataFrame) -> Statistic:
    """Return the statistic of its preset for data drift, without tests."""
    from evidently.presets import DataDriftPreset

    return _report([DataDriftPreset(method="psi", include_tests=False)], reference, current)


def evidently_columns(reference: pd.DataFrame, current: pd.DataFrame) -> Statistic:
    """Return the statistic of one of its ``ValueDrift`` metrics for each column: less work."""
    from evidently.metrics import ValueDrift

    metrics = [ValueDrift(column=name, method="psi") for name in reference]
    return _report(metrics, reference, current)


def _report(metrics: list[object], reference: pd.DataFrame, current: pd.DataFrame) -> Statistic:
    from evidently import DataDefinition, Dataset, Report

    definition = DataDefinition(numerical_columns=list(reference))
    snapshot = Report(metrics, include_tests=False).run(
        Dataset.from_pandas(current, definition), Dataset.from_pandas(reference, definition)
    )
    found = snapshot.dict()["metrics"]
    return {
        row["config"]["column"]: float(row["value"]) for row in found if "column" in row["config"]
    }


def evidently_function(reference: pd.DataFrame, current: pd.DataFrame) -> Statistic:
    """Return what the statistic inside evidently says when it is called without a report."""
    from evidently.legacy.calculations.stattests.psi import _psi
    from evidently.legacy.core import ColumnType

    kind = ColumnType.Numerical
    return {name: float(_psi(reference[name], current[name], kind, 0.1)[0]) for name in reference}


def filled(shares: np.ndarray) -> np.ndarray:
    """Return the shares with each 0 replaced as evidently does."""
    least = shares[shares > 0].min()
    return np.where(shares == 0, least / 1e6 if least <= 1e-4 else 1e-4, shares)


def psi(expected: np.ndarray, actual: np.ndarray) -> float:
    """Return the PSI of two rows of shares."""
    expected, actual = filled(expected), filled(actual)
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def sturges_edges(reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Return the inner edges that evidently cuts two samples of floats at."""
    low, high = min(reference.min(), current.min()), max(reference.max(), current.max())
    bins = int(np.ceil(np.log2(len(reference) + len(current)) + 1.0))
    return np.linspace(low, high, bins + 1)[1:-1]


def deciles_pair(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of both samples between the tenths of the reference."""
    inner = np.unique(np.quantile(reference, DECILES))
    return shares_pair(reference, current, inner)


def sturges_pair(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of both samples between evidently's edges."""
    return shares_pair(reference, current, sturges_edges(reference, current))


def shares_pair(
    reference: np.ndarray, current: np.ndarray, inner: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the share of each bin; ``numpy.histogram`` is 4 times faster than ``pandas.cut``."""
    edges = np.concatenate([[-np.inf], inner, [np.inf]])
    old, new = (np.histogram(values, edges)[0] / len(values) for values in (reference, current))
    return old, new


def tuned_pair(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what ``deciles_pair`` does, from one sort and from counts of values below an edge."""
    ordered = np.sort(reference)
    place = DECILES * (len(ordered) - 1)
    lower = np.floor(place).astype(np.int64)
    step = ordered[np.minimum(lower + 1, len(ordered) - 1)] - ordered[lower]
    inner = np.unique(ordered[lower] + step * (place - lower))
    old = np.searchsorted(ordered, inner, side="left")
    new = np.array([np.count_nonzero(current < edge) for edge in inner])
    pair = []
    for below, rows in ((old, len(reference)), (new, len(current))):
        pair.append(np.diff(np.concatenate([[0], below, [rows]])) / rows)
    return pair[0], pair[1]


def _by_column(
    pair_of: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> Callable[[pd.DataFrame, pd.DataFrame], Statistic]:
    def statistic(reference: pd.DataFrame, current: pd.DataFrame) -> Statistic:
        return {
            name: psi(*pair_of(reference[name].to_numpy(), current[name].to_numpy()))
            for name in reference
        }

    return statistic


DRIFT: dict[str, Callable[[pd.DataFrame, pd.DataFrame], Statistic]] = {
    "evidently-columns": evidently_columns,
    "evidently-preset": evidently_preset,
    "evidently-function": evidently_function,
    "pandas-deciles": _by_column(deciles_pair),
    "pandas-sturges": _by_column(sturges_pair),
    "numpy-tuned": _by_column(tuned_pair),
}
