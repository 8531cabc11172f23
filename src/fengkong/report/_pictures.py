"""Pictures of the position: the title is the finding, one strong colour for what it speaks of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import altair as alt
import vl_convert

from fengkong.report._compute import Result
from fengkong.report._plan import smallest
from fengkong.report._words import amount, cell_text, column, percent, say
from fengkong.report.position import Position

FONT = "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, sans-serif"
# Colours that stand for tokens of the stylesheet; they are replaced in the SVG, so that one
# picture serves the light and the dark page.
_TOKENS = {
    "#010203": "ink",
    "#040506": "quiet",
    "#070809": "line",
    "#0a0b0c": "risk",
    "#0d0e0f": "good",
}
INK, QUIET, LINE, RISK, GOOD = _TOKENS
# Stands for a hatch: for what is too small or too young to be compared.
HATCH = "#101112"
_PATTERN = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="1.2" height="6" fill="var(--line)"/></pattern>'
    "</defs>"
)
# A picture is as wide as a phone shows it and as a column of the page: it is hardly scaled.
WIDTH = 330

LABEL_MAX = 110
_WIDE_MAX = 12
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture with its words, and the computation behind it.

    Attributes
    ----------
    about : str
        What the picture shows, where that is not the main figure of the computation.
    how : str
        How what the picture adds to the computation was made.
    """

    key: str
    title: str
    note: str
    svg: str
    result: Result
    about: str = ""
    how: str = ""


def quarter_before(rows: Rows, latest: date) -> date | None:
    """Return the month-end three months before ``latest``, None when the rows lack it."""
    number = latest.year * 12 + latest.month - 3
    days = {row["month_end"] for row in rows}
    return next((day for day in days if day.year * 12 + day.month == number), None)


def latest_rows(rows: Rows) -> list[Mapping[str, Any]]:
    """Return the rows of the last month-end."""
    last = max(row["month_end"] for row in rows)
    return [row for row in rows if row["month_end"] == last]


def drawn(chart: Any, key: str) -> str:
    """Draw a chart; its ids and colours are made fit for a page with many pictures."""
    chart = chart.configure(font=FONT, background="transparent")
    chart = chart.configure_view(stroke=None).configure_axis(
        labelColor=INK, titleColor=QUIET, gridColor=LINE, domainColor=LINE, tickColor=LINE,
        labelFontSize=12, titleFontSize=12, titleFontWeight="normal", labelLimit=LABEL_MAX,
    )  # fmt: skip
    text = vl_convert.vegalite_to_svg(chart.to_dict(), vl_version="6.4")
    for colour, token in _TOKENS.items():
        text = text.replace(f'"{colour}"', f'"var(--{token})"')
    if f'"{HATCH}"' in text:
        text = text.replace(f'"{HATCH}"', '"url(#hatch)"')
        text = re.sub(r"(<svg[^>]*>)", rf"\1{_PATTERN}", text, count=1)
    text = re.sub(r'id="([^"]+)"', rf'id="{key}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", text)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
    return re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", text, count=1)


def _data(rows: Rows) -> Any:
    return alt.Data(values=[dict(row) for row in rows])


def wide(text: str, size: float = 12) -> float:
    """Return about how many pixels a text is wide; a Chinese character is as wide as high."""
    return sum(size if ord(sign) > 0x2E7F else 0.58 * size for sign in text)


def bar_place(rows: Rows, *, titled: bool = False) -> tuple[int, float]:
    """Return the width of a plot of bars, and by how much its scale must outreach the bars.

    Names to the left and labels to the right of the bars then stay inside `WIDTH`.

    Parameters
    ----------
    rows : sequence of mapping
        With ``name`` and ``label``.
    titled : bool
        Whether the axis of the names has a title.
    """
    names = min(LABEL_MAX, max(wide(row["name"]) for row in rows))
    width = WIDTH - round(names) - 14 - (22 if titled else 0)
    labels = max(wide(row["label"]) for row in rows) + 8
    return width, width / max(width - labels, 40.0)


def _bars(rows: Rows, *, label: str, order: list[str], height: int) -> Any:
    """Draw bars from zero, labelled directly; ``strong`` marks the finding, ``small`` a hatch."""
    width, reach = bar_place(rows, titled=bool(label))
    base = alt.Chart(_data(rows), width=width, height=height)
    y = alt.Y("name:N", sort=order, title=label or None, axis=alt.Axis(ticks=False))
    largest = max((row["value"] for row in rows), default=0.0) or 1.0
    x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, largest * reach]))
    bars = base.mark_bar(height={"band": 0.7}).encode(
        x=x,
        y=y,
        color=alt.condition("datum.strong", alt.value(RISK), alt.value(QUIET)),
        description="text:N",
    )
    if any(row.get("small") for row in rows):
        bars = bars.transform_filter("!datum.small") + base.transform_filter(
            "datum.small"
        ).mark_bar(height={"band": 0.7}, color=HATCH).encode(x=x, y=y, description="text:N")
    words = base.mark_text(align="left", dx=5, color=INK, fontSize=12, aria=False).encode(
        x=x, y=y, text="label:N"
    )
    return bars + words


