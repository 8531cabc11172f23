"""The four public sets and the 50 random splits on which cards are compared, ours and the peers'.

Both environments import this file, so it needs numpy and pandas only. A side returns, for each
split, the probability of bad of the test rows in the order of ``Split.test``; nothing of the test
part may reach a fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

SPLITS = 50
TEST_SHARE = 0.3
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True)
class PublicSet:
    """Where a set is, what says bad, what is no feature, and which numbers are only codes."""

    file: str
    target: str
    bad: object
    left_out: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


# `afam` is a protected characteristic and never a feature; `ID` is a row number. The figures of
# SEX, EDUCATION and MARRIAGE are codes without an order, so they are text for every side.
SETS = {
    "german_credit": PublicSet("german_credit_statlog.csv", "class_1good_2bad", 2),
    "taiwan": PublicSet(
        "taiwan_credit_card_default.csv.gz", "DEFAULT_NEXT_MONTH", 1, ("ID",),
        ("SEX", "EDUCATION", "MARRIAGE")),
    "lendingclub_modeldata": PublicSet("lendingclub_modeldata_good_bad.csv", "Class", "bad"),
    "boston_hmda": PublicSet("boston_hmda_1990.csv", "deny", "yes", ("afam",)),
}  # fmt: skip


@dataclass(frozen=True)
class Split:
    """Row numbers of the two parts, each ascending."""

    train: np.ndarray
    test: np.ndarray


def load_set(name: str, folder: Path = SHARED) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the features of a set, text for categories, and its target, 1 for bad."""
    known = SETS[name]
    table = pd.read_csv(folder / known.file)
    target = (table[known.target] == known.bad).to_numpy().astype(np.int64)
    table = table.drop(columns=[known.target, *known.left_out])
    for column in known.codes:
        table[column] = "c" + table[column].astype(str)
    return table, target


def split(target: np.ndarray, seed: int) -> Split:
    """Return the split of a seed: of each class the same share of rows, drawn at random, is test.

    Good rows are drawn first, then bad ones, from ``numpy.random.default_rng(seed)``; the share is
    rounded to whole rows. The seeds of the comparison are 0 to 49.
    """
    random = np.random.default_rng(seed)
    parts = []
    for kind in (0, 1):
        rows = np.flatnonzero(target == kind)
        parts.append(random.permutation(rows)[: round(TEST_SHARE * len(rows))])
    test = np.sort(np.concatenate(parts))
    return Split(train=np.setdiff1d(np.arange(len(target)), test), test=test)
