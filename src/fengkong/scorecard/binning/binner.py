"""Optimal binning of all columns of a table: a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, Self, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.foundation.tables import FieldKind, Table, read_table
from fengkong.scorecard.binning._categorical import categorical_bins, fixed_groups
from fengkong.scorecard.binning._numeric import Target, fixed_bins, numeric_bins
from fengkong.scorecard.binning._rules import TRENDS, Rules
from fengkong.scorecard.binning._target import read_target
from fengkong.scorecard.binning._wishes import (
    groups_of,
    numbers_of,
    specials_of,
    trend_of,
    unknown_columns,
)
from fengkong.scorecard.binning.bins import ColumnBins
from fengkong.scorecard.binning.document import read_yaml, write_yaml
from fengkong.scorecard.binning.tables import bins_table, summary_table

Output: TypeAlias = Literal["woe", "code", "label"]
_T = TypeVar("_T")
_R = TypeVar("_R")


class Binner(TransformerMixin, BaseEstimator):
    """Put every column into the bins of greatest information value, and values into their WoE.

    Parameters
    ----------
    trend : str or mapping of str to str, default "auto"
        How the bad rate goes from bin to bin: "ascending", "descending", "peak", "valley",
        "convex", "concave", "none"; "monotonic" is the better of the first two, "auto" the best of
        all but none. A mapping says it by column; columns it leaves out are "auto". Categories
        stand by their bad rate and need none.
    max_bins, min_bins : int, default 8 and 1
        Number of regular bins; missing and special values have their own besides.
    min_bin_share : float in [0, 0.5], default 0.05
        Least share of the weight of all rows in a regular bin.
    min_bin_events : float, default 5
        Least weight of bads, and of goods, in a regular bin.
    max_p_value : float in (0, 1), optional
        Neighbours must differ by a two-sided z test of two proportions at this level.
    objective : "iv" or "js", default "iv"
        Information value, or Jensen-Shannon divergence.
    specials : sequence, or mapping of str to mapping or sequence, optional
        Values with a meaning of their own: a list for all columns, or by column
        ``{name: values}``. Each name is a bin.
    categorical : sequence of str, optional
        Columns of numbers to be read as categories.
    splits : mapping of str to sequence, optional
        Cuts, or groups of labels, that are taken as they stand. The label "(rare)" in a group
        stands for all categories that no group names.
    hints : mapping of str to sequence of float, optional
        Cuts that must be among the candidates.
    rare_share, rare_count : float, default 0.001 and 20
        Categories below this share of all weight, or below this weight, are pooled.
    n_prebins : int in [2, 1000], default 120
        About so many candidates of a column with more distinct values.
    n_jobs : int, default 2
        Threads, one column each.

    Attributes
    ----------
    bins_ : dict of str to ColumnBins
        The bins of each column, in the order of the columns.
    summary_ : DataFrame
        One row a column: kind, trend, number of bins, iv, js, gini, missing share, note.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only where the fit saw a DataFrame with names.

    Raises
    ------
    OneClassError
        Outcomes are all good or all bad.
    ColumnTypeError
        A column holds neither numbers nor text, or not what it held in the fit.
    OutOfRangeError, InputError
        A parameter, the outcomes, the weights or a wish for a column is wrong.

    Notes
    -----
    Bins are exact where a column has at most ``n_prebins`` distinct values. Otherwise the program
    is exact over the candidates, and the cuts of every trend but the curved ones are then moved to
    the best distinct values near them. What cannot be had is relaxed, and the column's note says
    so: see `docs/methods/optimal-binning.md`.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"late": [0, 0, 0, 0, 1, 1, 1, 1] * 20})
    >>> y = [0, 0, 0, 1, 0, 1, 1, 1] * 20
    >>> binner = Binner().fit(X, y)
    >>> binner.bins_["late"].cuts.tolist()
    [1.0]
    >>> binner.transform(X)[:1].round(4).tolist()
    [[1.0986]]
    """

    def __init__(
        self, *, trend: str | Mapping[str, str] = "auto", max_bins: int = 8, min_bins: int = 1,
        min_bin_share: float = 0.05, min_bin_events: float = 5.0, max_p_value: float | None = None,
        objective: str = "iv", specials: Sequence[Any] | Mapping[str, Any] | None = None,
        categorical: Sequence[str] | None = None, splits: Mapping[str, Sequence[Any]] | None = None,
        hints: Mapping[str, Sequence[float]] | None = None, rare_share: float = 0.001,
        rare_count: float = 20.0, n_prebins: int = 120, n_jobs: int = 2,
    ) -> None:  # fmt: skip
        self.trend = trend
        self.max_bins = max_bins
        self.min_bins = min_bins
        self.min_bin_share = min_bin_share
        self.min_bin_events = min_bin_events
        self.max_p_value = max_p_value
        self.objective = objective
        self.specials = specials
        self.categorical = categorical
        self.splits = splits
        self.hints = hints
        self.rare_share = rare_share
        self.rare_count = rare_count
        self.n_prebins = n_prebins
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the bins of every column.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            What `read_table` reads: DataFrame, pyarrow Table, two-dimensional array, mapping.
        y : array-like of shape (n_rows,)
            1 bad, 0 good.
        sample_weight : array-like of shape (n_rows,), optional
            0 or in [1e-12, 1e12]. A row of weight 2 counts as two rows: exactly so where a column
            has at most ``n_prebins`` distinct values; above, the candidates may differ.
        """
        rules = self._rules()
        table = self._table(X, reset=True)
        target = read_target(y, sample_weight, rows=table.rows)
        unknown_columns(self, table.names)
        order = table.costly_first()  # so that the last column on a thread is a short one
        found = _on_threads(lambda name: self._bins(table, name, target, rules), order, self.n_jobs)
        done = dict(zip(order, found, strict=True))
        self.bins_ = {name: done[name] for name in table.names}
        return self

    def transform(self, X: Any, output: Output = "woe") -> Any:
        """Return the WoE of every value, or its code, or the label of its bin.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
            float64 WoE, uint8 codes, or text.
        """
        check_is_fitted(self, "bins_")
        if output not in {"woe", "code", "label"}:
            raise InputError(f"output must be 'woe', 'code' or 'label'; got {output!r}")
        table = self._table(X, reset=False)
        dtype: Any = {"woe": np.float64, "code": np.uint8, "label": object}[output]
        result = np.empty((table.rows, len(self.bins_)), dtype=dtype, order="F")

        def fill(place: int) -> None:
            bins = list(self.bins_.values())[place]
            codes = bins.codes(table.field(bins.name, kind=bins.kind))
            if output == "code":
                result[:, place] = codes
            else:
                labels = [bins.label(code) for code in range(bins.n_codes)]
                known = bins.woe if output == "woe" else np.array(labels, dtype=object)
                np.take(known, codes, out=result[:, place])

        _on_threads(fill, range(len(self.bins_)), self.n_jobs)
        return result

    @property
    def summary_(self) -> pd.DataFrame:
        """One row a column; see the class."""
        check_is_fitted(self, "bins_")
        return summary_table(self.bins_)

    def table(self, column: str) -> pd.DataFrame:
        """Return the bins of a column: counts, shares, bad rates with intervals, WoE and IV."""
        check_is_fitted(self, "bins_")
        if column not in self.bins_:
            raise InputError(f"column {column!r} was not binned")
        return bins_table(self.bins_[column])

    def to_yaml(self) -> str:
        """Return the bins as a text that a person can edit and `from_yaml` reads."""
        check_is_fitted(self, "bins_")
        return write_yaml(self.bins_)

    @classmethod
    def from_yaml(cls, text: str, **parameters: Any) -> Self:
        """Return a Binner that keeps the bins of a text as they stand; fit counts them.

        Parameters
        ----------
        text : str
            As `to_yaml` writes it, edited or not. Columns that it leaves out are binned as usual.
        **parameters
            Parameters of the Binner other than splits, specials and categorical.

        Raises
        ------
        BinsTextError
            The text is wrong; names the column and the line.
        """
        read = read_yaml(text)
        return cls(splits=read.splits, specials=read.specials, categorical=read.categorical,
                   **parameters)  # fmt: skip

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the names of the columns."""
        check_is_fitted(self, "bins_")
        names = np.array(list(self.bins_), dtype=object)
        if input_features is None:
            return names
        given = np.asarray(input_features, dtype=object)
        fitted = getattr(self, "feature_names_in_", None)
        if len(given) != len(names):
            raise InputError(f"input_features should have length equal to {len(names)}")
        if fitted is not None and list(given) != list(fitted):
            raise InputError("input_features is not equal to feature_names_in_")
        return given

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.required = True
        return tags

    def _rules(self) -> Rules:
        if not 0.0 <= self.rare_share < 1.0:
            raise OutOfRangeError(name="rare_share", value=self.rare_share, allowed="[0, 1)")
        if not self.rare_count >= 0.0:
            raise OutOfRangeError(name="rare_count", value=self.rare_count, allowed="[0, inf)")
        if not 2 <= self.n_prebins <= 1000:
            raise OutOfRangeError(name="n_prebins", value=self.n_prebins, allowed="[2, 1000]")
        wishes = self.trend.values() if isinstance(self.trend, Mapping) else [self.trend]
        for wish in wishes:
            if wish not in TRENDS:
                raise InputError(f"trend must be one of {list(TRENDS)}; got {wish!r}")
        return Rules(
            min_bins=self.min_bins, max_bins=self.max_bins, min_bin_share=self.min_bin_share,
            min_bin_events=self.min_bin_events, max_p_value=self.max_p_value,
            objective=self.objective,
        )  # fmt: skip

    def _table(self, X: Any, *, reset: bool) -> Table:
        """Open the table and hold it to the columns of the fit."""
        table = read_table(X)
        if isinstance(X, pd.DataFrame | np.ndarray):
            validate_data(self, X, reset=reset, skip_check_array=True)
        if not table.names:
            raise InputError(
                f"0 feature(s) (shape={np.shape(X)}) while a minimum of 1 is required: no columns"
            )
        if table.rows == 0:
            raise InputError("Found array with 0 sample(s): the table has no rows")
        if reset:
            self.n_features_in_ = len(table.names)
        return table

    def _bins(self, table: Table, name: str, target: Target, rules: Rules) -> ColumnBins:
        """Bin one column."""
        fixed = (self.splits or {}).get(name)
        is_grouped = fixed is not None and any(not np.isscalar(part) for part in fixed)
        forced = name in (self.categorical or ()) or is_grouped
        known: FieldKind | None = "numeric" if fixed is not None else None
        field = table.field(name, kind="categorical" if forced else known)
        specials = specials_of(self.specials, field)
        if field.kind == "categorical":
            if fixed is not None:
                groups, rare_code = groups_of(name, fixed)
                return fixed_groups(field, target, groups=groups, rare_code=rare_code,
                                    specials=specials)  # fmt: skip
            rare_weight = max(self.rare_share * float(target.totals.sum()), self.rare_count)
            return categorical_bins(
                field, target, rules=rules, specials=specials, rare_weight=rare_weight,
                n_prebins=self.n_prebins,
            )  # fmt: skip
        if fixed is not None:
            return fixed_bins(field, target, cuts=numbers_of(name, fixed), specials=specials)
        return numeric_bins(
            field, target, trend=trend_of(self.trend, name), rules=rules, specials=specials,
            hints=numbers_of(name, (self.hints or {}).get(name, ())), n_prebins=self.n_prebins,
        )  # fmt: skip


def _on_threads(work: Callable[[_T], _R], items: Sequence[_T], n_jobs: int) -> list[_R]:
    """Do the work on every item; the kernels let go of the interpreter's lock."""
    if n_jobs < 2 or len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(max_workers=n_jobs) as pool:
        return list(pool.map(work, items))