def buckets(position: Position, language: str, key: str) -> Picture | None:
    """Balance by bucket at the last month-end."""
    result = position.result("bucket_balance")
    if result is None:
        return None
    rows = latest_rows(result.rows)
    total = sum(float(row["outstanding_principal_amount"]) for row in rows)
    late = [row for row in rows if row["bucket"] != "C"]
    if not total or not late:
        return None
    most = max(late, key=lambda row: row["outstanding_principal_amount"])
    data = [
        {
            "name": row["bucket"],
            "value": float(row["outstanding_principal_amount"]),
            "strong": row["bucket"] == most["bucket"],
            "label": f"{amount(row['outstanding_principal_amount'], language)} · "
            f"{percent(row['coincident_rate'] or 0)}",
            "text": f"{row['bucket']}: "
            f"{cell_text('', row['outstanding_principal_amount'], language)}",
        }
        for row in late
    ]
    title = say(
        "finding_buckets", language,
        share=percent(sum(float(row["outstanding_principal_amount"]) for row in late) / total),
        code=most["bucket"], amount=amount(most["outstanding_principal_amount"], language),
    )  # fmt: skip
    chart = _bars(data, label="", order=[row["name"] for row in data], height=200)
    return Picture(key="buckets", title=title, note="", svg=drawn(chart, key), result=result)


