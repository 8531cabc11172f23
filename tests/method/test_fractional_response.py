"""Fractional logit beside statsmodels, and loss models out of time on LendingClub's recoveries.

statsmodels' GLM (Binomial, logit, HC0) is the independent implementation of Papke and Wooldridge
(1996). The real loans carry recoveries in total, so the loss is not discounted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fengkong.scorecard.loss import FractionalLgd, TwoStageLgd, loss_validation

sm = pytest.importorskip("statsmodels.api")


@pytest.mark.parametrize("weighted", [False, True])
def test_coefficients_and_robust_errors_equal_statsmodels(weighted):
    rng = np.random.default_rng(11)
    rows = 2_000
    columns = rng.normal(size=(rows, 3)) * [1.0, 50.0, 0.01] + [0.0, 300.0, 5.0]
    mean = 1.0 / (1.0 + np.exp(-(0.2 + 0.5 * columns[:, 0] - 0.01 * (columns[:, 1] - 300.0))))
    share = rng.beta(0.5 * mean, 0.5 * (1.0 - mean))
    share[:100], share[100:200] = 0.0, 1.0
    weight = rng.uniform(0.2, 3.0, rows) if weighted else np.ones(rows)
    model = FractionalLgd().fit(columns, share, weight if weighted else None)
    design = np.column_stack([np.ones(rows), columns])
    # No derived column varies: the design is the constant and the three columns.
    assert model.terms_.names == ("intercept", "x0", "x1", "x2")
    family = sm.families.Binomial()
    peer = sm.GLM(share, design, family=family, var_weights=weight).fit(
        cov_type="HC0", tol=1e-14, maxiter=200
    )
    assert np.allclose(model.coefficients_, peer.params, rtol=1e-6, atol=1e-8)
    assert np.allclose(model.standard_errors_, peer.bse, rtol=1e-6, atol=1e-10)


@pytest.fixture(scope="module")
def charged_off(shared: Path) -> pd.DataFrame:
    path = shared / "data" / "lendingclub_2015_loan_outcomes.csv.gz"
    loans = pd.read_csv(path, parse_dates=["issue_d"])
    loans = loans[loans["loan_status"] == "Charged Off"]
    rate = loans["int_rate"] / 1200
    loans["principal"] = loans["installment"] * (1 - (1 + rate) ** -36) / rate
    loans["exposure"] = loans["principal"] - loans["total_rec_prncp"]
    loans = loans[loans["exposure"] > 100.0]
    back = loans["recoveries"] - loans["collection_recovery_fee"]
    loans["loss"] = np.clip(1.0 - back / loans["exposure"], 0.0, 1.0)
    return loans


@pytest.mark.shared
@pytest.mark.parametrize("model", [FractionalLgd(), TwoStageLgd()])
def test_out_of_time_on_real_recoveries(model: Any, charged_off: pd.DataFrame) -> None:
    """Fitted on loans issued April to June 2015, looked at on those of July and August."""
    features = ["sub_grade", "int_rate", "installment", "principal", "exposure"]
    early = charged_off["issue_d"] < "2015-07-01"
    train, test = charged_off[early], charged_off[~early]
    assert len(train) > 5_000
    assert len(test) > 3_000
    model.fit(train[features], train["loss"])
    predicted = model.predict(test[features])
    found = loss_validation(test["loss"], predicted, period=test["issue_d"].dt.strftime("%Y-%m"))
    # On its own rows the score equation holds: the fractional mean is unbiased to the last digit.
    if isinstance(model, FractionalLgd):
        own = loss_validation(train["loss"], model.predict(train[features]))
        assert abs(own.overall["bias"]) < 1e-8
    # Out of time: bias below two points of loss, and no worse than predicting the mean of the fit.
    assert abs(found.overall["bias"]) < 0.02
    of_mean = loss_validation(test["loss"], np.full(len(test), train["loss"].mean()))
    assert found.overall["rmse"] < of_mean.overall["rmse"]
    assert found.overall["loss_capture_ratio"] > 0.0
    assert found.periods is not None
    assert found.periods["period"].tolist() == ["2015-07", "2015-08"]


@pytest.mark.shared
def test_real_losses_equal_statsmodels(charged_off: pd.DataFrame) -> None:
    features = ["int_rate", "principal", "exposure"]
    model = FractionalLgd().fit(charged_off[features], charged_off["loss"])
    design = sm.add_constant(charged_off[features])
    peer = sm.GLM(charged_off["loss"], design, family=sm.families.Binomial()).fit(
        cov_type="HC0", tol=1e-14, maxiter=200
    )
    assert np.allclose(model.coefficients_, peer.params, rtol=1e-6, atol=1e-10)
    assert np.allclose(model.standard_errors_, peer.bse, rtol=1e-6)
