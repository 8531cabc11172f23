"""Comparison of measures with the worked answers of portfolios.yaml, whatever made the tables."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import ibis.expr.types as ir
from tests.unit.portfolio.panel_maker import lines, month_of

from fengkong import portfolio


def same(value: float | None, shown: str | None) -> bool:
    """Whether a ratio equals the shown one to one unit of its last digit."""
    if value is None or shown is None:
        return value is None and shown is None
    digits = Decimal(shown)
    unit = Decimal(1).scaleb(int(digits.as_tuple().exponent))
    return abs(Decimal(value).quantize(unit, ROUND_HALF_UP) - digits) <= unit


def month_text(day: date) -> str:
    return f"{day:%Y-%m}"


def assert_vintage(panel: ir.Table, expected: dict[str, Any]) -> None:
    for days in (30, 90):
        ever = lines(portfolio.vintage_ever(panel, over_days=days))
        now = lines(portfolio.vintage_point_in_time(panel, over_days=days))
        answers = expected[f"over_{days}"]
        assert {month_text(row["cohort_month"]) for row in ever} == set(answers)
        for cohort, answer in answers.items():
            for kind, rows in (("ever", ever), ("pit", now)):
                own = [row for row in rows if month_text(row["cohort_month"]) == cohort]
                assert [row["months_on_book"] for row in own] == list(range(8))
                assert {row["cohort_loans"] for row in own} == {answer["loans"]}
                assert {row["cohort_disbursed_amount"] for row in own} == {
                    Decimal(answer["disbursed"])
                }
                assert [row["bad_loans"] for row in own] == answer[f"{kind}_count"]
                amounts = [None if a is None else Decimal(a) for a in answer[f"{kind}_amount"]]
                assert [row["bad_amount"] for row in own] == amounts
                assert [row["mature"] for row in own] == [a is not None for a in amounts]
                rates = {"count_rate": "count_rate", "amount_rate": "amount_rate"}
                if kind == "ever":
                    rates["disbursed_rate"] = "disbursed_rate"
                for column, key in rates.items():
                    shown = answer[f"{kind}_{key}"]
                    assert all(same(r[column], s) for r, s in zip(own, shown, strict=True))


def assert_transition(panel: ir.Table, expected: dict[str, Any]) -> None:
    matrix = {(r["opening_state"], r["state"]): r for r in lines(portfolio.transition(panel))}
    answer = expected["transition"]
    assert {start for start, _ in matrix} == set(answer["count"])
    for (start, end), row in matrix.items():
        place = answer["columns"].index(end) if end in answer["columns"] else None
        figures = [
            ("loans", "count", int), ("opening_principal_amount", "balance", Decimal),
        ]  # fmt: skip
        for column, key, kind in figures:
            value = kind(answer[key][start][place]) if place is not None else 0
            assert row[column] == value, (start, end, column)
        for column, key in (("count_rate", "count_rate"), ("balance_rate", "balance_rate")):
            shown = answer[key][start][place] if place is not None else "0.000000"
            assert same(row[column], shown), (start, end, column)
    rolls = {row["opening_state"]: row for row in lines(portfolio.roll_rate(panel))}
    assert set(rolls) == set(expected["roll_rate"])
    for state, roll in expected["roll_rate"].items():
        assert same(rolls[state]["count_rate"], roll["count"])
        assert same(rolls[state]["balance_rate"], roll["balance"])
    cures = {row["opening_state"]: row for row in lines(portfolio.cure_rate(panel))}
    assert set(cures) == set(expected["cure_rate"])
    for state, cure in expected["cure_rate"].items():
        row = cures[state]
        assert (row["cured_loans"], row["loans"]) == (cure["cured"], cure["of"])
        assert same(row["count_rate"], cure["count"])
        assert same(row["balance_rate"], cure["balance"])


def assert_flow(panel: ir.Table, expected: dict[str, Any]) -> None:
    answer = expected["flow"]
    buckets = {
        (month_text(r["month_end"]), r["bucket"]): r for r in lines(portfolio.bucket_balance(panel))
    }
    lagged = {
        (month_text(r["month_end"]), r["bucket"]): r for r in lines(portfolio.lagged_rate(panel))
    }
    for month, row in answer["bucket_balance"].items():
        for bucket, amount in row.items():
            assert buckets[month, bucket]["outstanding_principal_amount"] == Decimal(amount)
        for bucket, shown in answer["coincident_rate"][month].items():
            assert same(buckets[month, bucket]["coincident_rate"], shown)
        for bucket, shown in answer["lagged_rate"][month].items():
            assert same(lagged[month, bucket]["lagged_rate"], shown)
    flows = lines(portfolio.flow_rate(panel))
    pooled = {r["to_bucket"]: r["flow_rate"] for r in lines(portfolio.flow_rate_pooled(panel))}
    for name, shown in answer["flow_rate_monthly"].items():
        start, end = name.split("_to_")
        own = [r["flow_rate"] for r in flows if (r["from_bucket"], r["to_bucket"]) == (start, end)]
        assert all(same(value, text) for value, text in zip(own, shown, strict=True))
        assert same(pooled[end], answer["flow_rate_pooled"][name])
    net = lines(portfolio.net_flow_loss(panel))
    assert same(net[0]["net_flow_loss"], answer["net_flow_loss_C_to_M4"])


def assert_first_payment(states: ir.Table, as_of: date, expected: dict[str, Any]) -> None:
    for name, answer in expected.items():
        days = int(name.removeprefix("fpd_"))
        row = lines(portfolio.first_payment_default(states, as_of=as_of, days=days))[0]
        assert (row["bad_loans"], row["loans"]) == (answer["bad"], answer["of"])
        assert row["bad_disbursed_amount"] == Decimal(answer["bad_principal"])
        assert row["disbursed_amount"] == Decimal(answer["of_principal"])
        assert same(row["count_rate"], answer["count_rate"])
        assert same(row["amount_rate"], answer["amount_rate"])


def assert_speed(panel: ir.Table, expected: dict[str, Any]) -> None:
    prepaid = {month_text(r["month_end"]): r for r in lines(portfolio.prepayment_speed(panel))}
    default = {month_text(r["month_end"]): r for r in lines(portfolio.default_speed(panel))}
    months = {key: answer for key, answer in expected.items() if key != "all_months"}
    assert set(prepaid) == set(default) == set(months)
    for month, answer in months.items():
        row = prepaid[month]
        assert row["opening_principal_amount"] == Decimal(answer["opening"])
        assert row["scheduled_principal_amount"] == Decimal(answer["scheduled"])
        assert row["unscheduled_principal_amount"] == Decimal(answer["unscheduled"])
        assert default[month]["defaulted_principal_amount"] == Decimal(answer["defaulted"])
        assert same(row["smm"], answer["smm"])
        assert same(row["cpr"], answer["cpr"])
        assert same(default[month]["mdr"], answer["mdr"])
        assert same(default[month]["cdr"], answer["cdr"])
    total = expected["all_months"]
    assert same(lines(portfolio.prepayment_speed_compounded(panel))[0]["cpr"], total["cpr"])
    assert same(lines(portfolio.default_speed_compounded(panel))[0]["cdr"], total["cdr"])


def assert_concentration(states: ir.Table, expected: dict[str, Any]) -> None:
    for key, of in (("by_borrower", "borrower_id"), ("by_region", "region")):
        row, answer = lines(portfolio.concentration(states, of=of))[0], expected[key]
        assert row["holders"] == answer["n"]
        assert row["outstanding_principal_amount"] == Decimal(answer["total"])
        for name in ("hhi", "effective_number", "gini", "top_1", "top_3", "top_5", "top_10"):
            assert same(row[name], answer[name]), (key, name)


def assert_recovery(tables: tuple[ir.Table, ...], as_of: date, expected: dict[str, Any]) -> None:
    every = {row["loan_id"]: row for row in lines(portfolio.workouts(*tables))}
    assert set(every) == set(expected["by_workout"])
    for loan, answer in expected["by_workout"].items():
        assert same(every[loan]["pv_net"], answer["pv_net"])
        assert same(every[loan]["lgd"], answer["lgd"])
    basis = {row["basis"]: row for row in lines(portfolio.workout_lgd(*tables))}
    views = {"closed_only": "closed_only", "all_with_open": "all_with_open_as_if_nothing_more"}
    for name, key in views.items():
        row, answer = basis[name], expected[key]
        assert row["workouts"] == answer["workouts"]
        for column, shown in (
            ("mean", "mean"), ("exposure_weighted", "exposure_weighted"),
            ("mean_bounded", "mean_bounded_0_1"),
        ):  # fmt: skip
            assert same(row[column], answer[shown])
    curve = {
        row["months_since_default"]: row
        for row in lines(portfolio.recovery_curve(*tables, as_of=as_of, months=[6, 12, 24]))
    }
    assert len(curve) == len(expected["gross_recovery_curve"])
    for name, answer in expected["gross_recovery_curve"].items():
        row = curve[int(name.removeprefix("month_"))]
        assert row["workouts"] == answer["workouts"]
        assert row["recovered_amount"] == Decimal(answer["recovered"])
        assert row["exposure_at_default_amount"] == Decimal(answer["ead"])
        assert same(row["recovery_rate"], answer["rate"])


def months_between(first: str, last: str) -> int:
    return month_of(last) - month_of(first)
