"""One task of the scorecard bench done by one peer in a process of its own.

Runs inside `.venv-peers`; the harness starts it through ``scorecard_peer_run.measure``:

    python bench/scorecard_peers.py --task bins --peer optbinning --data LOANS.parquet [--out FILE]
    python bench/scorecard_peers.py --task card --peer toad --data LOANS.parquet [--calls 1]
    python bench/scorecard_peers.py --task drift --peer pandas-deciles --data FOLDER [--cap-s 600]

Prints a JSON line as soon as each figure is there, so that a peer stopped at the cap still leaves
what it has done: ``{"event": "ready", "import_s", "version"}``, then per call
``{"event": "call", "step", "call": "cold" | "warm", "seconds"}`` and at the end
``{"event": "done", "peak_gib", "peak_child_gib"}``. ``step`` is bins, fit, score or drift. The cap
holds for each call, of which the first is cold and all others are warm: the process ends itself by
an alarm that no native code can hold up.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.scorecard_data import read_layout
from bench.scorecard_peer_bins import BINS
from bench.scorecard_peer_cards import bench_cards
from bench.scorecard_peer_drift import DRIFT

# What a peer loads at its first use is loaded before the clock starts.
PARTS = {
    "evidently": (
        "evidently.presets", "evidently.metrics", "evidently.legacy.calculations.stattests.psi"),
}  # fmt: skip


class Clock:
    """Time calls, each under the cap, and say each figure at once."""

    def __init__(self, *, calls: int, cap_s: int) -> None:
        self.calls, self.cap_s = calls, cap_s

    def time(self, step: str, call: Callable[[], Any]) -> Any:
        """Call as often as asked, print the seconds of each call, return the last answer."""
        answer = None
        for number in range(self.calls):
            word = "warm" if number else "cold"
            signal.alarm(self.cap_s)
            started = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):  # scorecardpy prints
                answer = call()
            seconds = time.perf_counter() - started
            signal.alarm(0)
            say(event="call", step=step, call=word, seconds=seconds)
        return answer


def say(**figures: Any) -> None:
    """Print one JSON line."""
    print(json.dumps(figures), flush=True)


def process_age() -> float:
    """Return the seconds since this process began: the interpreter and all imports."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def peaks() -> dict[str, float]:
    """Return peak memory of this process and of its largest child that has ended.

    The kernel's VmHWM rather than ``ru_maxrss``, which a new program inherits from its parent.
    """
    status = Path("/proc/self/status").read_text()
    own = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {"peak_gib": int(own) / 2**20, "peak_child_gib": child / 2**20}


def run_loans(task: str, peer: str, data: Path, clock: Clock) -> dict[str, Any]:
    """Bin, or fit a card and score every row with it; return what the harness compares."""
    layout = read_layout(data)
    table = pd.read_parquet(data)
    target = table.pop(layout.target).to_numpy()
    if task == "bins":
        fit, read = BINS[peer]
        fitted = clock.time("bins", lambda: fit(table, target, layout))
        return read(fitted, table, target)
    card = bench_cards(layout.special)[peer]
    clock.time("fit", lambda: card.fit(table, target))
    score = clock.time("score", lambda: card.score(table))
    return {"rows": len(score), "score_mean": float(np.mean(score)),
            "nan": int(np.isnan(score).sum())}  # fmt: skip


def run_drift(peer: str, folder: Path, clock: Clock) -> dict[str, float]:
    """Return the statistic of each column."""
    reference, current = (pd.read_parquet(folder / f"{part}.parquet")
                          for part in ("reference", "current"))  # fmt: skip
    return clock.time("drift", lambda: DRIFT[peer](reference, current))


def main() -> None:
    """Do one task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=["bins", "card", "drift"], required=True)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=2)
    parser.add_argument("--cap-s", type=int, default=600)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    package = chosen.peer.partition("-")[0]
    for name in PARTS.get(package, (package,)):
        import_module(name)
    say(event="ready", import_s=process_age(), version=version(package))
    clock = Clock(calls=chosen.calls, cap_s=chosen.cap_s)
    if chosen.task == "drift":
        found: Any = run_drift(chosen.peer, chosen.data, clock)
    else:
        found = run_loans(chosen.task, chosen.peer, chosen.data, clock)
    say(event="done", **peaks())
    if chosen.out:
        chosen.out.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
