"""Concentration of outstanding principal: HHI, effective number, largest shares, Gini."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from fengkong.formula.measures import register_measure
from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.portfolio._frame import grouped, keys, money_sum, ordered, ratio

TOP = (1, 3, 5, 10, 20)
# Squared shares of a million equal borrowers are 1e-12: more digits than other figures need.
_SHARE = "decimal(38, 24)"


def _amounts(states: ir.Table, by: Sequence[str], of: str) -> tuple[ir.Table, list[str]]:
    """Return outstanding principal by ``by`` and holder; a loan without a borrower stands alone."""
    names = keys(states, by)
    keys(states, [of])
    holder = states[of]
    if of == "borrower_id":
        holder = ibis.coalesce(holder, states.loan_id)
    held = states.filter(states.outstanding_principal_amount > 0).select(
        *names, "outstanding_principal_amount", holder=holder
    )
    amounts = held.group_by([*names, "holder"]).aggregate(
        amount=money_sum(held.outstanding_principal_amount)
    )
    return amounts, names


def _figures(amounts: ir.Table, names: list[str]) -> ir.Table:
    """Return the concentration figures of holders' amounts."""
    group = ibis.window(group_by=names or None)
    # Holders of equal amounts may change places: no figure notices.
    rising = ibis.window(group_by=names or None, order_by=amounts.amount)
    ranked = amounts.mutate(
        total=amounts.amount.sum().over(group),
        holders=amounts.count().over(group),
        place=ibis.row_number().over(rising).cast("int64") + 1,
    )
    share = ratio(ranked.amount, ranked.total)
    weight = (2 * ranked.place - ranked.holders - 1).cast("float64")
    ranked = ranked.mutate(
        square=(share * share).cast(_SHARE),
        gini=(weight * share / ranked.holders.cast("float64")).cast(_SHARE),
        from_top=ranked.holders - ranked.place,
    )
    tops = {f"top_{n}": money_sum(ranked.amount, ranked.from_top < n) for n in TOP}
    small = grouped(
        ranked,
        names,
        holders=ranked.count(),
        outstanding_principal_amount=money_sum(ranked.amount),
        squares=ranked["square"].sum().cast("float64"),
        gini=ranked.gini.sum().cast("float64"),
        **tops,
    )
    shares = {f"top_{n}": ratio(small[f"top_{n}"], small.outstanding_principal_amount) for n in TOP}
    result = small.select(
        *names,
        "holders",
        "outstanding_principal_amount",
        hhi=small.squares * 10_000.0,
        effective_number=1.0 / small.squares.nullif(0.0),
        gini=small.gini,
        **shares,
    )
    return ordered(result, names)


_DEFINITION = {
    "en": "Shares of outstanding principal, loans of one {en} added first. HHI is the sum of "
    "squared "
    "percent shares (0 to 10,000); the effective number is 1 / sum of squared shares; Gini without "
    "small-sample correction; top_n is the share of the n largest.",
    "zh": "剩余本金份额，先按{zh}合并。HHI 为百分比份额平方和（0 至 10,000）；有效数为份额平方和的"
    "倒数；"
    "基尼系数不作小样本修正；top_n 为最大 n 户占比。",
}


def _definition(en: str, zh: str) -> dict[str, str]:
    return {"en": _DEFINITION["en"].format(en=en), "zh": _DEFINITION["zh"].format(zh=zh)}


@register_measure(
    "concentration",
    needs=("states",),
    unit="index",
    title={"en": "Concentration by borrower", "zh": "借款人集中度"},
    definition=_definition(
        "borrower (or other holder, with of)", "借款人（或 of 指定的其他持有方）"
    ),
    value="hhi",
)
def concentration(states: ir.Table, *, of: str = "borrower_id", by: Sequence[str] = ()) -> ir.Table:
    """Return the concentration of outstanding principal over the holders ``of``.

    Parameters
    ----------
    states : ibis Table
        States of the book.
    of : str, default="borrower_id"
        Column whose values are the holders; loans of one holder are added first. Loans with no
        value there are one holder, except borrowers: such a loan is a borrower of its own.
    by : sequence of str, default=()
        One answer for each value of these columns.

    Returns
    -------
    ibis Table
        ``by``, holders, outstanding_principal_amount, hhi (squared percent shares, 0 to 10,000),
        effective_number (1 / sum of squared shares), gini (mean absolute difference over twice the
        mean, no small-sample correction), top_1, top_3, top_5, top_10, top_20 (fractions).

    References
    ----------
    regulation.md D8, HHI: 40/30/20/10 gives 3,000.
    """
    return _figures(*_amounts(states, by, of))


