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


def main(rows: int = 10_000_000) -> dict[str, Any]:
    """Time both on the same file; print and return seconds and the ratio of their speeds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "loans.csv"
        _write(path, rows)
        start = time.perf_counter()
        connection = ibis.duckdb.connect()
        connection.read_csv(str(path)).to_parquet(folder / "copy.parquet")
        copy = time.perf_counter() - start
        connection.disconnect()
        book = Book.create(folder / "book")
        start = time.perf_counter()
        report = import_tape(
            book, [path], format="mapping", recorded_at=datetime(2026, 1, 1, tzinfo=UTC)
        )
        ours = time.perf_counter() - start
        result = {
            "rows": rows,
            "accepted": report.accepted,
            "duckdb_copy_s": round(copy, 2),
            "import_s": round(ours, 2),
            "share_of_copy_speed": round(copy / ours, 3),
        }
    for key, value in result.items():
        print(f"{key:>20} {value}")
    return result


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
