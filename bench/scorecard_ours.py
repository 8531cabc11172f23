"""One task of the scorecard bench done by Fengkong in a process of its own, as a peer's is done.

    python bench/scorecard_ours.py --task bins --peer ours --data LOANS.parquet [--out FILE]

The lines it prints are those of ``scorecard_peers``. Tasks: ``bins`` and ``drift`` as the peers do
them, ``card`` (fit and score), ``read`` (the limit: every number of the table once, on two
threads).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.scorecard_data import Layout, read_layout
from bench.scorecard_peer_drift import psi, sturges_edges
from bench.scorecard_peers import Clock, peaks, process_age, say

TASKS = ("bins", "card", "drift", "memory", "read")


def binner(layout: Layout) -> Any:
    """Return a binner under the constraints that all sides have."""
    from fengkong.scorecard import Binner

    # No peer asks for events in a bin or pools rare categories beyond the share.
    return Binner(max_bins=8, min_bin_share=0.05, trend="auto", specials=layout.special,
                  min_bin_events=1, rare_share=0.0, rare_count=0)  # fmt: skip


def bins(table: pd.DataFrame, target: np.ndarray, layout: Layout, clock: Clock) -> dict[str, Any]:
    """Bin all columns; return the binnings."""
    fitted = clock.time("bins", lambda: binner(layout).fit(table, target))
    found: dict[str, Any] = {}
    for name, column in fitted.bins_.items():
        mine: dict[str, Any] = {"iv": column.iv, "trend": column.trend}
        if column.kind == "categorical":
            mine["groups"] = [list(group) for group in column.groups]
        else:
            mine["cuts"] = column.cuts.tolist()
            mine["special"] = [value for one in column.specials for value in one.values]
        found[name] = mine
    return found


def memory(table: pd.DataFrame, target: np.ndarray, layout: Layout) -> dict[str, float]:
    """Return the memory that binning takes beside the table, its code being loaded."""
    few = slice(0, 2_000)
    binner(layout).fit(table.iloc[few], target[few])
    Path("/proc/self/clear_refs").write_text("5")  # the kernel forgets the peak
    before = peaks()["peak_gib"]
    binner(layout).fit(table, target)
    return {"beside_gib": peaks()["peak_gib"] - before,
            "table_gib": float(table.memory_usage(deep=True).sum()) / 2**30}  # fmt: skip


def card(table: pd.DataFrame, target: np.ndarray, layout: Layout, clock: Clock) -> dict[str, Any]:
    """Fit a whole card (bins, selection, penalty, regression, points), then score every row."""
    from fengkong.scorecard import Scorecard

    fitted = clock.time("fit", lambda: Scorecard(binner=binner(layout)).fit(table, target))
    score = clock.time("score", lambda: fitted.card_.points(table))
    return {"rows": len(score), "score_mean": float(np.mean(score)),
            "nan": int(np.isnan(score).sum())}  # fmt: skip


def read(table: pd.DataFrame, clock: Clock) -> dict[str, float]:
    """Add up every column of numbers once and count the texts of the others."""

    def total(name: str) -> float:
        column = table[name]
        return float(column.sum()) if column.dtype.kind == "f" else float(column.count())

    def all_columns() -> list[float]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(total, table))

    return {"sum": float(np.nansum(clock.time("read", all_columns)))}


def drift_task(peer: str, folder: Path, clock: Clock) -> dict[str, float]:
    """Return the PSI of every column: by tenths, by kept tenths, or by evidently's edges."""
    from fengkong.scorecard import drift
    from fengkong.scorecard.watch import DriftReference

    old, new = (pd.read_parquet(folder / f"{part}.parquet") for part in ("reference", "current"))
    if peer == "ours-read":
        return read(pd.concat([old, new.add_suffix("_now")], axis=1, copy=False), clock)
    call: Callable[[], Any] = lambda: drift(old, new)  # noqa: E731
    if peer == "ours-kept":
        kept = DriftReference.fit(old)
        call = lambda: drift(kept, new)  # noqa: E731
    if peer == "ours-sturges":
        # The edges come from both samples, so finding them belongs to the call.
        call = lambda: drift(  # noqa: E731
            old, new, zero_cell=1e-4,
            bins={name: sturges_edges(old[name].to_numpy(), new[name].to_numpy()) for name in old},
        )  # fmt: skip
    found = clock.time("drift", call)
    if peer == "ours-sturges":
        # Evidently's rule for empty cells is its own; our counts under it must give its figure.
        held = found.cells[found.cells.eval("reference_count + current_count") > 0]
        cells = held.groupby("column", sort=False)
        return {
            str(name): psi(*(mine[f"{side}_count"].to_numpy() / mine[f"{side}_count"].sum()
                             for side in ("reference", "current")))
            for name, mine in cells
        }  # fmt: skip
    return dict(zip(found.columns["column"], found.columns["psi"].astype(float), strict=True))


def main() -> None:
    """Do one task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=2)
    parser.add_argument("--cap-s", type=int, default=600)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    import fengkong.scorecard.card.scorecard
    import fengkong.scorecard.watch  # noqa: F401 - all is loaded before the clock starts

    say(event="ready", import_s=process_age(), version="")
    clock = Clock(calls=chosen.calls, cap_s=chosen.cap_s)
    if chosen.task == "drift":
        found: Any = drift_task(chosen.peer, chosen.data, clock)
    else:
        layout = read_layout(chosen.data)
        table = pd.read_parquet(chosen.data)
        target = table.pop(layout.target).to_numpy()
        found = {
            "bins": lambda: bins(table, target, layout, clock),
            "card": lambda: card(table, target, layout, clock),
            "memory": lambda: memory(table, target, layout),
            "read": lambda: read(table, clock),
        }[chosen.task]()
    say(event="done", **peaks())
    if chosen.out:
        chosen.out.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
