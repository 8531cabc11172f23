"""Expected loss of each loan: staged, by scenario, weighted, twelve months and lifetime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from fengkong.foundation.errors import InputError, Need, UnsupportedError
from fengkong.portfolio.loss._arithmetic import exact, half_up, unrounded
from fengkong.portfolio.loss.exposure import months_until, undrawn_exposures, undrawn_lines
from fengkong.portfolio.loss.severity import ANY_SEGMENT, severity
from fengkong.portfolio.loss.staging import staged
from fengkong.portfolio.loss.term_structure import (
    ALL_GRADES,
    MONTHS_PER_YEAR,
    NO_GRADE,
    TermStructure,
    term_structure,
)

if TYPE_CHECKING:
    from pandas import DataFrame

    from fengkong.portfolio.loss.settings import LossSettings

_SUBJECT = "expected loss"
_ENDLESS = 1_000_000  # months
_CENTS = (
    "exposure_amount",
    "expected_loss_12m_amount",
    "expected_loss_lifetime_amount",
    "expected_loss_amount",
)
# What a line adds to the loan that it follows, beside the loss of each scenario.
_EXACT_SUMS = (*_CENTS, "expected_loss_weighted_amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """PD and LGD as they enter the sum, one column a scenario."""

    pd: TermStructure
    lgd: DataFrame


def parameters(settings: LossSettings, panel: Any | None, states: Any) -> Parameters:
    """Estimate or read PD and LGD once, so that several measures can share them."""
    return Parameters(
        pd=term_structure(settings.pd, settings.scenarios, panel),
        lgd=severity(settings.lgd, settings.scenarios, panel, states),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Credit lines of the book, whose undrawn part counts as exposure.

    Attributes
    ----------
    facilities, drawdowns : ibis Table
        Of the book.
    as_of : date
        Business date, by which a line is open or has expired.
    """

    facilities: Any
    drawdowns: Any
    as_of: date


def loss_by_loan(
    states: Any,
    exposures: Any,
    *,
    settings: LossSettings,
    using: Parameters,
    lines: Lines | None = None,
) -> Any:
    """Expected loss of each active loan that has an exposure.

    By scenario: the sum over years t of marginal PD x LGD x EAD / (1 + EIR) ** t, at year-ends; the
    first year alone in stage 1; LGD x EAD of the first year in stage 3 (PD is 1, so the
    twelve-month and the lifetime amount are one). Then weighted over scenarios, unrounded, and
    rounded half up to the cent. EIR is effective. The undrawn part of a line is added to the loan
    that it follows, see `loss_by_line`.

    Parameters
    ----------
    states, exposures : ibis Table
        Of the book.
    settings : LossSettings
    using : Parameters
        From `parameters`.
    lines : Lines, optional
        Without them, and with a conversion factor of 0, nothing undrawn is counted.

    Returns
    -------
    ibis Table
        The columns of `states`, and pd_12m_now, pd_lifetime_now (weighted), stage, stage_reason,
        exposure_drawn_amount, exposure_undrawn_amount (converted) and their sum exposure_amount, of
        the first year; expected_loss_<scenario>_amount and expected_loss_weighted_amount
        (unrounded, by stage); expected_loss_12m_amount and expected_loss_lifetime_amount;
        expected_loss_drawn_amount, expected_loss_undrawn_amount and their sum expected_loss_amount
        (to the cent, by stage). Not sorted.

    Raises
    ------
    UnsupportedError
        A loan has no PD, LGD, effective rate or exposure; the text says which grades or segments.
    InputError
        A column named in the settings is not in `states`.
    """
    table = _staged_loans(states, exposures, settings, using)
    names = using.pd.scenarios
    kept = (*states.columns, "pd_12m_now", "pd_lifetime_now", "stage", "stage_reason")
    drawn = _amounts(table, kept, settings, names)
    added = [*_EXACT_SUMS, *(f"expected_loss_{name}_amount" for name in names)]
    if lines is None or not settings.credit_conversion_factor:
        parts = drawn.mutate(**{f"line_{name}": _nothing(name) for name in added})
    else:
        by_line = _line_amounts(table, exposures, lines, settings, using)
        sums = by_line.group_by("loan_id").aggregate(
            **{f"line_{name}": by_line[name].sum() for name in added}
        )
        parts = drawn.left_join(sums, "loan_id").drop("loan_id_right")
    more = {name: parts[f"line_{name}"].fill_null(0).cast(_type(name)) for name in added}
    return parts.select(
        *kept,
        exposure_drawn_amount=parts["exposure_amount"],
        exposure_undrawn_amount=more["exposure_amount"],
        expected_loss_drawn_amount=parts["expected_loss_amount"],
        expected_loss_undrawn_amount=more["expected_loss_amount"],
        **{name: (parts[name] + more[name]).cast(_type(name)) for name in added},
    )


