"""Exact sums of products, and the one way in which an amount is rounded."""

from __future__ import annotations

from typing import Any

_EXACT = "decimal(38, 12)"
_HEALED = "decimal(38, 8)"
_MONEY = "decimal(18, 2)"


def exact(product: Any) -> Any:
    """Cast a float product so that its sum does not depend on the order of rows."""
    return product.cast(_EXACT)


def unrounded(amount: Any) -> Any:
    """Amount to eight digits: below that a float64 product holds only binary noise."""
    return amount.cast(_EXACT).cast(_HEALED)


def half_up(amount: Any) -> Any:
    """Amount rounded half up to the cent; binary noise below 1e-8 does not decide a half cent."""
    return unrounded(amount).cast(_MONEY)
