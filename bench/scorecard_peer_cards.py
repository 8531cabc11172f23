"""The peers' scorecards, made as their own tutorials make them; runs inside `.venv-peers` only.

Each class fits a whole card: bins, selection where ``select`` asks for it, logistic regression,
points (pdo 20, 600 points at 50:1). ``probability`` returns the chance of bad of each row,
``score`` the points. What a peer would answer with NaN (scorecardpy, a category it has not seen) is
given the neutral WOE 0, which is generous, and counted in ``filled``. ``equal`` puts the
constraints of the bench in place of the peer's defaults.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

PDO, POINTS, ODDS = 20, 600, 50
JOBS = 2
MAX_BINS, MIN_SHARE, MIN_IV = 8, 0.05, 0.02


def categories(table: pd.DataFrame) -> list[str]:
    """Return the names of the text columns."""
    return [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]


class OptbinningCard:
    """optbinning's BinningProcess and Scorecard, as in its tutorials."""

    def __init__(self, *, select: bool, special: dict[str, list[float]] | None = None,
                 jobs: int = JOBS, equal: bool = False) -> None:  # fmt: skip
        self.select, self.special, self.jobs, self.equal = select, special or {}, jobs, equal

    def process(self, table: pd.DataFrame, trends: dict[str, str] | None = None) -> Any:
        """Return its binning process: its defaults, or the constraints of the bench."""
        from optbinning import BinningProcess

        each = optbinning_columns(table, self.special, trends or {})
        limits = {"max_n_bins": MAX_BINS, "min_bin_size": MIN_SHARE} if self.equal else {}
        return BinningProcess(
            list(table), categorical_variables=categories(table), n_jobs=self.jobs,
            selection_criteria={"iv": {"min": MIN_IV}} if self.select else None,
            binning_fit_params=each, **limits,
        )  # fmt: skip

    def fit(self, table: pd.DataFrame, target: np.ndarray) -> OptbinningCard:
        """Fit the card."""
        from optbinning import Scorecard

        self.card = Scorecard(
            self.process(table), LogisticRegression(), scaling_method="pdo_odds",
            scaling_method_params={"pdo": PDO, "odds": ODDS, "scorecard_points": POINTS},
        )  # fmt: skip
        self.card.fit(table, target, metric_missing="empirical", metric_special="empirical")
        return self

    def probability(self, table: pd.DataFrame) -> np.ndarray:
        """Return the chance of bad."""
        return self.card.predict_proba(table)[:, 1]

    def score(self, table: pd.DataFrame) -> np.ndarray:
        """Return the points."""
        return self.card.score(table)


