"""Tables of the lending business itself."""

from __future__ import annotations

from fengkong.book.schema._make import count, day, flag, money, number, text
from fengkong.foundation.columns import Table

METHODS = ("equal_instalment", "equal_principal", "interest_only", "bullet")
DAY_COUNTS = ("30/360", "ACT/365F", "ACT/360")

PARTIES = Table(
    name="parties",
    meaning="A person or firm known to the platform.",
    key=("party_id",),
    columns=(
        text("party_id", "Platform's own number of the party.", required=True),
        text("party_type", "Person or firm.", values=("person", "firm")),
        text("full_name", "Legal name.", personal=True),
        text("identity_number", "National identity or registration number.", personal=True),
        text("phone_number", "Phone.", personal=True),
        text("email_address", "Electronic mail.", personal=True),
        text("postal_address", "Home or registered address.", personal=True),
        text("bank_account", "Account for payment.", personal=True),
        day("birth_date", "Date of birth, cut to the year at the door (privacy)."),
        text("region", "Province, state or region.", dimension=True),
        text("industry", "Industry code of a firm.", dimension=True),
        text("employment_length", "Length of work as stated."),
        text("home_ownership", "Own, mortgage, rent, ...", dimension=True),
        text("related_group", "Group of related parties; equal within a group."),
    ),
)
LOAN_PARTIES = Table(
    name="loan_parties",
    meaning="Role of a party in a loan.",
    key=("loan_id", "party_id", "role"),
    columns=(
        text("loan_id", "Loan.", required=True),
        text("party_id", "Party.", required=True),
        text(
            "role",
            "Role.",
            required=True,
            values=("borrower", "co_borrower", "guarantor", "funder", "partner"),
        ),
    ),
)
BORROWER_STATEMENTS = Table(
    name="borrower_statements",
    meaning="Income, debts and cash flow of a borrower at a date.",
    key=("party_id", "statement_date"),
    business_date="statement_date",
    columns=(
        text("party_id", "Borrower.", required=True),
        day("statement_date", "Date it speaks about.", required=True),
        money("income_annual_amount", "Income of a year before tax."),
        money("debt_amount", "All debts."),
        money("debt_service_monthly_amount", "Interest and principal due in a month."),
        money("asset_amount", "All assets."),
        money("operating_cash_flow_annual_amount", "Cash flow from operations in a year."),
        number("debt_to_income", "fraction", "Debt service over income as stated."),
        text("verification", "How it was checked."),
    ),
)
APPLICATIONS = Table(
    name="applications",
    meaning="An application for credit and its outcome.",
    key=("application_id",),
    business_date="applied_on",
    columns=(
        text("application_id", "Application.", required=True),
        text("party_id", "Applicant."),
        day("applied_on", "Date of application.", required=True),
        text("product", "Product asked for.", dimension=True),
        text("channel", "Way it came in.", dimension=True),
        text("partner_id", "Partner that sent it.", dimension=True),
        text("purpose", "Purpose as stated.", dimension=True),
        money("requested_amount", "Amount asked for."),
        count("requested_term_months", "Term asked for.", unit="months"),
        text(
            "outcome",
            "What was decided.",
            values=("approve", "refer", "decline", "counter_offer", "withdrawn"),
        ),
        number("score", "points", "Score at decision."),
        text("loan_id", "Loan that came of it."),
    ),
)
FACILITIES = Table(
    name="facilities",
    meaning="A credit line.",
    key=("facility_id",),
    business_date="opened_on",
    columns=(
        text("facility_id", "Line.", required=True),
        text("borrower_id", "Borrower."),
        day("opened_on", "Start.", required=True),
        day("expires_on", "End of availability."),
        money("limit_amount", "Committed amount.", required=True),
        text("currency", "ISO code.", dimension=True),
        text("product", "Product.", dimension=True),
    ),
)
DRAWDOWNS = Table(
    name="drawdowns",
    meaning="A loan drawn on a line.",
    key=("facility_id", "loan_id"),
    business_date="drawn_on",
    columns=(
        text("facility_id", "Line.", required=True),
        text("loan_id", "Loan.", required=True),
        day("drawn_on", "Date.", required=True),
        money("drawn_amount", "Amount.", required=True),
    ),
)
LOANS = Table(
    name="loans",
    meaning="A loan as contracted.",
    key=("loan_id",),
    business_date="disbursed_on",
    columns=(
        text("loan_id", "Platform's own number of the loan.", required=True),
        text("borrower_id", "Borrower (party_id)."),
        text("facility_id", "Line it was drawn on."),
        text("currency", "ISO code.", required=True, dimension=True),
        money("principal_amount", "Amount paid out as principal.", required=True),
        number("rate_annual", "fraction per year", "Contract rate, nominal."),
        count("term_months", "Contract term.", unit="months"),
        text("method", "How it is repaid.", values=METHODS, dimension=True),
        text("day_count", "Day count of interest; 30/360 when absent.", values=DAY_COUNTS),
        day("disbursed_on", "Date of payment to the borrower.", required=True),
        day("first_due_on", "Due date of the first instalment."),
        count(
            "due_day",
            "Day of the month on which instalments fall due, 1 to 31.",
            unit="day of month",
        ),
        count(
            "grace_days", "Days after the due date within which nothing is overdue.", unit="days"
        ),
        money("upfront_fee_amount", "Fee paid at disbursement; no claim."),
        money("instalment_fee_amount", "Fee on top of every instalment."),
        number("eir_annual", "fraction per year", "Effective interest rate; computed when absent."),
        text("product", "Product.", dimension=True),
        text("grade", "Grade at origination.", dimension=True),
        text("sub_grade", "Finer grade at origination.", dimension=True),
        text("channel", "Way it came in.", dimension=True),
        text("region", "Region of the borrower at origination.", dimension=True),
        text("purpose", "Purpose as stated.", dimension=True),
        text("partner_id", "Partner that brought or funds it.", dimension=True),
        text("security", "secured, guaranteed or unsecured.", dimension=True),
        number("pd_12m_origination", "fraction", "PD over twelve months at origination."),
        number("pd_lifetime_origination", "fraction", "Lifetime PD at origination."),
    ),
)
FUNDING_SHARES = Table(
    name="funding_shares",
    meaning="Who funds which share of a loan.",
    key=("loan_id", "funder_id"),
    columns=(
        text("loan_id", "Loan.", required=True),
        text("funder_id", "Funder (party_id).", required=True),
        number("funding_share", "fraction", "Share of principal, 0 to 1.", required=True),
    ),
)
INSTALMENTS = Table(
    name="instalments",
    meaning="The agreed schedule, one row an instalment; made from the terms where a tape "
    "has none. A changed "
    "schedule is a new version, in force from effective_on.",
    key=("loan_id", "schedule_version", "instalment_number"),
    columns=(
        text("loan_id", "Loan.", required=True),
        count(
            "schedule_version", "0 for the contract, then 1, 2, ...", unit="number", required=True
        ),
        count("instalment_number", "From 1.", unit="number", required=True),
        day(
            "effective_on",
            "Business date from which this version holds; disbursement for version 0.",
        ),
        day("due_on", "Due date.", required=True),
        money("principal_amount", "Principal due.", required=True),
        money("interest_amount", "Interest due.", required=True),
        money("fee_amount", "Fees due."),
    ),
)
PAYMENTS = Table(
    name="payments",
    meaning="Money received on a loan, and its reversal. Order of arrival is recorded_at, order of "
    "effect is "
    "paid_on, then sequence_number.",
    key=("payment_id",),
    business_date="paid_on",
    columns=(
        text("payment_id", "Payment.", required=True),
        text("loan_id", "Loan.", required=True),
        day("paid_on", "Business date.", required=True),
        text(
            "kind",
            "payment when absent.",
            values=("payment", "prepayment", "payoff", "settlement", "recovery", "reversal"),
        ),
        money("amount", "Amount received; null for a reversal."),
        money("cost_amount", "Cost of a recovery."),
        text("reverses_payment_id", "For a reversal: the payment it undoes."),
        count("sequence_number", "Order within a day.", unit="number"),
    ),
)
FEES = Table(
    name="fees",
    meaning="A fee posted to a loan; joins the fees of the instalment it names.",
    key=("fee_id",),
    business_date="charged_on",
    columns=(
        text("fee_id", "Fee.", required=True),
        text("loan_id", "Loan.", required=True),
        day("charged_on", "Business date.", required=True),
        money("amount", "Amount.", required=True),
        count(
            "instalment_number",
            "Instalment it joins; the oldest unpaid when absent.",
            unit="number",
        ),
        text("label", "What for."),
    ),
)
MODIFICATIONS = Table(
    name="modifications",
    meaning="A change of contract. restructure: unpaid principal and what is capitalised become "
    "the new principal "
    "under the new terms. extension: due dates of unpaid instalments move by extension_months.",
    key=("modification_id",),
    business_date="modified_on",
    columns=(
        text("modification_id", "Modification.", required=True),
        text("loan_id", "Loan.", required=True),
        day("modified_on", "Business date.", required=True),
        text("kind", "What.", required=True, values=("extension", "restructure")),
        count("extension_months", "Months by which due dates move.", unit="months"),
        money("new_principal_amount", "Principal after a restructure."),
        money("capitalised_interest_amount", "Interest turned into principal."),
        money("capitalised_fee_amount", "Fees turned into principal."),
        number("new_rate_annual", "fraction per year", "Rate after."),
        count("new_term_months", "Term after.", unit="months"),
        text("new_method", "Method after.", values=METHODS),
        text("new_day_count", "Day count after.", values=DAY_COUNTS),
        day("new_first_due_on", "First due date after."),
        count("new_due_day", "Due day after.", unit="day of month"),
        flag("distressed", "Granted because of difficulty."),
    ),
)
LOAN_EVENTS = Table(
    name="loan_events",
    meaning="A dated status of a loan that no payment tells.",
    key=("event_id",),
    business_date="occurred_on",
    columns=(
        text("event_id", "Event.", required=True),
        text("loan_id", "Loan.", required=True),
        day("occurred_on", "Business date.", required=True),
        text(
            "kind",
            "What.",
            required=True,
            values=("write_off", "default", "cure", "watch", "unwatch", "workout_closed", "sold"),
        ),
    ),
)
COLLATERAL = Table(
    name="collateral",
    meaning="Collateral of a loan and its value.",
    key=("collateral_id",),
    business_date="valued_on",
    columns=(
        text("collateral_id", "Collateral.", required=True),
        text("loan_id", "Loan.", required=True),
        text("collateral_type", "Kind.", dimension=True),
        day("valued_on", "Date of value.", required=True),
        money("value_amount", "Market value."),
        number("haircut", "fraction", "Share of the value not counted."),
    ),
)
GUARANTEES = Table(
    name="guarantees",
    meaning="Guarantee or insurance of a loan.",
    key=("guarantee_id",),
    business_date="guaranteed_on",
    columns=(
        text("guarantee_id", "Guarantee.", required=True),
        text("loan_id", "Loan.", required=True),
        text("guarantor_id", "Guarantor (party_id).", required=True, dimension=True),
        day("guaranteed_on", "Start.", required=True),
        day("released_on", "End, when released."),
        money("guaranteed_amount", "Amount guaranteed.", required=True),
    ),
)
COMPENSATIONS = Table(
    name="compensations",
    meaning="代偿: what a guarantor paid for a borrower.",
    key=("compensation_id",),
    business_date="compensated_on",
    columns=(
        text("compensation_id", "Compensation.", required=True),
        text("guarantee_id", "Guarantee.", required=True),
        text("loan_id", "Loan.", required=True),
        day("compensated_on", "Business date.", required=True),
        money("compensated_amount", "Amount paid.", required=True),
        money("recovered_amount", "Recovered from the borrower since."),
    ),
)
COLLECTION_CONTACTS = Table(
    name="collection_contacts",
    meaning="One contact in collection.",
    key=("contact_id",),
    business_date="contacted_on",
    columns=(
        text("contact_id", "Contact.", required=True),
        text("loan_id", "Loan.", required=True),
        day("contacted_on", "Business date.", required=True),
        text("contact_method", "call, message, visit, letter.", dimension=True),
        text("agency_id", "Agency, when outsourced.", dimension=True),
        text("result", "Result.", dimension=True),
    ),
)
LOAN_MONTHS = Table(
    name="loan_months",
    meaning="State of a loan at a month-end as a tape or the platform's own end of day says it.",
    key=("loan_id", "month_end"),
    business_date="month_end",
    columns=(
        text("loan_id", "Loan.", required=True),
        day("month_end", "Last day of the month.", required=True),
        text("status", "active when absent.", values=("active", "closed", "written_off")),
        count("days_past_due", "Days past due at close.", unit="days"),
        money("outstanding_principal_amount", "Principal outstanding at close.", required=True),
        money("scheduled_principal_amount", "Principal due in the month."),
        money("paid_principal_amount", "Principal received in the month."),
        money("paid_interest_amount", "Interest received in the month."),
        money("written_off_amount", "Principal written off in the month."),
        money("recovered_amount", "Recovered after write-off or default in the month, gross."),
        money("recovery_cost_amount", "Cost of recovery in the month."),
        flag("defaulted", "In default at close."),
    ),
)
LOAN_OUTCOMES = Table(
    name="loan_outcomes",
    meaning="Final or current totals of a loan: an outcome tape.",
    key=("loan_id", "observed_on"),
    business_date="observed_on",
    columns=(
        text("loan_id", "Loan.", required=True),
        day("observed_on", "Date the totals speak about.", required=True),
        text(
            "status",
            "Status.",
            required=True,
            values=(
                "current",
                "grace",
                "late_1_30",
                "late_31_120",
                "default",
                "paid",
                "charged_off",
            ),
            dimension=True,
        ),
        money("outstanding_principal_amount", "Principal outstanding."),
        money("paid_total_amount", "All payments received."),
        money("paid_principal_amount", "Principal received."),
        money("paid_interest_amount", "Interest received."),
        money("paid_late_fee_amount", "Late fees received."),
        money("recovered_amount", "Recovered after charge-off, gross."),
        money("recovery_cost_amount", "Fee of the collector."),
        flag("settled", "A debt settlement was agreed."),
        day("settled_on", "Date of settlement."),
        day("last_paid_on", "Date of the last payment."),
    ),
)

FACTS = (
    PARTIES,
    LOAN_PARTIES,
    BORROWER_STATEMENTS,
    APPLICATIONS,
    FACILITIES,
    DRAWDOWNS,
    LOANS,
    FUNDING_SHARES,
    INSTALMENTS,
    PAYMENTS,
    FEES,
    MODIFICATIONS,
    LOAN_EVENTS,
    COLLATERAL,
    GUARANTEES,
    COMPENSATIONS,
    COLLECTION_CONTACTS,
    LOAN_MONTHS,
    LOAN_OUTCOMES,
)
