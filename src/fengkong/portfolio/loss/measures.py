"""The expected loss as measures of the book, found by name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis

from fengkong.formula.measures import register_measure
from fengkong.foundation.errors import InputError
from fengkong.portfolio.loss.expected_loss import (
    Lines,
    Parameters,
    expected_loss_totals,
    loss_by_loan,
    parameters,
)
from fengkong.portfolio.loss.settings import LossSettings, default_settings
from fengkong.portfolio.loss.term_structure import term_structure

if TYPE_CHECKING:
    from fengkong.portfolio.loss.settings import PdSettings

_COLUMNS = ("exposures.exposure_amount",)
_LINES = ("facilities", "drawdowns")


@register_measure(
    "expected_loss_by_loan",
    needs=("states", "exposures", "panel"),
    unit="amount",
    title={"en": "Expected loss by loan", "zh": "逐笔预期信用损失"},
    definition={
        "en": "IFRS 9: sum over years of marginal PD x LGD x EAD / (1 + EIR)^t, first year alone "
        "in stage 1, LGD x EAD in stage 3, weighted over scenarios, rounded half up to the cent. "
        "The undrawn part of a credit line, times the credit conversion factor, is exposure too; "
        "it follows the worst loan drawn on the line.",
        "zh": "按IFRS 9：各年边际违约概率×违约损失率×违约敞口÷(1+实际利率)^t 之和；"
        "第一阶段仅计第一年，第三阶段为违约损失率×违约敞口；按情景加权后四舍五入到分。"
        "授信未用额度乘以信用转换系数计入违约敞口，其阶段随该额度项下最差的一笔贷款。",
    },
    value="expected_loss_amount",
    columns=_COLUMNS,
    optional=_LINES,
)
def expected_loss_by_loan(
    states: Any,
    exposures: Any,
    panel: Any | None = None,
    *,
    by: Sequence[str] = (),
    settings: LossSettings | None = None,
    using: Parameters | None = None,
    facilities: Any | None = None,
    drawdowns: Any | None = None,
    as_of: date | None = None,
) -> Any:
    """Expected loss of each active loan; see `loss_by_loan`. Sorted by loan.

    Parameters
    ----------
    states, exposures, panel : ibis Table
        Of the book; the panel is read when the settings estimate PD or LGD from it.
    by : sequence of str
        Ignored: all columns of `states` are in the result.
    settings : LossSettings, optional
        `default_settings` when absent.
    using : Parameters, optional
        PD and LGD made before; made here when absent.
    facilities, drawdowns : ibis Table, optional
        Of the book; with them the undrawn part of a line counts as exposure.
    as_of : date, optional
        Business date, needed with facilities: a line that has expired is no exposure.

    Raises
    ------
    InputError
        Facilities and drawdowns without ``as_of``.
    """
    del by
    chosen = settings or default_settings()
    ready = using or parameters(chosen, panel, states)
    lines = lines_of(facilities, drawdowns, as_of)
    table = loss_by_loan(states, exposures, settings=chosen, using=ready, lines=lines)
    return table.order_by("loan_id")


@register_measure(
    "expected_loss",
    needs=("states", "exposures", "panel"),
    unit="amount",
    title={"en": "Expected loss by stage", "zh": "分阶段预期信用损失"},
    definition={
        "en": "Sum over loans of the expected loss of each loan, in cents; by stage of IFRS 9. "
        "Twelve-month and lifetime amounts beside it; drawn loans and undrawn lines apart; "
        "coverage = expected loss / exposure.",
        "zh": "逐笔预期信用损失（精确到分）按IFRS 9阶段求和；并列示12个月与整个存续期金额，"
        "并分列已用与未用额度；"
        "拨备覆盖比例=预期信用损失÷违约敞口。",
    },
    value="expected_loss_amount",
    columns=_COLUMNS,
    optional=_LINES,
)
def expected_loss(
    states: Any,
    exposures: Any,
    panel: Any | None = None,
    *,
    by: Sequence[str] = (),
    settings: LossSettings | None = None,
    using: Parameters | None = None,
    facilities: Any | None = None,
    drawdowns: Any | None = None,
    as_of: date | None = None,
) -> Any:
    """Expected loss by dimensions and stage; see `expected_loss_totals`.

    Parameters
    ----------
    states, exposures, panel, settings, using, facilities, drawdowns, as_of
        As in `expected_loss_by_loan`.
    by : sequence of str
        Columns of `states`.
    """
    chosen = settings or default_settings()
    ready = using or parameters(chosen, panel, states)
    lines = lines_of(facilities, drawdowns, as_of)
    by_loan = loss_by_loan(states, exposures, settings=chosen, using=ready, lines=lines)
    return expected_loss_totals(by_loan, by=by)


def lines_of(facilities: Any | None, drawdowns: Any | None, as_of: date | None) -> Lines | None:
    """Return the credit lines, None for a book without facilities or without drawdowns.

    Raises
    ------
    InputError
        Facilities and drawdowns without ``as_of``.
    """
    if facilities is None or drawdowns is None:
        return None
    if as_of is None:
        raise InputError("undrawn lines are counted as of a date; give as_of with the facilities")
    return Lines(facilities=facilities, drawdowns=drawdowns, as_of=as_of)


@register_measure(
    "pd_term_structure",
    needs=("panel",),
    unit="fraction",
    title={"en": "PD term structure", "zh": "违约概率期限结构"},
    definition={
        "en": "Probability that a loan alive at its months on book defaults in each later year, by "
        "grade and scenario; from monthly hazards, thin cells pooled over neighbouring months.",
        "zh": "按等级与情景，处于某账龄的贷款在其后各年违约的边际概率；"
        "由月度违约风险率推得，样本不足的单元与相邻月份合并。",
    },
    value="pd_marginal",
)
def pd_term_structure(
    panel: Any,
    *,
    by: Sequence[str] = (),
    settings: LossSettings | None = None,
    years: int = 5,
) -> Any:
    """Yearly marginal PDs in long form.

    Parameters
    ----------
    panel : ibis Table
        Of the book.
    by : sequence of str
        Ignored: the result is by grade.
    settings : LossSettings, optional
        `default_settings` when absent.
    years : int
        Years ahead to show.

    Returns
    -------
    ibis Table
        grade ("*": all together), months_on_book, year_number, scenario, pd_marginal; sorted.
    """
    del by
    chosen = settings or default_settings()
    pd_settings: PdSettings = chosen.pd
    wide = term_structure(pd_settings, chosen.scenarios, panel).frame()
    wide = wide[wide["year_number"] <= years]
    keys = ["grade", "months_on_book", "year_number"]
    long = wide.melt(id_vars=keys, var_name="scenario", value_name="pd_marginal")
    long["scenario"] = long["scenario"].str.removeprefix("pd_")
    return ibis.memtable(long).order_by([*keys, "scenario"])
