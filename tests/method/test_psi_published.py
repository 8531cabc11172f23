"""Stability indices that others printed, cell by cell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon

from fengkong.scorecard.watch import drift, stability


def test_ten_deciles_of_the_reference_give_0_0902():
    # reference/regulation.md, section D4: e = 10 x 10 %, a as below, PSI 0.0902 to four digits.
    actual = [5, 6, 8, 9, 10, 11, 12, 12, 13, 14]
    found = stability([10] * 10, actual)
    assert found.psi == pytest.approx(0.0902, abs=5e-5)
    assert found.grade == "stable"


def test_the_same_index_comes_out_of_rows():
    # The same shares as rows of a table: 100 rows at each of ten values, then 50, 60, 80, ...
    reference = np.repeat(np.arange(10.0), 100)
    current = np.repeat(np.arange(10.0), [50, 60, 80, 90, 100, 110, 120, 120, 130, 140])
    edges = {"x": np.arange(0.5, 9.5)}
    found = drift(pd.DataFrame({"x": reference}), pd.DataFrame({"x": current}), bins=edges)
    assert found.columns["psi"].item() == pytest.approx(0.0902, abs=5e-5)


@pytest.mark.parametrize(
    ("psi", "grade"),
    [(0.0999, "stable"), (0.10, "watch"), (0.25, "watch"), (0.2501, "shift")],
)
def test_grades_of_the_convention(psi, grade):
    # regulation.md D4: below 0.10 stable, 0.10 to 0.25 watch, above 0.25 shift.
    from fengkong.scorecard.watch import grade_of

    assert grade_of(psi) == grade


def test_divergence_of_jensen_and_shannon_equals_scipy():
    reference, current = np.array([5.0, 0.0, 20.0, 75.0]), np.array([10.0, 30.0, 0.0, 60.0])
    expected = jensenshannon(reference, current) ** 2  # SciPy returns the distance, its root
    assert stability(reference, current).js == pytest.approx(expected, rel=1e-12)
