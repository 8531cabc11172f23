"""What a simulated book was made from, kept beside it so that estimates can be judged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet

from fengkong.book.simulate._model import (
    EVENTS,
    GRADES,
    SECURITIES,
    STATES,
    FloatArray,
    Model,
    hazards_of,
)
from fengkong.foundation.errors import InputError

# The stubs take no arrays of NumPy.
pa: Any = pyarrow
pq: Any = pyarrow.parquet


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The truth behind a simulated book.

    Attributes
    ----------
    book : Path
        The book.
    borrowers, loans, months, seed : int
        What was asked for.
    start : date
        First day of the first month.
    payments : bool
        Payments, fees and schedules can be replayed; else only loan-months are in the book.
    model : Model
        Parameters.
    macro : array of shape (months,)
        Realised macro factor.
    expected : array of shape (grades, months, 8, 10)
        For each grade, month and state at the month-end before (C, M1 to M7), the sum over loans
        of the exact chance of each state at the close (C, M1 to M7, P, W).
    variance : array of shape (grades, months, 8, 10)
        The sum of chance x (1 - chance): observed less expected counts are a martingale with this
        variance.
    rows : dict
        Rows of each table of the book.
    """

    book: Path
    borrowers: int
    loans: int
    months: int
    seed: int
    start: date
    payments: bool
    model: Model
    macro: FloatArray
    expected: FloatArray
    variance: FloatArray
    rows: dict[str, int]

    def recovery_mean(self, security: str) -> float:
        """Expected gross recovery, as a fraction of the principal written off."""
        return float(self.model.recovery_mean()[SECURITIES.index(security)])

    def loss_given_write_off(self, security: str) -> float:
        """Expected loss net of the cost of recovery, undiscounted, as a fraction written off."""
        return 1.0 - self.recovery_mean(security) * (1.0 - self.model.recovery_cost)

    def transition_matrix(self, grade: str | None = None) -> FloatArray:
        """Expected one-month matrix from C, M1 to M7 to all states, shape (8, 10), rows sum to 1.

        Weighted by the loans that stood in each state; a state in which none stood is NaN.
        """
        chosen = slice(None) if grade is None else [GRADES.index(grade)]
        total = self.expected[chosen].sum(axis=(0, 1))
        loans = total.sum(axis=1, keepdims=True)
        matrix: FloatArray = np.divide(
            total, loans, out=np.full_like(total, np.nan), where=loans > 0
        )
        return matrix

    def save(self) -> None:
        """Write ``BOOK.truth.json`` and, in ``BOOK.truth``, Parquet tables of the arrays."""
        folder = truth_folder(self.book)
        folder.mkdir(parents=True, exist_ok=True)
        places = np.indices(self.expected.shape).reshape(4, -1)
        grade, month, before, after = (
            list(names) for names in (GRADES, range(self.months), STATES[:8], STATES)
        )
        pq.write_table(pa.table({
            "grade": pa.array(grade).take(pa.array(places[0])),
            "month_number": pa.array(month).take(pa.array(places[1])),
            "state_before": pa.array(before).take(pa.array(places[2])),
            "state": pa.array(after).take(pa.array(places[3])),
            "expected_count": self.expected.reshape(-1), "variance": self.variance.reshape(-1),
        }), folder / "transitions.parquet")  # fmt: skip
        for name, table in _hazard_tables(self.model, self.macro).items():
            pq.write_table(table, folder / f"{name}.parquet")
        content = {
            "borrowers": self.borrowers, "loans": self.loans, "months": self.months,
            "seed": self.seed, "start": self.start.isoformat(), "payments": self.payments,
            "model": self.model.as_dict(), "macro": self.macro.tolist(), "rows": self.rows,
            "loss_given_write_off": {
                name: self.loss_given_write_off(name) for name in SECURITIES
            },
        }  # fmt: skip
        truth_path(self.book).write_text(json.dumps(content, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, book: Path | str) -> Truth:
        """Read the truth beside a book.

        Raises
        ------
        InputError
            There is none: the book was not simulated, or the files were moved.
        """
        book = Path(book)
        try:
            content: dict[str, Any] = json.loads(truth_path(book).read_text("utf-8"))
            table = pq.read_table(truth_folder(book) / "transitions.parquet")
        except OSError as error:
            raise InputError(
                f"{book}: no truth lies beside it ({error}); was it simulated?"
            ) from error
        shape = (len(GRADES), content["months"], 8, len(STATES))
        model: dict[str, Any] = {
            key: tuple(v) if isinstance(v, list) else v for key, v in content["model"].items()
        }
        return cls(
            book=book, borrowers=content["borrowers"], loans=content["loans"],
            months=content["months"], seed=content["seed"], payments=content["payments"],
            start=date.fromisoformat(content["start"]), model=Model(**model),
            macro=np.array(content["macro"]), rows=content["rows"],
            expected=table["expected_count"].to_numpy().reshape(shape),
            variance=table["variance"].to_numpy().reshape(shape),
        )  # fmt: skip


def truth_path(book: Path) -> Path:
    """File of the parameters, beside the book."""
    return book.with_name(book.name + ".truth.json")


def truth_folder(book: Path) -> Path:
    """Folder of the tables, beside the book."""
    return book.with_name(book.name + ".truth")


def _hazard_tables(model: Model, macro: FloatArray) -> dict[str, Any]:
    """The hazards as tidy tables: of current loans by age, of loans in arrears by bucket."""
    hazards = hazards_of(model, macro)
    grade, age, month = np.indices(hazards.miss.shape).reshape(3, -1)
    current = {
        "grade": pa.array(GRADES).take(pa.array(grade)), "months_on_book": age,
        "month_number": month,
        "miss": hazards.miss.reshape(-1), "prepay": hazards.prepay.reshape(-1),
    }  # fmt: skip
    arrears = hazards.move[:, 1:]
    grade, bucket, month, event = np.indices(arrears.shape).reshape(4, -1)
    late = {
        "grade": pa.array(GRADES).take(pa.array(grade)),
        "state_before": pa.array(STATES[1:8]).take(pa.array(bucket)), "month_number": month,
        "event": pa.array(EVENTS).take(pa.array(event)), "probability": arrears.reshape(-1),
    }  # fmt: skip
    return {"hazards_current": pa.table(current), "hazards_arrears": pa.table(late)}
