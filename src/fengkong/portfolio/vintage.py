"""Vintage curves: what became of the loans disbursed in one month, by months on book."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from fengkong.formula.measures import register_measure
from fengkong.foundation.errors import InputError
from fengkong.portfolio._buckets import STANDARD
from fengkong.portfolio._frame import grouped, keys, loan_months, money_sum, ordered, ratio

_AGE = ("cohort_month", "months_on_book")


def _names(panel: ir.Table, by: Sequence[str], over_days: int) -> list[str]:
    if over_days not in (30, 90):
        raise InputError(f"over_days must be 30 or 90; got {over_days}")
    return [name for name in keys(panel, by, *_AGE) if name != "months_on_book"]


def _grid(small: ir.Table, names: list[str]) -> ir.Table:
    """Add the ages a cohort has not reached (mature false, figures null) and the cohort's size."""
    sizes = small.group_by(names).aggregate(
        cohort_loans=small.observed_loans.max(),
        cohort_disbursed_amount=small.observed_disbursed_amount.max(),
    )
    oldest = small.aggregate(oldest=small.months_on_book.max())
    ages = sizes.cross_join(oldest)
    ages = ages.mutate(months_on_book=ibis.range(0, ages.oldest + 1).unnest()).drop("oldest")
    ages = ages.mutate(months_on_book=ages.months_on_book.cast("int64"))
    keep = [*names, "months_on_book"]
    figures = [name for name in small.columns if name not in keep]
    # A union and a group-by instead of a join: groups treat null dimensions as equal.
    blank = {name: ibis.null(small[name].type()) for name in figures}
    both = small.select(
        *keep,
        *figures,
        cohort_loans=ibis.null(sizes.cohort_loans.type()),
        cohort_disbursed_amount=ibis.null(sizes.cohort_disbursed_amount.type()),
    ).union(ages.mutate(**blank).select(*keep, *figures, "cohort_loans", "cohort_disbursed_amount"))
    filled = [*figures, "cohort_loans", "cohort_disbursed_amount"]
    grid = both.group_by(keep).aggregate(**{name: both[name].max() for name in filled})
    mature = (grid.observed_loans == grid.cohort_loans).fill_null(False)
    grid = grid.mutate(mature=mature)
    hide = {
        name: grid.mature.ifelse(grid[name], ibis.null(grid[name].type()))
        for name in figures
        if not name.startswith("observed_")
    }
    return grid.mutate(**hide)


def _observed(panel: ir.Table) -> dict[str, ir.Value]:
    return {
        "observed_loans": loan_months(panel),
        "observed_disbursed_amount": money_sum(panel.disbursed_amount),
    }


_COLUMNS = ("panel.cohort_month", "panel.state", "panel.disbursed_amount")


@register_measure(
    "vintage_ever",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Vintage, ever bad", "zh": "账龄曲线（曾经逾期）"},
    definition={
        "en": "Loans of a month of disbursement that were over 30 (or 90) days past due, or "
        "written "
        "off, at some month-end up to the month on book. amount_rate freezes the exposure at the "
        "first "
        "bad month-end over principal disbursed; disbursed_rate takes the principal disbursed of "
        "bad "
        "loans; count_rate counts. A month on book not reached by the whole cohort is not mature: "
        "null.",
        "zh": "某放款月的贷款中，截至该账龄曾在任一月末逾期超过30（或90）天或已核销者。amount_rate"
        " 以首次变坏月末的敞口除以放款额；"
        "disbursed_rate 以坏贷款的放款额除以放款额；count_rate 按笔数。队列未全部到达的账龄标为未"
        "成熟，取空值。",
    },
    value="amount_rate",
    columns=(*_COLUMNS, "panel.ever_over_30"),
)
def vintage_ever(panel: ir.Table, *, by: Sequence[str] = (), over_days: int = 30) -> ir.Table:
    """Return vintage curves of loans that were ever bad.

    Parameters
    ----------
    panel : ibis Table
        Panel of the book.
    by : sequence of str, default=()
        Dimension columns of the panel.
    over_days : {30, 90}, default=30
        Bad is more than this many days past due at a month-end, or written off.

    Returns
    -------
    ibis Table
        ``by``, cohort_month, months_on_book (0 is the month of disbursement), cohort_loans,
        cohort_disbursed_amount, mature, bad_loans, bad_amount (exposure frozen at the first bad
        month-end), bad_disbursed_amount, count_rate, amount_rate, disbursed_rate.

    Raises
    ------
    InputError
        ``over_days`` is not 30 or 90.

    References
    ----------
    regulation.md D8, vintage rate and months on book.
    """
    names = _names(panel, by, over_days)
    bad = panel[f"ever_over_{over_days}"].fill_null(False)
    small = grouped(
        panel,
        [*names, "months_on_book"],
        **_observed(panel),
        bad_loans=loan_months(panel, bad),
        bad_amount=money_sum(panel[f"first_over_{over_days}_amount"]),
        bad_disbursed_amount=money_sum(panel.disbursed_amount, bad),
    )
    grid = _grid(small, names)
    result = grid.select(
        *names, "months_on_book", "cohort_loans", "cohort_disbursed_amount", "mature",
        "bad_loans", "bad_amount", "bad_disbursed_amount",
        count_rate=ratio(grid.bad_loans, grid.cohort_loans),
        amount_rate=ratio(grid.bad_amount, grid.cohort_disbursed_amount),
        disbursed_rate=ratio(grid.bad_disbursed_amount, grid.cohort_disbursed_amount),
    )  # fmt: skip
    return ordered(result, [*names, "months_on_book"])


@register_measure(
    "vintage_point_in_time",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Vintage, bad at the month-end", "zh": "账龄曲线（时点逾期）"},
    definition={
        "en": "Loans of a month of disbursement that are over 30 (or 90) days past due, or "
        "written off, "
        "at the month-end of that month on book: exposure (of a written-off loan the last before "
        "write-off) over principal disbursed, and by count. Immature months on book are null.",
        "zh": "某放款月的贷款中，在该账龄月末逾期超过30（或90）天或已核销者：敞口（已核销者取核销"
        "前余额）除以放款额；另按笔数。未成熟账龄取空值。",
    },
    value="amount_rate",
    columns=(*_COLUMNS, "panel.exposure_amount"),
)
def vintage_point_in_time(
    panel: ir.Table, *, by: Sequence[str] = (), over_days: int = 30
) -> ir.Table:
    """Return vintage curves of loans that are bad at the month-end itself.

    Returns
    -------
    ibis Table
        As `vintage_ever` without the disbursed basis; bad_amount is the exposure at that month-end.

    Raises
    ------
    InputError
        ``over_days`` is not 30 or 90.
    """
    names = _names(panel, by, over_days)
    bad = panel.state.isin(list(STANDARD.worse_than(over_days)))
    small = grouped(
        panel,
        [*names, "months_on_book"],
        **_observed(panel),
        bad_loans=loan_months(panel, bad),
        bad_amount=money_sum(panel.exposure_amount, bad),
    )
    grid = _grid(small, names)
    result = grid.select(
        *names, "months_on_book", "cohort_loans", "cohort_disbursed_amount", "mature",
        "bad_loans", "bad_amount",
        count_rate=ratio(grid.bad_loans, grid.cohort_loans),
        amount_rate=ratio(grid.bad_amount, grid.cohort_disbursed_amount),
    )  # fmt: skip
    return ordered(result, [*names, "months_on_book"])