@register_measure(
    "concentration_region",
    needs=("states",),
    unit="index",
    title={"en": "Concentration by region", "zh": "地区集中度"},
    definition=_definition("region", "地区"),
    value="hhi",
    columns=("states.region",),
)
def concentration_region(states: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return the concentration over regions; columns as `concentration`."""
    return concentration(states, of="region", by=by)


@register_measure(
    "concentration_partner",
    needs=("states",),
    unit="index",
    title={"en": "Concentration by partner", "zh": "合作机构集中度"},
    definition=_definition("partner", "合作机构"),
    value="hhi",
    columns=("states.partner_id",),
)
def concentration_partner(states: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return the concentration over partners; columns as `concentration`."""
    return concentration(states, of="partner_id", by=by)


@register_measure(
    "concentration_product",
    needs=("states",),
    unit="index",
    title={"en": "Concentration by product", "zh": "产品集中度"},
    definition=_definition("product", "产品"),
    value="hhi",
    columns=("states.product",),
)
def concentration_product(states: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return the concentration over products; columns as `concentration`."""
    return concentration(states, of="product", by=by)


@register_measure(
    "concentration_funder",
    needs=("states", "funding_shares"),
    unit="index",
    title={"en": "Concentration by funder", "zh": "资金方集中度"},
    definition=_definition(
        "funder (its share of each loan, rounded to the cent)",
        "资金方（按各笔出资份额，四舍五入到分）",
    ),
    value="hhi",
)
def concentration_funder(
    states: ir.Table, funding_shares: ir.Table, *, by: Sequence[str] = ()
) -> ir.Table:
    """Return the concentration over funders; columns as `concentration`."""
    names = keys(states, by)
    shares = funding_shares.select("loan_id", "funder_id", "funding_share")
    funded = states.join(shares, "loan_id")
    part = funded.outstanding_principal_amount.cast("float64") * funded.funding_share
    # Rounded half up to the cent a loan before adding. The cast to six digits first keeps the float
    # noise of the product from deciding a tie.
    cents = (part.cast("decimal(38, 6)") * 100 + ibis.literal("0.5").cast("decimal(3, 1)")).floor()
    funded = funded.mutate(amount=(cents.cast("decimal(34, 0)") / 100).cast("decimal(18, 2)"))
    amounts = funded.group_by([*names, "funder_id"]).aggregate(amount=money_sum(funded.amount))
    amounts = amounts.filter(amounts.amount > 0).rename(holder="funder_id")
    return _figures(amounts, names)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its bootstrap interval.

    Attributes
    ----------
    value, low, high : float
        The figure of the book and the two ends of the percentile interval.
    """

    value: float
    low: float
    high: float


def concentration_interval(
    states: ir.Table,
    *,
    rng: np.random.Generator,
    of: str = "borrower_id",
    resamples: int = 500,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """Return bootstrap intervals of HHI, Gini and the largest shares.

    Parameters
    ----------
    states : ibis Table
        States of the book.
    rng : numpy Generator
        Source of the resamples; the same state gives the same answer.
    of : str, default="borrower_id"
        As in `concentration`.
    resamples : int, default=500
        Resamples of whole loans, with replacement.
    confidence : float, default=0.95
        In (0, 1).

    Returns
    -------
    dict of str to Interval
        Keys hhi, effective_number, gini, top_1, top_10, top_20. Empty when nothing is outstanding.

    Raises
    ------
    OutOfRangeError, InputError
        ``confidence`` or ``resamples`` outside its interval.

    Notes
    -----
    Percentile bootstrap over loans; a resample repeats loans, so shares of single borrowers are
    biased upwards a little: read the interval as the spread due to which loans were made.
    """
    if not 0 < confidence < 1:
        raise OutOfRangeError(name="confidence", value=confidence, allowed="(0, 1)")
    if resamples < 2:
        raise InputError(f"resamples must be at least 2; got {resamples}")
    keys(states, [of])
    holder = (
        ibis.coalesce(states.borrower_id, states.loan_id) if of == "borrower_id" else states[of]
    )
    held = states.filter(states.outstanding_principal_amount > 0)
    rows = held.select(
        "loan_id", holder=holder, amount=held.outstanding_principal_amount.cast("float64")
    )
    frame = rows.order_by("loan_id").to_pandas()
    if frame.empty:
        return {}
    codes = frame["holder"].factorize(use_na_sentinel=False)[0]
    amounts = frame["amount"].to_numpy(dtype=np.float64)
    count = len(amounts)
    value = _concentration_of(codes, amounts)
    draws = [
        _concentration_of(codes[pick], amounts[pick])
        for pick in (rng.integers(0, count, count) for _ in range(resamples))
    ]
    tail = (1 - confidence) / 2
    ends = {name: np.quantile([draw[name] for draw in draws], [tail, 1 - tail]) for name in value}
    return {
        name: Interval(figure, float(ends[name][0]), float(ends[name][1]))
        for name, figure in value.items()
    }


def _concentration_of(
    codes: npt.NDArray[np.int64], amounts: npt.NDArray[np.float64]
) -> dict[str, float]:
    """Return the figures of one sample of loans."""
    held = np.bincount(codes, weights=amounts)
    share = np.sort(held[held > 0]) / amounts.sum()
    count = len(share)
    squares = float(np.square(share).sum())
    weight = 2 * np.arange(1, count + 1) - count - 1
    figures = {
        "hhi": squares * 10_000.0,
        "effective_number": 1.0 / squares,
        "gini": float((weight * share).sum() / count),
    }
    return figures | {f"top_{n}": float(share[-n:].sum()) for n in (1, 10, 20)}
