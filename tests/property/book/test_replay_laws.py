"""The replay against a slow reference that looks at every day, and its laws."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from fengkong.book._intake import arrow_schema
from fengkong.book.replay import make_schedules
from fengkong.book.replay._replayed import panel_of, replay, states_of
from fengkong.book.schema import TABLES
from fengkong.foundation.calendar import day_number

START = date(2024, 1, 15)
CENT = Decimal("0.01")


def cents(value: Fraction) -> int:
    """Round half up."""
    return int((value * 2 + 1) // 2)


def later(day: date, months: int, due_day: int | None = None) -> date:
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    length = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(due_day or day.day, length))


@dataclass
class Part:
    due: date
    start: date
    principal: int
    interest: int
    fee: int
    paid_principal: int = 0
    paid_interest: int = 0
    paid_fee: int = 0

    @property
    def unpaid(self) -> tuple[int, int, int]:
        return (
            self.fee - self.paid_fee,
            self.interest - self.paid_interest,
            self.principal - self.paid_principal,
        )


@dataclass
class Facts:
    loan: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)


def contract(loan: dict[str, Any]) -> list[Part]:
    """Amortise with exact fractions."""
    rate, n = Fraction(str(loan["rate_annual"])), loan["term_months"]
    balance = int(loan["principal_amount"] * 100)
    method, count = loan["method"], 1 if loan["method"] == "bullet" else n
    months = n if method == "bullet" else 1
    level = 0
    if method == "equal_principal" or (method == "equal_instalment" and rate == 0):
        level = cents(Fraction(balance, count))
    elif method == "equal_instalment":
        growth = (1 + rate / 12) ** count
        level = cents(balance * (rate / 12) * growth / (growth - 1))
    parts, start = [], loan["disbursed_on"]
    for k in range(count):
        due = later(loan["first_due_on"], k, loan["due_day"]) if k else loan["first_due_on"]
        days = (due - start).days
        share = {
            "30/360": Fraction(months, 12),
            "ACT/365F": Fraction(days, 365),
            "ACT/360": Fraction(days, 360),
        }[loan["day_count"]]
        interest = cents(balance * rate * share)
        principal = 0
        if k == count - 1:
            principal = balance
        elif method == "equal_instalment":
            principal = min(balance, max(0, level - interest))
        elif method == "equal_principal":
            principal = min(balance, level)
        balance -= principal
        fee = int(loan["instalment_fee_amount"] * 100)
        parts.append(Part(due, start, principal, interest, fee))
        start = due
    return parts


def earned(part: Part, day: date) -> int:
    if part.due <= day:
        return part.interest
    if part.start >= day:
        return 0
    return cents(Fraction(part.interest * (day - part.start).days, (part.due - part.start).days))


def take(parts: list[Part], amount: int) -> int:
    for part in parts:
        for name, claim in zip(("fee", "interest", "principal"), part.unpaid, strict=True):
            got = min(amount, claim)
            setattr(part, f"paid_{name}", getattr(part, f"paid_{name}") + got)
            amount -= got
    return amount


def close_of(facts: Facts, day: date) -> dict[str, Any]:
    """Rebuild the loan from nothing, with the facts of one day's close."""
    parts = contract(facts.loan)
    undone = {e["undoes"] for e in facts.events if e["kind"] == "reversal" and e["on"] <= day}
    status, credit, waived, off = "active", 0, 0, 0
    due_events = [e for e in facts.events if e["on"] <= day]
    order = {"charge": 0, "payment": 1, "settlement": 1, "reversal": 1, "extension": 2}
    for event in sorted(due_events, key=lambda e: (e["on"], order.get(e["kind"], 4), e["n"])):
        kind, amount = event["kind"], event.get("amount", 0)
        oldest = next((k for k, part in enumerate(parts) if any(part.unpaid)), None)
        if event["n"] in undone or kind == "reversal" or status == "written_off":
            continue
        if kind == "charge":
            parts[-1 if oldest is None else oldest].fee += amount
        elif kind == "payment":
            credit += take(parts, amount)
        elif kind == "settlement":
            for part in parts:
                if part.due > event["on"]:
                    part.interest = max(part.paid_interest, earned(part, event["on"]))
                    part.fee = max(part.paid_fee, 0)
            credit += take(parts, amount)
            waived += sum(part.unpaid[2] for part in parts)
            for part in parts:
                part.fee, part.interest = part.paid_fee, part.paid_interest
                part.principal = part.paid_principal
        elif kind == "extension" and oldest is not None:
            for k in range(len(parts) - 1, oldest - 1, -1):
                before = parts[k].start if k == 0 else parts[k - 1].due
                own = None if k == 0 else facts.loan["due_day"]
                parts[k].start = later(before, amount, own)
                parts[k].due = later(parts[k].due, amount, facts.loan["due_day"])
        elif kind == "write_off" and oldest is not None:
            status, off = "written_off", sum(part.unpaid[2] for part in parts)
    return measured(facts, parts, status, day) | {"credit": credit, "waived": waived, "off": off}


