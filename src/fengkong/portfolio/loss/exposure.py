"""Exposure at default of credit lines: what is undrawn, who stages it, and when it counts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import ibis

from fengkong.foundation.errors import OutOfRangeError
from fengkong.portfolio.loss._arithmetic import half_up


def undrawn_lines(
    staged: Any, facilities: Any, drawdowns: Any, *, credit_conversion_factor: Decimal, as_of: date
) -> Any:
    """Undrawn part of each open line, beside the drawn loan whose stage it follows.

    Undrawn = limit less the principal outstanding on the line's active loans, at least 0; its
    exposure is that times the conversion factor, rounded half up to the cent. It follows the worst
    active loan drawn on the line: the highest stage, then the most days past due, then the one
    drawn last, then the larger loan_id. A line without an active loan has no stage and is left out,
    and so are one that expired before ``as_of`` and one that is drawn to its limit.

    Parameters
    ----------
    staged : ibis Table
        Active loans: loan_id, outstanding_principal_amount, days_past_due, stage.
    facilities, drawdowns : ibis Table
        Of the book.
    credit_conversion_factor : Decimal
        0 to 1.
    as_of : date

    Returns
    -------
    ibis Table
        facility_id, loan_id, expires_on, undrawn_amount, exposure_undrawn_amount.

    Raises
    ------
    OutOfRangeError
        The factor is outside [0, 1].
    """
    if not 0 <= credit_conversion_factor <= 1:
        raise OutOfRangeError(
            name="credit_conversion_factor", value=float(credit_conversion_factor), allowed="[0, 1]"
        )
    active = staged.select("loan_id", "outstanding_principal_amount", "days_past_due", "stage")
    drawn = drawdowns.select("facility_id", "loan_id", "drawn_on").inner_join(active, "loan_id")
    late = drawn["days_past_due"].fill_null(0)
    order = [drawn["stage"], late, drawn["drawn_on"], drawn["loan_id"]]
    place = ibis.row_number().over(group_by="facility_id", order_by=[ibis.desc(by) for by in order])
    used = drawn["outstanding_principal_amount"].sum().over(group_by="facility_id")
    worst = drawn.mutate(place=place, used=used)
    worst = worst.filter(worst["place"] == 0).select("facility_id", "loan_id", "used")
    is_open = facilities["expires_on"].isnull() | (
        facilities["expires_on"] >= ibis.literal(as_of, "date")
    )
    lines = facilities.filter(is_open).select("facility_id", "limit_amount", "expires_on")
    lines = lines.inner_join(worst, "facility_id")
    left = (lines["limit_amount"] - lines["used"]).cast("decimal(18, 2)")
    lines = lines.filter(left > 0).mutate(undrawn_amount=left)
    factor = ibis.literal(float(credit_conversion_factor))
    return lines.select(
        "facility_id", "loan_id", "expires_on", "undrawn_amount",
        exposure_undrawn_amount=half_up(lines["undrawn_amount"].cast("float64") * factor),
    )  # fmt: skip


def undrawn_exposures(lines: Any, exposures: Any, *, as_of: date) -> Any:
    """Exposure of undrawn lines by year ahead.

    A line counts in each year in which the loan that it follows has an exposure and that starts on
    or before the line expires.

    Parameters
    ----------
    lines : ibis Table
        As `undrawn_lines` returns.
    exposures : ibis Table
        Of the book.
    as_of : date

    Returns
    -------
    ibis Table
        facility_id, year_number, exposure_amount.
    """
    rows = exposures.select("loan_id", "year_number").inner_join(lines, "loan_id")
    starts = as_of.year * 10_000 + as_of.month * 100 + as_of.day
    starts = ibis.literal(starts, "int64") + (rows["year_number"] - 1) * 10_000
    expires = rows["expires_on"]
    ends = expires.year().cast("int64") * 10_000 + expires.month() * 100 + expires.day()
    rows = rows.filter(expires.isnull() | (ends >= starts))
    return rows.select(
        "facility_id", "year_number", exposure_amount=rows["exposure_undrawn_amount"]
    )


def months_until(day: Any, as_of: date) -> Any:
    """Calendar months from ``as_of`` to a day, at least 1; null stays null."""
    months = (day.year().cast("int64") - as_of.year) * 12 + (day.month() - as_of.month)
    return ibis.ifelse(months > 1, months.cast("int64"), ibis.literal(1, "int64"))
