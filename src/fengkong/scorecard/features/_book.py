"""The tables of a view of the book, in all their versions, as the features want them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fengkong.book.schema import TABLES
from fengkong.foundation.errors import InputError, UnsupportedError
from fengkong.scorecard.features import _facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fengkong.book.view import View

TIE_COLUMNS = {
    "phone": "phone_number",
    "email": "email_address",
    "address": "postal_address",
    "bank_account": "bank_account",
}


def check_seen(view: View, at: NDArray[np.int64]) -> None:
    """Refuse observations after the day or the instant up to which the view sees."""
    if not len(at):
        return
    last = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(at.max()))
    end = datetime.combine(view.as_of, time.max, UTC)
    if view.known_at is not None:
        end = min(end, view.known_at)
    if last > end:
        raise InputError(
            f"an observation at {last.isoformat()} lies after what the view sees: "
            f"it ends at {end.isoformat()}"
        )


def versions(view: View, name: str, columns: list[str]) -> pd.DataFrame:
    """Return all versions of a fact table in pandas, the later of equal instants last."""
    source = view.versions(name)
    wanted = list(dict.fromkeys([*TABLES[name].key, *columns]))
    frame = source.select(*wanted, "recorded_at", "batch_id").execute()
    return frame.sort_values(["recorded_at", "batch_id"], kind="stable", ignore_index=True)


def behaviour_tables(view: View) -> dict[str, Any]:
    """Return the tables that `behaviour` takes, as far as the view has rows of them."""
    loans = versions(view, "loans", ["borrower_id", "principal_amount"])
    if not len(loans):
        raise UnsupportedError("behaviour of borrowers", ("loans with their borrower_id",))
    found: dict[str, Any] = {"loans": loans}
    columns = ["loan_id", "paid_on", "kind", "amount", "reverses_payment_id"]
    payments = versions(view, "payments", columns)
    if len(payments):
        found["payments"] = payments
        instalments = versions(
            view,
            "instalments",
            ["effective_on", "due_on", "principal_amount", "interest_amount", "fee_amount"],
        )
        if len(instalments):
            found["instalments"] = instalments
    events = versions(view, "loan_events", ["loan_id", "occurred_on", "kind"])
    if len(events):
        found["events"] = events
    flows = versions(view, "cash_movements", ["moved_on", "party_id", "amount"])
    if len(flows):
        found["flows"] = flows.rename(columns={"party_id": "borrower_id"})
    months = versions(view, "loan_months", ["outstanding_principal_amount"])
    if len(months):
        found["balances"] = _balances(months, loans)
    return found


def _balances(months: pd.DataFrame, loans: pd.DataFrame) -> pd.DataFrame:
    """Join each version of a month-end with the versions of its loan's principal."""
    rows = _facts.stamped(months, ("loan_id", "month_end"), date=None, name="loan_months")
    owner = _facts.stamped(loans, ("loan_id",), date=None, name="loans")
    rows = _facts.with_owner(rows, owner, key="principal_amount")
    ends = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")
    ended = rows["until_"] != _facts.NEVER
    ends[ended] = pd.to_datetime(rows["until_"][ended], unit="us", utc=True)
    return pd.DataFrame(
        {
            "loan_id": rows["loan_id"],
            "observed_on": rows["month_end"],
            "recorded_at": pd.to_datetime(rows["known_"], unit="us", utc=True),
            "replaced_at": ends,
            "balance_amount": rows["outstanding_principal_amount"],
            "limit_amount": rows["principal_amount"],
        }
    )


def tie_tables(view: View) -> dict[str, pd.DataFrame]:
    """Return the ties a view knows: tokens of parties, and who guarantees or borrows with whom."""
    parties = versions(view, "parties", list(TIE_COLUMNS.values()))
    owner = versions(view, "loans", ["borrower_id"])
    with_others = versions(view, "loan_parties", [])
    with_others = with_others[with_others["role"].isin(("co_borrower", "guarantor"))]
    with_others = with_others.rename(columns={"role": "kind"})
    guarantees = versions(view, "guarantees", ["loan_id", "guarantor_id"])
    guarantees = guarantees.rename(columns={"guarantor_id": "party_id"}).assign(kind="guarantor")
    pieces = [
        parties[["party_id", "recorded_at"]].assign(kind=kind, token=parties[column])
        for kind, column in TIE_COLUMNS.items()
    ]
    columns = ["loan_id", "party_id", "kind", "recorded_at"]
    others = pd.concat([with_others[columns], guarantees[columns]], ignore_index=True)
    joined = others.merge(
        owner[["loan_id", "borrower_id", "recorded_at"]], on="loan_id", suffixes=("", "_loan")
    )
    known = joined[["recorded_at", "recorded_at_loan"]].max(axis=1)
    for side in ("borrower_id", "party_id"):  # the other party is itself tied by its own name
        piece = pd.DataFrame({"party_id": joined[side], "recorded_at": known})
        pieces.append(piece.assign(kind=joined["kind"], token=joined["party_id"]))
    ties = pd.concat(pieces, ignore_index=True).dropna(subset=["party_id", "token"])
    found = {"ties": ties.rename(columns={"party_id": "borrower_id"})}
    history = versions(view, "applications", ["party_id", "applied_on"])
    history = history.dropna(subset=["party_id"])
    if len(history):
        day = pd.to_datetime(history["applied_on"], utc=True)
        at = history["recorded_at"].where(history["recorded_at"] > day, day)
        found["history"] = pd.DataFrame({"borrower_id": history["party_id"], "applied_at": at})
    return found
