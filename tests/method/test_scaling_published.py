"""Scaling of scores against published figures.

Source: regulation.md, section D4 ("score scaling"), the worked case that scorecard textbooks use
(Siddiqi, Credit Risk Scorecards, "Scaling"): 600 points at odds of 50:1 and 20 points to double the
odds give factor 28.8539 and offset 487.123. Tolerances are half of the last printed digit.
"""

from __future__ import annotations

import math

import pytest

from fengkong.scorecard import PdoScaling

PUBLISHED = PdoScaling(pdo=20, base_score=600, base_odds=50)


def test_factor_and_offset():
    assert PUBLISHED.factor == pytest.approx(28.8539, abs=5e-5)
    assert PUBLISHED.offset == pytest.approx(487.123, abs=5e-4)


@pytest.mark.parametrize(("score", "odds"), [(580, 25), (600, 50), (620, 100), (640, 200)])
def test_twenty_points_double_the_odds(score, odds):
    made = math.exp((score - PUBLISHED.offset) / PUBLISHED.factor)
    assert made == pytest.approx(odds, rel=1e-12)
