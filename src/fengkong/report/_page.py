"""The one self-contained page: what changed, what is worst, where it sits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from fengkong.report._compute import Result
from fengkong.report._movement import MEASURES, waterfall
from fengkong.report._pictures import (
    Picture,
    buckets,
    charge_off,
    heat,
    latest_rows,
    pareto,
    roll,
    trend,
    trend_title,
)
from fengkong.report._plan import smallest
from fengkong.report._spread import MEASURE as SPREAD
from fengkong.report._vintage import vintage
from fengkong.report._words import amount, cell_text, column, minus, need, percent, say
from fengkong.report.position import Position, sum_rows

PICTURES: tuple[Callable[[Position, str, str], Picture | None], ...] = (
    trend, buckets, heat, roll, vintage, waterfall("quarter"), waterfall("year"), pareto("region"),
    pareto("partner_id"), charge_off,
)  # fmt: skip
_SHOWN = 120
_FOLDER = Path(__file__).parent


def write_page(
    position: Position,
    path: Path,
    languages: Sequence[str],
    tick: Callable[[float], None] | None = None,
) -> None:
    """Write the report as one HTML file without any asset from outside.

    Parameters
    ----------
    position : Position
    path : Path
        File to write.
    languages : sequence of str
        "zh", "en"; the first is shown first.
    tick : callable, optional
        Told the fraction done.
    """
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
    )
    pages = []
    for place, language in enumerate(languages):
        pages.append(_content(position, language))
        if tick:
            tick((place + 1) / len(languages))
    text = environment.get_template("page.html").render(
        languages=list(languages),
        as_of=position.as_of.isoformat(),
        known_at=position.known_at.isoformat() if position.known_at else "",
        engine=position.engine,
        inputs=[{**batch, "rows": sum_rows(batch["rows"])} for batch in position.inputs],
        pages=pages,
        say=say,
        # Our own files, not data of others.
        style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),  # noqa: S704
        script=Markup((_FOLDER / "script.js").read_text(encoding="utf-8")),  # noqa: S704
    )
    path.write_text(text, encoding="utf-8")


def _content(position: Position, language: str) -> dict[str, Any]:
    drawings = [
        draw(position, language, f"{language}{place}") for place, draw in enumerate(PICTURES)
    ]
    pictures = [drawing for drawing in drawings if drawing is not None]
    title = trend_title(position, language) or next(
        (picture.title for picture in pictures), say("title", language)
    )
    return {
        "language": language,
        "say": partial(_say, language),
        "title": title,
        "hints": _hints(position, language),
        "empty": not position.results,
        "tiles": _tiles(position, language),
        "compared": _compared(position, language),
        "worst": worst_lines(position, language),
        "pictures": [_picture(position, one, language) for one in pictures],
        "tables": [
            {
                "title": result_title(result, language),
                "table": _table(result, language),
                "how": _how(result, language, position.currency),
            }
            for result in position.results
        ],
        "missing": _missing(position, language),
        "failed": [
            {"title": missing_title(one.name, language), "text": one.text, "code": one.code}
            for one in position.failed
        ],
    }  # fmt: skip


def _missing(position: Position, language: str) -> list[dict[str, str]]:
    """Return what is not supported by what it needs; a measure of many dimensions once."""
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for one in position.missing:
        titles = lines.setdefault(one.needs, {})
        titles.setdefault(one.measure, missing_title(one.name, language))
    comma = say("comma", language)
    return [
        {
            "needs": sentence(
                say("needs", language, what=comma.join(need(name, language) for name in needs))
            ),
            "titles": comma.join(titles.values()),
        }
        for needs, titles in lines.items()
    ]


def sentence(text: str) -> str:
    """Return a text that begins with a capital."""
    return text[:1].upper() + text[1:]


def _say(language: str, key: str, **values: Any) -> str:
    return say(key, language, **values)


def result_title(result: Result, language: str) -> str:
    """Return the title of a measure with its dimensions."""
    names = " × ".join(column(name, language) for name in result.by)
    title = result.measure.title[language]
    return f"{title} · {names}" if names else title


def missing_title(name: str, language: str) -> str:
    """Return the title of a computation that was not made."""
    from fengkong.formula.measures import measures

    ours = (SPREAD, *MEASURES.values())
    known = {**measures(), **{item.name: item for item in ours}}
    measure, _, rest = name.partition("__by_")
    title = known[measure].title[language] if measure in known else measure
    return f"{title} · {column(rest, language)}" if rest else title


def _tiles(position: Position, language: str) -> list[dict[str, Any]]:
    tiles = []
    for line in position.headlines:
        if line["value"] is None:
            continue
        tiles.append(
            {
                "title": _tile_title(position, line, language),
                "value": _headline(line["value"], line["unit"], language),
                "changes": [
                    _change(line, one, language)
                    for one in position.comparisons
                    if _compares(position, one)
                ],
            }
        )
    return tiles


def _tile_title(position: Position, line: Mapping[str, Any], language: str) -> str:
    """Return the title of a headline; with its day where that is not the day of the report."""
    title = str(line["title"][language])
    if line["on"] == position.as_of:
        return title
    return say("on_day", language, title=title, day=line["on"].isoformat())


def _hints(position: Position, language: str) -> list[str]:
    """Return what the reader must know of the days: before the first fact, after the last."""
    facts, day = position.facts, position.as_of.isoformat()
    if position.known_at is not None and not position.inputs:
        return [say("known_nothing", language, at=position.known_at.isoformat())]
    if facts.first_on is not None and position.as_of < facts.first_on:
        first = facts.first_on.isoformat()
        return [say("facts_begin", language, first=first, day=day)]
    if facts.last_on is not None and position.as_of > facts.last_on:
        return [say("facts_end", language, last=facts.last_on.isoformat())]
    return []


def _headline(value: Any, unit: str, language: str) -> str:
    if unit.startswith("fraction"):
        return percent(float(value))
    if unit == "amount":
        return amount(value, language)
    return minus(f"{value:,.1f}") if unit == "index" else cell_text("", value, language)


def _change(line: Mapping[str, Any], against: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return the change of a headline; every headline is one of which more is worse."""
    value, before, unit = line["value"], line[against["key"]], line["unit"]
    shown = {"since": say(f"since_{against['span']}", language), "kind": "", "text": "–"}
    if before is None:
        return shown
    moved = _headline(abs(value - before), unit, language)
    kind = "up" if value > before else "down" if value < before else ""
    if unit.startswith("fraction"):
        points = f"{abs(float(value) - float(before)) * 100:.2f}"
        moved = say("points", language, value=points)
        # What reads as no change is shown as none.
        kind = kind if float(points) else ""
    arrow = {"up": "▲ ", "down": "▼ ", "": "= "}[kind]
    return shown | {"kind": kind, "text": f"{arrow}{moved}"}


