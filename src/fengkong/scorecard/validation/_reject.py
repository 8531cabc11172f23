"""Reject inference: designs that let declined applicants count, and what each would change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.validation._inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    numbers,
    outcomes,
    probabilities,
    tally,
)
from fengkong.scorecard.validation._ladder import equal_bands

# A band with fewer accepted rows has no bad rate worth lending to rejects.
_LEAST_ACCEPTED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentedDesign:
    """Rows to fit on: accepted as observed, rejected as a method supposes.

    Attributes
    ----------
    index : array of int of shape (n_design,)
        Row of the applicants, accepted first: 0 .. accepted_rows - 1 are accepted, the next
        rejected_rows are rejected. A row may come twice (fuzzy) or not at all (reweighting).
    bad : array of bool of shape (n_design,)
        Outcome, observed or supposed.
    weight : array of shape (n_design,)
    method : str
        "accepted_only", "parcelling", "fuzzy" or "reweighting".
    factor : float
        How much worse than their score rejects are taken to be; 1 for methods without one.
    seed : int or None
        Seed of the draw; None where nothing is drawn.
    accepted_rows, rejected_rows : int
    """

    index: IntArray
    bad: BoolArray
    weight: FloatArray
    method: str
    factor: float
    seed: int | None
    accepted_rows: int
    rejected_rows: int

    @property
    def rejected(self) -> BoolArray:
        """Which design rows are rejected applicants."""
        return self.index >= self.accepted_rows

    def rejected_bad_rate(self) -> float | None:
        """Return the bad rate supposed for rejects, None where the design holds none."""
        mine = self.rejected
        if not mine.any():
            return None
        return float(np.average(self.bad[mine], weights=self.weight[mine]))

    def to_frame(self) -> pd.DataFrame:
        """Return index, bad (0 or 1), weight and rejected as a table."""
        return pd.DataFrame(
            {
                "index": self.index,
                "bad": self.bad.astype(np.int64),
                "weight": self.weight,
                "rejected": self.rejected,
            }
        )


def accepted_only(bad: ArrayLike, *, rejected_rows: int = 0) -> AugmentedDesign:
    """Return the design without any inference: what all others are compared with.

    Raises
    ------
    InputError, OneClassError
        Outcomes of the accepted are empty, missing or of one class.
    """
    is_bad = outcomes(bad)
    return _design(
        np.arange(is_bad.size), is_bad, np.ones(is_bad.size), "accepted_only",
        accepted=is_bad.size, rejected=rejected_rows,
    )  # fmt: skip


def parcelling(
    bad: ArrayLike,
    probability: ArrayLike,
    probability_rejected: ArrayLike,
    *,
    factor: float = 1.0,
    bands: int = 10,
    seed: int,
) -> AugmentedDesign:
    """Return a design where rejects are drawn good or bad, band by band.

    Parameters
    ----------
    bad, probability : array-like of shape (n_accepted,)
        Outcomes of the accepted and what the model fitted on them says of them.
    probability_rejected : array-like of shape (n_rejected,)
        What the same model says of the rejected.
    factor : float, default=1.0
        In each band rejects get ``factor`` times the bad rate of the accepted, at most 1. Above 1:
        rejected for reasons the model does not see. The data cannot tell this number.
    bands : int, default=10
        Bands of equal count of all applicants by probability. A band with fewer than 30 accepted
        uses the mean probability of its rejects in place of the rate of the accepted.
    seed : int
        Which rejects are the bad ones is drawn.

    Raises
    ------
    InputError
        Empty, missing, of different lengths, or ``bands`` below 1.
    OutOfRangeError
        ``factor`` is not positive, or a probability lies outside [0, 1].
    OneClassError
        Outcomes of one class.

    Notes
    -----
    Right when, within a band, rejects are ``factor`` times as bad as accepted. With factor 1 it
    assumes that score explains all of the selection, and then changes little.

    References
    ----------
    Siddiqi (2017), Intelligent Credit Scoring, chapter 8; Banasik, Crook (2007), EJOR 183.
    """
    is_bad, p, rejected = _applicants(bad, probability, probability_rejected)
    _positive(factor)
    band = equal_bands(np.concatenate([p, rejected]), None, bands=bands)
    count = int(band.max()) + 1
    theirs = band[p.size :]
    rows = tally(band[: p.size], None, count=count)
    hits = tally(band[: p.size][is_bad], None, count=count)
    turned = tally(theirs, None, count=count)
    supposed = tally(theirs, rejected, count=count) / np.maximum(turned, 1.0)
    rate = np.where(rows >= _LEAST_ACCEPTED, hits / np.maximum(rows, 1.0), supposed)
    quota = np.rint(np.minimum(factor * rate, 1.0) * turned).astype(np.int64)
    # Shuffle, then the first of each band are the bad ones.
    shuffled = np.random.default_rng(seed).permutation(rejected.size)
    order = shuffled[np.argsort(theirs[shuffled], kind="stable")]
    start = np.concatenate(([0], np.cumsum(turned)[:-1])).astype(np.int64)
    drawn = np.zeros(rejected.size, dtype=np.bool_)
    drawn[order] = np.arange(rejected.size) - start[theirs[order]] < quota[theirs[order]]
    return _design(
        np.arange(p.size + rejected.size), np.concatenate([is_bad, drawn]),
        np.ones(p.size + rejected.size), "parcelling",
        accepted=p.size, rejected=rejected.size, factor=factor, seed=seed,
    )  # fmt: skip


def fuzzy_augmentation(
    bad: ArrayLike, probability_rejected: ArrayLike, *, factor: float = 1.0
) -> AugmentedDesign:
    """Return a design where each reject counts in part as bad and in part as good.

    Parameters
    ----------
    bad : array-like of shape (n_accepted,)
    probability_rejected : array-like of shape (n_rejected,)
        What the model fitted on the accepted says of the rejected.
    factor : float, default=1.0
        A reject is bad with weight ``factor * probability`` (at most 1) and good with the rest.

    Raises
    ------
    InputError, OutOfRangeError, OneClassError
        As `parcelling`.

    Notes
    -----
    Nothing is drawn. With factor 1 a logistic model of the same features is not moved at all: its
    own predictions are its best fit. So factor 1 only narrows its errors, falsely.

    References
    ----------
    Siddiqi (2017), chapter 8.
    """
    is_bad = outcomes(bad)
    rejected = probabilities(probability_rejected, name="probability_rejected")
    _positive(factor)
    share = np.minimum(factor * rejected, 1.0)
    theirs = is_bad.size + np.arange(rejected.size)
    return _design(
        np.concatenate([np.arange(is_bad.size), theirs, theirs]),
        np.concatenate([is_bad, np.ones(rejected.size, bool), np.zeros(rejected.size, bool)]),
        np.concatenate([np.ones(is_bad.size), share, 1.0 - share]), "fuzzy",
        accepted=is_bad.size, rejected=rejected.size, factor=factor,
    )  # fmt: skip


def reweighting(
    bad: ArrayLike,
    acceptance_probability: ArrayLike,
    *,
    rejected_rows: int = 0,
    least_probability: float = 0.01,
) -> AugmentedDesign:
    """Return the accepted, each weighted by the inverse of its chance to be accepted.

    Parameters
    ----------
    bad : array-like of shape (n_accepted,)
    acceptance_probability : array-like of shape (n_accepted,)
        Chance of each accepted applicant to be accepted; see `acceptance_by_band`.
    rejected_rows : int, default=0
        Only recorded.
    least_probability : float, default=0.01
        Chances below it are raised to it: a weight is at most its inverse.

    Raises
    ------
    InputError, OutOfRangeError, OneClassError
        As `parcelling`; ``least_probability`` outside (0, 1].

    Notes
    -----
    Right when selection depends only on what the chance was computed from and nobody was accepted
    with chance 0. It helps a model of the wrong shape; it cannot undo selection on what the
    lender saw and the data do not hold.

    References
    ----------
    Horvitz, Thompson (1952), JASA 47, 663-685; Banasik, Crook (2005), JORS 56, 1072-1081.
    """
    is_bad = outcomes(bad)
    chance = probabilities(acceptance_probability, name="acceptance_probability", rows=is_bad.size)
    if not 0.0 < least_probability <= 1.0:
        raise OutOfRangeError(name="least_probability", value=least_probability, allowed="(0, 1]")
    return _design(
        np.arange(is_bad.size), is_bad, 1.0 / np.maximum(chance, least_probability),
        "reweighting", accepted=is_bad.size, rejected=rejected_rows,
    )  # fmt: skip


def acceptance_by_band(
    value: ArrayLike, value_rejected: ArrayLike, *, bands: int = 20
) -> FloatArray:
    """Return the chance of each accepted applicant to be accepted: the rate in its band.

    Parameters
    ----------
    value, value_rejected : array-like of shape (n_accepted,) and (n_rejected,)
        Score or probability of accepted and of rejected.
    bands : int, default=20
        Bands of equal count of all applicants; ties stay together.

    Raises
    ------
    InputError
        Empty, missing, or ``bands`` below 1.
    """
    mine = numbers(value, name="value")
    theirs = numbers(value_rejected, name="value_rejected")
    band = equal_bands(np.concatenate([mine, theirs]), None, bands=bands)
    count = int(band.max()) + 1
    accepted = tally(band[: mine.size], None, count=count)
    return np.asarray((accepted / tally(band, None, count=count))[band[: mine.size]])


def _applicants(
    bad: ArrayLike, probability: ArrayLike, probability_rejected: ArrayLike
) -> tuple[BoolArray, FloatArray, FloatArray]:
    is_bad = outcomes(bad)
    p = probabilities(probability, rows=is_bad.size)
    return is_bad, p, probabilities(probability_rejected, name="probability_rejected")


def _positive(factor: float) -> None:
    if not (np.isfinite(factor) and factor > 0.0):
        raise OutOfRangeError(name="factor", value=factor, allowed="(0, inf)")


def _design(
    index: IntArray,
    bad: BoolArray,
    weight: FloatArray,
    method: str,
    *,
    accepted: int,
    rejected: int,
    factor: float = 1.0,
    seed: int | None = None,
) -> AugmentedDesign:
    if rejected < 0:
        raise InputError(f"rejected_rows must be 0 or more; got {rejected}")
    return AugmentedDesign(
        index=index, bad=bad, weight=weight, method=method, factor=factor, seed=seed,
        accepted_rows=accepted, rejected_rows=rejected,
    )  # fmt: skip
