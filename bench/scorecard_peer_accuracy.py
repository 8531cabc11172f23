"""Test probabilities of a peer's card on the splits of a public set; runs inside `.venv-peers`.

    python bench/scorecard_peer_accuracy.py --set german_credit --card toad --out FILE.npz

The file holds ``probabilities`` (splits x test rows, NaN in a row of a split that failed),
``seconds`` (fit and test probabilities of each split) and ``about`` (JSON: versions, failures by
split, NaNs that were filled). Rows of a split are those of ``scorecard_accuracy_splits.split``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench.scorecard_accuracy_splits import SETS, SHARED, SPLITS, load_set, split
from bench.scorecard_peer_cards import CARDS


def run(name: str, card: str, folder: Path, splits: int) -> dict[str, np.ndarray]:
    """Return the probabilities of all splits."""
    table, target = load_set(name, folder)
    rows = len(split(target, 0).test)
    probabilities = np.full((splits, rows), np.nan)
    seconds = np.zeros(splits)
    failures: dict[int, str] = {}
    filled = 0
    for seed in range(splits):
        parts = split(target, seed)
        peer = CARDS[card]()
        started = time.perf_counter()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                peer.fit(table.iloc[parts.train].reset_index(drop=True), target[parts.train])
                found = peer.probability(table.iloc[parts.test].reset_index(drop=True))
            probabilities[seed] = found
        except Exception as error:  # noqa: BLE001  a peer's failure is a result, and is recorded
            failures[seed] = f"{type(error).__name__}: {str(error)[:300]}"
        seconds[seed] = time.perf_counter() - started
        filled += getattr(peer, "filled", 0)
    about = {"set": name, "card": card, "version": version(card.partition("-")[0]),
             "failures": failures, "filled": filled}  # fmt: skip
    return {
        "probabilities": probabilities,
        "seconds": seconds,
        "about": np.array(json.dumps(about)),
    }


def main() -> None:
    """Run one card on one set and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=sorted(SETS), required=True)
    parser.add_argument("--card", choices=sorted(CARDS), required=True)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    found = run(chosen.set, chosen.card, chosen.data, chosen.splits)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(chosen.out, **found)
    print(json.dumps({**json.loads(str(found["about"])), "seconds": float(found["seconds"].sum())}))


if __name__ == "__main__":
    main()