def _compares(position: Position, against: Mapping[str, Any]) -> bool:
    """Whether a headline has a figure at the date of a comparison."""
    return any(line[against["key"]] is not None for line in position.headlines)


def _compared(position: Position, language: str) -> str:
    """Return what the changes are against, and which date the book does not reach back to."""
    sentences = []
    for one in position.comparisons:
        case = "not_computed" if one["reached"] else "not_reached"
        case = "against" if _compares(position, one) else case
        sentences.append(say(f"{case}_{one['span']}", language, day=one["as_of"].isoformat()))
    if position.example_scenarios and position.result("expected_loss"):
        sentences.append(say("example_scenarios", language))
    return ("" if language == "zh" else " ").join(sentences)


def worst_lines(position: Position, language: str) -> list[str]:
    """Return sentences on the values of dimensions that drive the share over 30 days past due.

    The driver of a dimension is the value with the largest excess: principal over 30 beyond what
    it would hold at the average share. The five dimensions are ordered by that excess. What is
    smaller than the plan's ``smallest`` is never named.
    """
    found, least = [], smallest()
    for result in position.results:
        if result.measure.name != "over_30" or len(result.by) != 1 or not result.rows:
            continue
        name = result.by[0]
        every = latest_rows(result.rows)
        rows = [row for row in every if row[name] is not None]
        base = float(sum(row["outstanding_principal_amount"] for row in every))
        over = float(sum(row["overdue_principal_amount"] for row in every))
        if not base or not over or len(rows) < 2:
            continue
        drivers = [
            (float(row["overdue_principal_amount"])
             - float(row["outstanding_principal_amount"]) * over / base, str(row[name]), row)
            for row in rows
            if float(row["outstanding_principal_amount"]) / base >= least.balance_share
            and row["loans"] >= least.loans
        ]  # fmt: skip
        excess, value, row = max(drivers, key=lambda driver: driver[:2], default=(0.0, "", {}))
        if excess > 0:
            share = float(row["overdue_principal_amount"]) / over
            weight = float(row["outstanding_principal_amount"]) / base
            text = say(
                "finding_worst", language, dimension=column(name, language), value=value,
                rate=percent(row["amount_rate"]), share=percent(share), weight=percent(weight),
            )  # fmt: skip
            found.append((-excess, name, text))
    return [text for _, _, text in sorted(found)]


