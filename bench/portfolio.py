"""Measures of a loan portfolio: Fengkong beside pandas and beside a bare group-by, in one run.

Each side runs in a process of its own, so that peak memory is its own, starts from the same Parquet
facts and makes what its measures read once ("prepare": we read the month-ends into memory, the peer
builds its panel). Of ours the first call of a measure counts, of the peer's the better of two. Both
sides run in turn, three rounds of new processes; of each side the fastest round is shown, so that
other work on the machine decides less. The figures of both sides are compared. "bare" is a DuckDB
group-by over the columns of the panel's rows that the measure reads.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
# name in the peer -> (our measure, its parameters, keys and amounts of the bare group-by)
PAIRS: dict[str, tuple[str, dict[str, Any], list[str], list[str]]] = {
    "bucket balances": (
        "bucket_balance", {}, ["month_end", "state"], ["outstanding_principal_amount"]),
    "vintage, ever over 30": (
        "vintage_ever", {}, ["cohort_month", "months_on_book"],
        ["first_over_30_amount", "disbursed_amount"]),
    "vintage, point in time over 30": (
        "vintage_point_in_time", {}, ["cohort_month", "months_on_book"],
        ["exposure_amount", "disbursed_amount"]),
    "transition matrix": (
        "transition", {}, ["opening_state", "state"], ["opening_principal_amount"]),
    "flow rates": ("flow_rate", {}, ["month_end", "state"], ["outstanding_principal_amount"]),
    "over 30 by month, grade, region": (
        "over_30", {"by": ["grade", "region"]}, ["month_end", "grade", "region"],
        ["outstanding_principal_amount"]),
    "prepayment": (
        "prepayment", {}, ["month_end"],
        ["opening_principal_amount", "paid_principal_amount", "scheduled_principal_amount"]),
    "concentration by borrower": (
        "concentration", {}, ["borrower_id"], ["outstanding_principal_amount"]),
}  # fmt: skip


def timed(function: Any) -> tuple[float, Any]:
    """Return seconds and result."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def peak_gib() -> float:
    """Peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def warm_up(folder: Path) -> None:
    """Load what is imported and compiled at first use, as the peer's pandas is before its clock."""
    path, _ = make_book(folder, 200, 12)
    measure_all(path, last_month_end(path))


def measure_all(book_path: Path, as_of: date) -> tuple[dict[str, float], dict[str, Any]]:
    """Return seconds and figures of each step; each measure is called once."""
    import fengkong.portfolio  # noqa: F401  registers the measures
    from fengkong.book.store import Book
    from fengkong.formula.measures import measure

    seconds: dict[str, float] = {}
    figures: dict[str, Any] = {}
    with Book.open(book_path).view(as_of=as_of) as view:
        seconds["prepare"], _ = timed(view.history)
        for name, (key, parameters, _, _) in PAIRS.items():

            def answer(key: str = key, parameters: Any = parameters) -> Any:
                return measure(key).answer(view, **parameters).to_pyarrow()

            seconds[name], figures[name] = timed(answer)
    return seconds, figures


def run_ours(book_path: Path, as_of: date, figures_at: Path) -> dict[str, Any]:
    """Time the measures, then each bare group-by over the rows of the panel."""
    from fengkong.book.store import Book
    from fengkong.formula.measures import measure

    with tempfile.TemporaryDirectory() as folder:
        warm_up(Path(folder))
    shutil.rmtree(book_path / "derived", ignore_errors=True)  # what a round before has kept
    seconds, figures = measure_all(book_path, as_of)
    peak = peak_gib()
    frames = {name: table.to_pandas() for name, table in figures.items()}
    pd.to_pickle(frames, figures_at / "ours.pickle")
    bare: dict[str, float] = {}
    with Book.open(book_path).view(as_of=as_of) as view:
        written, _ = timed(view.derive)
        rows = int(view.panel().count().execute())
        for name, (key, _, groups, amounts) in PAIRS.items():
            source = view.get(measure(key).needs[0])

            def least(source: Any = source, groups: Any = groups, amounts: Any = amounts) -> Any:
                sums = {f"sum_{column}": source[column].sum() for column in amounts}
                return source.group_by(groups).aggregate(rows=source.count(), **sums).to_pyarrow()

            bare[name] = min(timed(least)[0] for _ in range(2))
    return {
        "seconds": seconds, "bare": bare, "rows": rows, "peak_gib": peak, "rows_written_s": written,
    }  # fmt: skip


def run_peer(book_path: Path, figures_at: Path) -> dict[str, Any]:
    """Build the peer's panel once, then time each of its measures, the better of two runs each."""
    from bench import peer_pandas

    months = sorted(book_path.glob("batches/*/loan_months/*.parquet"))
    loans = sorted(book_path.glob("batches/*/loans/*.parquet"))
    seconds: dict[str, float] = {}
    figures: dict[str, Any] = {}
    seconds["prepare"], panel = timed(lambda: peer_pandas.build_panel(months, loans))
    for name, function in peer_pandas.MEASURES.items():
        runs = [timed(lambda function=function: function(panel)) for _ in range(2)]  # type: ignore[misc]
        seconds[name], figures[name] = min(run[0] for run in runs), runs[0][1]
    pd.to_pickle(figures, figures_at / "peer.pickle")
    return {"seconds": seconds, "rows": len(panel), "peak_gib": peak_gib()}


