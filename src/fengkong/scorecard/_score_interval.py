"""The score interval of a share: for bins, grades, groups and vintages alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z_95 = 1.959963984540054  # two-sided 95 %


def score_interval(
    count: ArrayLike, rows: ArrayLike, *, z: float = Z_95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the score interval of ``count`` out of ``rows``; (0, 1) where there are no rows.

    References
    ----------
    Wilson (1927), JASA 22, 209-212; Newcombe (1998), Statistics in Medicine 17, 857-872, method 3.
    """
    hit, size = np.asarray(count, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    safe = np.where(size > 0.0, size, 1.0)
    share = hit / safe
    denominator = 1.0 + z * z / safe
    centre = (share + z * z / (2.0 * safe)) / denominator
    half = z * np.sqrt(share * (1.0 - share) / safe + z * z / (4.0 * safe * safe)) / denominator
    # At 0 and at all the limit is exactly the share; rounding must not push it past.
    lower = np.where(hit == 0.0, 0.0, np.maximum(centre - half, 0.0))
    upper = np.where(hit == size, 1.0, np.minimum(centre + half, 1.0))
    return np.where(size > 0.0, lower, 0.0), np.where(size > 0.0, upper, 1.0)
