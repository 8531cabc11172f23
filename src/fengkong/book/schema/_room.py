"""Room for what later packages bring: cash movements, market quotes, events, complaints."""

from __future__ import annotations

from fengkong.book.schema._make import day, instant, money, number, text
from fengkong.foundation.columns import Table

CASH_MOVEMENTS = Table(
    name="cash_movements",
    meaning="Money in or out of the platform's or its clients' accounts.",
    key=("movement_id",),
    business_date="moved_on",
    columns=(
        text("movement_id", "Movement.", required=True),
        day("moved_on", "Business date.", required=True),
        text("account", "Account.", required=True, dimension=True),
        text("kind", "Kind: deposit, withdrawal, fee, ...", dimension=True),
        text("party_id", "Party."),
        text("currency", "ISO code.", required=True, dimension=True),
        money("amount", "In positive, out negative.", required=True),
    ),
)
MARKET_QUOTES = Table(
    name="market_quotes",
    meaning="One value of a market series.",
    key=("series", "quoted_on"),
    business_date="quoted_on",
    columns=(
        text("series", "Name of the series.", required=True, dimension=True),
        day("quoted_on", "Business date.", required=True),
        number("quote", "unit of the series", "Value.", required=True),
    ),
)
EVENTS = Table(
    name="events",
    meaning="Something that happened in a system or to a user.",
    key=("event_id",),
    business_date="occurred_on",
    columns=(
        text("event_id", "Event.", required=True),
        day("occurred_on", "Business date.", required=True),
        instant("occurred_at", "Instant."),
        text("kind", "Kind.", required=True, dimension=True),
        text("subject", "What it is about."),
        number("quantity", "unit of the kind", "How much."),
    ),
)
COMPLAINTS = Table(
    name="complaints",
    meaning="A complaint and its answer.",
    key=("complaint_id",),
    business_date="received_on",
    columns=(
        text("complaint_id", "Complaint.", required=True),
        day("received_on", "Date received.", required=True),
        day("closed_on", "Date closed."),
        text("party_id", "Who complains."),
        text("loan_id", "Loan."),
        text("topic", "Topic.", dimension=True),
        text("channel", "Way it came in.", dimension=True),
        text("narrative", "Text as written.", personal=True),
    ),
)

ROOM = (CASH_MOVEMENTS, MARKET_QUOTES, EVENTS, COMPLAINTS)
