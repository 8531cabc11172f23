"""LGD by segment and scenario: given, or estimated from the defaulted loans of the panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from fengkong.foundation.errors import Need, UnsupportedError
from fengkong.portfolio.loss._arithmetic import exact

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fengkong.portfolio.loss.settings import LgdSettings, Scenario

ANY_SEGMENT = "*"
_MONTHS = 12
_SUBJECT = "LGD of the expected loss"


def severity(
    settings: LgdSettings,
    scenarios: Sequence[Scenario],
    panel: Any | None = None,
    states: Any | None = None,
) -> pd.DataFrame:
    """Return the LGD by segment, one column a scenario, scalars applied, within 0 and 1.

    Parameters
    ----------
    settings : LgdSettings
    scenarios : sequence of Scenario
    panel, states : ibis Table, optional
        Needed when ``settings.source`` is "workout".

    Returns
    -------
    DataFrame
        segment ("*" for any that is not named), lgd_<scenario>.

    Raises
    ------
    UnsupportedError
        The LGD is to be estimated and there are too few defaulted loans.
    """
    if settings.source == "given":
        base = {
            segment: [float(values[scenario.name]) for scenario in scenarios]
            for segment, values in settings.given.items()
        }
    else:
        if panel is None or states is None:
            raise UnsupportedError(
                _SUBJECT,
                (
                    Need(
                        "the panel of the book, or lgd.given in settings",
                        "账簿的逐月状态，或在设置中给出违约损失率（lgd.given）",
                    ),
                ),
            )
        estimated = workout_lgd(settings, panel, states)
        base = {segment: [value] * len(scenarios) for segment, value in estimated.items()}
    scalars = [float(scenario.lgd_scalar) for scenario in scenarios]
    frame = pd.DataFrame({"segment": sorted(base)})
    for position, scenario in enumerate(scenarios):
        values = [base[segment][position] * scalars[position] for segment in frame["segment"]]
        frame[f"lgd_{scenario.name}"] = np.clip(np.array(values, dtype=np.float64), 0.0, 1.0)
    return frame


def workout_lgd(settings: LgdSettings, panel: Any, states: Any) -> dict[str, float]:
    """Estimate the LGD of each segment from recoveries by month since default.

    For month k after default, the share recovered is the sum of what came in (principal, interest
    and recoveries less costs, discounted at the loan's effective rate over k/12 years) over the
    exposure at default, both of the defaults observed for k months or more, so that open workouts
    count as long as they are seen and no longer. LGD = 1 less the sum of the shares up to
    ``workout_months``, within 0 and 1; months that no default has reached count as no recovery.
    Segments with fewer than ``minimum_defaults`` take the LGD of all ("*").

    Returns
    -------
    dict of segment to float
        Always with "*".
    """
    counts, flows = _workouts(settings, panel, states)
    total = int(counts["defaults"].sum())
    if total < settings.minimum_defaults:
        raise UnsupportedError(
            _SUBJECT,
            (
                Need(
                    f"at least {settings.minimum_defaults} defaulted loans seen for a month "
                    f"({total} found), or lgd.given in the loss settings",
                    f"至少 {settings.minimum_defaults} 笔违约后已观察满一个月的贷款"
                    f"（现有 {total} 笔），或在损失设置中给出违约损失率（lgd.given）",
                ),
            ),
        )
    result = {ANY_SEGMENT: _chained(counts, flows, settings.workout_months)}
    if settings.segment_column is None:
        return result
    for segment, rows in counts.groupby("segment"):
        if int(rows["defaults"].sum()) >= settings.minimum_defaults:
            own = flows[flows["segment"] == segment]
            result[str(segment)] = _chained(rows, own, settings.workout_months)
    return result


def _workouts(settings: LgdSettings, panel: Any, states: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count defaults by months observed, and sum flows by months since default and observed."""
    column = settings.segment_column
    segment = ibis.literal(ANY_SEGMENT) if column is None else panel[column].cast("string")
    rows = panel.mutate(
        month=panel["month_end"].year().cast("int64") * _MONTHS + panel["month_end"].month(),
        segment=segment.fill_null(ANY_SEGMENT),
    )
    last = rows.aggregate(last_month=rows["month"].max())
    entered = rows.filter(rows["default_entered"] & (rows["exposure_amount"] > 0)).select(
        "loan_id", "segment", default_month="month", default_amount="exposure_amount"
    )
    entered = entered.cross_join(last)
    observed = ibis.least(entered["last_month"] - entered["default_month"], settings.workout_months)
    entered = entered.mutate(observed=observed).drop("last_month")
    entered = entered.filter(entered["observed"] > 0)
    counts = entered.group_by(["segment", "observed"]).aggregate(
        defaults=entered.count(), default_amount=entered["default_amount"].sum()
    )
    after = rows.select(
        "loan_id", "month", "paid_principal_amount", "paid_interest_amount", "recovered_amount",
        "recovery_cost_amount",
    ).inner_join(entered, "loan_id")  # fmt: skip
    after = after.inner_join(states.select("loan_id", "eir_annual"), "loan_id")
    since = after["month"] - after["default_month"]
    after = after.mutate(since=since).filter((since > 0) & (since <= after["observed"]))
    net = sum(
        after[name].cast("float64").fill_null(0.0)
        for name in ("paid_principal_amount", "paid_interest_amount", "recovered_amount")
    ) - after["recovery_cost_amount"].cast("float64").fill_null(0.0)
    growth = 1.0 + after["eir_annual"].fill_null(0.0)
    present = exact(net * growth.pow(-after["since"].cast("float64") / _MONTHS))
    flows = after.mutate(present=present).group_by(["segment", "since"])
    flows = flows.aggregate(present=lambda table: table["present"].sum())
    return (
        counts.order_by(["segment", "observed"]).execute(),
        flows.order_by(["segment", "since"]).execute(),
    )


def _chained(counts: pd.DataFrame, flows: pd.DataFrame, months: int) -> float:
    observed: NDArray[np.float64] = np.zeros(months + 1)
    np.add.at(observed, counts["observed"].to_numpy(), counts["default_amount"].astype(float))
    at_least = np.cumsum(observed[::-1])[::-1]
    present = np.zeros(months + 1)
    np.add.at(present, flows["since"].to_numpy(), flows["present"].astype(float))
    share = np.divide(present, at_least, out=np.zeros_like(present), where=at_least > 0)
    return float(np.clip(1.0 - share[1:].sum(), 0.0, 1.0))
