"""The one place that imports LightGBM, and says what to install where it is not there."""

from __future__ import annotations

import importlib
from typing import Any

from fengkong.foundation.errors import EngineError


def lightgbm() -> Any:
    """Return the module lightgbm.

    Raises
    ------
    EngineError
        It is not installed, or the OpenMP library it needs is not.
    """
    try:
        return importlib.import_module("lightgbm")
    except ModuleNotFoundError as error:
        raise EngineError("a challenger needs LightGBM: pip install 'lightgbm>=4.5'") from error
    except OSError as error:
        raise EngineError(
            f"LightGBM does not start ({error}). It needs the OpenMP library: "
            "apt-get install libgomp1 on Debian and Ubuntu, dnf install libgomp on Red Hat, "
            "brew install libomp on a Mac"
        ) from error
