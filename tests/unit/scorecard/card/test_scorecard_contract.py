"""scikit-learn's battery over the scorecard.

Goal: it is an estimator like others. Method: twice, once as it comes, once with limits so loose
that random outcomes make a card too; what only random outcomes break is named with its reason.
"""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fengkong.scorecard import Binner, Scorecard, SelectionSettings

NOISE = "outcomes drawn at random: no variable earns a place, and the card says so with an error"
NEEDS_SIGNAL = dict.fromkeys(
    (
        "check_fit_score_takes_y",
        "check_n_features_in_after_fitting",
        "check_estimators_dtypes",
        "check_supervised_y_2d",
    ),
    NOISE,
)
FOLDS = "the penalty is chosen on parts of the rows, so it depends on what a row is"
LOOSE = Scorecard(
    penalty=1.0,
    binner=Binner(trend="none", min_bin_events=0, min_bin_share=0.0),
    selection=SelectionSettings(iv_min=None, correlation_max=None, vif_max=None),
)
EXPECTED = NEEDS_SIGNAL | {"check_sample_weight_equivalence_on_dense_data": FOLDS}


@parametrize_with_checks([Scorecard()], expected_failed_checks=lambda _: EXPECTED)
def test_contract_as_it_comes(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_exception_is_a_check_of_the_battery(name):
    from sklearn.utils import estimator_checks

    assert callable(getattr(estimator_checks, name))


@parametrize_with_checks([LOOSE])
def test_contract_with_loose_limits(estimator, check):
    check(estimator)
