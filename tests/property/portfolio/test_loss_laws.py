"""Laws of the expected loss on random portfolios, and an exact loan-by-loan computation."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import ibis
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.portfolio.loss.loss_tables import derived

from fengkong.book.schema import TABLES
from fengkong.portfolio.loss import (
    Lines,
    expected_loss,
    load_settings,
    loss_by_line,
    loss_by_loan,
    loss_items,
    movement,
    parameters,
)

GRADES = ("A", "B")
DPD = (0, 12, 30, 31, 90, 91, 200)
ORIGIN = (None, 0.02, 0.04, 0.2)


def money() -> st.SearchStrategy[Decimal]:
    return st.integers(1, 10_000_000).map(lambda cents: Decimal(cents).scaleb(-2))


@st.composite
def loan(draw: st.DrawFn) -> dict[str, Any]:
    amounts = sorted(draw(st.lists(money(), min_size=1, max_size=3)), reverse=True)
    return {
        "grade": draw(st.sampled_from(GRADES)),
        "days_past_due": draw(st.sampled_from(DPD)),
        "watch": draw(st.booleans()),
        "pd_lifetime_origination": draw(st.sampled_from(ORIGIN)),
        # Rates on an eighth are exact in binary; the discount factor is then a fraction.
        "eir_annual": draw(st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0])),
        "amounts": amounts,
    }


@st.composite
def market(draw: st.DrawFn) -> dict[str, Any]:
    def share(top: int) -> st.SearchStrategy[str]:
        return st.integers(0, top).map(lambda n: str(Decimal(n).scaleb(-3)))

    weights = draw(st.sampled_from([("1",), ("0.5", "0.2", "0.3"), ("0.25", "0.75")]))
    names = [f"s{number}" for number in range(len(weights))]
    pd = st.lists(share(333), min_size=3, max_size=3)
    return {
        "scenarios": {n: {"weight": w} for n, w in zip(names, weights, strict=True)},
        "pd": {
            "source": "given",
            "given": {grade: {name: draw(pd) for name in names} for grade in GRADES},
        },
        "lgd": {"source": "given", "given": {"*": {name: draw(share(1000)) for name in names}}},
    }


def tables(loans: list[dict[str, Any]], prefix: str = "") -> tuple[Any, Any]:
    states, exposures = [], []
    for number, item in enumerate(loans):
        name = f"{prefix}{number}"
        facts = {key: value for key, value in item.items() if key != "amounts"}
        amount = {"outstanding_principal_amount": item["amounts"][0]}
        states.append({"loan_id": name, "status": "active"} | amount | facts)
        exposures += [
            {"loan_id": name, "year_number": year, "exposure_amount": amount}
            for year, amount in enumerate(item["amounts"], start=1)
        ]
    return derived("states", states), derived("exposures", exposures)


def by_loan(loans: list[dict[str, Any]], content: dict[str, Any], prefix: str = "") -> Any:
    chosen = load_settings(content)
    states, exposures = tables(loans, prefix)
    using = parameters(chosen, None, states)
    return loss_by_loan(states, exposures, settings=chosen, using=using)


def records(table: Any) -> list[dict[str, Any]]:
    return sorted(table.execute().to_dict("records"), key=lambda row: row["loan_id"])


def exact(item: dict[str, Any], content: dict[str, Any]) -> tuple[int, Decimal, Decimal, Decimal]:
    """One loan in fractions: stage, loss, twelve-month loss, lifetime loss."""
    names = list(content["scenarios"])
    weight = {name: Fraction(content["scenarios"][name]["weight"]) for name in names}
    pd = {
        name: [Fraction(value) for value in content["pd"]["given"][item["grade"]][name]]
        for name in names
    }
    lgd = {name: Fraction(content["lgd"]["given"]["*"][name]) for name in names}
    years = range(len(item["amounts"]))
    lifetime_pd = sum(weight[name] * pd[name][year] for name in names for year in years)
    origin = item["pd_lifetime_origination"]
    doubled = origin is not None and lifetime_pd >= 2 * Fraction(str(origin))
    second = item["days_past_due"] > 30 or item["watch"] or doubled
    stage = 3 if item["days_past_due"] > 90 else 2 if second else 1
    growth = 1 + Fraction(item["eir_annual"])

    def loss(count: int) -> Decimal:
        total = Fraction(0)
        for name in names:
            for year in range(count):
                exposed = Fraction(item["amounts"][year]) / growth ** (year + 1)
                total += weight[name] * pd[name][year] * lgd[name] * exposed
        if stage == 3:
            total = sum(weight[n] * lgd[n] for n in names) * Fraction(item["amounts"][0])
        unit = Decimal(total.numerator) / Decimal(total.denominator)
        return unit.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)

    year, life = loss(1), loss(len(item["amounts"]))
    return stage, (year if stage == 1 else life), year, life


@settings(max_examples=25)
@given(st.lists(loan(), min_size=1, max_size=8), market())
def test_equals_exact_arithmetic_loan_by_loan(loans: list[dict[str, Any]], content: dict[str, Any]):
    for row in records(by_loan(loans, content)):
        found = (
            row["stage"],
            row["expected_loss_amount"],
            row["expected_loss_12m_amount"],
            row["expected_loss_lifetime_amount"],
        )
        assert found == exact(loans[int(row["loan_id"])], content)


def raised(content: dict[str, Any], part: str) -> dict[str, Any]:
    up = {
        name: fields | {f"{part}_scalar": "1.25"} for name, fields in content["scenarios"].items()
    }
    return content | {"scenarios": up}


@settings(max_examples=12)
@given(st.lists(loan(), min_size=1, max_size=5), market(), st.sampled_from(["pd", "lgd"]))
def test_rises_with_pd_and_with_lgd_and_lifetime_is_not_below_twelve_months(
    loans: list[dict[str, Any]], content: dict[str, Any], part: str
):
    low, high = records(by_loan(loans, content)), records(by_loan(loans, raised(content, part)))
    for before, after in zip(low, high, strict=True):
        assert after["stage"] >= before["stage"]
        for name in ("12m", "lifetime"):
            column = f"expected_loss_{name}_amount"
            assert after[column] >= before[column]
        assert after["expected_loss_amount"] >= before["expected_loss_amount"]
        assert before["expected_loss_lifetime_amount"] >= before["expected_loss_12m_amount"]


@st.composite
def credit_lines(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Up to four lines, each with up to three of eight loans drawn on it."""
    ends = st.sampled_from([None, date(2024, 6, 29), date(2024, 6, 30), date(2025, 6, 29)])
    facilities, drawdowns = [], []
    for number in range(draw(st.integers(1, 4))):
        name = f"F{number}"
        facilities.append({"facility_id": name, "opened_on": date(2023, 1, 1),
                           "expires_on": draw(ends), "limit_amount": draw(money())})  # fmt: skip
        drawdowns += [
            {"facility_id": name, "loan_id": str(loan), "drawn_amount": Decimal(1),
             "drawn_on": date(2023, 1, 1 + draw(st.integers(0, 2)))}
            for loan in draw(st.sets(st.integers(0, 7), max_size=3))
        ]  # fmt: skip
    return facilities, drawdowns