def measured(facts: Facts, parts: list[Part], status: str, day: date) -> dict[str, Any]:
    left = [part for part in parts if any(part.unpaid)]
    out = {
        "principal_paid": sum(part.paid_principal for part in parts),
        "outstanding": 0, "accrued": 0, "overdue": 0, "days": None, "material": False,
    }  # fmt: skip
    if status == "written_off":
        return out | {"status": status}
    if not left:
        return out | {"status": "closed", "days": 0}
    grace = facts.loan["grace_days"]
    late = [part for part in left if (day - part.due).days > grace]
    days = (day - left[0].due).days
    out["outstanding"] = sum(part.unpaid[2] for part in parts)
    out["accrued"] = sum(max(0, earned(part, day) - part.paid_interest) for part in parts)
    out["overdue"] = sum(sum(part.unpaid) for part in late)
    out["days"] = days if days > grace else 0
    fees = sum(part.unpaid[0] for part in parts if part.due <= day)
    exposure = out["outstanding"] + out["accrued"] + fees
    out["material"] = out["overdue"] > 100_00 and out["overdue"] * 100 > exposure
    return out | {"status": "active"}


def reference(facts: Facts, as_of: date) -> dict[str, Any]:
    """Live through every day."""
    worst, run, default, ends = 0, 0, False, None
    day = START
    while day <= as_of:
        now = close_of(facts, day)
        worst = max(worst, now["days"] or 0)
        run = run + 1 if now["material"] else 0
        if run > 90:
            default, ends = True, None
        elif default:
            ends = ends or later(day, 3)
            default = day < ends
            ends = ends if default else None
        if now["status"] == "written_off":
            default = True
        day += timedelta(days=1)
    return now | {"worst": worst, "run": run, "eba": default}


def tables(facts: Facts) -> dict[str, pa.Table]:
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    rows["loans"] = [facts.loan]
    for event in facts.events:
        kind, base = event["kind"], {"loan_id": "A"}
        amount = Decimal(event.get("amount", 0)) * CENT
        key = f"{event['n']:04d}"
        if kind in {"payment", "settlement", "reversal"}:
            undoes = f"{event['undoes']:04d}" if kind == "reversal" else None
            rows["payments"].append(
                base
                | {"payment_id": key, "paid_on": event["on"], "kind": kind, "amount": amount}
                | {"reverses_payment_id": undoes}
            )
        elif kind == "charge":
            rows["fees"].append(base | {"fee_id": key, "charged_on": event["on"], "amount": amount})
        elif kind == "extension":
            rows["modifications"].append(
                base
                | {"modification_id": key, "modified_on": event["on"], "kind": kind}
                | {"extension_months": event["amount"]}
            )
        else:
            rows["loan_events"].append(
                base | {"event_id": key, "occurred_on": event["on"], "kind": kind}
            )
    return {
        name: pa.Table.from_pylist(content, schema=arrow_schema(TABLES[name], stamps=False))
        for name, content in rows.items()
    }


def kernel(facts: Facts, as_of: date, *, backwards: bool = False) -> Any:
    seen = Facts(facts.loan, [e for e in facts.events if e["on"] <= as_of])
    if backwards:
        seen.events.reverse()
    content = tables(seen)

    def read(name: str, columns: list[str]) -> pa.Table:
        return content[name].select(columns)

    return replay(read, content["loans"], day_number(as_of))


loans = st.builds(
    lambda **kw: kw | {"loan_id": "A", "currency": "EUR", "disbursed_on": START},
    principal_amount=st.integers(1_00, 2_000_00).map(lambda c: Decimal(c) * CENT),
    rate_annual=st.sampled_from([0.0, 0.12, 0.1825, 0.36]),
    term_months=st.integers(1, 6),
    method=st.sampled_from(["equal_instalment", "equal_principal", "interest_only", "bullet"]),
    day_count=st.sampled_from(["30/360", "ACT/365F", "ACT/360"]),
    first_due_on=st.sampled_from([date(2024, 2, 15), date(2024, 2, 29), date(2024, 3, 5)]),
    due_day=st.sampled_from([15, 31, 5]),
    grace_days=st.sampled_from([0, 0, 3]),
    instalment_fee_amount=st.sampled_from([Decimal("0.00"), Decimal("2.50")]),
)


