"""Bins, curves and tables small enough to be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fengkong.scorecard.binning.bins import ColumnBins, Special, weight_of_evidence


def bins_of(name, count, bad, **more):
    counted = np.array(count, dtype=float)
    bads = np.array(bad, dtype=float)
    return ColumnBins(
        name=name, count=counted, bad_count=bads, woe=weight_of_evidence(counted, bads), **more
    )


@pytest.fixture
def income():
    """Three regular bins, missing, one special, and the slot of unseen values."""
    return bins_of(
        "income", [100, 200, 100, 20, 50, 0], [30, 20, 5, 19, 10, 0], kind="numeric",
        cuts=np.array([1000.0, 2500.5]), specials=(Special(name="not asked", values=(-1,)),),
        trend="descending",
    )  # fmt: skip


@pytest.fixture
def channel():
    return bins_of(
        "channel", [60, 140, 0, 0], [30, 14, 0, 0], kind="categorical", cuts=np.array([]),
        groups=(("=cmd()|x", "web"), ("app",)),
    )  # fmt: skip
