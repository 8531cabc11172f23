"""What a position speaks about: one currency, and the days that the book's facts reach over."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fengkong.book.schema import TABLES
from fengkong.foundation.errors import InputError

_PRICED = ("loans", "facilities")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """First and last business date of what the book knows of its loans; None: nothing dated."""

    first_on: date | None = None
    last_on: date | None = None


def currency_of(view: Any) -> str | None:
    """Return the currency of a book's amounts; None when no loan and no line names one.

    Raises
    ------
    InputError
        There are several: their amounts do not add up.
    """
    found: set[str] = set()
    for name in _PRICED:
        if view.has(name):
            named = view.get(name).select("currency").distinct()
            found |= set(view.connection.to_pyarrow(named)["currency"].to_pylist()) - {None}
    if len(found) > 1:
        raise InputError(
            f"the book holds amounts in {', '.join(sorted(found))}, and amounts of several "
            "currencies do not add up; import the loans of each currency into a book of their own"
        )
    return next(iter(found), None)


def last_day(part: Any) -> date:
    """Return the last business date of a part of a batch, as far as it can have happened.

    A fact cannot lie after the day on which it became known (a day more, for zones east of UTC): a
    misread year must not put the whole book into the future.
    """
    known: date = part.recorded_at_max.date() + timedelta(days=1)
    return min(part.business_date_max, known)


def facts_of(book: Any, view: Any) -> Facts:
    """Return the range of business dates of the batches that a view reads."""
    read = {batch["batch_id"] for batch in view.inputs}
    parts = [
        part
        for batch in book.batches()
        if batch.batch_id in read
        for name, part in batch.tables.items()
        if name in TABLES and "loan_id" in TABLES[name] and part.business_date_max is not None
    ]
    return Facts(
        first_on=min((part.business_date_min for part in parts), default=None),
        last_on=max((last_day(part) for part in parts), default=None),
    )


def month_end_at(day: date) -> date:
    """Return the last month-end on or before a day."""
    if day.day == monthrange(day.year, day.month)[1]:
        return day
    return day.replace(day=1) - timedelta(days=1)
