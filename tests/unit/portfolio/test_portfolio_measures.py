"""Each family by hand: refusals, boundaries from both sides, settings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.unit.portfolio.panel_maker import lines, memory, panel_of

from fengkong import portfolio
from fengkong.formula.measures import measures
from fengkong.foundation.errors import InputError, OutOfRangeError

AS_OF = date(2024, 6, 30)


def state(loan: str, **more: Any) -> dict[str, Any]:
    given = {"loan_id": loan, "status": "active", "days_past_due": 0}
    return {**given, "outstanding_principal_amount": Decimal("100.00"), **more}


def classes(*rows: dict[str, Any], **settings: Any) -> list[str]:
    rule = portfolio.ClassRule(**settings)
    found = portfolio.five_class(memory("states", rows), as_of=AS_OF, rule=rule)
    return [row["five_class"] for row in sorted(lines(found), key=lambda row: row["loan_id"])]


def test_five_class_floor_from_both_sides_of_each_boundary() -> None:
    days = [0, 1, 90, 91, 270, 271, 360, 361]
    rows = [state(str(n), days_past_due=value) for n, value in enumerate(days)]
    assert classes(*rows) == [
        "normal", "special_mention", "special_mention", "substandard", "substandard",
        "doubtful", "doubtful", "loss",
    ]  # fmt: skip


def test_technical_overdue_is_excused_up_to_the_day_set() -> None:
    rows = [state("1", days_past_due=7), state("2", days_past_due=8)]
    assert classes(*rows, technical_days=7) == ["normal", "special_mention"]
    assert classes(*rows) == ["special_mention", "special_mention"]
    with pytest.raises(InputError):
        portfolio.ClassRule(technical_days=8)


def test_restructured_is_special_mention_for_twelve_months() -> None:
    rows = [
        state("1", restructured_on=date(2023, 7, 1)),
        state("2", restructured_on=date(2023, 6, 30)),
        state(
            "3",
            restructured_on=date(2023, 6, 1),
            restructured_first_due_on=date(2023, 7, 1),
        ),
    ]
    assert classes(*rows) == ["special_mention", "normal", "special_mention"]


def test_declared_default_is_non_performing_and_closed_loans_are_no_assets() -> None:
    rows = [
        state("1", declared_default=True),
        state("2", status="written_off", days_past_due=None),
        state("3"),
    ]
    table = memory("states", rows)
    assert classes(*rows) == ["substandard", "normal"]
    row = lines(portfolio.npl_ratio(table, as_of=AS_OF))[0]
    assert (row["loans"], row["npl_loans"], row["npl_ratio"]) == (2, 1, 0.5)
    shares = {
        r["five_class"]: r["share"] for r in lines(portfolio.classification(table, as_of=AS_OF))
    }
    assert shares == {"normal": 0.5, "substandard": 0.5}


def test_cross_default_raises_firms_above_a_tenth_only() -> None:
    rows = [
        state("1", borrower_id="F1", days_past_due=95, outstanding_principal_amount=Decimal(11)),
        state("2", borrower_id="F1", outstanding_principal_amount=Decimal(89)),
        state("3", borrower_id="F2", days_past_due=95, outstanding_principal_amount=Decimal(10)),
        state("4", borrower_id="F2", outstanding_principal_amount=Decimal(90)),
        state("5", borrower_id="P1", days_past_due=95),
        state("6", borrower_id="P1"),
    ]
    parties = memory("parties", [
        {"party_id": "F1", "party_type": "firm"}, {"party_id": "F2", "party_type": "firm"},
        {"party_id": "P1", "party_type": "person"},
    ])  # fmt: skip
    found = portfolio.five_class(memory("states", rows), as_of=AS_OF)
    raised = portfolio.with_cross_default(found, parties)
    assert {r["loan_id"]: r["five_class"] for r in lines(raised)} == {
        "1": "substandard", "2": "substandard", "3": "substandard", "4": "normal",
        "5": "substandard", "6": "normal",
    }  # fmt: skip
    measured = portfolio.npl_ratio(memory("states", rows), as_of=AS_OF, parties=parties)
    assert lines(measured)[0]["npl_loans"] == 4
    assert lines(portfolio.npl_ratio(memory("states", rows), as_of=AS_OF))[0]["npl_loans"] == 3


def test_eba_default_rate_counts_active_loans_only() -> None:
    rows = [
        state("1", eba_default=True), state("2", eba_default=False),
        state("3", eba_default=True, status="closed"),
    ]  # fmt: skip
    row = lines(portfolio.eba_default_rate(memory("states", rows)))[0]
    assert (row["loans"], row["default_loans"], row["amount_rate"]) == (2, 1, 0.5)


def test_entry_to_collection_asks_the_version_in_force() -> None:
    due = date(2024, 6, 29)
    rows = [
        state("1", days_past_due=1), state("2"), state("3", days_past_due=40),
        state("4", days_past_due=1), state("5", status="closed", disbursed_on=date(2024, 1, 1)),
    ]  # fmt: skip
    terms = [("1", 0, due), ("2", 0, due), ("3", 0, due), ("4", 0, due), ("5", 0, due)]
    # Loan 4 was rescheduled before the day: the version in force has nothing due then.
    terms.append(("4", 1, date(2024, 7, 29)))
    instalments = memory("instalments", [
        {"loan_id": loan, "schedule_version": version, "instalment_number": 1, "due_on": day,
         "effective_on": date(2024, 6, 1 + version), "principal_amount": Decimal("50.00")}
        for loan, version, day in terms
    ])  # fmt: skip
    states = memory("states", rows)
    row = lines(portfolio.entry_to_collection(states, instalments, as_of=AS_OF))[0]
    assert (row["due_loans"], row["unpaid_loans"], row["count_rate"]) == (4, 2, 0.5)
    assert row["due_principal_amount"] == Decimal("200.00")


def test_line_use_counts_open_lines_and_never_a_negative_rest() -> None:
    facilities = memory("facilities", [
        {"facility_id": "A", "opened_on": AS_OF, "expires_on": AS_OF,
         "limit_amount": Decimal("100.00")},
        {"facility_id": "B", "opened_on": date(2024, 1, 1), "limit_amount": Decimal("50.00")},
        {"facility_id": "C", "opened_on": date(2024, 1, 1), "expires_on": date(2024, 6, 29),
         "limit_amount": Decimal("900.00")},
    ])  # fmt: skip
    drawdowns = memory("drawdowns", [
        {"facility_id": line, "loan_id": loan}
        for line, loan in (("A", "1"), ("B", "2"), ("C", "3"))
    ])  # fmt: skip
    states = memory("states", [
        state("1", outstanding_principal_amount=Decimal("30.00")),
        state("2", outstanding_principal_amount=Decimal("60.00")), state("3"),
    ])  # fmt: skip
    row = lines(portfolio.line_use(facilities, drawdowns, states, as_of=AS_OF))[0]
    assert (row["lines"], row["limit_amount"]) == (2, Decimal("150.00"))
    assert (row["outstanding_principal_amount"], row["undrawn_amount"]) == (
        Decimal(90),
        Decimal(70),
    )
    assert row["use_rate"] == 0.6


def test_compensation_rate_by_hand() -> None:
    day = date(2024, 5, 1)
    guarantees = memory("guarantees", [
        {"guarantee_id": "1", "released_on": day, "guaranteed_amount": Decimal("900.00")},
        {"guarantee_id": "2", "guaranteed_amount": Decimal("500.00")},
        {"guarantee_id": "3", "released_on": date(2024, 7, 1),
         "guaranteed_amount": Decimal("700.00")},
    ])  # fmt: skip
    paid = memory("compensations", [
        {"compensation_id": "1", "guarantee_id": "2", "compensated_on": day,
         "compensated_amount": Decimal("100.00"), "recovered_amount": Decimal("40.00")},
    ])  # fmt: skip
    row = lines(portfolio.compensation_rate(guarantees, paid, as_of=AS_OF))[0]
    # 100 paid over 900 released and the 100 that its payment released.
    assert (row["released_amount"], row["compensation_rate"]) == (Decimal("1000.00"), 0.1)
    assert row["net_compensation_rate"] == 0.06


def test_concentration_of_funders_is_rounded_to_the_cent_a_loan() -> None:
    states = memory("states", [state("1", outstanding_principal_amount=Decimal("100.01"))])
    shares = memory("funding_shares", [
        {"loan_id": "1", "funder_id": "A", "funding_share": 0.5},
        {"loan_id": "1", "funder_id": "B", "funding_share": 0.25},
    ])  # fmt: skip
    row = lines(portfolio.concentration_funder(states, shares))[0]
    # 50.005 rounds up to 50.01, 25.0025 down to 25.00.
    assert (row["holders"], row["outstanding_principal_amount"]) == (2, Decimal("75.01"))


def test_published_hhi() -> None:
    # regulation.md D8: 40/30/20/10 -> 3,000.
    rows = [state(str(n), outstanding_principal_amount=Decimal(n)) for n in (40, 30, 20, 10)]
    assert lines(portfolio.concentration(memory("states", rows)))[0]["hhi"] == pytest.approx(3000)


def test_bootstrap_interval_is_repeatable_and_holds_the_figure() -> None:
    cents = np.random.default_rng(1).integers(1, 10**6, 200)
    rows = [
        state(str(n), outstanding_principal_amount=Decimal(int(value)) / 100)
        for n, value in enumerate(cents)
    ]
    states = memory("states", rows)
    found = [
        portfolio.concentration_interval(states, rng=np.random.default_rng(7), resamples=100)
        for _ in range(2)
    ]
    assert found[0] == found[1]
    exact = lines(portfolio.concentration(states))[0]
    assert found[0]["hhi"].value == pytest.approx(exact["hhi"], rel=1e-12)
    assert found[0]["gini"].value == pytest.approx(exact["gini"], rel=1e-9)
    assert found[0]["gini"].low < found[0]["gini"].high
    assert portfolio.concentration_interval(
        memory("states", []), rng=np.random.default_rng(1)
    ) == {}  # fmt: skip
    with pytest.raises(OutOfRangeError):
        portfolio.concentration_interval(states, rng=np.random.default_rng(1), confidence=1.0)


LOAN = {"id": "1", "disbursed": "2024-01", "principal": "10.00",
        "path": [["C", "10.00"], ["M1", "9.00"], ["M2", "9.00"], ["W", "0.00"]]}  # fmt: skip


def test_other_buckets_cut_the_days_and_the_state_before() -> None:
    panel = panel_of([LOAN], "2024-01")
    two = portfolio.Buckets((10,))
    # The panel maker puts M1 at 15 and M2 at 45 days: both above 10, so both in the last bucket.
    matrix = {
        (row["opening_state"], row["state"]): row["loans"]
        for row in lines(portfolio.transition(panel, buckets=two))
        if row["loans"]
    }
    assert matrix == {("C", "M2"): 1, ("M2", "M2"): 1, ("M2", "W"): 1}
    balances = lines(portfolio.bucket_balance(panel, buckets=two))
    assert {row["bucket"] for row in balances} == {"C", "M1", "M2"}
    with pytest.raises(InputError):
        portfolio.Buckets((30, 30))


@pytest.mark.parametrize(
    "call",
    [
        lambda panel: portfolio.over_30(panel, by=["colour"]),
        lambda panel: portfolio.over_30(panel, by="grade"),
        lambda panel: portfolio.vintage_ever(panel, over_days=60),
        lambda panel: portfolio.net_flow_loss(panel, to="M9"),
        lambda panel: portfolio.first_payment_default(panel, as_of=AS_OF, days=-1),
    ],
)
def test_refuses_what_it_does_not_know(call: Any) -> None:
    with pytest.raises(InputError):
        call(panel_of([LOAN], "2024-01"))


def test_a_month_that_is_missing_is_null_and_not_the_one_before() -> None:
    panel = panel_of([LOAN], "2024-01")
    gap = panel.filter(panel.months_on_book != 1)
    assert lines(portfolio.flow_rate(gap))[0]["month_end"] == date(2024, 4, 30)


def test_all_prepaid_in_one_month_is_one_hundred_per_cent_a_year() -> None:
    panel = memory("panel", [
        {"loan_id": "1", "month_end": AS_OF, "opening_principal_amount": Decimal(100),
         "scheduled_principal_amount": Decimal(10), "paid_principal_amount": Decimal(100)},
    ])  # fmt: skip
    assert lines(portfolio.prepayment_speed_compounded(panel))[0]["cpr"] == 1.0


def test_outcomes_take_the_last_observation() -> None:
    loans = memory("loans", [
        {"loan_id": name, "principal_amount": Decimal("100.00"), "grade": "A",
         "disbursed_on": date(2024, 1, 15)} for name in "123"
    ])  # fmt: skip
    outcomes = memory("loan_outcomes", [
        {"loan_id": "1", "observed_on": date(2024, 2, 1), "status": "current"},
        {"loan_id": "1", "observed_on": date(2024, 6, 1), "status": "charged_off",
         "paid_principal_amount": Decimal("20.00"), "recovered_amount": Decimal("10.00"),
         "recovery_cost_amount": Decimal("2.00")},
        {"loan_id": "2", "observed_on": date(2024, 6, 1), "status": "paid"},
        {"loan_id": "3", "observed_on": date(2024, 6, 1), "status": "current"},
    ])  # fmt: skip
    by = ["grade", "issue_month"]
    rate = lines(portfolio.charge_off_rate(loans, outcomes, by=by))[0]
    assert (rate["loans"], rate["resolved_loans"], rate["count_rate"]) == (3, 2, 0.5)
    assert rate["issue_month"] == date(2024, 1, 1)
    loss = lines(portfolio.outcome_loss(loans, outcomes))[0]
    assert (loss["gross_loss_amount"], loss["net_loss_amount"]) == (Decimal(80), Decimal(72))
    assert loss["net_loss_rate"] == 0.36
    assert lines(portfolio.outcome_recovery(loans, outcomes))[0]["recovery_rate"] == 0.1


def test_every_measure_speaks_both_languages_and_names_real_columns() -> None:
    from fengkong.book.schema import DERIVED, TABLES

    known = {**TABLES, **DERIVED}
    for name, item in measures().items():
        assert item.title["zh"], name
        assert item.definition["zh"], name
        assert all(table in known for table in item.needs), name
        for place in item.columns:
            table, column = place.split(".")
            assert table in item.needs, name
            assert column in known[table], (name, place)
