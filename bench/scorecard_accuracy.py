"""How well cards predict: ours and the peers' on the same 50 splits of four public sets.

    ./fk bench accuracy [--folder DIR] [--sets german_credit ...] [--splits 50]

Every side sees the training part of a split only (70 % of the rows) and gives the probability of
bad of the test part; AUC, KS, calibration error (ten bands of equal count) and log loss are taken
here by one function. All probabilities are those before points are rounded, as the peers' are;
"card, rounded" is our card as it scores. Differences are paired by split: the mean, and its lower
95 % bound. As splits share rows, that bound is too near; beside it stands one that allows for the
overlap (Nadeau and Bengio 2003). Peers run in their own environment, once a set; their
probabilities are kept in the folder, and what is there already is not run again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import t as student

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.peers_environment import peers_python
from bench.scorecard_accuracy_splits import SETS, SPLITS, TEST_SHARE, load_set, split

PEERS = ("optbinning", "toad", "toad-stepwise", "scorecardpy")
OURS = ("card", "card, rounded", "challenger", "blend")
METRICS = ("AUC", "KS", "calibration error", "log loss")
HIGHER_IS_BETTER = (True, True, False, False)
BANDS = 10


def quality(bad: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return AUC, KS, calibration error and log loss of one test part."""
    from sklearn.metrics import log_loss, roc_auc_score, roc_curve

    false_rate, true_rate, _ = roc_curve(bad, probability)
    order = np.argsort(probability, kind="stable")
    gaps = [len(band) * abs(bad[band].mean() - probability[band].mean())
            for band in np.array_split(order, BANDS)]  # fmt: skip
    return np.array([
        roc_auc_score(bad, probability), (true_rate - false_rate).max(), sum(gaps) / len(bad),
        log_loss(bad, np.clip(probability, 1e-12, 1 - 1e-12), labels=[0, 1]),
    ])  # fmt: skip


def ours(name: str, seed: int) -> np.ndarray:
    """Return our probabilities of the test part of one split, a row for each of ``OURS``."""
    from fengkong.scorecard import PdoScaling, Scorecard
    from fengkong.scorecard.boosting import Blend, Challenger

    table, target = load_set(name)
    parts = split(target, seed)
    train, bad, test = table.iloc[parts.train], target[parts.train], table.iloc[parts.test]
    exact = Scorecard(scaling=PdoScaling(decimals=None))
    models = (exact, Scorecard(), Challenger(), Blend())
    return np.stack([model.fit(train, bad).predict_proba(test)[:, 1] for model in models])


def gather(name: str, splits: int, folder: Path) -> dict[str, np.ndarray]:
    """Return the probabilities of each side, of shape (splits, n_test)."""
    found: dict[str, np.ndarray] = {}
    for peer in PEERS:
        out = folder / name / f"{peer}.npz"
        if not out.exists():
            script = Path(__file__).with_name("scorecard_peer_accuracy.py")
            subprocess.run(
                [str(peers_python()), str(script), "--set", name, "--card", peer,
                 "--splits", str(splits), "--out", str(out)],
                check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        found[peer] = np.load(out)["probabilities"][:splits]
    made = np.stack([ours(name, seed) for seed in range(splits)])
    return found | {side: made[:, place] for place, side in enumerate(OURS)}


def lower_bounds(difference: np.ndarray) -> tuple[float, float]:
    """Return the lower ends of the 95 % intervals: plain, and with overlap allowed for."""
    count = len(difference)
    reach = student.ppf(0.975, count - 1) * difference.std(ddof=1)
    overlap = 1.0 / count + TEST_SHARE / (1.0 - TEST_SHARE)
    mean = float(difference.mean())
    return mean - float(reach / np.sqrt(count)), mean - float(reach * np.sqrt(overlap))


def report(name: str, splits: int, folder: Path, say: Callable[[str], None]) -> None:
    """Print the table of one set."""
    _, target = load_set(name)
    sides = gather(name, splits, folder)
    tests = [target[split(target, seed).test] for seed in range(splits)]
    figures = {
        side: np.array([quality(bad, row) for bad, row in zip(tests, made, strict=True)])
        for side, made in sides.items() if np.isfinite(made).all()
    }  # fmt: skip
    say(f"\n## {name}, {splits} splits\n")
    say("| side | " + " | ".join(METRICS) + " |")
    say("|---|" + "---|" * len(METRICS))
    for side, rows in figures.items():
        shown = f"**{side}**" if side in OURS else side
        say(f"| {shown} | " + " | ".join(f"{value:.4f}" for value in rows.mean(axis=0)) + " |")
    say("\n| ours less the best peer | metric | mean gain | lower 95 % | overlap allowed for |")
    say("|---|---|---|---|---|")
    for side in OURS:
        for place, metric in enumerate(METRICS):
            sign = 1.0 if HIGHER_IS_BETTER[place] else -1.0
            best = max((peer for peer in PEERS if peer in figures),
                       key=lambda peer: sign * figures[peer][:, place].mean())  # fmt: skip
            gain = sign * (figures[side][:, place] - figures[best][:, place])
            plain, careful = lower_bounds(gain)
            shown = " | ".join(f"{value:+.4f}" for value in (gain.mean(), plain, careful))
            say(f"| {side} less {best} | {metric} | {shown} |")
    gain = figures["challenger"][:, 0] - figures["card"][:, 0]
    plain, careful = lower_bounds(gain)
    half = gain.mean() - careful
    say(f"\nThe challenger's gain of AUC over our card: {gain.mean():+.4f}, 95 % interval "
        f"{plain:+.4f} to {2 * gain.mean() - plain:+.4f} (overlap allowed for: "
        f"{careful:+.4f} to {gain.mean() + half:+.4f}).")  # fmt: skip


def main() -> None:
    """Run the sets that were asked for."""
    parser = argparse.ArgumentParser(prog="fk bench accuracy", description=__doc__)
    parser.add_argument("--folder", type=Path, help="Keeps the peers' probabilities.")
    parser.add_argument("--sets", nargs="*", choices=sorted(SETS), default=sorted(SETS))
    parser.add_argument("--splits", type=int, default=SPLITS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for name in chosen.sets:
            report(name, chosen.splits, chosen.folder or Path(temporary),
                   lambda line: print(line, flush=True))  # fmt: skip


if __name__ == "__main__":
    main()
