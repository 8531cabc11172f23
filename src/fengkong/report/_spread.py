"""How far the figures of concentration could lie from what the book shows: bootstrap intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from fengkong.formula.measures import Measure
from fengkong.foundation.errors import FengkongError
from fengkong.portfolio import concentration_interval
from fengkong.report._compute import Failed, Missing, Result, Support, plain

SEED = 20260101
RESAMPLES = 200
CONFIDENCE = 0.95
MEASURE = Measure(
    name="concentration_interval",
    function=concentration_interval,
    needs=("states",),
    unit="index",
    title={
        "en": "Concentration by borrower, with its interval",
        "zh": "借款人集中度及其区间",
    },
    definition={
        "en": "HHI, effective number, Gini and the shares of the 1, 10 and 20 largest borrowers, "
        "as in the concentration by borrower, with the ends of a percentile bootstrap interval: "
        "the loans of the book drawn again with replacement. Read it as the spread due to which "
        "loans were made.",
        "zh": "HHI、等效户数、基尼系数及最大 1、10、20 户占比（口径同借款人集中度），"
        "并给出百分位自助法区间的两端：对账簿贷款有放回地重新抽样。该区间反映因放款对象不同而产生的波动。",
    },
    value="value",
)


def concentration_spread(view: Any, support: Support) -> Result | Missing | Failed:
    """Return the figures of concentration with their intervals, or what the book lacks."""
    lacks = support.lacks(MEASURE, ())
    if lacks:
        return Missing(name=MEASURE.name, measure=MEASURE.name, needs=lacks)
    try:
        found = concentration_interval(
            view.get("states"), rng=np.random.default_rng(SEED), resamples=RESAMPLES,
            confidence=CONFIDENCE,
        )  # fmt: skip
    except FengkongError as error:
        return Failed(name=MEASURE.name, measure=MEASURE.name, code=error.code, text=str(error))
    rows = [
        {"figure": name, "value": plain(one.value), "low": plain(one.low), "high": plain(one.high)}
        for name, one in sorted(found.items())
    ]
    return Result(
        name=MEASURE.name, measure=MEASURE, by=(),
        parameters={"seed": SEED, "resamples": RESAMPLES, "confidence": CONFIDENCE},
        columns=("figure", "value", "low", "high"), keys=("figure",), rows=rows,
    )  # fmt: skip
