"""What a card remembers of how it came to be: sample, settings, versions, hash of the data."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fengkong.scorecard.card._design import Outcomes
from fengkong.scorecard.card._logistic import LogisticFit

LIBRARIES = ("fengkong", "numpy", "pandas", "scipy", "scikit-learn", "numba")


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a fit depends on."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def data_hash(
    names: tuple[str, ...], codes: NDArray[np.uint8], documents: list[str], outcomes: Outcomes
) -> str:
    """Return the SHA-256 of what the regression saw: bins, the code of every value, outcomes.

    Two tables with this hash in common lead to the same card. A value that moves inside its bin
    does not change it: the hash names the rows as the card knows them, at a tenth of the time that
    raw values take.
    """
    parts: list[Any] = [
        "\n".join(names).encode(), "\n".join(documents).encode(),
        np.packbits(outcomes.good), _short(outcomes.weight), _short(outcomes.offset), *codes,
    ]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        digests = list(pool.map(_digest, parts))
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _short(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one value where all are the same: no weights, no offset."""
    return values[:1] if len(values) and (values == values[0]).all() else values


def sample(outcomes: Outcomes) -> dict[str, float]:
    """Return sizes of the sample."""
    weight = outcomes.weight
    return {
        "rows": len(weight),
        "bad_rows": int((~outcomes.good).sum()),
        "weight_sum": float(weight.sum()),
        "bad_weight_sum": float(weight[~outcomes.good].sum()),
    }


def regression(fit: LogisticFit) -> dict[str, Any]:
    """Return what a reader asks of a regression."""
    return {
        "intercept": fit.intercept,
        "intercept_standard_error": float(fit.standard_errors[0]),
        "log_likelihood": fit.log_likelihood,
        "aic": fit.aic,
        "bic": fit.bic,
        "degrees": fit.degrees,
        "penalty": fit.penalty,
        "steps": fit.steps,
        "separated": fit.separated,
    }


def plain(value: Any) -> Any:
    """Return settings as plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {"kind": type(value).__name__} | {
            f.name: plain(getattr(value, f.name)) for f in fields(value)
        }
    if hasattr(value, "get_params"):
        return {"kind": type(value).__name__} | plain(value.get_params(deep=False))
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _digest(part: Any) -> bytes:
    data = part if isinstance(part, bytes) else np.ascontiguousarray(part).data
    return hashlib.sha256(data).digest()
