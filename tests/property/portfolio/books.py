"""Random small books: month-end paths that a lender could see, for the laws and slow answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from tests.unit.portfolio.panel_maker import month_of, panel_rows

STATES = ("C", "C", "M1", "M2", "M3", "M4", "M5", "M6", "M7")
FIRST = month_of("2024-01")


@st.composite
def loans(draw: st.DrawFn, prefix: str = "L", months: int = 6) -> list[dict[str, Any]]:
    """Loans disbursed in the first months, each with its panel rows."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        born = draw(st.integers(0, months - 1))
        cents = draw(st.integers(1, 10**9))
        path, ended, left = [], None, cents
        for _ in range(born, months):
            if ended is None:
                left = draw(st.integers(1, left))
                state = draw(st.sampled_from((*STATES, "P", "W")))
                ended = state if state in ("P", "W") else None
            path.append((ended or state, "0.00" if ended else str(Decimal(left) / 100)))
        loan = {
            "id": f"{prefix}{number}", "borrower": draw(st.sampled_from((None, "B1", "B2"))),
            "disbursed": f"2024-{born + 1:02d}", "principal": str(Decimal(cents) / 100),
            "path": path,
        }  # fmt: skip
        grade = draw(st.sampled_from(("A", "B", None)))
        found.append({**loan, "rows": panel_rows(loan, FIRST, grade=grade)})
    return found


def rows_of(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for loan in found for row in loan["rows"]]
