"""From tables of facts to the sorted arrays that the loops of behaviour walk over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fengkong.foundation.errors import InputError
from fengkong.scorecard.features import _facts, _instalments
from fengkong.scorecard.features._windows import Asked

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CLOSING = ("payoff", "settlement")
_AFTER_DEFAULT = ("recovery",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Whom the observations ask about, and how loans lead to them."""

    name: str
    index: pd.Index
    loans: pd.DataFrame | None

    def keyed(self, frame: pd.DataFrame, *, table: str) -> pd.DataFrame:
        """Add ``key_``, the place of the owner among the observed; drop facts of nobody asked."""
        if self.name not in frame.columns:
            if self.loans is None or "loan_id" not in frame.columns:
                raise InputError(
                    f"{table} needs the column {self.name}, or loan_id with a table of loans "
                    f"that says the {self.name} of each"
                )
            frame = _facts.with_owner(frame, self.loans, key=self.name)
        place = self.index.get_indexer(pd.Index(frame[self.name].astype("string")))
        return frame.assign(key_=place.astype(np.int64))[place >= 0].reset_index(drop=True)


def asked_of(observations: Any, *, key: str, loans: Any) -> tuple[Asked, Keys]:
    """Read the observations, and the loans if there are any."""
    frame = _facts.frame_of(observations, (key, "observed_at"), name="observations")
    owner = frame[key].astype("string")
    if owner.isna().any():
        raise InputError(f"observations.{key} is empty in {int(owner.isna().sum())} rows")
    at = _facts.instants(frame["observed_at"], name="observations.observed_at")
    number, index = pd.factorize(owner)
    asked = Asked(number.astype(np.int64), at // _facts.DAY_US, at)
    if loans is not None:
        loans = _facts.frame_of(loans, ("loan_id", key, "recorded_at"), name="loans")
        loans = _facts.stamped(loans, ("loan_id",), date=None, name="loans")
        loans = loans.assign(loan_id=loans["loan_id"].astype("string"))
    return asked, Keys(name=key, index=pd.Index(index), loans=loans)


def facts_of(table: Any, keys: Keys, *, name: str, date: str, identity: str | None) -> pd.DataFrame:
    """Read one table of dated facts: its versions, stamped and keyed."""
    frame = _facts.frame_of(table, (date, "recorded_at"), name=name)
    frame = _facts.stamped(frame, (identity,) if identity else (), date=date, name=name)
    if "loan_id" in frame.columns:
        frame["loan_id"] = frame["loan_id"].astype("string")
    return keys.keyed(frame, table=name)


def payments_of(table: Any, keys: Keys) -> pd.DataFrame:
    """Read payments; a reversal ends the payment it names, from its own date on."""
    name = "payments"
    frame = _facts.frame_of(table, ("paid_on", "recorded_at", "amount"), name=name)
    frame = _facts.stamped(frame, ("payment_id",), date="paid_on", name=name)
    if "kind" not in frame.columns:
        frame["kind"] = "payment"
    frame["kind"] = frame["kind"].astype("string").fillna("payment")
    undone = frame["kind"] == "reversal"
    if undone.any():
        if not {"payment_id", "reverses_payment_id"} <= set(frame.columns):
            raise InputError("a reversal needs payment_id and reverses_payment_id in payments")
        frame = _reversed(frame[~undone], frame[undone])
    frame["amount"] = _facts.numbers(frame["amount"], name="payments.amount")
    if frame["amount"].isna().any():
        raise InputError(f"payments.amount is empty in {int(frame['amount'].isna().sum())} rows")
    if "loan_id" in frame.columns:
        frame["loan_id"] = frame["loan_id"].astype("string")
    return keys.keyed(frame, table=name)


def _reversed(payments: pd.DataFrame, reversals: pd.DataFrame) -> pd.DataFrame:
    """Cut out of each payment's versions the time in which it was known to be reversed.

    What is left are up to two pieces: before the reversal was known, and after the reversal itself
    was corrected away.
    """
    cut = pd.DataFrame(
        {
            "payment_id": reversals["reverses_payment_id"].astype("string"),
            "from_": np.maximum(reversals["known_"], reversals["day_"] * _facts.DAY_US),
            "to_": reversals["until_"],
        }
    )
    # Nullable whole numbers: the instant that never comes does not fit into a float.
    cut = cut[cut["from_"] < cut["to_"]].astype({"from_": "Int64", "to_": "Int64"})
    payments = payments.assign(payment_id=payments["payment_id"].astype("string"))
    while len(cut):
        again = cut.duplicated("payment_id")  # a second reversal is cut from what the first left
        payments = payments.merge(cut[~again], on="payment_id", how="left")
        start = payments.pop("from_").fillna(_facts.NEVER).astype(np.int64)
        end = payments.pop("to_").fillna(_facts.NEVER).astype(np.int64)
        before = payments.assign(until_=np.minimum(payments["until_"], start))
        after = payments.assign(known_=np.maximum(payments["known_"], end))
        payments = pd.concat([before, after], ignore_index=True)
        payments = payments[payments["known_"] < payments["until_"]]
        cut = cut[again]
    return payments.reset_index(drop=True)


def _cents(values: pd.Series, *, name: str) -> NDArray[np.int64]:
    amounts = _facts.numbers(values, name=name)
    if np.isnan(amounts).any():
        raise InputError(f"{name} is empty in {int(np.isnan(amounts).sum())} rows")
    return np.rint(amounts * 100.0).astype(np.int64)


def schedule_of(
    table: Any, payments: pd.DataFrame, keys: Keys
) -> tuple[_instalments.Schedule, _instalments.Receipts]:
    """Read instalments, and sort them and the payments by loan."""
    frame = _facts.frame_of(table, ("loan_id", "due_on", "recorded_at"), name="instalments")
    identity = ("loan_id", "schedule_version", "instalment_number")
    frame = _facts.stamped(frame, identity, date="due_on", name="instalments")
    frame["loan_id"] = frame["loan_id"].astype("string")
    frame = frame.assign(cents_=_due_cents(frame), **_versions(frame))
    frame = keys.keyed(frame[frame["cents_"] > 0], table="instalments")
    loan, paid_loan = _facts.codes(
        frame["key_"].astype("string") + "/" + frame["loan_id"],
        payments["key_"].astype("string") + "/" + payments["loan_id"],
        sort=True,
    )
    order = np.lexsort(
        (frame["until_"], frame["known_"], frame["day_"], frame["version_"], loan, frame["key_"])
    )
    rows = frame.iloc[order]
    column = {name: rows[name].to_numpy(np.int64) for name in _SCHEDULE}
    start = np.searchsorted(column["key_"], np.arange(len(keys.index) + 1))
    loans = int(loan.max()) + 1 if len(loan) else 0
    schedule = _instalments.Schedule(
        start, loan[order], column["day_"], column["effective_"], column["version_"],
        column["known_"], column["until_"], column["cents_"],
    )  # fmt: skip
    return schedule, _receipts(payments, paid_loan, loans)


_SCHEDULE = ("key_", "day_", "effective_", "version_", "known_", "until_", "cents_")


def _due_cents(frame: pd.DataFrame) -> NDArray[np.int64]:
    parts = [
        name
        for name in ("due_amount", "principal_amount", "interest_amount", "fee_amount")
        if name in frame.columns
    ]
    if not parts:
        raise InputError("instalments need due_amount, or principal_amount and interest_amount")
    parts = parts[:1] if parts[0] == "due_amount" else parts
    total = np.zeros(len(frame), dtype=np.int64)
    for name in parts:  # an empty fee is no fee
        total += _cents(frame[name].fillna(0), name=f"instalments.{name}")
    return total


def _versions(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the number of the schedule and the day from which it is in force."""
    long_ago = np.iinfo(np.int64).min
    version = np.zeros(len(frame), dtype=np.int64)
    if "schedule_version" in frame.columns:
        version = frame["schedule_version"].to_numpy(np.int64)
    effective = np.full(len(frame), long_ago)
    if "effective_on" in frame.columns:
        given = frame["effective_on"].notna().to_numpy()
        effective[given] = _facts.days(frame["effective_on"][given], name="effective_on")
    if (effective[version > 0] == long_ago).any():
        raise InputError("a changed schedule (schedule_version above 0) needs effective_on")
    return {"version_": version, "effective_": np.where(version > 0, effective, long_ago)}


def _receipts(payments: pd.DataFrame, loan: NDArray[np.int64], loans: int) -> _instalments.Receipts:
    kind = np.full(len(payments), _instalments.PAY)
    kind[payments["kind"].isin(_CLOSING)] = _instalments.CLOSE
    kind[payments["kind"].isin(_AFTER_DEFAULT)] = _instalments.OTHER
    cents = _cents(payments["amount"], name="payments.amount")
    parts = (payments["day_"], payments["known_"], payments["until_"])
    day, known, until = (part.to_numpy(np.int64) for part in parts)
    order = np.lexsort((until, cents, kind, known, day, loan))
    start = np.searchsorted(loan[order], np.arange(loans + 1))
    return _instalments.Receipts(
        start, day[order], known[order], until[order], cents[order], kind[order]
    )
