"""The order in which batches arrive changes nothing once all are known."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from fengkong.book.store import Book

START = datetime(2024, 1, 1, tzinfo=UTC)
JANUARY = date(2024, 1, 1)
MONEY = pa.decimal128(18, 2)

facts = st.tuples(st.sampled_from("ABCD"), st.integers(0, 60), st.integers(1, 999))
loads = st.lists(st.lists(facts, min_size=1, max_size=4, unique_by=lambda fact: fact[0]),
                 min_size=2, max_size=4)  # fmt: skip


def tables_of(load: list[tuple[str, int, int]]) -> dict[str, pa.Table]:
    return {
        "payments": pa.table(
            {
                "payment_id": [name for name, _, _ in load],
                "loan_id": ["L"] * len(load),
                "paid_on": [JANUARY + timedelta(days) for _, days, _ in load],
                "amount": pa.array([Decimal(cents) / 100 for _, _, cents in load], MONEY),
            }
        )
    }


def by_hand(batches, as_of: date, known_at: datetime) -> dict[str, tuple[date, Decimal]]:
    """Say what is seen, in the plainest way: later knowledge overwrites, then the date cuts."""
    known: dict[str, tuple[date, Decimal]] = {}
    for number, load in enumerate(batches):
        if START + timedelta(hours=number) <= known_at:
            for name, days, cents in load:
                known[name] = (JANUARY + timedelta(days), Decimal(cents) / 100)
    return {name: row for name, row in known.items() if row[0] <= as_of}


@settings(max_examples=25)
@given(loads, st.randoms(use_true_random=False), st.integers(0, 60), st.integers(0, 4))
def test_order_of_arrival_changes_nothing(batches, chance, days, hours):
    as_of, known_at = JANUARY + timedelta(days), START + timedelta(hours=hours)
    order = list(range(len(batches)))
    chance.shuffle(order)
    with tempfile.TemporaryDirectory() as folder:
        book = Book.create(Path(folder) / "book", key=bytes(32))
        for number in order:
            book.append(
                tables_of(batches[number]),
                recorded_at=START + timedelta(hours=number),
                source={},
                content_hash=str(number),
            )
        with book.view(as_of=as_of, known_at=known_at) as view:
            rows = view.table("payments").to_pyarrow().to_pylist()
    assert len(rows) == len({row["payment_id"] for row in rows})
    found = {row["payment_id"]: (row["paid_on"], row["amount"]) for row in rows}
    assert found == by_hand(batches, as_of, known_at)