@settings(max_examples=25)
@given(
    st.lists(loan(), min_size=1, max_size=8),
    market(),
    credit_lines(),
    st.sampled_from(["0", "1", "0.4"]),
)
def test_undrawn_lines_add_up_and_follow_their_worst_loan(
    loans: list[dict[str, Any]], content: dict[str, Any], drawn: Any, factor: str
):
    content = content | {"exposure": {"credit_conversion_factor": factor}}
    chosen = load_settings(content)
    states, exposures = tables(loans)
    facilities, drawdowns = (
        memory(rows, TABLES[name].ibis_schema())
        for name, rows in zip(("facilities", "drawdowns"), drawn, strict=True)
    )
    asked: dict[str, Any] = {"settings": chosen, "using": parameters(chosen, None, states)}
    lines = Lines(facilities=facilities, drawdowns=drawdowns, as_of=date(2024, 6, 30))
    plain = {row["loan_id"]: row for row in records(loss_by_loan(states, exposures, **asked))}
    rows = records(loss_by_loan(states, exposures, **asked, lines=lines))
    items = loss_items(states, exposures, **asked, lines=lines).execute()
    by_line = loss_by_line(states, exposures, **asked, lines=lines).execute().to_dict("records")
    for row in rows:
        before = plain[row["loan_id"]]
        assert row["stage"] == before["stage"]
        assert row["expected_loss_drawn_amount"] == before["expected_loss_amount"]
        for name in ("exposure", "expected_loss"):
            parts = row[f"{name}_drawn_amount"] + row[f"{name}_undrawn_amount"]
            assert parts == row[f"{name}_amount"]
    assert items["expected_loss_amount"].sum() == sum(row["expected_loss_amount"] for row in rows)
    limits = {row["facility_id"]: row["limit_amount"] for row in drawn[0]}
    for line in by_line:
        own = [row for row in drawn[1] if row["facility_id"] == line["facility_id"]]
        on_line = [plain[row["loan_id"]] for row in own if row["loan_id"] in plain]
        assert line["stage"] == max(row["stage"] for row in on_line)
        used = sum(row["outstanding_principal_amount"] for row in on_line)
        assert line["undrawn_amount"] == limits[line["facility_id"]] - used > 0
        if factor == "1":
            assert line["exposure_amount"] == line["undrawn_amount"]
        if factor == "0":
            assert line["expected_loss_amount"] == 0


