"""Tables computed from the facts for one as-of date and one knowledge instant."""

from __future__ import annotations

from fengkong.book.schema._facts import LOANS
from fengkong.book.schema._make import count, day, flag, money, number, text
from fengkong.foundation.columns import Table

STATE_CODES = ("C", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "P", "W")
_DIMENSIONS = tuple(column for column in LOANS.columns if column.dimension)

PANEL = Table(
    name="panel",
    meaning="One row a loan and month-end, from the month of disbursement to the last whole month "
    "up to as_of, with what the month before was. P and W carry balance 0. Sorted by loan, month.",
    key=("loan_id", "month_end"),
    business_date="month_end",
    derived=True,
    columns=(
        text("loan_id", "Loan.", required=True),
        text("borrower_id", "Borrower."),
        day("month_end", "Last day of the month.", required=True),
        day("cohort_month", "First day of the month of disbursement.", required=True),
        count("months_on_book", "0 in the month of disbursement.", unit="months", required=True),
        money("disbursed_amount", "Principal disbursed, the same in every row of a loan."),
        text(
            "opening_state",
            "State at the month-end before; null in the first row.",
            values=STATE_CODES,
        ),
        text(
            "state",
            "State at close: C, M1 to M7 by days past due, P paid off, W written off.",
            required=True,
            values=STATE_CODES,
        ),
        count("days_past_due", "Days past due at close; null when W, 0 when P.", unit="days"),
        money("opening_principal_amount", "Principal at the month-end before; 0 in the first row."),
        money("outstanding_principal_amount", "Principal at close.", required=True),
        money(
            "exposure_amount", "Principal at close, for W the last before write-off.", required=True
        ),
        money("scheduled_principal_amount", "Principal due in the month."),
        money("paid_principal_amount", "Principal received in the month."),
        money(
            "unscheduled_principal_amount",
            "Principal received above what was due in the month; 0 where less was received.",
        ),
        money("paid_interest_amount", "Interest received in the month."),
        money("written_off_amount", "Principal written off in the month."),
        money("recovered_amount", "Recovered in the month, gross."),
        money("recovery_cost_amount", "Cost of recovery in the month."),
        flag("was_open", "Principal was outstanding at the month-end before."),
        flag("ever_over_30", "M2 or worse or W at this or an earlier month-end."),
        flag("ever_over_90", "M4 or worse or W at this or an earlier month-end."),
        money("first_over_30_amount", "Exposure at the first month-end over 30; 0 before."),
        money("first_over_90_amount", "Exposure at the first month-end over 90; 0 before."),
        flag(
            "default_entered",
            "In default (over 90 days, W or declared) first in this row.",
        ),
        flag("defaulted", "In default at this or an earlier month-end."),
        *_DIMENSIONS,
    ),
)
STATES = Table(
    name="states",
    meaning="One row a loan at the close of as_of.",
    key=("loan_id",),
    derived=True,
    columns=(
        text("loan_id", "Loan.", required=True),
        text("borrower_id", "Borrower."),
        text("status", "Status.", required=True, values=("active", "closed", "written_off")),
        day("disbursed_on", "Date of disbursement."),
        money("disbursed_amount", "Principal disbursed."),
        count("months_on_book", "Calendar months since disbursement.", unit="months"),
        money("outstanding_principal_amount", "Principal outstanding.", required=True),
        money("accrued_interest_amount", "Interest earned and not paid."),
        money("fees_due_amount", "Fees of instalments due (with charges posted), unpaid."),
        money("overdue_fee_amount", "Fees overdue."),
        money("overdue_interest_amount", "Interest overdue."),
        money("overdue_principal_amount", "Principal overdue."),
        money("overdue_amount", "Fees, interest and principal overdue."),
        money("credit_amount", "Paid beyond all claims."),
        count("days_past_due", "Days past due; null when written off.", unit="days"),
        text("bucket", "C, M1 to M7; null when closed or written off.", values=STATE_CODES[:8]),
        flag("ever_over_30", "Above 30 days at the close of some day."),
        flag("ever_over_90", "Above 90 days at the close of some day."),
        count("days_past_due_max", "Highest days past due at the close of any day.", unit="days"),
        count("eba_material_days", "Days in a row above both EBA limits.", unit="days"),
        flag("eba_default", "In default by the EBA definition, probation included."),
        flag("declared_default", "A default event is in force."),
        day("default_on", "Day default began (declared, EBA or over 90 days), when in default."),
        day("restructured_on", "Date of the last restructure."),
        day("restructured_first_due_on", "First due date after the last restructure."),
        flag("watch", "On the watch list."),
        day("written_off_on", "Date of write-off."),
        money("written_off_fee_amount", "Fees written off."),
        money("written_off_interest_amount", "Interest written off."),
        money("written_off_principal_amount", "Principal written off."),
        money("recovered_amount", "Recovered to date, gross."),
        money("recovery_cost_amount", "Cost of recovery to date."),
        day("first_due_on", "Due date of the first instalment."),
        day(
            "first_paid_in_full_on", "Day the first instalment was first paid in full; null if not."
        ),
        day("matures_on", "Last due date."),
        number("rate_annual", "fraction per year", "Contract rate in force."),
        number("eir_annual", "fraction per year", "Effective interest rate."),
        number("pd_12m_origination", "fraction", "PD over twelve months at origination."),
        number("pd_lifetime_origination", "fraction", "Lifetime PD at origination."),
        *_DIMENSIONS,
    ),
)
EXPOSURES = Table(
    name="exposures",
    meaning="Exposure at default of each active loan by year from as_of: what is outstanding at "
    "the start of that year if paid as scheduled from now; arrears stay in the first year. "
    "Undrawn lines are added by the expected-loss settings.",
    key=("loan_id", "year_number"),
    derived=True,
    columns=(
        text("loan_id", "Loan.", required=True),
        count("year_number", "1 for the twelve months after as_of.", unit="number", required=True),
        money("exposure_amount", "Principal outstanding at the start of the year.", required=True),
    ),
)
