"""Features of behaviour: what a borrower had done by an instant, and was known to have done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.features import _facts, _instalments, _prepare, _windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fengkong.book.view import View
    from fengkong.scorecard.features._windows import Asked

_TABLES = ("payments", "instalments", "events", "flows", "balances")


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourSettings:
    """Which windows the features look at.

    Attributes
    ----------
    windows_days : tuple of int
        Lengths in days, rising; a window of 30 holds the day of observation and 29 before.
    last_instalments : tuple of int
        Numbers of instalments counted back from the day of observation; may be empty.
    late_after_days : int
        An instalment paid at most so many days after its due date was on time.
    event_kinds : tuple of str or None
        Kinds of events to count, a column each. None: the kinds in the table of events, which is
        itself something that is only known later: name them for a model that will be used again.
    """

    windows_days: tuple[int, ...] = (30, 90, 180, 365)
    last_instalments: tuple[int, ...] = (3, 6, 12)
    late_after_days: int = 0
    event_kinds: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("windows_days", "last_instalments"):
            values = getattr(self, name)
            if any(value < 1 for value in values) or list(values) != sorted(set(values)):
                raise InputError(f"{name} must be rising whole numbers from 1; got {values}")
        if not self.windows_days:
            raise InputError("windows_days must name at least one window")
        if self.late_after_days < 0:
            raise OutOfRangeError(
                name="late_after_days", value=self.late_after_days, allowed="[0, inf)"
            )


def behaviour(
    observations: Any,
    *,
    payments: Any = None,
    instalments: Any = None,
    events: Any = None,
    flows: Any = None,
    balances: Any = None,
    loans: Any = None,
    key: str = "borrower_id",
    settings: BehaviourSettings | None = None,
) -> pd.DataFrame:
    """Return features of behaviour, one row an observation, in the order of the observations.

    Parameters
    ----------
    observations : table of shape (n_observations, ...)
        ``key`` and ``observed_at`` (an instant; without a zone it is UTC).
    payments : table, optional
        paid_on, recorded_at, amount; also payment_id, kind, reverses_payment_id as in the book.
    instalments : table, optional
        loan_id, due_on, recorded_at and due_amount, or principal_amount, interest_amount and
        fee_amount; also schedule_version, instalment_number, effective_on. Needs payments.
    events : table, optional
        occurred_on, recorded_at, kind; also event_id.
    flows : table, optional
        moved_on, recorded_at, amount (in positive, out negative); also movement_id.
    balances : table, optional
        observed_on, recorded_at, balance_amount, limit_amount; also balance_id.
    loans : table, optional
        loan_id, ``key``, recorded_at: whose a loan is, for tables that name only the loan.
    key : str, default="borrower_id"
        Column that says whom a fact is about; "loan_id" gives features of a loan.
    settings : BehaviourSettings, optional

    Returns
    -------
    DataFrame of float64, shape (n_observations, n_features)
        Names say window and unit (see docs/methods/behaviour-and-ties.md). Counts and amounts of
        nothing are 0; what does not exist (the mean of nothing) is NaN, that is missing.

    Raises
    ------
    InputError
        A column is not there, holds no dates, or a date or amount is empty.

    Notes
    -----
    A fact counts when its date is not after the day of ``observed_at`` (UTC) and its
    ``recorded_at`` not after ``observed_at``. Of several versions of a fact (rows of equal
    identity) the one recorded last by then counts, wherever a later correction moves it. So adding
    what is recorded or dated later changes no feature. Cost: one sort of each table, then one pass
    over the facts in the longest window of each observation.
    """
    settings = settings or BehaviourSettings()
    asked, keys = _prepare.asked_of(observations, key=key, loans=loans)
    found: dict[str, NDArray[np.float64]] = {}
    paid = None if payments is None else _prepare.payments_of(payments, keys)
    if paid is not None:
        rows = _windows.rows_of(paid, paid[["amount"]].to_numpy(np.float64), keys=len(keys.index))
        found |= _of_payments(asked, rows, settings)
    if instalments is not None:
        if paid is None or "loan_id" not in paid.columns:
            raise InputError("instalments need a table of payments with loan_id beside them")
        schedule, receipts = _prepare.schedule_of(instalments, paid, keys)
        found |= _of_instalments(asked, schedule, receipts, settings)
    if events is not None:
        found |= _of_events(asked, events, keys, settings)
    if flows is not None:
        found |= _of_flows(asked, flows, keys, settings)
    if balances is not None:
        found |= _of_balances(asked, balances, keys, settings)
    if not found:
        raise InputError(f"behaviour needs at least one table of {', '.join(_TABLES)}")
    return pd.DataFrame(found)


def behaviour_of_view(
    view: View, observations: Any, *, settings: BehaviourSettings | None = None
) -> pd.DataFrame:
    """Return features of the behaviour of borrowers from a view of the book.

    Parameters
    ----------
    view : View
        Made with an ``as_of`` not before the last observation.
    observations : table
        borrower_id and observed_at, as in `behaviour`.
    settings : BehaviourSettings, optional

    Returns
    -------
    DataFrame
        As `behaviour`, from payments, instalments, loan_events (as events), cash_movements (as
        flows) and loan_months (outstanding over the line's limit, or over the loan's principal),
        as far as the view has them.

    Raises
    ------
    InputError
        An observation lies after what the view sees.
    """
    from fengkong.scorecard.features import _book

    frame = _facts.frame_of(observations, ("borrower_id", "observed_at"), name="observations")
    at = _facts.instants(frame["observed_at"], name="observations.observed_at")
    _book.check_seen(view, at)
    return behaviour(frame, **_book.behaviour_tables(view), settings=settings)


def _where(value: NDArray[np.float64], exists: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(exists, value, np.nan)


def _since(asked: Asked, last: NDArray[np.int64]) -> NDArray[np.float64]:
    exists = last != _windows.NONE_SEEN
    return _where((asked.day - np.where(exists, last, asked.day)).astype(np.float64), exists)


def _windows_of(settings: BehaviourSettings) -> NDArray[np.int64]:
    return np.array(settings.windows_days, dtype=np.int64)


def _of_payments(
    asked: Asked, rows: _windows.Rows, settings: BehaviourSettings
) -> dict[str, NDArray[np.float64]]:
    sums, last = _windows.window_sums(asked, rows, _windows_of(settings))
    found = {"payment_days_since_last": _since(asked, last)}
    for place, days in enumerate(settings.windows_days):
        window = sums[:, place]
        count, total = window[:, _windows.COUNT], window[:, _windows.SUM]
        mean = window[:, _windows.MEAN]
        found[f"payment_count_{days}d"] = count
        found[f"payment_amount_{days}d"] = total
        found[f"payment_amount_max_{days}d"] = _where(window[:, _windows.MAXIMUM], count > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = window[:, _windows.SPREAD] / mean
            newer = 2.0 * window[:, _windows.NEWER] / total - 1.0
        found[f"payment_volatility_{days}d"] = _where(spread, (count > 1) & (mean > 0))
        found[f"payment_trend_{days}d"] = _where(newer, total > 0)
    return found


def _of_instalments(
    asked: Asked,
    schedule: _instalments.Schedule,
    receipts: _instalments.Receipts,
    settings: BehaviourSettings,
) -> dict[str, NDArray[np.float64]]:
    lasts = np.array(settings.last_instalments, dtype=np.int64)
    late = _instalments.lateness(
        asked, schedule, receipts, windows=_windows_of(settings), lasts=lasts,
        late_after_days=settings.late_after_days,
    )  # fmt: skip
    found = {
        "days_past_due": late.past_due.astype(np.float64),
        "overdue_amount": late.unpaid / 100.0,
        "days_since_last_late": _since(asked, late.last_late),
    }
    names = [f"{days}d" for days in settings.windows_days]
    names += [f"last_{number}" for number in settings.last_instalments]
    for place, name in enumerate(names):
        part = late.windows[:, place]
        count = part[:, _instalments.COUNT]
        found[f"instalment_count_{name}"] = count
        found[f"days_late_max_{name}"] = _where(part[:, _instalments.LATE_MAX], count > 0)
        found[f"days_late_mean_{name}"] = _where(part[:, _instalments.LATE_MEAN], count > 0)
        found[f"on_time_share_{name}"] = _where(part[:, _instalments.ON_TIME], count > 0)
        found[f"days_late_trend_{name}"] = _where(part[:, _instalments.TREND], count > 1)
    return found


def _of_events(
    asked: Asked, table: Any, keys: _prepare.Keys, settings: BehaviourSettings
) -> dict[str, NDArray[np.float64]]:
    frame = _prepare.facts_of(table, keys, name="events", date="occurred_on", identity="event_id")
    if "kind" not in frame.columns:
        raise InputError("events needs the column kind")
    kind = frame["kind"].astype("string")
    kinds = settings.event_kinds
    found = {}
    for name in sorted(set(kind.dropna())) if kinds is None else kinds:
        part = frame[(kind == name).fillna(False).to_numpy(bool)]
        rows = _windows.rows_of(part, np.ones((len(part), 1)), keys=len(keys.index))
        sums, last = _windows.window_sums(asked, rows, _windows_of(settings))
        for place, days in enumerate(settings.windows_days):
            found[f"event_{name}_count_{days}d"] = sums[:, place, _windows.COUNT]
        found[f"event_{name}_days_since_last"] = _since(asked, last)
    return found


def _of_flows(
    asked: Asked, table: Any, keys: _prepare.Keys, settings: BehaviourSettings
) -> dict[str, NDArray[np.float64]]:
    frame = _prepare.facts_of(table, keys, name="flows", date="moved_on", identity="movement_id")
    amount = _facts.numbers(frame["amount"], name="flows.amount")
    if np.isnan(amount).any():
        raise InputError(f"flows.amount is empty in {int(np.isnan(amount).sum())} rows")
    sides = []
    for values in (amount, np.maximum(amount, 0.0), np.maximum(-amount, 0.0)):
        rows = _windows.rows_of(frame, values[:, None], keys=len(keys.index))
        sides.append(_windows.window_sums(asked, rows, _windows_of(settings))[0])
    net, inward, outward = sides
    found = {}
    for place, days in enumerate(settings.windows_days):
        count = net[:, place, _windows.COUNT]
        came, went = inward[:, place, _windows.SUM], outward[:, place, _windows.SUM]
        found[f"flow_count_{days}d"] = count
        found[f"flow_in_amount_{days}d"] = came
        found[f"flow_out_amount_{days}d"] = went
        found[f"flow_net_amount_{days}d"] = came - went
        found[f"flow_spread_amount_{days}d"] = _where(net[:, place, _windows.SPREAD], count > 1)
    return found


def _of_balances(
    asked: Asked, table: Any, keys: _prepare.Keys, settings: BehaviourSettings
) -> dict[str, NDArray[np.float64]]:
    identity = "balance_id"
    frame = _prepare.facts_of(table, keys, name="balances", date="observed_on", identity=identity)
    both = [
        _facts.numbers(frame[name], name=f"balances.{name}")
        for name in ("balance_amount", "limit_amount")
    ]
    values = np.column_stack(both)
    told = np.flatnonzero(
        ~np.isnan(values).any(axis=1)
    )  # a balance without a limit says nothing about use
    rows = _windows.rows_of(frame.iloc[told], values[told], keys=len(keys.index))
    shares, last = _windows.window_shares(asked, rows, _windows_of(settings))
    found = {"utilisation_last": last}
    for place, days in enumerate(settings.windows_days):
        part = shares[:, place]
        found[f"utilisation_mean_{days}d"] = _where(part[:, 1], part[:, 0] > 0)
        found[f"utilisation_max_{days}d"] = _where(part[:, 2], part[:, 0] > 0)
        found[f"utilisation_change_{days}d"] = _where(part[:, 3], part[:, 0] > 1)
    return found