@settings(max_examples=12)
@given(st.lists(loan(), min_size=1, max_size=6), st.lists(loan(), min_size=1, max_size=6), market())
def test_two_books_added_add_their_amounts(
    first: list[dict[str, Any]], second: list[dict[str, Any]], content: dict[str, Any]
):
    chosen = load_settings(content)
    sums = []
    one, two = tables(first, "x"), tables(second, "y")
    both = one[0].union(two[0]), one[1].union(two[1])
    for states, exposures in (one, two, both):
        table = expected_loss(states, exposures, settings=chosen).execute()
        stages = table.set_index("stage")["expected_loss_amount"].to_dict()
        sums.append({stage: stages.get(stage, Decimal("0.00")) for stage in (1, 2, 3)})
    assert all(sums[0][stage] + sums[1][stage] == sums[2][stage] for stage in (1, 2, 3))


@settings(max_examples=12)
@given(
    st.dictionaries(st.integers(0, 9), st.tuples(st.integers(1, 3), money()), max_size=8),
    st.dictionaries(st.integers(0, 9), st.tuples(st.integers(1, 3), money()), max_size=8),
    st.dictionaries(st.integers(0, 9), money(), max_size=4),
)
def test_movement_adds_up_to_the_cent(before: Any, after: Any, gone: Any):
    def table(items: dict[int, tuple[int, Decimal]]) -> Any:
        rows = [
            {"loan_id": str(name), "stage": stage, "expected_loss_amount": amount}
            for name, (stage, amount) in items.items()
        ]
        return memory(
            rows,
            {"loan_id": "string", "stage": "int64", "expected_loss_amount": "decimal(18, 2)"},
        )

    write_offs = memory(
        [{"loan_id": str(name), "written_off_amount": amount} for name, amount in gone.items()],
        {"loan_id": "string", "written_off_amount": "decimal(18, 2)"},
    )
    rows = movement(table(before), table(after), write_offs).execute().set_index("line")
    columns = ["stage_1_amount", "stage_2_amount", "stage_3_amount", "total_amount"]
    between = list(rows.index[1:9])
    for position, column in enumerate(columns, start=1):
        closing = rows.loc["opening", column] + sum(rows.loc[line, column] for line in between)
        assert closing == rows.loc["closing", column]
        parts = [amount for stage, amount in after.values() if position in (stage, 4)]
        assert rows.loc["closing", column] == sum(parts, Decimal("0.00"))
    for line in rows.index:
        assert rows.loc[line, columns[:3]].sum() == rows.loc[line, "total_amount"]
        if line.startswith("transfer"):
            assert rows.loc[line, "total_amount"] == 0
    assert rows.loc["write_offs", "total_amount"] == -sum(gone.values(), Decimal("0.00"))
    parts = ["remeasurement_on_transfer", "originated", "derecognised", "remeasurement_in_stage"]
    charge = rows.loc["charge_to_profit_or_loss", "total_amount"]
    assert charge == sum(rows.loc[line, "total_amount"] for line in parts)


def memory(rows: list[dict[str, Any]], schema: dict[str, str]) -> Any:
    arrow = ibis.schema(schema)
    return ibis.memtable(pa.Table.from_pylist(rows, schema=arrow.to_pyarrow()), schema=arrow)
