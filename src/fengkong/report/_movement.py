"""The movement of the expected loss from an earlier view to this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import altair as alt
import ibis

from fengkong.formula.measures import Measure, measures
from fengkong.foundation.errors import FengkongError, Need, UnsupportedError
from fengkong.portfolio.loss import LossSettings, loss_items, parameters
from fengkong.portfolio.loss.measures import lines_of
from fengkong.portfolio.loss.movement import TEXT, movement, write_offs_between
from fengkong.report._compute import Failed, Missing, Result, Support, plain
from fengkong.report._pictures import GOOD, INK, QUIET, RISK, Picture, bar_place, drawn
from fengkong.report._words import amount, cell_text, say
from fengkong.report.position import Position

NAMES = {"quarter": "expected_loss_movement", "year": "expected_loss_movement_year"}
Outcome = Result | Missing | Failed
_BY_LOAN = "expected_loss_by_loan"
_DEFINITION = {
    "en": "Expected loss at the month-end a {span} before, what moved it, and expected loss now; "
    "opening plus transfers, remeasurements, originated, derecognised and write-offs is closing.",
    "zh": "{span}前月末的预期信用损失、期间各项变动及期末余额；"
    "期初加转移、重新计量、新增、终止确认与核销等于期末。",
}
_TITLE = {"en": "Movement of the expected loss in a {span}", "zh": "预期信用损失变动表（{span}）"}
_SPAN = {"quarter": {"en": "quarter", "zh": "三个月"}, "year": {"en": "year", "zh": "一年"}}
MEASURES = {
    span: Measure(
        name=name,
        function=movement,
        needs=("states", "exposures", "panel"),
        unit="amount",
        title={one: text.format(span=_SPAN[span][one]) for one, text in _TITLE.items()},
        definition={one: text.format(span=_SPAN[span][one]) for one, text in _DEFINITION.items()},
        value="total_amount",
    )
    for span, name in NAMES.items()
}


def loss_movement(
    opening: Any, closing: Any, support: Support, span: str, settings: LossSettings
) -> Outcome:
    """Return the movement table between two views, or what the book lacks for it.

    Parameters
    ----------
    opening, closing : View
        The book at the earlier and at the later date.
    support : Support
        Of ``closing``.
    span : {"quarter", "year"}
        How far ``opening`` lies back.
    settings : LossSettings
        Of both dates.
    """
    name, by_loan = NAMES[span], measures().get(_BY_LOAN)
    if by_loan is None:
        return Missing(name=name, measure=name, needs=("measure",))
    lacks = support.lacks(by_loan, ())
    if not lacks:
        lacks = Support(opening).lacks(by_loan, ()) if reaches(opening) else (_facts(opening),)
    if lacks:
        return Missing(name=name, measure=name, needs=lacks)
    found = []
    for view in (closing, opening):
        try:
            found.append(_losses(view, by_loan, settings))
        except UnsupportedError as error:
            dated = tuple(_on(need, view.as_of) for need in error.needs)
            return Missing(name=name, measure=name, needs=dated)
        except FengkongError as error:
            return Failed(name=name, measure=name, code=error.code, text=str(error))
    after, before = found
    write_offs = write_offs_between(_written(opening), _written(closing))
    table = ibis.duckdb.connect().to_pyarrow(movement(before, after, write_offs))
    rows = [{column: plain(value) for column, value in row.items()} for row in table.to_pylist()]
    rows.sort(key=lambda row: row["line_number"])
    return Result(
        name=name, measure=MEASURES[span], by=(), parameters={
            "since": opening.as_of, "settings": settings.described(),
        },
        columns=tuple(table.column_names), keys=("line_number", "line"), rows=rows,
    )  # fmt: skip


def reaches(earlier: Any) -> bool:
    """Whether the book holds loans at the date of an earlier view."""
    return bool(earlier.has("states") or earlier.has("loans"))


def _facts(earlier: Any) -> Need:
    day = earlier.as_of.isoformat()
    return Need(f"loans on {day} (the book begins later)", f"{day} 当日的贷款（账簿起始晚于该日）")


def _on(need: str, day: date) -> Need:
    """Return a need with the date of the view that lacks it."""
    zh = getattr(need, "zh", "") or need
    return Need(f"{need}, on {day.isoformat()}", f"{zh}（{day.isoformat()}）")


def _losses(view: Any, by_loan: Measure, settings: LossSettings) -> Any:
    """Return drawn loans and undrawn parts of lines with stage and loss, in memory."""
    states = view.get("states")
    items = loss_items(
        states, view.get("exposures"), settings=settings,
        using=parameters(settings, view.get("panel"), states),
        lines=lines_of(**{"facilities": None, "drawdowns": None, **by_loan.optional_tables(view)},
                       as_of=view.as_of),
    )  # fmt: skip
    return ibis.memtable(view.connection.to_pyarrow(items))


def _written(view: Any) -> Any:
    columns = view.states().select("loan_id", "written_off_principal_amount")
    return ibis.memtable(view.connection.to_pyarrow(columns))


def waterfall(span: str) -> Callable[[Position, str, str], Picture | None]:
    """Return the drawing of the movement over a quarter or a year, as steps that add up."""

    def draw(position: Position, language: str, key: str) -> Picture | None:
        result = position.result(NAMES[span])
        if result is None:
            return None
        amounts = {row["line"]: row["total_amount"] for row in result.rows}
        opening, closing = amounts["opening"], amounts["closing"]
        if not opening and not closing:
            return None
        title = say(
            f"finding_movement_{span}", language, before=amount(opening, language),
            now=amount(closing, language), change=amount(closing - opening, language),
        )  # fmt: skip
        chart = _steps(waterfall_steps(result.rows), language)
        return Picture(
            key=f"movement-{span}", title=title, note=say("note_movement", language),
            svg=drawn(chart, key), result=result,
        )  # fmt: skip

    return draw


def waterfall_steps(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return start and end of each bar; the last bar ends where the steps have led."""
    steps, running = [], 0
    for row in rows:
        line, value = row["line"], row["total_amount"]
        if line == "charge_to_profit_or_loss":
            continue
        if line in {"opening", "closing"}:
            steps.append({"line": line, "start": 0, "end": value, "value": value})
            running = value
        elif value:
            steps.append({"line": line, "start": running, "end": running + value, "value": value})
            running += value
    return steps


