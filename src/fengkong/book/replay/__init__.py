"""Replay: from dated facts to schedules, days past due, states, panel and exposures.

`derive` writes what a `View` keeps; `make_schedules` turns terms into instalments; `allocations`
and `schedules_in_force` show how the replay came to its figures. The rules are in
``docs/methods/days-past-due.md``.
"""

from __future__ import annotations

from fengkong.book.replay._derive import VERSION, derive
from fengkong.book.replay._history import History, read_history
from fengkong.book.replay._last import last_states
from fengkong.book.replay._public import allocations, make_schedules, schedules_in_force
from fengkong.book.replay._summed import summed, widened

__all__ = [
    "VERSION",
    "History",
    "allocations",
    "derive",
    "last_states",
    "make_schedules",
    "read_history",
    "schedules_in_force",
    "summed",
    "widened",
]
