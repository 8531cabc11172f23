"""From a book to a position: compute, compare with a quarter and a year before, write."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from fengkong.foundation.errors import InputError
from fengkong.report._compute import Failed, Missing, Result, Support, compute
from fengkong.report._movement import Outcome, loss_movement, reaches
from fengkong.report._page import write_page
from fengkong.report._plan import plan
from fengkong.report._scope import currency_of, facts_of, month_end_at
from fengkong.report._spread import concentration_spread
from fengkong.report._tables import write_parquet, write_workbook
from fengkong.report._words import LANGUAGES, has_text, say
from fengkong.report.position import Position

if TYPE_CHECKING:
    from fengkong.portfolio.loss import LossSettings

Progress = Callable[[str, float], None]
# What a position is compared with: months back, and the field of a headline that holds its figure.
SPANS = {"quarter": (3, "before"), "year": (12, "year_before")}
# Figures of the top: of each, more is worse. Sums over rows where the column is an amount.
HEADLINES = (
    "over_30",
    "over_90",
    "npl_ratio",
    "expected_loss",
    "first_payment_default",
    "charge_off_rate",
    "net_flow_loss",
    "concentration",
)


def assess(
    book: Any,
    *,
    as_of: date,
    known_at: datetime | None = None,
    out: Path,
    engine: str = "duckdb",
    language: str = "both",
    progress: Progress | None = None,
    loss_settings: LossSettings | None = None,
) -> Position:
    """Compute the risk position of a book and write it.

    Parameters
    ----------
    book : Book
        An open book.
    as_of : date
        Business date.
    known_at : datetime, optional
        Instant whose knowledge is used, with its time zone; all knowledge when absent.
    out : Path
        Folder; made when needed. Gets position.json, run.json, position.xlsx, report.html and
        tables/*.parquet.
    engine : {"duckdb", "spark"}
        What computes the measures.
    language : {"both", "zh", "en"}
        Languages of the report and the workbook.
    progress : callable, optional
        Told a step and the fraction done.
    loss_settings : LossSettings, optional
        Scenarios and sources of the expected loss; those that come with the package, an example,
        when absent.

    Returns
    -------
    Position
        All figures; what the book does not support is in ``missing``, what went wrong in
        ``failed``.

    Raises
    ------
    InputError
        ``language`` is none of the three, the folder cannot be written, or the book holds several
        currencies.
    """
    import fengkong.portfolio  # noqa: F401  registers its measures
    from fengkong.portfolio.loss import default_settings

    if language not in {"both", *LANGUAGES}:
        raise InputError(f"language must be both, zh or en; got {language!r}")
    _writable(out)
    tell = progress or _silent
    started = time.monotonic()
    settings = loss_settings or default_settings()
    tell("reading the book", 0.0)
    with ExitStack() as stack:
        view = stack.enter_context(book.view(as_of=as_of, known_at=known_at, engine=engine))
        currency, facts = currency_of(view), facts_of(book, view)
        support = Support(view)
        outcomes = _compute_all(view, support, settings, tell)
        outcomes.append(concentration_spread(view, support))
        headlines = _headlines([one for one in outcomes if isinstance(one, Result)], as_of)
        comparisons = []
        for place, (span, (months, key)) in enumerate(SPANS.items()):
            tell(f"comparing with a {span} before", 0.6 + 0.05 * place)
            day = month_end_before(month_end_at(as_of), months)
            with book.view(as_of=day, known_at=known_at, engine=engine) as earlier:
                outcomes.append(loss_movement(earlier, view, support, span, settings))
                _compare(headlines, earlier, key, settings)
                comparisons.append(
                    {"span": span, "as_of": day, "reached": reaches(earlier), "key": key}
                )
        position = Position(
            as_of=as_of, known_at=known_at, engine=engine, inputs=view.inputs,
            results=[one for one in outcomes if isinstance(one, Result)],
            missing=[one for one in outcomes if isinstance(one, Missing)],
            failed=[one for one in outcomes if isinstance(one, Failed)],
            headlines=headlines, comparisons=comparisons, out=out, currency=currency, facts=facts,
            example_scenarios=loss_settings is None,
        )  # fmt: skip
    languages = LANGUAGES if language == "both" else (language,)
    _write(position, out, languages, tell)
    run = {"duration_seconds": round(time.monotonic() - started, 3), "engine": engine}
    (out / "run.json").write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    tell("done", 1.0)
    return position


def month_end_before(day: date, months: int) -> date:
    """Return the last day of the month ``months`` before the month of ``day``."""
    month = day.year * 12 + day.month - months
    return date(month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _writable(out: Path) -> None:
    """Make the folder before anything is computed, so that hours of work are not lost on it."""
    try:
        (out / "tables").mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise InputError(
            f"{out}: the report cannot be written there ({error.strerror}); choose another folder"
        ) from error


def _silent(step: str, fraction: float) -> None:
    """Tell nobody."""


def _compute_all(
    view: Any, support: Support, settings: LossSettings, tell: Progress
) -> list[Outcome]:
    entries = plan()
    outcomes = []
    for place, entry in enumerate(entries):
        tell(entry.measure, 0.05 + 0.55 * place / len(entries))
        outcomes.append(compute(view, entry, support, {"settings": settings}))
    return outcomes


def _headlines(results: list[Result], as_of: date) -> list[dict[str, Any]]:
    """Return the figures of the top, each with the day that it speaks about."""
    lines = []
    for name in HEADLINES:
        result = next((one for one in results if one.name == name), None)
        value = None if result is None else headline_value(result)
        if result is None or value is None:
            continue
        lines.append(
            {
                "id": name,
                "computation": name,
                "title": {one: headline_title(result, one) for one in LANGUAGES},
                "unit": result.measure.unit,
                "value": value,
                "on": max(
                    (row["month_end"] for row in result.rows if "month_end" in row), default=as_of
                ),
            }
        )
    return lines


def _compare(
    headlines: list[dict[str, Any]], earlier: Any, key: str, settings: LossSettings
) -> None:
    """Set the same figures of an earlier view beside the headlines, and their date."""
    from fengkong.report._plan import Entry

    support = Support(earlier)
    for line in headlines:
        entry = Entry(measure=line["computation"])
        found = compute(earlier, entry, support, {"settings": settings})
        value = headline_value(found) if isinstance(found, Result) else None
        line[key] = value
        line[f"{key}_as_of"] = None if value is None else earlier.as_of


def headline_title(result: Result, language: str) -> str:
    """Return the title of a headline: that of its measure, or a shorter one for a sum."""
    key = f"headline_{result.measure.name}"
    return say(key, language) if has_text(key) else result.measure.title[language]


def headline_value(result: Result) -> Any:
    """Return the one figure of a result: of the last month, summed when it is an amount."""
    rows = result.rows
    if rows and "month_end" in rows[0]:
        last = max(row["month_end"] for row in rows)
        rows = [row for row in rows if row["month_end"] == last]
    values = [row[result.measure.value] for row in rows]
    if result.measure.unit == "amount" and values:
        return sum(value for value in values if value is not None)
    return values[0] if len(values) == 1 else None


def _write(position: Position, out: Path, languages: tuple[str, ...], tell: Progress) -> None:
    tell("writing tables", 0.7)
    for old in (out / "tables").glob("*.parquet"):
        old.unlink()
    for result in position.results:
        write_parquet(result, out / "tables")
    (out / "position.json").write_text(position.to_json(), encoding="utf-8")
    tell("writing the workbook", 0.75)
    write_workbook(position, out / "position.xlsx", languages)
    tell("drawing the report", 0.8)
    write_page(
        position, out / "report.html", languages,
        lambda part: tell("drawing the report", 0.8 + 0.2 * part),
    )  # fmt: skip
