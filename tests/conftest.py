"""Fixtures that more than one folder of tests needs."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "quick", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "long", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("FENGKONG_HYPOTHESIS", "quick"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out, counted as deselected, unless their marker is asked for."""
    for item in items:
        if "spark" in item.keywords:  # PySpark leaves its sockets to the collector
            for warning in ("pytest.PytestUnraisableExceptionWarning", "ResourceWarning"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::{warning}"))
    if config.getoption("markexpr"):
        return
    left_out = [item for item in items if "long" in item.keywords]
    items[:] = [item for item in items if "long" not in item.keywords]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(autouse=True)
def _spark_ready(request: pytest.FixtureRequest) -> Iterator[None]:
    """Skip tests marked spark where it cannot run; collect its sockets within the test."""
    if "spark" not in request.node.keywords:
        yield
        return
    pytest.importorskip("pyspark", reason="spark: the extra [scale] is not installed")
    if shutil.which("java") is None:
        pytest.skip("spark: Java 17 is not installed")
    yield
    gc.collect()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data and worked cases; skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("the folder ../shared with real data and worked cases is not here")
    return folder


@pytest.fixture(scope="module")
def pmml_reader() -> Iterator[Any]:
    """Return the model class of PMML4S, an evaluator that shares nothing with us."""
    pypmml = pytest.importorskip("pypmml", reason="pypmml, which reads PMML, is not installed")
    if shutil.which("java") is None:
        pytest.skip("PMML is read back by a Java program, and Java is not installed")
    yield pypmml.Model
    pypmml.Model.close()
