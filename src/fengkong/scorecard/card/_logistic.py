"""Logistic regression of good on WoE, with coefficients held at or above zero.

Newton's method; each step solves the quadratic model under the bounds exactly, so a coefficient
reaches zero and leaves it as the data say. On many rows it starts from the answer of a part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import nnls
from scipy.stats import norm

from fengkong.foundation.errors import (
    CollinearError,
    InputError,
    OneClassError,
    OutOfRangeError,
    SeparationError,
)
from fengkong.scorecard.binning.bins import FloatArray
from fengkong.scorecard.card._design import Design, Outcomes, Sums, calm_blas, gram, pass_over

Errors: TypeAlias = Literal["information", "robust"]
START_ROWS = 25_000  # a part this large gives a start from which two steps are enough
STEPS_AT_MOST = 60
STEP_TOLERANCE = 1e-9
GRADIENT_TOLERANCE = 1e-12  # of the sum of weights: below it rounding drives the steps
STALE_STEP = 3e-3  # on many rows, the matrix of a point this near serves for the last steps
PIVOT_LEAST = 1e-9  # share of a column's own information that the other columns leave it
BETA_AT_MOST = 1_000.0  # of a WoE; no data that determine a coefficient make one so large


@dataclass(frozen=True, kw_only=True, eq=False)
class LogisticFit:
    """Coefficients of the log odds of good, and what is known of them.

    Attributes
    ----------
    names : tuple of str
        Columns, in the order of the coefficients.
    intercept : float
    coefficients : ndarray of shape (n_columns,)
    at_bound : ndarray of bool, shape (n_columns,)
        Held at zero because the data would make the coefficient negative.
    standard_errors, p_values : ndarray of shape (n_columns + 1,)
        The intercept first; two-sided Wald tests against zero. NaN where ``at_bound``.
    covariance : ndarray of shape (n_columns + 1, n_columns + 1)
        Zero rows and columns where ``at_bound``.
    log_likelihood : float
        Without the penalty.
    degrees : float
        Degrees of freedom: the number of free coefficients, fewer under a penalty.
    weight_sum : float
        Sum of weights, the number of rows of BIC.
    penalty : float
    steps : int
        Newton steps over all rows.
    separated : bool
        The coefficients tell every good from every bad; only a penalty keeps them finite.
    """

    names: tuple[str, ...]
    intercept: float
    coefficients: FloatArray
    at_bound: NDArray[np.bool_]
    standard_errors: FloatArray
    p_values: FloatArray
    covariance: FloatArray
    log_likelihood: float
    degrees: float
    weight_sum: float
    penalty: float
    steps: int
    separated: bool

    @property
    def aic(self) -> float:
        """Akaike's criterion: 2 x degrees - 2 x log likelihood."""
        return 2.0 * self.degrees - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion: ln(sum of weights) x degrees - 2 x log likelihood."""
        return float(np.log(self.weight_sum)) * self.degrees - 2.0 * self.log_likelihood

    def without_bound(self) -> Self:
        """Return the same fit without the columns held at zero: it is their optimum too."""
        free = np.append(True, ~self.at_bound)
        rest = ~self.at_bound
        return replace(
            self, names=tuple(np.array(self.names, dtype=object)[rest]),
            coefficients=self.coefficients[rest], at_bound=self.at_bound[rest],
            standard_errors=self.standard_errors[free], p_values=self.p_values[free],
            covariance=self.covariance[np.ix_(free, free)],
        )  # fmt: skip


def fit_logistic(
    design: Design,
    outcomes: Outcomes,
    *,
    nonnegative: bool = True,
    penalty: float = 0.0,
    errors: Errors = "information",
    start: FloatArray | None = None,
) -> LogisticFit:
    """Fit the log odds of good.

    Parameters
    ----------
    design, outcomes : Design, Outcomes
        Rows; weights at or above zero, both classes with weight.
    nonnegative : bool, default True
        Hold every coefficient (not the intercept) at or above zero.
    penalty : float, default 0
        Ridge: penalty / 2 x sum of squared coefficients is taken from the log likelihood of the
        whole sample (scikit-learn's 1 / C); the intercept goes free. In [0, inf).
    errors : "information" or "robust"
        Standard errors from the observed information, or the sandwich of White (1982).
    start : ndarray of shape (n_columns + 1,), optional
        Coefficients to start from, the intercept first.

    Returns
    -------
    LogisticFit

    Raises
    ------
    OneClassError
        Goods or bads have no weight.
    CollinearError
        A column is constant or a sum of others, and there is no penalty.
    SeparationError
        Good and bad are told apart perfectly, and there is no penalty.
    OutOfRangeError
        ``penalty`` or a weight is negative.

    Notes
    -----
    Weights count as repeated rows. Under a penalty, standard errors are those of the penalised
    information (the posterior of a normal prior), and degrees are the trace of the smoother.
    Cost: one pass over the rows for each step; about three on a large sample.

    References
    ----------
    Bertsekas (1982), Projected Newton methods, SIAM J. Control 20(2). White (1982), Econometrica
    50(1). Gray (1992), JASA 87, equation 2 (degrees of freedom under a penalty).
    """
    _refuse_wrong_input(design, outcomes, penalty)
    with calm_blas():
        if start is None:
            start = _start(design, outcomes, nonnegative=nonnegative, penalty=penalty)
        beta, sums, matrix, steps = _climb(
            design, outcomes, start, nonnegative=nonnegative, penalty=penalty
        )
        meat = None
        if errors == "robust":
            meat = pass_over(design, outcomes, beta, want="scores").matrix
    return _summary(design, outcomes, beta, sums, matrix, meat, nonnegative, penalty, steps)


def _refuse_wrong_input(design: Design, outcomes: Outcomes, penalty: float) -> None:
    if not 0.0 <= penalty < np.inf:
        raise OutOfRangeError(name="penalty", value=penalty, allowed="[0, inf)")
    weight = outcomes.weight
    if not len(weight) == len(outcomes.good) == len(outcomes.offset) == design.rows:
        raise InputError(f"{design.rows} rows of codes, {len(outcomes.good)} outcomes")
    if not np.isfinite(weight).all() or not np.isfinite(outcomes.offset).all():
        raise InputError("weights and offsets must be finite")
    if weight.size and weight.min() < 0.0:
        raise OutOfRangeError(name="sample_weight", value=float(weight.min()), allowed="[0, inf)")
    goods, bads = weight[outcomes.good].sum(), weight[~outcomes.good].sum()
    if not (goods > 0.0 and bads > 0.0):
        raise OneClassError("a regression needs good and bad rows: one class has no weight")


def _start(design: Design, outcomes: Outcomes, *, nonnegative: bool, penalty: float) -> FloatArray:
    """Return the answer of a part of the rows, or the log odds of the whole when rows are few."""
    beta = np.zeros(design.columns + 1)
    weight = outcomes.weight
    goods = float(weight[outcomes.good].sum())
    beta[0] = np.log(goods / (float(weight.sum()) - goods))
    every = design.rows // START_ROWS
    if every < 4:
        return beta
    part, few = design.every(every), outcomes.every(every)
    goods, total = float(few.weight[few.good].sum()), float(few.weight.sum())
    if not 0.0 < goods < total:
        return beta
    try:
        return _climb(part, few, beta, nonnegative=nonnegative, penalty=penalty / every)[0]
    except (CollinearError, SeparationError):  # the part may lack what the whole has
        return beta


def _climb(
    design: Design, outcomes: Outcomes, start: FloatArray, *, nonnegative: bool, penalty: float
) -> tuple[FloatArray, Sums, FloatArray, int]:
    """Climb to the top of the penalised likelihood under the bounds."""
    ridge = np.full(design.columns + 1, penalty)
    ridge[0] = 0.0
    total = float(outcomes.weight.sum())
    beta, moved = start, np.inf
    sums, matrix = _look(design, outcomes, beta)
    for step_no in range(1, STEPS_AT_MOST + 1):
        bent = matrix + np.diag(ridge)
        if penalty == 0.0:
            _refuse_undetermined(design, outcomes, sums, bent, beta)
        target = _best_of_quadratic(bent, sums.gradient - ridge * beta, beta, bounded=nonnegative)
        step = target - beta
        gain = float((sums.gradient - ridge * beta) @ step)
        moved_now = float(np.max(np.abs(step)))
        if moved_now <= STEP_TOLERANCE or gain <= GRADIENT_TOLERANCE * total * STEP_TOLERANCE:
            return target, sums, matrix, step_no
        fresh = design.rows <= START_ROWS * 4 or moved_now > STALE_STEP
        before = sums.log_likelihood - 0.5 * float(ridge @ beta**2)
        share = 1.0
        while True:
            trial = beta + share * step
            found, made = _look(design, outcomes, trial, matrix=None if fresh else matrix)
            after = found.log_likelihood - 0.5 * float(ridge @ trial**2)
            if after >= before - 1e-12 * abs(before) or share < 1e-6:
                break
            share /= 2.0
        beta, sums, matrix, moved = trial, found, made, moved_now * share
    if penalty == 0.0 and sums.gap > 0.0:
        raise SeparationError(_strongest(design, beta))
    raise InputError(f"the regression did not settle in {STEPS_AT_MOST} steps (last {moved:.2g})")


def _look(
    design: Design, outcomes: Outcomes, beta: FloatArray, *, matrix: FloatArray | None = None
) -> tuple[Sums, FloatArray]:
    """Pass over the rows; with a matrix given, that one stands for this point too."""
    if matrix is not None:
        return pass_over(design, outcomes, beta, want="gradient"), matrix
    sums = pass_over(design, outcomes, beta, want="information")
    assert sums.matrix is not None  # noqa: S101 - asked for above
    return sums, sums.matrix


def _refuse_undetermined(
    design: Design, outcomes: Outcomes, sums: Sums, bent: FloatArray, beta: FloatArray
) -> None:
    """Refuse what has no finite or no single answer."""
    if sums.gap > 0.0 or np.max(np.abs(beta)) > BETA_AT_MOST:
        raise SeparationError(_strongest(design, beta))
    if undetermined(bent):
        # Columns that differ, whose rows no longer count: the coefficients have run away with them.
        weak = undetermined(gram(design, outcomes.weight))
        if not weak:
            raise SeparationError(_strongest(design, beta))
        raise CollinearError(tuple(design.names[place - 1] for place in weak if place))


def undetermined(matrix: FloatArray) -> list[int]:
    """List the columns of a matrix of products that add nothing to the columns before them.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Symmetric, not negative.

    Returns
    -------
    list of int
        Places whose pivot is under 1e-9 of their own square.
    """
    left, weak = matrix.copy(), []
    for place in range(len(matrix)):
        own, pivot = matrix[place, place], left[place, place]
        if own <= 0.0 or pivot <= PIVOT_LEAST * own:
            weak.append(place)
            continue
        line = left[place, place + 1 :] / pivot
        left[place + 1 :, place + 1 :] -= np.outer(line, left[place, place + 1 :])
    return weak


def _strongest(design: Design, beta: FloatArray) -> tuple[str, ...]:
    """Name the columns whose part of the log odds ranges furthest, the furthest first."""
    reach = np.abs(beta[1:]) * np.ptp(design.tables, axis=1)
    return tuple(design.names[place] for place in np.argsort(-reach))


def _best_of_quadratic(
    matrix: FloatArray, gradient: FloatArray, beta: FloatArray, *, bounded: bool
) -> FloatArray:
    """Return the top of the quadratic model, with all but the first value at or above zero."""
    free = beta + cho_solve(cho_factor(matrix, lower=True), gradient)
    if not bounded or len(beta) == 1 or free[1:].min() >= 0.0:
        return free
    # The intercept is solved away; what is left is a least-squares problem with bounds.
    cross = matrix[1:, 0] / matrix[0, 0]
    inner = matrix[1:, 1:] - np.outer(cross, matrix[0, 1:])
    root = np.linalg.cholesky(inner).T
    held, _ = nnls(root, root @ free[1:], maxiter=50 * len(free))
    result = np.empty_like(free)
    result[1:] = held
    result[0] = free[0] - cross @ (held - free[1:])
    return result


def _summary(  # noqa: PLR0917 - one call, by position
    design: Design, outcomes: Outcomes, beta: FloatArray, sums: Sums, matrix: FloatArray,
    meat: FloatArray | None, nonnegative: bool, penalty: float, steps: int,
) -> LogisticFit:  # fmt: skip
    width = len(beta)
    at_bound = np.zeros(width, dtype=bool)
    at_bound[1:] = nonnegative & (beta[1:] <= 0.0)
    free = np.flatnonzero(~at_bound)
    information = matrix[np.ix_(free, free)]
    ridge = np.where(free > 0, penalty, 0.0)
    bread = np.linalg.inv(information + np.diag(ridge))
    found = bread if meat is None else bread @ meat[np.ix_(free, free)] @ bread
    covariance = np.zeros((width, width))
    covariance[np.ix_(free, free)] = found
    spread = np.where(at_bound, np.nan, np.sqrt(np.diag(covariance)))
    return LogisticFit(
        names=design.names, intercept=float(beta[0]), coefficients=beta[1:], at_bound=at_bound[1:],
        standard_errors=spread, p_values=2.0 * norm.sf(np.abs(beta / spread)),
        covariance=covariance, log_likelihood=sums.log_likelihood,
        degrees=float(np.trace(bread @ information)), weight_sum=float(outcomes.weight.sum()),
        penalty=penalty, steps=steps, separated=sums.gap > 0.0,
    )  # fmt: skip


def missing_slopes(fit: LogisticFit, design: Design, outcomes: Outcomes) -> FloatArray:
    """Return the coefficients, and for those held at zero what one Newton step would make of them.

    Returns
    -------
    ndarray of shape (n_columns,)
        Where held at zero: at or below zero, the coefficient that the variable alone would take
        beside the others; its size is a first guess, its sign is certain.
    """
    if not fit.at_bound.any():
        return fit.coefficients
    beta = np.array([fit.intercept, *fit.coefficients])
    with calm_blas():
        sums, matrix = _look(design, outcomes, beta)
    inside = np.flatnonzero(np.append(False, fit.at_bound) == 0)
    held = matrix[np.ix_(inside, inside)] + fit.penalty * np.diag(inside > 0)
    result = fit.coefficients.copy()
    for place in np.flatnonzero(fit.at_bound):
        cross = matrix[inside, place + 1]
        left = matrix[place + 1, place + 1] + fit.penalty
        left -= cross @ np.linalg.lstsq(held, cross, rcond=None)[0]
        own = max(float(left), PIVOT_LEAST * matrix[place + 1, place + 1])
        result[place] = min(float(sums.gradient[place + 1]) / own, 0.0) if own > 0.0 else 0.0
    return result
