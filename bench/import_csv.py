"""Import of a wide CSV beside DuckDB's own CSV-to-Parquet copy, in one run."""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from fengkong.book.importers import import_tape
from fengkong.book.store import Book

_PART = 500_000


def _write(path: Path, rows: int) -> None:
    """Write loans with 20 columns, seeded."""
    random = np.random.default_rng(7)
    for start in range(0, rows, _PART):
        n = min(_PART, rows - start)
        number = pd.Series(np.arange(start, start + n)).astype(str).str.zfill(9)
        day = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 1500, n), "D")
        frame = pd.DataFrame({
            "loan_id": "L" + number, "borrower_id": "B" + number, "currency": "CNY",
            "principal_amount": random.integers(100_000, 9_000_000, n) / 100,
            "rate_annual": random.integers(100, 3600, n) / 10_000,
            "term_months": random.choice([6, 12, 24, 36], n), "method": "equal_instalment",
            "day_count": "30/360", "disbursed_on": day, "first_due_on": day + pd.Timedelta(days=31),
            "due_day": random.integers(1, 29, n), "grace_days": 3,
            "upfront_fee_amount": random.integers(0, 9000, n) / 100, "instalment_fee_amount": 0.0,
            "product": random.choice(["cash", "car", "shop"], n),
            "grade": random.choice(list("ABCDEFG"), n),
            "channel": random.choice(["app", "web", "partner"], n),
            "region": random.choice(["京", "沪", "粤", "川"], n), "purpose": "other",
            "partner_id": random.choice(["P1", "P2", "P3"], n),
        })  # fmt: skip
        frame.to_csv(path, index=False, header=start == 0, mode="a")


def _copy(path: Path, folder: Path) -> float:
    """Return the seconds of DuckDB's own copy."""
    start = time.perf_counter()
    connection = ibis.duckdb.connect()
    connection.read_csv(str(path)).to_parquet(folder / "copy.parquet")
    seconds = time.perf_counter() - start
    connection.disconnect()
    return seconds


def _import(path: Path, folder: Path) -> tuple[float, int]:
    """Return the seconds of an import into a new book, and the rows accepted."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        book = Book.create(Path(place) / "book")
        start = time.perf_counter()
        report = import_tape(
            book, [path], format="mapping", recorded_at=datetime(2026, 1, 1, tzinfo=UTC)
        )
        return time.perf_counter() - start, report.accepted


def main(rows: int = 10_000_000, rounds: int = 3) -> dict[str, Any]:
    """Time both in turn on the same file; print and return the best of each and their ratio.

    Others on the machine can only make a round slower, so the best of a few is the figure.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "loans.csv"
        _write(path, rows)
        timed = [(_copy(path, folder), *_import(path, folder)) for _ in range(rounds)]
    copies, imports = [one[0] for one in timed], [one[1] for one in timed]
    result = {
        "rows": rows,
        "accepted": timed[0][2],
        "duckdb_copy_s": [round(one, 2) for one in copies],
        "import_s": [round(one, 2) for one in imports],
        "share_of_copy_speed": round(min(copies) / min(imports), 3),
    }
    for key, value in result.items():
        print(f"{key:>20} {value}")
    return result


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