def loss_by_line(
    states: Any, exposures: Any, *, settings: LossSettings, using: Parameters, lines: Lines
) -> Any:
    """Expected loss of the undrawn part of each line.

    It follows the worst active loan drawn on the line (`undrawn_lines`): its stage, PD, LGD and
    effective rate, in the years in which that loan has an exposure and the line is open. The same
    sum as for a loan, rounded half up to the cent once a line.

    Parameters
    ----------
    states, exposures, settings, using
        As in `loss_by_loan`.
    lines : Lines

    Returns
    -------
    ibis Table
        facility_id, loan_id (the loan that it follows), stage, stage_reason, undrawn_amount,
        exposure_amount (converted) and the expected losses of `loss_by_loan`. Not sorted.

    Raises
    ------
    UnsupportedError, InputError
        As `loss_by_loan`.
    """
    table = _staged_loans(states, exposures, settings, using)
    return _line_amounts(table, exposures, lines, settings, using)


def loss_items(
    states: Any,
    exposures: Any,
    *,
    settings: LossSettings,
    using: Parameters,
    lines: Lines | None = None,
) -> Any:
    """Expected loss by item of the movement table: drawn loans, and undrawn parts of lines.

    Parameters
    ----------
    states, exposures, settings, using, lines
        As in `loss_by_loan`.

    Returns
    -------
    ibis Table
        loan_id (of a line: "facility:" and its facility_id), stage, expected_loss_amount. Its sum
        is that of `loss_by_loan`. Not sorted.
    """
    table = _staged_loans(states, exposures, settings, using)
    names, wanted = using.pd.scenarios, ("loan_id", "stage", "expected_loss_amount")
    drawn = _amounts(table, ("loan_id", "stage"), settings, names).select(*wanted)
    if lines is None or not settings.credit_conversion_factor:
        return drawn
    by_line = _line_amounts(table, exposures, lines, settings, using)
    by_line = by_line.mutate(loan_id=ibis.literal("facility:") + by_line["facility_id"])
    return ibis.union(drawn, by_line.select(*wanted), distinct=False)


def expected_loss_totals(by_loan: Any, *, by: Sequence[str] = ()) -> Any:
    """Sum the expected loss of loans by stage and dimensions.

    Parameters
    ----------
    by_loan : ibis Table
        As `loss_by_loan` returns.
    by : sequence of str
        Columns of `states`.

    Returns
    -------
    ibis Table
        The dimensions, stage, loans, exposure_drawn_amount, exposure_undrawn_amount,
        exposure_amount, expected_loss_12m_amount, expected_loss_lifetime_amount,
        expected_loss_drawn_amount, expected_loss_undrawn_amount, expected_loss_amount, coverage
        (expected loss over exposure); sorted by dimensions and stage. Sums of cents, so that parts
        add up to the whole.
    """
    unknown = [name for name in by if name not in by_loan.columns]
    if unknown:
        raise InputError(f"expected loss has no dimension {', '.join(unknown)}")
    keys = [*by, "stage"]
    amounts = (
        "exposure_drawn_amount",
        "exposure_undrawn_amount",
        "exposure_amount",
        "expected_loss_12m_amount",
        "expected_loss_lifetime_amount",
        "expected_loss_drawn_amount",
        "expected_loss_undrawn_amount",
        "expected_loss_amount",
    )
    table = by_loan.group_by(keys).aggregate(
        loans=by_loan.count(), **{name: by_loan[name].sum() for name in amounts}
    )
    exposure = table["exposure_amount"].cast("float64")
    ratio = table["expected_loss_amount"].cast("float64") / exposure.nullif(0.0)
    return table.mutate(coverage=ratio).order_by(keys)


def _staged_loans(states: Any, exposures: Any, settings: LossSettings, using: Parameters) -> Any:
    """Active loans with their keys, sums by scenario, LGD and stage."""
    facts = _facts(states, settings, using)
    _refuse_gaps(facts, exposures, using)
    table = facts.inner_join(_sums(facts, exposures, using, settings), "loan_id")
    lgd = ibis.memtable(using.lgd)
    table = table.left_join(lgd, table["segment_key"] == lgd["segment"])
    return staged(table, settings.staging)


