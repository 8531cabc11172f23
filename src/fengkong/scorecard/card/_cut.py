"""A cut-off of probability as a cut-off of the score, to the last float."""

from __future__ import annotations

import math

import numpy as np

from fengkong.scorecard.binning.bins import FloatArray
from fengkong.scorecard.card.document import Card

_DOUBLINGS = 12  # the bracket then spans 4096 factors either side: log odds of thousands
_HALVINGS_AT_MOST = 2200  # more than there are floats between any two: the search always ends


def probability_at(card: Card, scores: FloatArray) -> FloatArray:
    """Return the probability of bad that the card says at scores, calibrated where it is."""
    from fengkong.scorecard.card.scoring import log_odds_of, probability_of

    return probability_of(card, log_odds_of(card, scores))


def score_at(card: Card, probability: float) -> float:
    """Return the lowest score whose probability, as the card says it, is at most ``probability``.

    Returns
    -------
    float
        Minus infinity where every score is, infinity where none is.

    Notes
    -----
    Halved down to two neighbouring floats, so that score and probability never disagree about who
    passes, whatever the calibration.
    """
    centre, reach = card.scaling.offset, abs(card.scaling.factor)
    for _ in range(_DOUBLINGS):
        low, high = centre - reach, centre + reach
        said = probability_at(card, np.array([low, high]))
        if said[0] > probability >= said[1]:
            return _halved(card, probability, low, high)
        reach *= 2.0
    return -math.inf if said[0] <= probability else math.inf


def _halved(card: Card, probability: float, low: float, high: float) -> float:
    for _ in range(_HALVINGS_AT_MOST):
        middle = low + (high - low) / 2
        if not low < middle < high:
            break
        if probability_at(card, np.array([middle]))[0] <= probability:
            high = middle
        else:
            low = middle
    return high
