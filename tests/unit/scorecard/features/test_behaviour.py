"""Behaviour by hand, from a book whose payments were corrected, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fengkong.book.store import Book
from fengkong.foundation.errors import FengkongError, InputError, UnsupportedError
from fengkong.scorecard.features import BehaviourSettings, behaviour, behaviour_of_view

MONEY = pa.decimal128(18, 2)
SETTINGS = BehaviourSettings(windows_days=(30, 90), last_instalments=(2,))


def at(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2024, month, day, hour, tzinfo=UTC)


def asked(*instants: datetime, who: str = "B") -> pd.DataFrame:
    return pd.DataFrame({"borrower_id": [who] * len(instants), "observed_at": list(instants)})


def paid(*rows: tuple[date, float], recorded: datetime | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "borrower_id": "B",
            "loan_id": "L",
            "paid_on": [row[0] for row in rows],
            "amount": [row[1] for row in rows],
            "recorded_at": [
                recorded or datetime.combine(row[0], datetime.min.time(), UTC) for row in rows
            ],
        }
    )


def due(*rows: tuple[int, int, date, float], effective: date | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "borrower_id": "B", "loan_id": "L",
            "schedule_version": [row[0] for row in rows],
            "instalment_number": [row[1] for row in rows],
            "due_on": [row[2] for row in rows],
            "due_amount": [row[3] for row in rows],
            "effective_on": [effective if row[0] else None for row in rows],
            "recorded_at": [at(2, 20) if row[0] else at(1, 1) for row in rows],
        }
    )  # fmt: skip


def test_three_instalments_by_hand():
    """100 due on 31 January, 29 February and 31 March; 100 on 5 February, 60 on 29 February."""
    schedule = due(
        (0, 1, date(2024, 1, 31), 100.0), (0, 2, date(2024, 2, 29), 100.0),
        (0, 3, date(2024, 3, 31), 100.0),
    )  # fmt: skip
    money = paid((date(2024, 2, 5), 100.0), (date(2024, 2, 29), 60.0))
    row = behaviour(asked(at(3, 10)), payments=money, instalments=schedule, settings=SETTINGS)
    found = row.iloc[0]
    # The first was 5 days late, the second is 10 days past due with 40 open; the third is not due.
    assert found["days_past_due"] == 10
    assert found["overdue_amount"] == 40.0
    assert found["days_since_last_late"] == 10
    assert (found["instalment_count_30d"], found["days_late_max_30d"]) == (1, 10)
    assert (found["instalment_count_90d"], found["days_late_mean_90d"]) == (2, 7.5)
    assert found["on_time_share_90d"] == 0.0
    # From 5 to 10 days late within 29 days of due date: 5 / 29 * 30 days in 30.
    assert np.isclose(found["days_late_trend_last_2"], 5 / 29 * 30)
    assert (found["payment_count_30d"], found["payment_amount_90d"]) == (1, 160.0)
    # 60 of 160 came in the newer half (45 days): 2 * 60 / 160 - 1, and both are within 45 days.
    assert found["payment_trend_90d"] == 2 * 160 / 160 - 1
    assert found["payment_days_since_last"] == 10


def test_window_holds_its_first_day_and_not_the_one_before():
    money = paid((date(2024, 3, 2), 1.0), (date(2024, 3, 1), 1.0))
    found = behaviour(asked(at(3, 31)), payments=money, settings=SETTINGS)
    assert found["payment_count_30d"].item() == 1


def test_a_payment_is_unseen_until_the_instant_it_is_recorded():
    money = paid((date(2024, 3, 1), 5.0), recorded=at(3, 4, 9))
    found = behaviour(asked(at(3, 4, 8), at(3, 4, 9)), payments=money, settings=SETTINGS)
    assert found["payment_count_30d"].tolist() == [0, 1]


def test_a_new_schedule_takes_over_on_its_day():
    """What the old schedule left unpaid counts as settled that day; later money pays the new."""
    schedule = pd.concat(
        [
            due((0, 1, date(2024, 1, 31), 100.0), (0, 2, date(2024, 2, 29), 100.0)),
            due((1, 1, date(2024, 3, 20), 50.0), effective=date(2024, 2, 20)),
        ],
        ignore_index=True,
    )
    money = paid((date(2024, 3, 25), 50.0))
    found = behaviour(
        asked(at(2, 19), at(3, 1), at(3, 30)), payments=money, instalments=schedule,
        settings=SETTINGS,
    )  # fmt: skip
    assert found["days_past_due"].tolist() == [19, 0, 0]
    assert found["days_late_max_90d"].tolist() == [19, 20, 20]
    assert found["instalment_count_90d"].tolist() == [1, 1, 2]
    assert found["days_late_max_30d"].tolist() == [19, pytest.approx(np.nan, nan_ok=True), 5]


def test_flows_and_use_of_a_line():
    flows = pd.DataFrame(
        {
            "borrower_id": "B", "amount": [100.0, -30.0, -50.0],
            "moved_on": [date(2024, 3, 1), date(2024, 3, 5), date(2024, 1, 1)],
            "recorded_at": at(1, 1),
        }
    )  # fmt: skip
    balances = pd.DataFrame(
        {
            "borrower_id": "B", "balance_amount": [10.0, 30.0, 40.0, 1.0],
            "limit_amount": [100.0, 100.0, 100.0, None], "recorded_at": at(1, 1),
            "observed_on": [date(2024, 1, 31), date(2024, 2, 29), date(2024, 2, 29),
                            date(2024, 3, 1)],
        }
    )  # fmt: skip
    found = behaviour(asked(at(3, 10)), flows=flows, balances=balances, settings=SETTINGS).iloc[0]
    assert (found["flow_in_amount_30d"], found["flow_out_amount_30d"]) == (100.0, 30.0)
    assert (found["flow_net_amount_90d"], found["flow_count_90d"]) == (20.0, 3)
    assert found["flow_spread_amount_30d"] == 65.0
    # 70 of 200 on 29 February over both lines, 10 of 100 in January.
    assert found["utilisation_last"] == 0.35
    assert found["utilisation_max_90d"] == 0.35
    assert np.isclose(found["utilisation_mean_90d"], 0.225)
    assert np.isclose(found["utilisation_change_90d"], 0.25)
    assert np.isnan(found["utilisation_change_30d"])


def test_nobody_knows_a_stranger():
    found = behaviour(
        asked(at(3, 1), who="stranger"), payments=paid((date(2024, 1, 1), 1.0)), settings=SETTINGS
    ).iloc[0]
    assert found["payment_count_90d"] == 0
    assert np.isnan(found["payment_days_since_last"])


def payments_table(*rows: tuple[str, date, str]) -> pa.Table:
    return pa.table(
        {
            "payment_id": [row[0] for row in rows],
            "loan_id": ["L"] * len(rows),
            "paid_on": [row[1] for row in rows],
            "amount": pa.array([Decimal(row[2]) for row in rows], MONEY),
        }
    )


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = Book.create(tmp_path / "book")
    loans = pa.table(
        {
            "loan_id": ["L"], "borrower_id": ["B"], "currency": ["CNY"],
            "principal_amount": pa.array([Decimal(200)], MONEY),
            "disbursed_on": [date(2024, 1, 1)],
        }
    )  # fmt: skip
    months = pa.table(
        {
            "loan_id": ["L"], "month_end": [date(2024, 2, 29)],
            "outstanding_principal_amount": pa.array([Decimal(150)], MONEY),
        }
    )  # fmt: skip
    events = pa.table(
        {
            "event_id": ["E"], "loan_id": ["L"], "occurred_on": [date(2024, 3, 2)],
            "kind": ["watch"],
        }
    )  # fmt: skip
    first = {"loans": loans, "payments": payments_table(("P", date(2024, 3, 1), "50.00"))}
    second = {"payments": payments_table(("P", date(2024, 3, 20), "50.00")), "loan_months": months,
              "loan_events": events}  # fmt: skip
    made.append(first, recorded_at=at(3, 2), source={}, content_hash="first")
    made.append(second, recorded_at=at(3, 21), source={}, content_hash="second")
    return made


def test_a_view_remembers_what_a_correction_took_away(book):
    """The payment stood on 1 March until 21 March, when it was moved to 20 March."""
    with book.view(as_of=date(2024, 4, 1)) as view:
        found = behaviour_of_view(view, asked(at(3, 1), at(3, 10), at(3, 22)), settings=SETTINGS)
    assert found["payment_count_30d"].tolist() == [0, 1, 1]
    assert found["payment_days_since_last"].tolist()[1:] == [9, 2]
    assert found["event_watch_count_30d"].tolist() == [0, 0, 1]
    assert found["utilisation_last"].tolist()[2] == 0.75
    assert np.isnan(found["utilisation_last"][1])


def test_a_view_refuses_what_it_does_not_see(book, tmp_path):
    with book.view(as_of=date(2024, 3, 5)) as view, pytest.raises(InputError, match="after what"):
        behaviour_of_view(view, asked(at(3, 10)))
    with (
        Book.create(tmp_path / "empty").view(as_of=date(2024, 3, 5)) as view,
        pytest.raises(UnsupportedError, match="loans"),
    ):
        behaviour_of_view(view, asked(at(3, 1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"paid_on": [None]}, "paid_on is empty"),
        ({"recorded_at": [20240101]}, "must hold dates"),
        ({"recorded_at": ["soon"]}, "must hold dates"),
        ({"amount": [None]}, "amount is empty"),
        ({"amount": ["much"]}, "must hold numbers"),
        ({"amount": [float("inf")]}, "infinite"),
        ({"kind": ["reversal"]}, "payment_id"),
    ],
)
def test_refuses_payments_it_cannot_read(change, message):
    money = paid((date(2024, 1, 1), 1.0)).assign(**change)
    with pytest.raises(InputError, match=message):
        behaviour(asked(at(3, 1)), payments=money)


def test_refuses_what_is_not_there():
    with pytest.raises(InputError, match="observations needs the column observed_at"):
        behaviour(pd.DataFrame({"borrower_id": ["B"]}), payments=paid())
    with pytest.raises(InputError, match="at least one table"):
        behaviour(asked(at(3, 1)))
    with pytest.raises(InputError, match="payments with loan_id"):
        behaviour(asked(at(3, 1)), instalments=due())
    with pytest.raises(InputError, match="table of loans"):
        behaviour(asked(at(3, 1)), payments=paid().drop(columns="borrower_id"))


@pytest.mark.parametrize(
    "settings",
    [{"windows_days": (90, 30)}, {"windows_days": ()}, {"last_instalments": (0,)},
     {"late_after_days": -1}],
)  # fmt: skip
def test_refuses_windows_without_sense(settings):
    with pytest.raises(FengkongError):
        BehaviourSettings(**settings)