def _picture(position: Position, picture: Picture, language: str) -> dict[str, Any]:
    result = picture.result
    return {
        "title": picture.title,
        "note": picture.note,
        "subtitle": say(
            "subtitle", language, title=picture.about or result_title(result, language),
            unit=unit_word(result.measure.unit, language, position.currency),
            day=position.as_of.isoformat(),
        ),
        # Drawn by us from escaped data; vl-convert escapes text and attributes.
        "svg": Markup(picture.svg),  # noqa: S704
        "table": _table(result, language),
        "how": _how(result, language, position.currency)
        + ([(say("picture_adds", language), picture.how)] if picture.how else []),
    }  # fmt: skip


def unit_word(unit: str, language: str, currency: str | None = None) -> str:
    """Return a unit in the reader's language; an amount with its currency when it is known."""
    if unit == "amount" and currency:
        return say("amount_in", language, currency=currency)
    return column(f"unit:{unit}", language).removeprefix("unit:")


def _table(result: Result, language: str) -> dict[str, Any]:
    names = result.columns
    unit = {result.measure.value: result.measure.unit}
    shown = newest_rows(result.rows, result.keys)
    more = ""
    if len(result.rows) > len(shown):
        more = say("more_rows", language, shown=len(shown), rows=f"{len(result.rows):,}",
                   file=f"tables/{result.name}.parquet")  # fmt: skip
    return {
        "heads": [{"title": column(name, language), "text": name in result.keys} for name in names],
        "rows": [
            [cell_text(name, row[name], language, unit.get(name, "")) for name in names]
            for row in shown
        ],
        "more": more,
    }


def newest_rows(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the rows of a long table that a page has room for: of its newest months if it has any.

    Whole months, as many as fit; in the order of the table.
    """
    if len(rows) <= _SHOWN or "month_end" not in keys:
        return list(rows[:_SHOWN])
    count = Counter(row["month_end"] for row in rows)
    room, since = _SHOWN, max(count)
    for month in sorted(count, reverse=True):
        room -= count[month]
        if room < 0:
            break
        since = month
    return [row for row in rows if row["month_end"] >= since][:_SHOWN]


def _how(result: Result, language: str, currency: str | None) -> list[tuple[str, str]]:
    parameters: Mapping[str, Any] = result.parameters
    lines = [
        (say("measure", language), f"{result.measure.title[language]} ({result.measure.name})"),
        (say("definition", language), result.measure.definition[language]),
        (say("unit", language), unit_word(result.measure.unit, language, currency)),
        (say("reads", language), ", ".join(need(name, language) for name in result.measure.needs)),
    ]
    if parameters:
        text = ", ".join(f"{name} = {_shown(value)}" for name, value in parameters.items())
        lines.append((say("parameters", language), text))
    return lines


def _shown(value: Any) -> str:
    """Return a parameter as text: settings as names and values, without quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_shown(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_shown(one) for one in value) + "]"
    return str(value)