@st.composite
def histories(draw: Any) -> Facts:
    loan = draw(loans)
    if loan["due_day"] < loan["first_due_on"].day or loan["method"] == "bullet":
        loan["due_day"] = loan["first_due_on"].day
    facts = Facts(loan)
    kinds = ["payment"] * 6 + ["charge", "reversal", "extension", "settlement", "write_off"]
    for n in range(draw(st.integers(0, 7))):
        kind = draw(st.sampled_from(kinds))
        event = {"n": n, "kind": kind, "on": START + timedelta(days=draw(st.integers(0, 300)))}
        paid = [e for e in facts.events if e["kind"] == "payment"]
        if kind == "reversal":
            if not paid:
                continue
            target = draw(st.sampled_from(paid))
            event["undoes"] = target["n"]
            event["on"] = max(event["on"], target["on"])
        elif kind == "extension":
            event["amount"] = draw(st.integers(1, 2))
        elif kind != "write_off":
            event["amount"] = draw(st.integers(1, 600_00))
        if kind == "settlement" and any(e["kind"] == kind for e in facts.events):
            continue
        facts.events.append(event)
    return facts


days = st.integers(0, 420).map(lambda d: START + timedelta(days=d))


@given(facts=histories(), as_of=days)
def test_equals_the_slow_reference(facts: Facts, as_of: date) -> None:
    done = kernel(facts, as_of)
    state = states_of(done, as_of, day_number(as_of)).to_pylist()[0]
    wanted = reference(facts, as_of)
    told = {
        "status": state["status"],
        "outstanding": int(state["outstanding_principal_amount"] * 100),
        "accrued": int(state["accrued_interest_amount"] * 100),
        "overdue": int(state["overdue_amount"] * 100),
        "days": state["days_past_due"],
        "credit": int(state["credit_amount"] * 100),
        "worst": state["days_past_due_max"],
        "run": state["eba_material_days"],
        "eba": state["eba_default"],
    }
    assert told == {name: wanted[name] for name in told}


@given(facts=histories(), as_of=days)
def test_principal_is_never_lost(facts: Facts, as_of: date) -> None:
    state = states_of(kernel(facts, as_of), as_of, day_number(as_of)).to_pylist()[0]
    wanted = close_of(facts, as_of)
    off = state["written_off_principal_amount"] or Decimal(0)
    paid = Decimal(wanted["principal_paid"] + wanted["waived"]) * CENT
    assert paid + state["outstanding_principal_amount"] + off == facts.loan["principal_amount"]


@given(facts=histories(), as_of=days)
def test_days_past_due_rise_by_one_a_day(facts: Facts, as_of: date) -> None:
    facts.events = [e for e in facts.events if e["kind"] != "reversal"]
    facts.loan["grace_days"] = 0
    tomorrow = as_of + timedelta(days=1)
    today = states_of(kernel(facts, as_of), as_of, day_number(as_of)).to_pylist()[0]
    after = states_of(kernel(facts, tomorrow), tomorrow, day_number(tomorrow)).to_pylist()[0]
    charged = any(e["kind"] == "charge" and e["on"] == tomorrow for e in facts.events)
    if after["days_past_due"] is not None and today["status"] == "active" and not charged:
        assert after["days_past_due"] <= today["days_past_due"] + 1


@given(facts=histories(), as_of=days)
def test_order_of_arrival_changes_nothing(facts: Facts, as_of: date) -> None:
    one, other = kernel(facts, as_of), kernel(facts, as_of, backwards=True)
    day = day_number(as_of)
    assert states_of(one, as_of, day).equals(states_of(other, as_of, day))
    assert panel_of(one).equals(panel_of(other))


@given(loan=loans)
def test_schedules_equal_exact_fractions(loan: dict[str, Any]) -> None:
    made = make_schedules(tables(Facts(loan))["loans"]).to_pylist()
    wanted = contract(loan)
    told = [
        (row["due_on"], int(row["principal_amount"] * 100), int(row["interest_amount"] * 100))
        for row in made
    ]
    assert told == [(part.due, part.principal, part.interest) for part in wanted]


def test_half_a_cent_goes_up() -> None:
    for hundredths in range(1, 400):
        scaled = Fraction(hundredths, 2)
        wanted = int(Decimal(hundredths / 2).quantize(Decimal(1), rounding=ROUND_HALF_UP))
        assert cents(scaled) == wanted
