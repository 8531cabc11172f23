# ruff: noqa: PLR0917  (Hypothesis hands its arguments by position)
"""Behaviour: a slow answer row by row, and nothing that comes later changes a figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from fengkong.scorecard.features import BehaviourSettings, behaviour

DAY = pd.Timestamp("2024-01-01", tz="UTC")
SETTINGS = BehaviourSettings(
    windows_days=(10, 40), last_instalments=(2,), late_after_days=1, event_kinds=("call", "visit")
)
LOANS = {"L1": "B1", "L2": "B1", "L3": "B2"}

days = st.integers(0, 60)
delays = st.integers(0, 20)
payments_st = st.lists(
    st.fixed_dictionaries(
        {
            "payment_id": st.sampled_from([f"P{n}" for n in range(8)]),
            "loan_id": st.sampled_from(sorted(LOANS)),
            "day": days,
            "delay": delays,
            "amount": st.integers(1, 300).map(lambda cents: cents / 100),
            "kind": st.sampled_from(("payment", "payment", "payment", "recovery", "payoff")),
        }
    ),
    max_size=14,
)
reversals_st = st.lists(
    st.fixed_dictionaries(
        {
            "payment_id": st.sampled_from(("R1", "R2", "R3")),
            "loan_id": st.just("L1"),
            "day": days,
            "delay": delays,
            "reverses_payment_id": st.sampled_from([f"P{n}" for n in range(8)]),
            "kind": st.just("reversal"),
        }
    ),
    max_size=3,
)
instalments_st = st.lists(
    st.fixed_dictionaries(
        {
            "loan_id": st.sampled_from(sorted(LOANS)),
            "instalment_number": st.integers(1, 4),
            "day": days,
            "delay": st.integers(-30, 5),
            "due_amount": st.integers(1, 300).map(lambda cents: cents / 100),
        }
    ),
    max_size=10,
)
events_st = st.lists(
    st.fixed_dictionaries(
        {
            "event_id": st.sampled_from(("E1", "E2", "E3", "E4")),
            "borrower_id": st.sampled_from(("B1", "B2")),
            "day": days,
            "delay": delays,
            "kind": st.sampled_from(("call", "visit")),
        }
    ),
    max_size=8,
)
asked_st = st.lists(
    st.tuples(st.sampled_from(("B1", "B2", "nobody")), st.integers(0, 70)), min_size=1, max_size=4
)


def instant(day: int) -> pd.Timestamp:
    """Return noon of a day: a fact of the day itself, recorded at once, is known by then."""
    return DAY + pd.Timedelta(days=day, hours=12)


def versions(rows: list[dict[str, Any]], date: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Give each row its dates; no two at the same instant, so that their order says nothing."""
    made = [
        {
            **row,
            date: (DAY + pd.Timedelta(days=row["day"])).date(),
            "recorded_at": instant(row["day"] + row["delay"]) - pd.Timedelta(seconds=100 - place),
        }
        for place, row in enumerate(rows)
    ]
    return pd.DataFrame(made, columns=[*columns, date, "recorded_at"])


def tables(payments: Any, instalments: Any, events: Any) -> dict[str, pd.DataFrame]:
    loans = pd.DataFrame(
        {"loan_id": list(LOANS), "borrower_id": list(LOANS.values()),
         "recorded_at": [instant(-100)] * len(LOANS)}
    )  # fmt: skip
    paid = ("payment_id", "loan_id", "amount", "kind", "reverses_payment_id")
    due = ("loan_id", "schedule_version", "instalment_number", "due_amount")
    instalments = [{**row, "schedule_version": 0} for row in instalments]
    return {
        "loans": loans,
        "payments": versions(payments, "paid_on", paid),
        "instalments": versions(instalments, "due_on", due),
        "events": versions(events, "occurred_on", ("event_id", "borrower_id", "kind")),
    }


