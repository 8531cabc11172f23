"""Estimates from simulated books lie inside their confidence bands around the truth.

Every book gives a set of z-scores (estimate less truth, over its exact standard error). All of them
together must stay inside a two-sided 99 % band corrected by Bonferroni for their number, and their
spread must be that of a standard normal, so that neither a bias nor bands too wide go unseen.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pytest
from scipy.stats import chi2, norm

from fengkong.book.simulate import GRADES, STATES, Truth, simulate
from fengkong.book.simulate.truth import truth_folder
from fengkong.book.store import Book
from fengkong.portfolio.transition import transition

MONTHS, LOANS = 36, 6000
TRIALS_MIN = 25.0  # variance below which a count is too small for the normal band


def observed_transitions(book: Path) -> np.ndarray:
    """Count loans by grade, month, state before and state with the registered measure."""
    end = date(2023 + (MONTHS - 1) // 12, 12, 31)
    with Book.open(book).view(as_of=end) as view:
        found = transition(view.panel(), by=("grade", "month_end")).to_pandas()
    found = found[found["opening_state"].isin(STATES[:8]) & (found["loans"] > 0)]
    when = pd.to_datetime(found["month_end"])
    place = (
        found["grade"].map(GRADES.index).to_numpy(),
        ((when.dt.year - 2023) * 12 + when.dt.month - 1).to_numpy(),
        found["opening_state"].map(STATES.index).to_numpy(),
        found["state"].map(STATES.index).to_numpy(),
    )
    result = np.zeros((len(GRADES), MONTHS, 8, len(STATES)))
    np.add.at(result, place, found["loans"].to_numpy(float))
    return result


def transition_scores(truth: Truth) -> np.ndarray:
    """Scores of the whole matrix over all months: by grade from C and M1, all grades from M2 on."""
    seen = observed_transitions(truth.book)
    # The number at risk is known exactly, so a wrong count of rows shows at once.
    assert np.allclose(seen.sum(axis=3), truth.expected.sum(axis=3))
    gap, spread = (seen - truth.expected).sum(axis=1), truth.variance.sum(axis=1)
    pairs = [(gap[:, :2], spread[:, :2]), (gap[:, 2:].sum(axis=0), spread[:, 2:].sum(axis=0))]
    return np.concatenate(
        [difference[v > TRIALS_MIN] / np.sqrt(v[v > TRIALS_MIN]) for difference, v in pairs]
    )


def hazard_scores(truth: Truth) -> np.ndarray:
    """Scores of missed instalments of current loans, by grade, from the exported hazard table.

    At risk: monthly loans, current at the month-end before, with principal due in the month.
    """
    folder = Book.open(truth.book).batches()[0].folder
    rows = ds.dataset(folder / "loan_months").to_table().to_pandas()
    loans = ds.dataset(folder / "loans").to_table().to_pandas().set_index("loan_id")
    hazard = ds.dataset(truth_folder(truth.book) / "hazards_current.parquet").to_table().to_pandas()
    table = hazard.set_index(["grade", "months_on_book", "month_number"])["miss"]
    rows = rows.join(loans[["grade", "method", "disbursed_on"]], on="loan_id")
    rows["before"] = rows.groupby("loan_id")["days_past_due"].shift()
    due = rows["scheduled_principal_amount"] > 0
    level = rows["method"].isin(["equal_instalment", "equal_principal"])
    rows = rows[(rows["before"] == 0) & due & level]
    month = np.array([d.year * 12 + d.month for d in rows["month_end"]])
    born = np.array([d.year * 12 + d.month for d in rows["disbursed_on"]])
    chance = table.loc[list(zip(rows["grade"], month - born, month - 2023 * 12 - 1, strict=True))]
    late = rows["days_past_due"].to_numpy(float) > 0
    frame = rows.assign(gap=late - chance.to_numpy(), v=chance.to_numpy() * (1 - chance.to_numpy()))
    total = frame.groupby("grade")[["gap", "v"]].sum()
    return (total["gap"] / np.sqrt(total["v"]))[total["v"] > TRIALS_MIN].to_numpy()


def loss_score(truth: Truth) -> tuple[float, int]:
    """Score of the loss given write-off, over loans whose twelve months of workout are over."""
    folder = Book.open(truth.book).batches()[0].folder
    rows = ds.dataset(folder / "loan_months").to_table().to_pandas()
    events = ds.dataset(folder / "loan_events").to_table().to_pandas()
    loans = ds.dataset(folder / "loans").to_table().to_pandas().set_index("loan_id")
    over = set(events.loc[events["kind"] == "workout_closed", "loan_id"])
    rows = rows[rows["loan_id"].isin(over)]
    names = ["written_off_amount", "recovered_amount", "recovery_cost_amount"]
    total = rows[names].astype(float).groupby(rows["loan_id"]).sum()
    lost = 1 - (total[names[1]] - total[names[2]]) / total[names[0]]
    model = truth.model
    alpha, beta = np.array(model.recovery_alpha), np.array(model.recovery_beta)
    some = 1 - np.array(model.recovery_none)
    square = some * alpha * (alpha + 1) / ((alpha + beta) * (alpha + beta + 1))
    variance = (1 - model.recovery_cost) ** 2 * (square - model.recovery_mean() ** 2)
    kind = loans["security"].loc[lost.index].map(
        ("unsecured", "guaranteed", "secured").index
    ).to_numpy()  # fmt: skip
    mean = np.array([truth.loss_given_write_off(s) for s in ("unsecured", "guaranteed", "secured")])
    return float((lost.to_numpy() - mean[kind]).sum() / np.sqrt(variance[kind].sum())), len(lost)


def check_seeds(folder: Path, seeds: range) -> None:
    scores = []
    for seed in seeds:
        truth = simulate(folder / str(seed), borrowers=2500, loans=LOANS, months=MONTHS, seed=seed,
                         payments=False)  # fmt: skip
        loss, workouts = loss_score(truth)
        assert workouts > 15  # enough for the normal band
        scores += [transition_scores(truth), hazard_scores(truth), [loss]]
    every = np.concatenate(scores)
    assert np.abs(every).max() < norm.ppf(1 - 0.005 / len(every))
    # Not too tight and not too wide: one score a book (of the loss) is independent of the others.
    losses = np.array([part[0] for part in scores[2::3]])
    assert chi2.ppf(0.0005, len(losses)) < (losses**2).sum() < chi2.ppf(0.9995, len(losses))
    assert 0.7 < every.std() < 1.3


def test_estimates_lie_inside_their_bands_five_seeds(tmp_path):
    check_seeds(tmp_path, range(5))


@pytest.mark.long
def test_estimates_lie_inside_their_bands_twenty_seeds(tmp_path):
    check_seeds(tmp_path, range(100, 120))


def test_a_wrong_truth_is_seen(tmp_path):
    # The bands can fail: the same book against hazards a third too low.
    truth = simulate(tmp_path / "b", borrowers=2500, loans=LOANS, months=MONTHS, seed=1)
    truth.expected[:, :, 0, 1] *= 2 / 3
    gap = (observed_transitions(truth.book) - truth.expected).sum(axis=1)[:, 0, 1]
    assert np.abs(gap / np.sqrt(truth.variance.sum(axis=1)[:, 0, 1])).max() > 4