def _steps(steps: Sequence[Mapping[str, Any]], language: str) -> Any:
    rows: list[dict[str, Any]] = [
        {
            "name": say(f"step_{step['line']}", language),
            "start": float(step["start"]),
            "end": float(step["end"]),
            "high": max(float(step["start"]), float(step["end"])),
            "colour": "total" if step["line"] in {"opening", "closing"} else
            "up" if step["value"] > 0 else "down",
            "label": amount(step["value"], language),
            "text": f"{TEXT[step['line']][language]}: {cell_text('', step['value'], language)}",
        }
        for step in steps
    ]  # fmt: skip
    width, reach = bar_place(rows)
    base = alt.Chart(alt.Data(values=rows), width=width, height=27 * len(rows))
    y = alt.Y("name:N", sort=[row["name"] for row in rows], title=None,
              axis=alt.Axis(ticks=False))  # fmt: skip
    largest = max(row["high"] for row in rows) or 1.0
    x = alt.X("start:Q", axis=None, scale=alt.Scale(domain=[0, largest * reach]))
    colour = alt.Color("colour:N", legend=None, scale=alt.Scale(
        domain=["total", "up", "down"], range=[QUIET, RISK, GOOD]))  # fmt: skip
    bars = base.mark_bar(height={"band": 0.65}).encode(
        x=x, x2="end:Q", y=y, color=colour, description="text:N"
    )
    words = base.mark_text(align="left", dx=5, color=INK, fontSize=12, aria=False).encode(
        x=alt.X("high:Q"), y=y, text="label:N"
    )
    return bars + words
