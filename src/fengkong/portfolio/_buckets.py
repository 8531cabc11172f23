"""Buckets of days past due: C, M1, M2, ..., and the states P (paid off) and W (written off)."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from fengkong.foundation.errors import InputError


@dataclass(frozen=True, slots=True)
class Buckets:
    """Upper days of the buckets M1, M2, ...; the last bucket is open.

    Attributes
    ----------
    upper_days : tuple of int
        Ascending, in days. The default gives M1 1-30 to M6 151-180 and M7 above 180.
    """

    upper_days: tuple[int, ...] = (30, 60, 90, 120, 150, 180)

    def __post_init__(self) -> None:
        ascending = all(a < b for a, b in zip((0, *self.upper_days), self.upper_days, strict=False))
        if not self.upper_days or not ascending:
            raise InputError(f"upper_days must be ascending and above 0; got {self.upper_days}")

    @property
    def overdue(self) -> tuple[str, ...]:
        """Codes of the overdue buckets, mildest first."""
        return tuple(f"M{number}" for number in range(1, len(self.upper_days) + 2))

    @property
    def active(self) -> tuple[str, ...]:
        """C and the overdue buckets."""
        return ("C", *self.overdue)

    @property
    def states(self) -> tuple[str, ...]:
        """All states: the buckets, P and W."""
        return (*self.active, "P", "W")

    def worse_than(self, days: int) -> tuple[str, ...]:
        """Return the buckets that hold only loans more than ``days`` past due, and W.

        Raises
        ------
        InputError
            ``days`` is not a boundary between two buckets.
        """
        boundaries = (0, *self.upper_days)
        if days not in boundaries:
            raise InputError(f"days must be a boundary of the buckets {boundaries}; got {days}")
        return (*self.overdue[boundaries.index(days) :], "W")


STANDARD = Buckets()


def in_buckets(panel: ir.Table, buckets: Buckets, *, opening: bool = False) -> ir.Table:
    """Return the panel with ``state`` (and ``opening_state``) in these buckets.

    The standard buckets are columns of the panel and cost nothing. Others are cut from the days
    past due; their opening state then needs a window over the panel (slower, only when asked).
    """
    if buckets == STANDARD:
        return panel
    days = panel.days_past_due
    steps = [(days <= 0, "C")]
    steps += [
        (days <= top, code) for top, code in zip(buckets.upper_days, buckets.overdue, strict=False)
    ]
    bucket = ibis.cases(*steps, else_=buckets.overdue[-1])
    state = ibis.cases((panel.state.isin(["P", "W"]), panel.state), (days.notnull(), bucket))
    cut = panel.mutate(state=state)
    if not opening:
        return cut
    before = ibis.window(group_by="loan_id", order_by="month_end")
    return cut.mutate(opening_state=cut.state.lag().over(before))
