"""LendingClub 36-month loans issued April to August 2015, beside an independent pandas count.

The file has no principal; it follows from the instalment: installment x (1 - (1 + r)^-36) / r.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
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
BY = ["grade", "issue_month"]
FILE = "lendingclub_2015_loan_outcomes.csv.gz"


def cents(values: pd.Series) -> pd.Series:
    """Whole cents of computed amounts, half up."""
    return np.floor(values * 100 + 0.5).astype("int64")


def exact_cents(texts: pd.Series) -> pd.Series:
    """Whole cents of amounts as written, half up: 288.585 is a tie, its nearest float is not."""
    return texts.map(lambda text: int((Decimal(text) * 100).quantize(Decimal(1), ROUND_HALF_UP)))


@pytest.fixture(scope="module")
def raw(shared: Path) -> pd.DataFrame:
    as_text = dict.fromkeys(("total_rec_prncp", "recoveries", "collection_recovery_fee"), str)
    frame = pd.read_csv(shared / "data" / FILE, parse_dates=["issue_d"], dtype=as_text)
    rate = frame["int_rate"] / 1200
    frame["principal"] = cents(frame["installment"] * (1 - (1 + rate) ** -36) / rate)
    frame["paid"] = exact_cents(frame["total_rec_prncp"])
    fee = exact_cents(frame["collection_recovery_fee"])
    frame["back"] = exact_cents(frame["recoveries"]) - fee
    frame["off"] = frame["loan_status"] == "Charged Off"
    return frame


@pytest.fixture(scope="module")
def tables(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    book = Book.create(tmp_path_factory.mktemp("lendingclub") / "book")
    now = datetime(2019, 4, 1, tzinfo=UTC)
    report = import_tape(book, [shared / "data" / FILE], format="lendingclub", recorded_at=now)
    assert (report.accepted, report.quarantined) == (119_015, 0)
    with book.view(as_of=date(2019, 12, 31)) as view:
        yield view.table("loans"), view.table("loan_outcomes")


@pytest.fixture(scope="module")
def expected(raw: pd.DataFrame) -> dict[Any, Any]:
    month = raw["issue_d"].dt.to_period("M").dt.start_time.dt.date
    lost = raw.assign(
        issue_month=month,
        lost=(raw["principal"] - raw["paid"]).where(raw["off"], 0),
        back=raw["back"].where(raw["off"], 0),
        off_principal=raw["principal"].where(raw["off"], 0),
    )
    sums = lost.groupby(BY).agg(
        loans=("id", "size"), off=("off", "sum"), principal=("principal", "sum"),
        off_principal=("off_principal", "sum"), lost=("lost", "sum"), back=("back", "sum"),
    )  # fmt: skip
    return sums.to_dict("index")


def test_every_row_is_accounted_for(tables: Any) -> None:
    row = lines(portfolio.charge_off_rate(*tables))[0]
    assert (row["loans"], row["resolved_loans"], row["charged_off_loans"]) == (
        119_015, 119_015, 17_798,
    )  # fmt: skip


def test_charge_off_loss_and_recovery_by_grade_and_issue_month(
    tables: Any, expected: dict[Any, Any]
) -> None:
    rates = lines(portfolio.charge_off_rate(*tables, by=BY))
    losses = lines(portfolio.outcome_loss(*tables, by=BY))
    recoveries = lines(portfolio.outcome_recovery(*tables, by=BY))
    assert [(r["grade"], r["issue_month"]) for r in rates] == sorted(expected)
    for rate, loss, recovery in zip(rates, losses, recoveries, strict=True):
        want = expected[rate["grade"], rate["issue_month"]]
        assert (rate["loans"], rate["charged_off_loans"]) == (want["loans"], want["off"])
        assert rate["count_rate"] == pytest.approx(want["off"] / want["loans"], abs=1e-12)
        assert rate["amount_rate"] == pytest.approx(want["off_principal"] / want["principal"])
        assert loss["resolved_principal_amount"] * 100 == want["principal"]
        assert loss["gross_loss_amount"] * 100 == want["lost"]
        assert loss["net_recovery_amount"] * 100 == want["back"]
        net = (want["lost"] - want["back"]) / want["principal"]
        assert loss["net_loss_rate"] == pytest.approx(net, abs=1e-12)
        assert recovery["recovery_rate"] == pytest.approx(want["back"] / want["lost"], abs=1e-12)
