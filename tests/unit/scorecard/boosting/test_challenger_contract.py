"""scikit-learn's battery over the challenger and the blend.

The blend holds a card with limits so loose that random outcomes make one too.
"""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from fengkong.scorecard import Binner, Scorecard, SelectionSettings
from fengkong.scorecard.boosting import Blend, Challenger

QUICK = Challenger(rounds_at_most=10, patience=5, leaf_rows=2, folds=2)
LOOSE = Scorecard(
    binner=Binner(trend="none", min_bin_events=0, min_bin_share=0.0),
    selection=SelectionSettings(iv_min=None, correlation_max=None, vif_max=None),
)

ROWS = {
    "check_sample_weight_equivalence_on_dense_data": "rows, not weights, are dealt into inner "
    "folds and counted in leaves: a row of weight 2 is in one fold, two rows may be in two"
}


@parametrize_with_checks([QUICK], expected_failed_checks=lambda _: ROWS)
def test_contract_of_the_challenger(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [Blend(card=LOOSE, challenger=QUICK, folds=2)], expected_failed_checks=lambda _: ROWS
)
def test_contract_of_the_blend(estimator, check):
    check(estimator)