def features(asked: Any, facts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    observations = pd.DataFrame(
        {"borrower_id": [who for who, _ in asked], "observed_at": [instant(d) for _, d in asked]}
    )
    return behaviour(observations, **facts, settings=SETTINGS)


def seen(table: pd.DataFrame, key: list[str], at: pd.Timestamp) -> list[dict[str, Any]]:
    """Return the version of each fact that held at an instant."""
    known = table[table["recorded_at"] <= at].sort_values("recorded_at")
    return known.drop_duplicates(key, keep="last").to_dict("records")


def slow_payments(who: str, at: pd.Timestamp, table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = [row for row in seen(table, ["payment_id"], at) if row["paid_on"] <= at.date()]
    undone = {row["reverses_payment_id"] for row in rows if row["kind"] == "reversal"}
    return [
        row
        for row in rows
        if row["kind"] != "reversal"
        and row["payment_id"] not in undone
        and LOANS[row["loan_id"]] == who
    ]


def slow_late(who: str, at: pd.Timestamp, facts: Any) -> list[tuple[Any, int, int]]:
    """Return due day, days late and unpaid cents of each instalment due."""
    paid = slow_payments(who, at, facts["payments"])
    due = seen(facts["instalments"], ["loan_id", "schedule_version", "instalment_number"], at)
    found = []
    for loan in (loan for loan, owner in LOANS.items() if owner == who):
        mine = [row for row in paid if row["loan_id"] == loan and row["kind"] != "recovery"]
        closed = min((row["paid_on"] for row in mine if row["kind"] == "payoff"), default=None)
        rows = [row for row in due if row["loan_id"] == loan and row["due_on"] <= at.date()]
        needed = 0
        for row in sorted(rows, key=lambda row: (row["due_on"], row["recorded_at"])):
            needed += round(row["due_amount"] * 100)
            money, full_on = 0, None
            for one in sorted(mine, key=lambda one: one["paid_on"]):
                if one["kind"] == "payoff":
                    full_on = full_on or (one["paid_on"] if one["paid_on"] == closed else None)
                    continue
                if closed is not None and one["paid_on"] > closed:
                    continue
                money += round(one["amount"] * 100)
                if money >= needed and full_on is None:
                    full_on = one["paid_on"]
            if closed is not None and row["due_on"] > closed and (money < needed):
                break
            if full_on is None:
                open_cents = min(needed - money, round(row["due_amount"] * 100))
                found.append((row["due_on"], (at.date() - row["due_on"]).days, open_cents))
            else:
                found.append((row["due_on"], max((full_on - row["due_on"]).days, 0), 0))
    return found


@given(asked_st, payments_st, reversals_st, events_st)
def test_payments_and_events_equal_a_row_by_row_answer(asked, payments, reversals, events):
    facts = tables(payments + reversals, [], events)
    found = features(asked, facts)
    for place, (who, day) in enumerate(asked):
        at, row = instant(day), found.iloc[place]
        mine = slow_payments(who, at, facts["payments"])
        calls = [
            one for one in seen(facts["events"], ["event_id"], at)
            if one["borrower_id"] == who and one["kind"] == "call"
            and one["occurred_on"] <= at.date()
        ]  # fmt: skip
        for window in SETTINGS.windows_days:
            amounts = [r["amount"] for r in mine if (at.date() - r["paid_on"]).days < window]
            assert row[f"payment_count_{window}d"] == len(amounts)
            assert np.isclose(row[f"payment_amount_{window}d"], sum(amounts))
            top = row[f"payment_amount_max_{window}d"]
            assert top == max(amounts) if amounts else np.isnan(top)
            volatility = row[f"payment_volatility_{window}d"]
            if len(amounts) > 1:
                assert np.isclose(volatility, np.std(amounts) / np.mean(amounts), atol=1e-12)
            else:
                assert np.isnan(volatility)
            count = sum((at.date() - one["occurred_on"]).days < window for one in calls)
            assert row[f"event_call_count_{window}d"] == count
        since = [(at.date() - r["paid_on"]).days for r in mine]
        last = row["payment_days_since_last"]
        assert last == min(since) if since else np.isnan(last)


@given(asked_st, payments_st, instalments_st)
def test_lateness_equals_a_walk_over_cumulated_amounts(asked, payments, instalments):
    # Two payments of a day may be told apart by a payoff between them: leave those days out.
    shut = {(row["loan_id"], row["day"]) for row in payments if row["kind"] == "payoff"}
    payments = [
        row for row in payments
        if row["kind"] == "payoff" or (row["loan_id"], row["day"]) not in shut
    ]  # fmt: skip
    facts = tables(payments, instalments, [])
    found = features(asked, facts)
    for place, (who, day) in enumerate(asked):
        at, row = instant(day), found.iloc[place]
        late = slow_late(who, at, facts)
        assert np.isclose(row["overdue_amount"], sum(cents for *_, cents in late) / 100)
        overdue = [(at.date() - due).days for due, _, cents in late if cents]
        assert row["days_past_due"] == max(overdue, default=0)
        for window in SETTINGS.windows_days:
            part = [days for due, days, _ in late if (at.date() - due).days < window]
            assert row[f"instalment_count_{window}d"] == len(part)
            if part:
                assert row[f"days_late_max_{window}d"] == max(part)
                assert np.isclose(row[f"days_late_mean_{window}d"], np.mean(part))
                on_time = np.mean([days <= SETTINGS.late_after_days for days in part])
                assert np.isclose(row[f"on_time_share_{window}d"], on_time)
            else:
                assert np.isnan(row[f"days_late_max_{window}d"])


@given(
    asked_st, payments_st, reversals_st, instalments_st, events_st,
    payments_st, reversals_st, instalments_st, events_st, st.booleans(), st.randoms(),
)  # fmt: skip
def test_later_facts_change_nothing(
    asked, payments, reversals, instalments, events,
    more_payments, more_reversals, more_instalments, more_events, late_record, random,
):  # fmt: skip
    """Later versions of the same facts, later facts and other orders: the same to the last bit."""
    last = max(day for _, day in asked)

    def later(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if late_record:  # dated in the past, recorded after the last observation
            return [{**row, "delay": last + 1 - row["day"] + abs(row["delay"])} for row in rows]
        moved = [{**row, "day": last + 1 + row["day"], "delay": 0} for row in rows]
        for row in moved:  # dated and recorded later: a new fact, as its date is not known yet
            row |= {name: f"{row[name]}+" for name in ("payment_id", "event_id") if name in row}
        return [{**row, "instalment_number": 9} if "due_amount" in row else row for row in moved]

    facts = tables(payments + reversals, instalments, events)
    before = features(asked, facts)
    extra = tables(
        later(more_payments + more_reversals), later(more_instalments), later(more_events)
    )
    added = {
        name: pd.concat([facts[name], extra[name]]).sample(
            frac=1, random_state=random.getrandbits(31)
        )
        for name in ("payments", "instalments", "events")
    }
    after = features(asked, {**added, "loans": facts["loans"]})
    pd.testing.assert_frame_equal(before, after, check_exact=True)
