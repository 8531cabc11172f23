"""The Taiwan card panel (UCI 350): transition matrices beside an independent pandas count.

Six months, April to September 2005, of 30,000 accounts. PAY_n of k > 0 means k months late: the
door has to put it into bucket Mk; -2, -1 and 0 are current.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.unit.portfolio.panel_maker import lines

from fengkong import portfolio
from fengkong.book.importers import import_tape
from fengkong.book.store import Book

pytestmark = pytest.mark.shared
# Suffix 1 is September 2005, 6 is April.
MONTH_ENDS = [date(2005, 4, 30), date(2005, 5, 31), date(2005, 6, 30), date(2005, 7, 31),
              date(2005, 8, 31), date(2005, 9, 30)]  # fmt: skip
FILE = "taiwan_credit_card_default.csv.gz"


@pytest.fixture(scope="module")
def raw(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "data" / FILE)


@pytest.fixture(scope="module")
def panel(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    book = Book.create(tmp_path_factory.mktemp("taiwan") / "book")
    now = datetime(2006, 1, 1, tzinfo=UTC)
    report = import_tape(book, [shared / "data" / FILE], format="taiwan", recorded_at=now)
    assert (report.accepted, report.quarantined) == (30_000, 0)
    with book.view(as_of=date(2005, 9, 30)) as view:
        yield view.panel()


def independent(raw: pd.DataFrame) -> tuple[dict[Any, int], dict[Any, int]]:
    """Count pairs and opening balance straight from the wide file."""
    code = np.array(["C", *[f"M{n}" for n in range(1, 8)], "M7"])
    pairs, balances = [], []
    for n in range(6, 1, -1):
        before = code[raw[f"PAY_{n}"].clip(lower=0)]
        after = code[raw[f"PAY_{n - 1}"].clip(lower=0)]
        pairs.append(pd.DataFrame({"before": before, "after": after}))
        balances.append(raw[f"BILL_AMT{n}"].clip(lower=0).astype("int64"))
    frame = pd.concat(pairs).assign(balance=pd.concat(balances).to_numpy())
    sums = frame.groupby(["before", "after"])["balance"].agg(["size", "sum"])
    return sums["size"].to_dict(), sums["sum"].to_dict()


def test_every_account_month_is_there(panel: Any) -> None:
    counted = panel.aggregate(rows=panel.count(), loans=panel.loan_id.nunique()).to_pyarrow()
    assert counted.to_pylist() == [{"rows": 180_000, "loans": 30_000}]


def test_transition_matrix(raw: pd.DataFrame, panel: Any) -> None:
    counts, balances = independent(raw)
    found = [row for row in lines(portfolio.transition(panel)) if row["loans"]]
    assert {(r["opening_state"], r["state"]): r["loans"] for r in found} == counts
    assert {
        (r["opening_state"], r["state"]): int(r["opening_principal_amount"]) for r in found
    } == balances
    assert sum(counts.values()) == 150_000
    rows = pd.Series(counts).groupby(level=0).sum()
    for row in found:
        pair = (row["opening_state"], row["state"])
        assert row["count_rate"] == pytest.approx(counts[pair] / rows[pair[0]], abs=1e-12)


def test_bucket_balances(raw: pd.DataFrame, panel: Any) -> None:
    found = {(r["month_end"], r["bucket"]): r for r in lines(portfolio.bucket_balance(panel))}
    for day, n in zip(MONTH_ENDS, range(6, 0, -1), strict=True):
        late = raw[f"PAY_{n}"].clip(lower=0, upper=7)
        bill = raw[f"BILL_AMT{n}"].clip(lower=0)
        for months in range(8):
            row = found[day, f"M{months}" if months else "C"]
            assert row["loans"] == int((late == months).sum())
            assert row["outstanding_principal_amount"] == int(bill[late == months].sum())