def _line_amounts(
    table: Any, exposures: Any, lines: Lines, settings: LossSettings, using: Parameters
) -> Any:
    """Losses of the undrawn parts of lines, from staged loans."""
    undrawn = undrawn_lines(
        table, lines.facilities, lines.drawdowns,
        credit_conversion_factor=settings.credit_conversion_factor, as_of=lines.as_of,
    )  # fmt: skip
    rows = undrawn_exposures(undrawn, exposures, as_of=lines.as_of)
    own = ["grade_key", "age_key", "eir_used", "months_left", "stage", "stage_reason"]
    own += [f"lgd_{name}" for name in using.pd.scenarios]
    items = undrawn.inner_join(table.select("loan_id", *own), "loan_id")
    if settings.pd.last_year == "prorated":
        until = months_until(items["expires_on"], lines.as_of).fill_null(_ENDLESS)
        items = items.mutate(months_left=ibis.least(items["months_left"], until))
    items = items.inner_join(_sums(items, rows, using, settings, key="facility_id"), "facility_id")
    kept = ("facility_id", "loan_id", "stage", "stage_reason", "undrawn_amount")
    return _amounts(items, kept, settings, using.pd.scenarios)


def _nothing(name: str) -> Any:
    return ibis.literal(0).cast(_type(name))


def _type(name: str) -> str:
    return "decimal(18, 2)" if name in _CENTS else "decimal(38, 8)"


def _facts(states: Any, settings: LossSettings, using: Parameters) -> Any:
    """Active loans with the keys by which PD and LGD are found."""
    for column in (settings.pd.grade_column, settings.lgd.segment_column):
        if column is not None and column not in states.columns:
            raise InputError(f"loss settings name the column {column!r}, which states lacks")
    active = states.filter(states["status"] == "active")
    grade = active[settings.pd.grade_column].cast("string").fill_null(NO_GRADE)
    age = ibis.greatest(active["months_on_book"].fill_null(0), 0)
    segment = ibis.literal(ANY_SEGMENT)
    if settings.lgd.segment_column is not None:
        segment = active[settings.lgd.segment_column].cast("string").fill_null(ANY_SEGMENT)
    eir = active["eir_annual"]
    if settings.missing_eir == "contract_rate":
        eir = ibis.coalesce(eir, (1.0 + active["rate_annual"] / 12.0).pow(12.0) - 1.0)
    return active.mutate(
        grade_key=_known_or_any(grade, list(using.pd.pd_marginal), ALL_GRADES),
        age_key=ibis.least(age, using.pd.oldest),
        segment_key=_known_or_any(segment, list(using.lgd["segment"]), ANY_SEGMENT),
        eir_used=eir,
        months_left=_months_left(active) if settings.pd.last_year == "prorated" else _ENDLESS,
    )


def _months_left(active: Any) -> Any:
    """Calendar months from as_of to maturity; endless when unknown or over (arrears go on)."""
    ends, began = active["matures_on"], active["disbursed_on"]
    months = (ends.year() - began.year()).cast("int64") * MONTHS_PER_YEAR
    months = months + ends.month() - began.month() - active["months_on_book"]
    return ibis.ifelse(months > 0, months.cast("int64"), _ENDLESS).fill_null(_ENDLESS)


def _known_or_any(value: Any, known: list[str], other: str) -> Any:
    """Send values without an entry of their own to the entry for all, where there is one."""
    return ibis.ifelse(value.isin(known), value, other) if other in known else value