def compare(figures_at: Path) -> None:
    """Stop where a figure of the two sides differs."""
    from bench.same_figures import differences

    ours, peer = (
        pd.read_pickle(figures_at / f"{side}.pickle")  # noqa: S301  written a moment ago
        for side in ("ours", "peer")
    )
    found = [text for name in PAIRS if (text := differences(name, ours[name], peer[name]))]
    if found:
        raise SystemExit("the two sides do not agree:\n" + "\n".join(found))


def in_process(side: str, book_path: Path, as_of: date, figures_at: Path) -> dict[str, Any]:
    """Run one side in its own process and read its answer."""
    command = [sys.executable, __file__, "--side", side, "--book", str(book_path),
               "--as-of", as_of.isoformat(), "--figures", str(figures_at)]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def total(result: dict[str, Any]) -> float:
    """Return the seconds of all steps."""
    return sum(result["seconds"].values())


def make_book(folder: Path, loans: int, months: int) -> tuple[Path, float]:
    """Simulate a book of ``loans`` loans without payments."""
    from fengkong.book.simulate import simulate

    path = folder / f"book-{loans}"
    seconds, _ = timed(
        lambda: simulate(
            path, borrowers=loans * 6 // 10, loans=loans, months=months, seed=1, payments=False
        )
    )
    return path, seconds


def table(results: dict[int, dict[str, Any]]) -> str:
    """Write the table of the largest size and the growth over sizes, in Markdown."""
    largest = max(results)
    ours, peer = results[largest]["ours"], results[largest]["peer"]
    lines = [
        f"{largest:,} loans, {peer['rows']:,} loan-months of facts; all figures of both sides are "
        f"equal. Writing all {ours['rows']:,} panel rows, states and exposures, which these do "
        f"not need: {ours['rows_written_s']:.1f} s.",
        "",
        "| step | Fengkong s | pandas s | pandas / ours | bare group-by s | ours / bare |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, seconds in ours["seconds"].items():
        other, bare = peer["seconds"][name], ours["bare"].get(name)
        least = f"{bare:.3f} | {seconds / bare:.1f}" if bare else "| "
        lines.append(f"| {name} | {seconds:.3f} | {other:.3f} | {other / seconds:.1f} | {least} |")
    mine, its = total(ours), total(peer)
    lines.append(f"| **all** | {mine:.2f} | {its:.2f} | {its / mine:.1f} | | |")
    lines += ["", "| loans | simulate s | ours s | peer s | ours peak GiB | peer peak GiB |",
              "|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
    for size, result in sorted(results.items()):
        mine, its = result["ours"], result["peer"]
        lines.append(
            f"| {size:,} | {result['simulate']:.1f} | {total(mine):.2f} | "
            f"{total(its):.2f} | {mine['peak_gib']:.2f} | {its['peak_gib']:.2f} |"
        )
    smallest = min(results)
    if smallest != largest:
        growth = math.log(total(ours) / total(results[smallest]["ours"])) / math.log(
            largest / smallest
        )
        lines.append(f"\nCost grows as n^{growth:.2f} from {smallest:,} to {largest:,} loans.")
    return "\n".join(lines)


def main() -> None:
    """Run all sizes, print the table, and keep the figures as JSON when asked."""
    parser = argparse.ArgumentParser(prog="fk bench portfolio", description=__doc__)
    parser.add_argument("--loans", type=int, nargs="+", default=[125_000, 1_000_000])
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--rounds", type=int, default=3, help="both sides in turn, so often")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--folder", type=Path, help="where the books go (default: a temporary one)")
    parser.add_argument("--side", choices=["ours", "peer"], help=argparse.SUPPRESS)
    parser.add_argument("--book", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--figures", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--as-of", type=date.fromisoformat, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        side = (
            run_peer(options.book, options.figures)
            if options.side == "peer"
            else run_ours(options.book, options.as_of, options.figures)
        )
        print(json.dumps(side))
        return
    results: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for loans in options.loans:
            path, seconds = make_book(Path(folder), loans, options.months)
            as_of = last_month_end(path)
            rounds = [
                {side: in_process(side, path, as_of, Path(folder)) for side in ("ours", "peer")}
                for _ in range(options.rounds)
            ]
            compare(Path(folder))
            results[loans] = {"simulate": seconds} | {
                side: min((one[side] for one in rounds), key=total) for side in ("ours", "peer")
            }
            print(table({loans: results[loans]}), flush=True)
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def last_month_end(path: Path) -> date:
    """Return the last month-end that the book has facts about."""
    from fengkong.book.store import Book

    return max(
        manifest.business_date_max
        for batch in Book.open(path).batches()
        for name, manifest in batch.tables.items()
        if name == "loan_months" and manifest.business_date_max
    )


if __name__ == "__main__":
    main()
