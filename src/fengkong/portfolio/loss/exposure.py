"""Exposure at default: the schedule, and the share of undrawn lines that will be drawn."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import ibis

from fengkong.foundation.errors import OutOfRangeError
from fengkong.portfolio.loss._arithmetic import half_up


def exposures_with_undrawn(
    exposures: Any,
    states: Any,
    facilities: Any,
    drawdowns: Any,
    *,
    credit_conversion_factor: Decimal,
    as_of: date,
) -> Any:
    """Add the converted undrawn part of each line to the exposures of its newest active loan.

    Undrawn = limit less the principal outstanding on the line's active loans, at least 0; times the
    conversion factor, rounded half up to the cent; once a line, to the active loan drawn last (the
    larger loan_id when on one day), in every year that starts on or before the line expires. A line
    without an active loan has no stage and adds nothing.

    Parameters
    ----------
    exposures, states, facilities, drawdowns : ibis Table
    credit_conversion_factor : Decimal
        0 to 1.
    as_of : date

    Returns
    -------
    ibis Table
        Columns of `exposures`.

    Raises
    ------
    OutOfRangeError
        The factor is outside [0, 1].
    """
    if not 0 <= credit_conversion_factor <= 1:
        raise OutOfRangeError(
            name="credit_conversion_factor", value=float(credit_conversion_factor), allowed="[0, 1]"
        )
    lines = undrawn(states, facilities, drawdowns)
    converted = half_up(
        lines["undrawn_amount"].cast("float64") * ibis.literal(float(credit_conversion_factor))
    )
    lines = lines.select("loan_id", "expires_on", converted_amount=converted)
    joined = exposures.left_join(lines, "loan_id")
    starts = as_of.year * 10_000 + as_of.month * 100 + as_of.day
    starts = ibis.literal(starts, "int64") + (joined["year_number"] - 1) * 10_000
    expires = joined["expires_on"]
    ends = expires.year().cast("int64") * 10_000 + expires.month() * 100 + expires.day()
    open_then = expires.isnull() | (ends >= starts)
    extra = ibis.ifelse(open_then, joined["converted_amount"], None).fill_null(Decimal("0.00"))
    total = (joined["exposure_amount"] + extra.cast("decimal(18, 2)")).cast("decimal(18, 2)")
    return joined.select("loan_id", "year_number", exposure_amount=total)


def undrawn(states: Any, facilities: Any, drawdowns: Any) -> Any:
    """Undrawn amount of each line that has an active loan, beside the active loan drawn last.

    Returns
    -------
    ibis Table
        facility_id, loan_id, expires_on, undrawn_amount.
    """
    active = states.filter(states["status"] == "active").select(
        "loan_id", "outstanding_principal_amount"
    )
    drawn = drawdowns.select("facility_id", "loan_id", "drawn_on").inner_join(active, "loan_id")
    place = ibis.row_number().over(
        group_by="facility_id", order_by=[ibis.desc("drawn_on"), ibis.desc("loan_id")]
    )
    used = drawn["outstanding_principal_amount"].sum().over(group_by="facility_id")
    newest = drawn.mutate(place=place, used=used)
    newest = newest.filter(newest["place"] == 0).select("facility_id", "loan_id", "used")
    lines = facilities.select("facility_id", "limit_amount", "expires_on").inner_join(
        newest, "facility_id"
    )
    left = ibis.greatest(lines["limit_amount"] - lines["used"], ibis.literal(0, "int64"))
    return lines.select(
        "facility_id", "loan_id", "expires_on", undrawn_amount=left.cast("decimal(18, 2)")
    )
