"""The peers' binnings under the constraints of the bench; runs inside `.venv-peers` only.

For every peer at most 8 bins, each at least 5 % of the rows where the peer has such a limit, a bin
of its own for missing values and, where it can, for each special value (toad cannot: there they are
numbers like others). A peer is (fit, read): ``fit(table, target, layout)`` is what is timed,
``read(fitted, table, target)`` turns its answer into the binnings of ``scorecard_iv`` with the
peer's own figure beside them as ``iv``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from bench.scorecard_data import Layout
from bench.scorecard_peer_cards import (
    JOBS,
    MAX_BINS,
    MIN_SHARE,
    OptbinningCard,
    toad_settings,
)

Binnings = dict[str, dict[str, Any]]
Fit = Callable[[pd.DataFrame, np.ndarray, Layout], Any]
Read = Callable[[Any, pd.DataFrame, np.ndarray], Binnings]


def optbinning_fit(trend: str = "auto", *, jobs: int = JOBS) -> Fit:
    """Return a fit with one trend for all numbers; "forced" takes the known trends of the layout.

    "forced" leaves the other columns at "auto". Categories are sorted by their bad rate anyway.
    """

    def fit(table: pd.DataFrame, target: np.ndarray, layout: Layout) -> Any:
        trends = dict.fromkeys(table, trend) if trend != "forced" else layout.trends
        card = OptbinningCard(select=False, special=layout.special, jobs=jobs, equal=True)
        process = card.process(table, trends)
        return process.fit(table, target)

    return fit


def optbinning_read(fitted: Any, table: pd.DataFrame, target: np.ndarray) -> Binnings:  # noqa: ARG001
    """Return cuts or groups, its IV, and what its solver says of each column."""
    found: Binnings = {}
    for name in table:
        variable = fitted.get_binned_variable(name)
        variable.binning_table.build()
        mine: dict[str, Any] = {"iv": float(variable.binning_table.iv), "status": variable.status}
        if variable.dtype == "categorical":
            mine["groups"] = [[str(text) for text in group] for group in variable.splits]
        else:
            mine["cuts"] = [float(cut) for cut in variable.splits]
            codes = variable.special_codes
            mine["special"] = list(codes.values()) if codes else []
        found[name] = mine
    return found


def toad_fit(method: str) -> Fit:
    """Return a fit of toad's Combiner."""

    def fit(table: pd.DataFrame, target: np.ndarray, layout: Layout) -> Any:  # noqa: ARG001
        import toad

        combiner = toad.transform.Combiner()
        combiner.fit(
            table.assign(target_=target), y="target_", empty_separate=True,
            **toad_settings(method, equal=True),
        )  # fmt: skip
        return combiner

    return fit


def toad_read(fitted: Any, table: pd.DataFrame, target: np.ndarray) -> Binnings:
    """Return cuts or groups, and toad's IV of its bins."""
    import toad

    found: Binnings = {}
    for name in table:
        rule = fitted[name]
        bins = fitted.transform(table[[name]])[name].to_numpy()
        mine: dict[str, Any] = {"iv": float(toad.stats.IV(bins, target))}
        if rule.ndim > 1 or not np.issubdtype(rule.dtype, np.number):
            mine["groups"] = [[str(text) for text in np.atleast_1d(group)] for group in rule]
        else:
            mine["cuts"] = [float(cut) for cut in rule if not np.isnan(cut)]
        found[name] = mine
    return found


def scorecardpy_fit(method: str, *, jobs: int) -> Fit:
    """Return a fit of scorecardpy's woebin.

    Its chimerge takes one core, its own default on two: with two a worker died of a recursion and
    the pool then waited for ever, which would look like slowness.
    """

    def fit(table: pd.DataFrame, target: np.ndarray, layout: Layout) -> Any:
        import scorecardpy

        return scorecardpy.woebin(
            table.assign(target_=target), y="target_", method=method, check_cate_num=False,
            special_values=layout.special or None, bin_num_limit=MAX_BINS,
            count_distr_limit=MIN_SHARE, no_cores=jobs,
        )  # fmt: skip

    return fit


def scorecardpy_read(fitted: Any, table: pd.DataFrame, target: np.ndarray) -> Binnings:  # noqa: ARG001
    """Return cuts or groups, and its IV of the column."""
    found: Binnings = {}
    for name in table:
        if name not in fitted:
            continue
        bins = fitted[name]
        mine: dict[str, Any] = {"iv": float(bins["total_iv"].iloc[0])}
        own = bins["is_special_values"].astype(str) == "True"
        texts = bins.loc[~own, "bin"].astype(str)
        if pd.api.types.is_numeric_dtype(table[name]):
            lows = [float(re.match(r"\[(.*?),", text).group(1)) for text in texts]  # type: ignore[union-attr]
            mine["cuts"] = sorted(low for low in lows if np.isfinite(low))
            alone = bins.loc[own & (bins["bin"] != "missing"), "bin"]
            mine["special"] = [float(value) for value in alone]
        else:
            mine["groups"] = [text.split("%,%") for text in texts]
        found[name] = mine
    return found


BINS: dict[str, tuple[Fit, Read]] = {
    "optbinning": (optbinning_fit(), optbinning_read),
    "optbinning-1-job": (optbinning_fit(jobs=1), optbinning_read),
    "optbinning-asc-desc": (optbinning_fit("auto_asc_desc"), optbinning_read),
    "optbinning-forced": (optbinning_fit("forced"), optbinning_read),
    "toad-chi": (toad_fit("chi"), toad_read),
    "toad-dt": (toad_fit("dt"), toad_read),
    "toad-quantile": (toad_fit("quantile"), toad_read),
    "scorecardpy-tree": (scorecardpy_fit("tree", jobs=JOBS), scorecardpy_read),
    "scorecardpy-chimerge": (scorecardpy_fit("chimerge", jobs=1), scorecardpy_read),
}