def optbinning_columns(
    table: pd.DataFrame, special: dict[str, list[float]], trends: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the settings by column: a bin of its own for each special value, the trend asked."""
    each: dict[str, dict[str, Any]] = {}
    for name in table:
        mine: dict[str, Any] = {}
        if name in special:
            mine["special_codes"] = {f"special {value}": value for value in special[name]}
        if name in trends:
            mine["monotonic_trend"] = trends[name]
        if mine:
            each[name] = mine
    return each


class ToadCard:
    """toad's Combiner, WOETransformer and ScoreCard, as in its tutorial."""

    def __init__(self, *, select: bool, stepwise: bool = False, method: str = "chi",
                 equal: bool = False) -> None:  # fmt: skip
        self.select, self.stepwise, self.method, self.equal = select, stepwise, method, equal

    def fit(self, table: pd.DataFrame, target: np.ndarray) -> ToadCard:
        """Fit the card."""
        import toad

        frame = table.assign(target_=target)
        if self.select:
            frame = toad.selection.select(frame, "target_", empty=0.7, iv=MIN_IV, corr=0.7)
        combiner = toad.transform.Combiner()
        settings = toad_settings(self.method, equal=self.equal)
        combiner.fit(frame, y="target_", empty_separate=True, **settings)
        woe = toad.transform.WOETransformer()
        values = woe.fit_transform(
            combiner.transform(frame), frame["target_"], exclude=["target_"]
        )  # fmt: skip
        if self.stepwise:
            values = toad.selection.stepwise(
                values, target="target_", estimator="ols", direction="both", criterion="aic"
            )
        self.card = toad.ScoreCard(
            pdo=PDO, rate=2, base_odds=ODDS, base_score=POINTS, combiner=combiner, transer=woe
        )
        self.card.fit(values.drop(columns="target_"), target)
        return self

    def probability(self, table: pd.DataFrame) -> np.ndarray:
        """Return the chance of bad."""
        return np.asarray(self.card.predict_proba(table))[:, 1]

    def score(self, table: pd.DataFrame) -> np.ndarray:
        """Return the points."""
        return np.asarray(self.card.predict(table))


def toad_settings(method: str, *, equal: bool) -> dict[str, Any]:
    """Return the tutorial's settings of a method, or those nearest to the equal constraints."""
    if method == "chi":
        # Without "all", toad stops merging as soon as one of the two limits is met.
        limits = {"n_bins": MAX_BINS, "constraint_mode": "all"} if equal else {}
        return {"method": "chi", "min_samples": MIN_SHARE, **limits}
    if method == "dt":
        return {"method": "dt", "n_bins": MAX_BINS, "min_samples": MIN_SHARE}
    return {"method": "quantile", "n_bins": MAX_BINS}


class ScorecardpyCard:
    """scorecardpy's var_filter, woebin and scorecard, as in its README."""

    def __init__(self, *, select: bool, special: dict[str, list[float]] | None = None,
                 method: str = "tree", jobs: int = JOBS) -> None:  # fmt: skip
        self.select, self.special, self.method, self.jobs = select, special, method, jobs
        self.filled = 0

    def fit(self, table: pd.DataFrame, target: np.ndarray) -> ScorecardpyCard:
        """Fit the card."""
        import scorecardpy

        frame = table.assign(target_=target)
        if self.select:
            frame = scorecardpy.var_filter(frame, y="target_")
        self.bins = scorecardpy.woebin(
            frame, y="target_", method=self.method, special_values=self.special,
            no_cores=self.jobs, check_cate_num=False,
        )  # fmt: skip
        woe = self.woe(frame.drop(columns="target_"))
        self.columns = list(woe)
        self.model = LogisticRegression(l1_ratio=1.0, C=0.9, solver="saga", max_iter=1000)
        self.model.fit(woe, target)
        self.card = scorecardpy.scorecard(
            self.bins, self.model, self.columns, points0=POINTS, odds0=1 / ODDS, pdo=PDO
        )
        return self

    def woe(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return its WOE of each column that has bins, 0 where it says NaN."""
        import scorecardpy

        used = [name for name in table if name in self.bins]
        woe = scorecardpy.woebin_ply(table[used], self.bins, no_cores=self.jobs)
        woe = woe[[f"{name}_woe" for name in used]]
        self.filled += int(woe.isna().to_numpy().sum())
        return woe.fillna(0.0)

    def probability(self, table: pd.DataFrame) -> np.ndarray:
        """Return the chance of bad."""
        return self.model.predict_proba(self.woe(table)[self.columns])[:, 1]

    def score(self, table: pd.DataFrame) -> np.ndarray:
        """Return the points."""
        import scorecardpy

        return scorecardpy.scorecard_ply(table, self.card)["score"].to_numpy()


# Cards of the accuracy run: the recommended defaults, selection included. The special values are
# unknown there. toad-stepwise is toad's tutorial to the letter.
CARDS: dict[str, Any] = {
    "optbinning": lambda: OptbinningCard(select=True, jobs=1),
    "toad": lambda: ToadCard(select=True),
    "toad-stepwise": lambda: ToadCard(select=True, stepwise=True),
    "scorecardpy": lambda: ScorecardpyCard(select=True, jobs=1),
}


def bench_cards(special: dict[str, list[float]]) -> dict[str, Any]:
    """Return the cards of the speed run: equal constraints, every column kept."""
    return {
        "optbinning": OptbinningCard(select=False, special=special, equal=True),
        "toad": ToadCard(select=False, equal=True),
        "toad-dt": ToadCard(select=False, method="dt", equal=True),
        "scorecardpy": ScorecardpyCard(select=False, special=special or None),
    }