def _refuse_gaps(facts: Any, exposures: Any, using: Parameters) -> None:
    """Say what is missing before a null makes a loan's loss vanish."""
    rows = facts.select("loan_id", "grade_key").inner_join(exposures, "loan_id")
    longest = rows.group_by("grade_key").aggregate(years=rows["year_number"].max()).execute()
    needs: list[Need] = []
    for grade, years in zip(longest["grade_key"], longest["years"], strict=True):
        array = using.pd.pd_marginal.get(grade)
        if array is None:
            needs.append(Need(f"the PD of grade {grade!r}", f"等级“{grade}”的违约概率"))
        elif array.shape[1] < years or np.isnan(array[:, :years]).any():
            needs.append(
                Need(
                    f"the PD of grade {grade!r} for {years} years in every scenario",
                    f"等级“{grade}”在每个情景下 {years} 年的违约概率",
                )
            )
    owing = facts["outstanding_principal_amount"] > 0
    bare = facts.filter(owing).anti_join(exposures, "loan_id").count().execute()
    if bare:
        needs.append(
            Need(
                f"the exposure of {bare} active loans by year (their schedule)",
                f"{bare} 笔存续贷款各年的敞口（还款计划）",
            )
        )
    segments = facts.group_by("segment_key").aggregate(
        no_rate=facts["eir_used"].isnull().cast("int64").sum()
    )
    found = segments.execute()
    missing = sorted(set(found["segment_key"]) - set(using.lgd["segment"]))
    needs.extend(
        Need(f"the LGD of segment {segment!r}", f"分组“{segment}”的违约损失率")
        for segment in missing
    )
    if len(found) and int(found["no_rate"].sum()):
        bare = int(found["no_rate"].sum())
        needs.append(Need(f"the effective rate of {bare} loans", f"{bare} 笔贷款的实际利率"))
    if needs:
        raise UnsupportedError(_SUBJECT, tuple(sorted(needs)))


def _sums(
    facts: Any, exposures: Any, using: Parameters, settings: LossSettings, *, key: str = "loan_id"
) -> Any:
    """By loan (or line): discounted exposure times marginal PD, first year's and all years'."""
    rows = exposures.inner_join(
        facts.select(key, "grade_key", "age_key", "eir_used", "months_left"), key
    )
    pd_rows = ibis.memtable(using.pd.frame())
    rows = rows.left_join(
        pd_rows,
        [
            rows["grade_key"] == pd_rows["grade"],
            rows["age_key"] == pd_rows["months_on_book"],
            rows["year_number"] == pd_rows["year_number"],
        ],
    )
    first = rows["year_number"] == 1
    discount = (1.0 + rows["eir_used"]).pow(-rows["year_number"].cast("float64"))
    present = rows["exposure_amount"].cast("float64") * discount
    left = rows["months_left"] - (rows["year_number"] - 1) * MONTHS_PER_YEAR
    # Spark reads the text 12.0 as a decimal and would cut the quotient to six digits.
    years_left = left.cast("float64") / ibis.literal(MONTHS_PER_YEAR).cast("float64")
    share = ibis.greatest(ibis.least(years_left, 1.0), 0.0)
    sums = {"exposure_amount": rows["exposure_amount"].sum(where=first).cast("decimal(18, 2)")}
    weighted_pd = 0.0
    for name, weight in zip(using.pd.scenarios, _weights(settings), strict=True):
        loss = exact(present * rows[f"pd_{name}"] * share)
        sums[f"life_{name}"] = loss.sum()
        sums[f"first_{name}"] = loss.sum(where=first)
        weighted_pd = weighted_pd + weight * rows[f"pd_{name}"] * share
    sums["pd_12m_now"] = exact(weighted_pd).sum(where=first).cast("float64")
    sums["pd_lifetime_now"] = exact(weighted_pd).sum().cast("float64")
    return rows.group_by(key).aggregate(**sums)


def _weights(settings: LossSettings) -> list[float]:
    return [float(scenario.weight) for scenario in settings.scenarios]


def _amounts(table: Any, kept: Sequence[str], settings: LossSettings, names: Sequence[str]) -> Any:
    """Multiply by LGD, choose by stage, weigh, and round once."""
    whole = table["exposure_amount"].cast("float64")
    in_default = table["stage"] == 3
    year, life, shown = 0.0, 0.0, {}
    for name, weight in zip(names, _weights(settings), strict=True):
        lgd = table[f"lgd_{name}"]
        default = whole * lgd
        short = ibis.ifelse(in_default, default, table[f"first_{name}"].cast("float64") * lgd)
        long = ibis.ifelse(in_default, default, table[f"life_{name}"].cast("float64") * lgd)
        shown[f"expected_loss_{name}_amount"] = unrounded(
            ibis.ifelse(table["stage"] == 1, short, long)
        )
        year, life = year + weight * short, life + weight * long
    weighted = ibis.ifelse(table["stage"] == 1, year, life)
    return table.select(
        *kept,
        "exposure_amount",
        **shown,
        expected_loss_weighted_amount=unrounded(weighted),
        expected_loss_12m_amount=half_up(year),
        expected_loss_lifetime_amount=half_up(life),
        expected_loss_amount=half_up(weighted),
    )