def trend(position: Position, language: str, key: str) -> Picture | None:
    """Share over 30 days past due by month-end."""
    result = position.result("over_30")
    if result is None:
        return None
    rows = [row for row in result.rows if row["amount_rate"] is not None]
    if len(rows) < 2:
        return None
    data = [
        {
            "day": row["month_end"].isoformat(),
            "value": row["amount_rate"] * 100,
            "label": percent(row["amount_rate"]),
            "text": f"{row['month_end']}: {percent(row['amount_rate'])}",
        }
        for row in rows
    ]
    base = alt.Chart(_data(data), width=WIDTH - 90, height=190)
    x = alt.X("day:O", title=None, axis=alt.Axis(
        values=[row["day"] for row in data[:: -(-len(data) // 4)]], labelAngle=0,
        labelExpr="slice(datum.value, 0, 7)", ticks=False, labelPadding=8,
    ))  # fmt: skip
    y = alt.Y("value:Q", title="%", scale=alt.Scale(zero=True))
    line = base.mark_line(color=RISK, strokeWidth=2).encode(x=x, y=y)
    dots = base.mark_point(color=RISK, opacity=0.01, size=120, filled=True).encode(
        x=x, y=y, description="text:N"
    )
    last = alt.Chart(_data(data[-1:])).mark_text(
        align="left", dx=6, color=INK, fontSize=13, fontWeight="bold", aria=False
    ).encode(x=x, y=y, text="label:N")  # fmt: skip
    return Picture(
        key="trend", title=trend_title(position, language), note="",
        svg=drawn(line + dots + last, key), result=result,
    )  # fmt: skip


def trend_title(position: Position, language: str) -> str:
    """Return the sentence that says how the share over 30 moved."""
    line = next((one for one in position.headlines if one["computation"] == "over_30"), None)
    if line is None or line["value"] is None:
        return ""
    now = percent(line["value"])
    if line["before"] is None:
        return say("finding_now", language, now=now)
    before = percent(line["before"])
    word = "same" if now == before else "up" if line["value"] > line["before"] else "down"
    return say(f"finding_{word}", language, now=now, before=before)


def heat(position: Position, language: str, key: str) -> Picture | None:
    """Share over 30 days past due by grade and region."""
    result = position.result("over_30__by_grade_region")
    if result is None:
        return None
    rows = [row for row in result.rows if row["amount_rate"] is not None]
    if not rows:
        return None
    balances: dict[str, Any] = {}
    for row in rows:
        name = str(row["region"])
        balances[name] = balances.get(name, 0) + row["outstanding_principal_amount"]
    regions = sorted(balances, key=lambda name: (-balances[name], name))[:_WIDE_MAX]
    notes = []
    if len(balances) > _WIDE_MAX:
        notes.append(say("note_largest", language, number=_WIDE_MAX))
    rows = [row for row in rows if str(row["region"]) in regions]
    least = smallest().loans
    large = [row for row in rows if row["loans"] >= least]
    data = [
        {
            "small": row["loans"] < least, "tone": "risk",
            "x": str(row["grade"]), "y": str(row["region"]), "value": row["amount_rate"],
            "label": f"{row['amount_rate'] * 100:.1f}",
            "text": f"{row['grade']}, {row['region']}: {percent(row['amount_rate'])}"
            f" ({row['overdue_loans']}/{row['loans']})",
        }
        for row in rows
    ]  # fmt: skip
    chart = _cells(data, x_title=column("grade", language), y_title="", height=24 * len(regions))
    title = say("finding_heat_none", language, least=least)
    if large:
        worst = max(large, key=lambda row: row["amount_rate"])
        title = say(
            "finding_heat", language, grade=worst["grade"], region=worst["region"],
            rate=percent(worst["amount_rate"]), overdue=worst["overdue_loans"],
            loans=worst["loans"],
        )  # fmt: skip
    if len(large) < len(rows):
        notes.append(say("note_small", language, least=least))
    note = say("semicolon", language).join(notes)
    return Picture(key="heat", title=title, note=note, svg=drawn(chart, key), result=result)


def _cells(
    rows: Rows, *, x_title: str, y_title: str, height: int, x_sort: Any = "ascending",
    y_sort: Any = "ascending", lines: bool = False,
) -> Any:  # fmt: skip
    """Draw a table of cells: strength of one colour, the figure in the cell; ``small`` hatched."""
    names = max(wide(str(row["y"])) for row in rows)
    width = WIDTH - round(names) - 12 - (22 if y_title else 0)
    base = alt.Chart(_data(rows), width=width, height=height)
    x = alt.X("x:N", sort=x_sort, title=x_title or None, axis=alt.Axis(
        labelAngle=0, orient="top", ticks=False, domain=False))  # fmt: skip
    y = alt.Y("y:N", sort=y_sort, title=y_title or None, axis=alt.Axis(ticks=False, domain=False))
    strength = alt.Opacity("value:Q", legend=None, scale=alt.Scale(range=[0.03, 0.6]))
    large, small = "!datum.small", "datum.small"
    tone = alt.Color("tone:N", legend=None, scale=alt.Scale(
        domain=["risk", "good", "quiet"], range=[RISK, GOOD, QUIET]))  # fmt: skip
    cells = base.transform_filter(large).mark_rect().encode(
        x=x, y=y, opacity=strength, color=tone, description="text:N")  # fmt: skip
    pale = (
        base.transform_filter(small).mark_rect(color=HATCH).encode(x=x, y=y, description="text:N")
    )
    colour = alt.condition(small, alt.value(QUIET), alt.value(INK))
    first = base.mark_text(fontSize=10.5, dy=-6 if lines else 0, aria=False).encode(
        x=x, y=y, text="label:N", color=colour
    )
    if not lines:
        return pale + cells + first
    second = base.mark_text(color=INK, fontSize=8.5, dy=7, aria=False).encode(
        x=x, y=y, text="change:N"
    )
    return cells + first + second


def roll(position: Position, language: str, key: str) -> Picture | None:
    """Transition matrix of the last month with the change against a quarter before."""
    result = position.result("transition__by_month_end")
    if result is None:
        return None
    rows = [row for row in latest_rows(result.rows) if row["balance_rate"] is not None]
    earlier_day = quarter_before(result.rows, max(row["month_end"] for row in result.rows))
    earlier = {
        (row["opening_state"], row["state"]): row["balance_rate"]
        for row in result.rows
        if row["month_end"] == earlier_day
    }
    states = ["C", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "P", "W"]
    data = []
    for row in rows:
        before = earlier.get((row["opening_state"], row["state"]))
        nothing = not row["balance_rate"] and not before
        moved = "" if before is None or nothing else f"{(row['balance_rate'] - before) * 100:+.1f}"
        data.append(
            {
                "x": row["state"], "y": row["opening_state"], "value": row["balance_rate"],
                "label": "·" if nothing else _short(row["balance_rate"] * 100),
                "tone": _tone(row["opening_state"], row["state"], states),
                "change": moved.replace("-", "−"),
                "text": f"{row['opening_state']} → {row['state']}: {percent(row['balance_rate'])}",
            }
        )  # fmt: skip
    entry = next((row for row in rows if (row["opening_state"], row["state"]) == ("C", "M1")), None)
    if entry is None:
        return None
    before = earlier.get(("C", "M1"))
    change = "–" if before is None else say(
        "points", language, value=f"{(entry['balance_rate'] - before) * 100:+.2f}".replace("-", "−")
    )  # fmt: skip
    chart = _cells(
        data, x_title=say("to_axis", language), y_title=say("from_axis", language),
        height=34 * len({row["y"] for row in data}),
        x_sort=states, y_sort=states, lines=True,
    )  # fmt: skip
    title = say("finding_roll", language, rate=percent(entry["balance_rate"]), change=change)
    return Picture(
        key="roll", title=title, note=say("note_change", language), svg=drawn(chart, key),
        result=result,
    )  # fmt: skip


def _short(value: float) -> str:
    return f"{value:.1f}".replace("100.0", "100")


def _tone(opening: str, state: str, states: list[str]) -> str:
    """Say whether a move is for the worse, for the better (paid off too), or none."""
    if state == opening:
        return "quiet"
    worse = state != "P" and states.index(state) > states.index(opening)
    return "risk" if worse else "good"


def pareto(dimension: str) -> Callable[[Position, str, str], Picture | None]:
    """Return the drawing of balance by a dimension, largest first, with cumulative shares."""

    def draw(position: Position, language: str, key: str) -> Picture | None:
        result = position.result(f"over_30__by_{dimension}")
        measure = f"concentration_{dimension.removesuffix('_id')}"
        index = position.result(measure)
        if result is None or index is None:
            return None
        rows = list(latest_rows(result.rows))
        rows.sort(key=lambda row: (-row["outstanding_principal_amount"], str(row[dimension])))
        named = [row[dimension] for row in rows if row[dimension] is not None]
        total = float(sum(row["outstanding_principal_amount"] for row in rows))
        if not total or len(named) < 4:
            return None
        data: list[dict[str, Any]] = []
        running = 0.0
        for row in rows[:_WIDE_MAX]:
            name = say("without", language) if row[dimension] is None else str(row[dimension])
            share = float(row["outstanding_principal_amount"]) / total
            running += share
            data.append(
                {
                    "name": name, "value": share, "strong": row[dimension] in named[:3],
                    "label": f"{percent(share)} · Σ {percent(running)}",
                    "text": f"{name}: {percent(share)}",
                }
            )  # fmt: skip
        none = sum(row["value"] for row in data if row["name"] == say("without", language))
        title = say(
            "finding_pareto_some" if none else "finding_pareto", language,
            dimension=column(dimension, language), none=percent(none),
            share=percent(sum(row["value"] for row in data if row["strong"])),
            hhi=f"{index.rows[0]['hhi']:,.0f}",
        )  # fmt: skip
        chart = _bars(data, label="", order=[row["name"] for row in data], height=24 * len(data))
        return Picture(
            key=f"pareto-{dimension}", title=title, note=say("note_limit", language),
            about=say("about_pareto", language, dimension=column(dimension, language)),
            svg=drawn(chart, key), result=result,
        )  # fmt: skip

    return draw


def charge_off(position: Position, language: str, key: str) -> Picture | None:
    """Charge-off rate by grade, of an outcome tape."""
    result = position.result("charge_off_rate__by_grade")
    if result is None:
        return None
    value = result.measure.value
    rows = [row for row in result.rows if row[value] is not None and row["grade"] is not None]
    if len(rows) < 2:
        return None
    least = smallest().loans
    large = [row for row in rows if row["resolved_loans"] >= least]
    worst = max(large, key=lambda row: row[value], default=None)
    data = [
        {
            "name": str(row["grade"]), "value": row[value], "strong": row is worst,
            "small": row["resolved_loans"] < least,
            "label": percent(row[value]), "text": f"{row['grade']}: {percent(row[value])}"
            f" ({row['charged_off_loans']}/{row['resolved_loans']})",
        }
        for row in rows
    ]  # fmt: skip
    title = say("finding_chargeoff_none", language, least=least)
    if worst is not None:
        title = say(
            "finding_chargeoff", language, value=worst["grade"], rate=percent(worst[value]),
            bad=f"{worst['charged_off_loans']:,}", loans=f"{worst['resolved_loans']:,}",
        )  # fmt: skip
    note = say("note_small_bars", language, least=least) if len(large) < len(rows) else ""
    chart = _bars(
        data, label=column("grade", language), order=[row["name"] for row in data],
        height=26 * len(data),
    )  # fmt: skip
    return Picture(key="chargeoff", title=title, note=note, svg=drawn(chart, key), result=result)
