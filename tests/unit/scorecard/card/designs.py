"""Rows drawn at random for regressions, small enough for any other library."""

from __future__ import annotations

import numpy as np

from fengkong.scorecard.card._design import Design, Outcomes

BINS = 6


def drawn(rows, columns, *, seed=0, truth=None):
    """Return a design with correlated columns, and outcomes drawn from ``truth``."""
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, BINS, size=(columns, rows)).astype(np.uint8)
    for place in range(1, columns):
        same = draw.random(rows) < 0.4
        codes[place, same] = codes[place - 1, same]
    worths = [np.sort(draw.normal(0.0, 0.6, BINS)) for _ in range(columns)]
    design = Design.of(codes, worths)
    beta = draw.normal(0.7, 0.4, columns) if truth is None else np.asarray(truth)
    log_odds = 1.0 + design.matrix() @ beta
    bad = draw.random(rows) > 1.0 / (1.0 + np.exp(-log_odds))
    return design, bad


def objective(beta, design, outcomes: Outcomes, penalty=0.0):
    """Negative penalised log likelihood, written from its definition."""
    log_odds = beta[0] + design.matrix() @ beta[1:] + outcomes.offset
    toward = np.where(outcomes.good, log_odds, -log_odds)
    return outcomes.weight @ np.logaddexp(0.0, -toward) + penalty / 2 * beta[1:] @ beta[1:]
