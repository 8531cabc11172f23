"""scikit-learn's battery over the loss models."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from fengkong.scorecard.loss import FractionalLgd, TwoStageLgd


@parametrize_with_checks([FractionalLgd(highest=1e6), TwoStageLgd(highest=1e6)])
def test_contract(estimator, check):
    """Run with a highest loss above the battery's targets, which are no shares."""
    check(estimator)
