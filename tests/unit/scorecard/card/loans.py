"""Loans drawn at random: three features that bear on the outcome, one that does not."""

from __future__ import annotations

import numpy as np
import pandas as pd


def loans(rows=3_000, seed=0):
    """Return a table of features and outcomes (1 bad)."""
    draw = np.random.default_rng(seed)
    income, debt = draw.lognormal(9.0, 0.5, rows), draw.beta(2.0, 4.0, rows)
    home = draw.choice(["own", "rent", "other"], rows, p=[0.5, 0.4, 0.1])
    late = draw.poisson(0.6, rows).astype(float)
    log_odds = 1.2 + 0.8 * (np.log(income) - 9) - 2.5 * debt + 0.7 * (home == "own") - 0.6 * late
    bad = (draw.random(rows) > 1 / (1 + np.exp(-log_odds))).astype(int)
    late[draw.random(rows) < 0.1] = np.nan
    table = pd.DataFrame({"income": income, "debt": debt, "home": home, "late": late})
    return table.assign(noise=draw.normal(size=rows)), bad
