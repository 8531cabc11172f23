"""Movement of the allowance from one date to another; adds up to the cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ibis

LINES = (
    "opening",
    "transfer_to_stage_1",
    "transfer_to_stage_2",
    "transfer_to_stage_3",
    "remeasurement_on_transfer",
    "originated",
    "derecognised",
    "remeasurement_in_stage",
    "write_offs",
    "closing",
    "charge_to_profit_or_loss",
)
TEXT = {
    "opening": {"en": "Opening allowance", "zh": "期初减值准备"},
    "transfer_to_stage_1": {"en": "Transfers to stage 1", "zh": "转入第一阶段"},
    "transfer_to_stage_2": {"en": "Transfers to stage 2", "zh": "转入第二阶段"},
    "transfer_to_stage_3": {"en": "Transfers to stage 3", "zh": "转入第三阶段"},
    "remeasurement_on_transfer": {"en": "Remeasurement on transfer", "zh": "阶段转移重新计量"},
    "originated": {"en": "Originated", "zh": "新增"},
    "derecognised": {"en": "Derecognised", "zh": "终止确认"},
    "remeasurement_in_stage": {"en": "Remeasurement within a stage", "zh": "同阶段重新计量"},
    "write_offs": {"en": "Write-offs", "zh": "核销"},
    "closing": {"en": "Closing allowance", "zh": "期末减值准备"},
    "charge_to_profit_or_loss": {"en": "Charge to profit or loss", "zh": "计入损益"},
}
_ZERO = Decimal("0.00")
_MONEY = "decimal(18, 2)"


def write_offs_between(opening_states: Any, closing_states: Any) -> Any:
    """Principal written off between two dates, by loan.

    Parameters
    ----------
    opening_states, closing_states : ibis Table
        `states` of the book at the two dates.

    Returns
    -------
    ibis Table
        loan_id, written_off_amount (not zero).
    """
    name = "written_off_principal_amount"
    before = opening_states.select(before_id="loan_id", before=name)
    after = closing_states.select("loan_id", after=name)
    both = after.left_join(before, after["loan_id"] == before["before_id"])
    amount = both["after"].fill_null(_ZERO) - both["before"].fill_null(_ZERO)
    both = both.select("loan_id", written_off_amount=amount.cast(_MONEY))
    return both.filter(both["written_off_amount"] != 0)


def movement(opening: Any, closing: Any, write_offs: Any) -> Any:
    """Table of the movement: one row a line, one column a stage and the total.

    A transfer moves the opening allowance of a loan; the change to its closing allowance stands in
    the new stage as remeasurement on transfer. A loan that is only in ``closing`` is originated,
    one that is only in ``opening`` derecognised. A write-off first brings the allowance to the
    amount written off (remeasurement within a stage), then uses it, in the closing stage of the
    loan, else its opening stage, else (made and written off between the dates) stage 3.
    Opening plus all lines from transfers to write-offs is closing, in every column; the charge to
    profit or loss is the sum of remeasurements, originated and derecognised.

    Parameters
    ----------
    opening, closing : ibis Table
        loan_id, stage, expected_loss_amount; as `loss_by_loan` returns at the two dates.
    write_offs : ibis Table
        loan_id, written_off_amount: gross amounts written off after opening up to closing.

    Returns
    -------
    ibis Table
        line_number, line, stage_1_amount, stage_2_amount, stage_3_amount, total_amount; sorted.
    """
    loans = _joined(opening, closing, write_offs)
    entries = ibis.union(*_entries(loans), distinct=False)
    frame = ibis.memtable(
        [{"line_number": number, "line": line} for number, line in enumerate(LINES, start=1)]
    )
    table = frame.left_join(entries, frame["line"] == entries["entry"])
    sums = {
        f"stage_{stage}_amount": table["amount"].sum(where=table["stage"] == stage)
        for stage in (1, 2, 3)
    }
    sums["total_amount"] = table["amount"].sum()
    grouped = table.group_by(["line_number", "line"]).aggregate(**sums)
    return grouped.mutate(
        **{name: grouped[name].fill_null(_ZERO).cast(_MONEY) for name in sums}
    ).order_by("line_number")


def _joined(opening: Any, closing: Any, write_offs: Any) -> Any:
    """One row a loan known to any of the three: from, to (stages), before, after, used."""
    zero = ibis.literal(_ZERO, _MONEY)
    nothing = ibis.null("int64")

    def part(table: Any, **columns: Any) -> Any:
        base = {"was": nothing, "now": nothing, "before": zero, "after": zero, "used": zero}
        cast = {name: value.cast(base[name].type()) for name, value in columns.items()}
        return table.select("loan_id", **(base | cast))

    parts = (
        part(opening, was=opening["stage"], before=opening["expected_loss_amount"]),
        part(closing, now=closing["stage"], after=closing["expected_loss_amount"]),
        part(write_offs, used=write_offs["written_off_amount"]),
    )
    every = ibis.union(*parts, distinct=False)
    return every.group_by("loan_id").aggregate(
        was=every["was"].max(),
        now=every["now"].max(),
        before=every["before"].sum().cast(_MONEY),
        after=every["after"].sum().cast(_MONEY),
        used=every["used"].sum().cast(_MONEY),
    )


def _entries(loans: Any) -> list[Any]:
    """Postings (entry, stage, amount), each line of the table a sum of them."""
    was, now, before, after = (loans[name] for name in ("was", "now", "before", "after"))
    used = loans["used"]
    both = was.notnull() & now.notnull()
    moved = both & (was != now)
    is_new = was.isnull() & now.notnull()
    written = used != 0
    gone = was.notnull() & now.isnull() & ~written
    stays = (both & (was == now)) | (written & ~moved & ~is_new)
    place = ibis.coalesce(now, was, ibis.literal(3, "int64"))
    change = after + used - before

    def post(entry: Any, rows: Any, stage: Any, amount: Any) -> Any:
        return loans.filter(rows).select(
            entry=entry, stage=stage.cast("int64"), amount=amount.cast(_MONEY)
        )

    into = ibis.literal("transfer_to_stage_") + now.cast("string")
    charges = (
        ("remeasurement_on_transfer", moved, now, change),
        ("originated", is_new, now, after + used),
        ("derecognised", gone, was, -before),
        ("remeasurement_in_stage", stays, place, change),
    )
    lines = [
        post(ibis.literal("opening"), was.notnull(), was, before),
        post(into, moved, was, -before),
        post(into, moved, now, before),
        post(ibis.literal("write_offs"), written, place, -used),
        post(ibis.literal("closing"), now.notnull(), now, after),
    ]
    for entry, rows, stage, amount in charges:
        lines.append(post(ibis.literal(entry), rows, stage, amount))
        lines.append(post(ibis.literal(LINES[-1]), rows, stage, amount))
    return lines
