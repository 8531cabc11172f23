"""Stretches of time that end at, or before, the as-of date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from fengkong.formula._python import add_months

DAYS = {"day": 1, "week": 7}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
UNITS = (*DAYS, *MONTHS)
COUNT_MAX = 1200


@dataclass(frozen=True, slots=True)
class Window:
    """Rows from after ``length`` before its end, up to its end; the end lies ``shifts`` back.

    Each step is (count, unit), unit one of day, week, month, quarter, year.
    """

    shifts: tuple[tuple[int, str], ...] = ()
    length: tuple[int, str] | None = None

    def end(self, as_of: date) -> date | None:
        """Return the last date of the window; None before the calendar begins."""
        day: date | None = as_of
        for count, unit in self.shifts:
            day = None if day is None else back(day, count, unit)
        return day

    def start(self, as_of: date) -> date | None:
        """Return the date after which the window begins; None: it has no beginning."""
        end = self.end(as_of)
        return back(end, *self.length) if end is not None and self.length is not None else None


def back(day: date, count: int, unit: str) -> date | None:
    """Return the date ``count`` units before; a month-end stays a month-end."""
    if unit in DAYS:
        ordinal = day.toordinal() - count * DAYS[unit]
        return date.fromordinal(ordinal) if ordinal >= 1 else None
    if day < date.max and (day + timedelta(days=1)).day == 1:
        after = add_months(day.replace(day=1), 1 - count * MONTHS[unit])
        return None if after is None or after == date.min else after - timedelta(days=1)
    return add_months(day, -count * MONTHS[unit])
