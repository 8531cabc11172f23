"""Synthetic tables of the scorecard bench, the same for every side: loans with a target, and drift.

    python bench/scorecard_data.py --folder DIR --loans 200000 20 --drift 1000000 100

Every column has a random generator of its own (seed and number of the column), so the first twenty
columns of a wide table are those of a narrow one with as many rows. Needs numpy and pyarrow.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 20260
TARGET = "bad"
BAD_RATE = 0.08
SPECIAL = (-1.0, 9999.0)
LEVELS = (50, 500, 5)
Effect = Callable[[np.ndarray], np.ndarray]
# Risk as a function of the value in standard units; the word stands in the column's name.
EFFECTS: dict[str, Effect] = {
    "up": lambda z: 0.35 * z,
    "down": lambda z: -0.35 * z,
    "u": lambda z: 0.25 * (z * z - 1.0),
    "none": np.zeros_like,
}
TREND_WORDS = {"up": "ascending", "down": "descending"}
# One turn of ten columns: (shape, effect).
TURN = (
    ("lognormal", "up"), ("normal", "down"), ("uniform", "u"), ("normal", "none"),
    ("integer", "up"), ("amount", "down"), ("lognormal", "u"), ("uniform", "down"),
    ("special", "up"), ("category", "mixed"),
)  # fmt: skip
HAVE_MISSING = (1, 4, 6)  # places of a turn


@dataclass
class Layout:
    """What the sides are told about a table: kinds of columns, special values, known trends."""

    rows: int
    columns: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    special: dict[str, list[float]] = field(default_factory=dict)
    trends: dict[str, str] = field(default_factory=dict)
    target: str = TARGET


def shaped(shape: str, z: np.ndarray) -> np.ndarray:
    """Return values of a shape whose order follows the standard normal ``z``."""
    if shape == "lognormal":
        return np.exp(8.0 + 0.9 * z)
    if shape == "uniform":
        # The logistic curve stands for the normal distribution function: near enough to uniform.
        return 100.0 / (1.0 + np.exp(-1.702 * z))
    if shape == "integer":
        return np.clip(np.floor(1.5 + 1.3 * z), 0, 6)
    if shape == "amount":
        return np.where(z < -0.126, 0.0, np.round(np.exp(6.0 + z), 2))  # 45 % have none
    if shape == "special":
        return np.round(600.0 + 60.0 * z)
    return z


def category(
    levels: int, rows: int, random: np.random.Generator
) -> tuple[pa.Array, np.ndarray]:  # fmt: skip
    """Return text levels, some much rarer than others, and the risk of each row."""
    weight = 1.0 / np.arange(1, levels + 1) ** 0.7
    code = random.choice(levels, size=rows, p=weight / weight.sum())
    risk = random.normal(0.0, 0.4, size=levels)
    names = pa.array([f"level {number:03d}" for number in range(levels)])
    return pa.DictionaryArray.from_arrays(pa.array(code, pa.int32()), names).cast(
        pa.string()
    ), risk[code]


def loan_columns(rows: int, columns: int, seed: int, layout: Layout) -> Iterator[
    tuple[str, pa.Array, np.ndarray]
]:  # fmt: skip
    """Yield name, values and risk of each column, and note them in ``layout``."""
    for number in range(columns):
        random = np.random.default_rng([seed, number])
        place = number % len(TURN)
        shape, effect = TURN[place]
        if shape == "category":
            levels = LEVELS[number // len(TURN) % len(LEVELS)]
            name = f"category_{levels}_{number:02d}"
            values, risk = category(levels, rows, random)
            layout.categories.append(name)
        else:
            name = f"{shape}_{effect}_{number:02d}"
            z = random.standard_normal(rows)
            array, risk = shaped(shape, z), EFFECTS[effect](z)
            absent = np.zeros(rows, dtype=bool)
            if place in HAVE_MISSING:
                absent = random.random(rows) < random.uniform(0.05, 0.20)
                risk = np.where(absent, 0.2, risk)
            if shape == "special":
                draw = random.random(rows)
                array = np.where(draw < 0.05, SPECIAL[0], np.where(draw > 0.97, SPECIAL[1], array))
                risk = np.where(draw < 0.05, 0.6, np.where(draw > 0.97, -0.4, risk))
                layout.special[name] = list(SPECIAL)
            elif effect in TREND_WORDS:
                layout.trends[name] = TREND_WORDS[effect]
            values = pa.array(array, mask=absent)
        layout.columns.append(name)
        yield name, values, risk


def intercept(risk: np.ndarray) -> float:
    """Return the constant that makes the mean chance of bad ``BAD_RATE``, by halving."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        if np.mean(1.0 / (1.0 + np.exp(-(risk + middle)))) < BAD_RATE:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def make_loans(
    path: Path, *, rows: int, columns: int, seed: int = SEED
) -> Layout:  # fmt: skip
    """Write the table of loans to ``path`` and its layout beside it as JSON; return the layout."""
    layout = Layout(rows=rows)
    made: dict[str, pa.Array] = {}
    total = np.zeros(rows)
    for name, values, risk in loan_columns(rows, columns, seed, layout):
        made[name] = values
        total += risk
    # More columns would tell the classes apart ever better: the spread stays that of a real card.
    total *= 1.1 / max(total.std(), 1e-12)
    chance = 1.0 / (1.0 + np.exp(-(total + intercept(total))))
    random = np.random.default_rng([seed, 10_000])
    made[TARGET] = pa.array((random.random(rows) < chance).astype(np.int64))
    pq.write_table(pa.table(made), path)
    path.with_suffix(".json").write_text(json.dumps(asdict(layout), indent=1))
    return layout


def read_layout(path: Path) -> Layout:
    """Return the layout of the table at ``path``."""
    return Layout(**json.loads(path.with_suffix(".json").read_text()))


def make_drift(
    folder: Path, *, rows: int, columns: int, seed: int = SEED
) -> tuple[Path, Path]:  # fmt: skip
    """Write reference and current float64 tables; every fourth column of the current is shifted."""
    paths = (folder / "reference.parquet", folder / "current.parquet")
    for part, path in enumerate(paths):
        made = {}
        for number in range(columns):
            z = np.random.default_rng([seed, 20_000 + part, number]).standard_normal(rows)
            if part == 1 and number % 4 == 3:
                z = 0.1 * (1 + number % 7) + (1.0 + 0.02 * (number % 5)) * z
            kind = ("normal", "lognormal", "uniform")[number % 3]
            made[f"{kind}_{number:03d}"] = pa.array(shaped(kind, z))
        pq.write_table(pa.table(made), path, compression="none", use_dictionary=False)
    return paths


def main() -> None:
    """Write the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--loans", type=int, nargs=2, metavar=("ROWS", "COLUMNS"), action="append")
    parser.add_argument("--drift", type=int, nargs=2, metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for rows, columns in chosen.loans or []:
        path = chosen.folder / f"loans-{rows}-{columns}.parquet"
        make_loans(path, rows=rows, columns=columns, seed=chosen.seed)
    if chosen.drift:
        make_drift(chosen.folder, rows=chosen.drift[0], columns=chosen.drift[1], seed=chosen.seed)


if __name__ == "__main__":
    main()
