"""Algebra of units: "amount", "days", "fraction per year", ..."""

from __future__ import annotations

from collections import Counter

PURE = frozenset({"fraction", "count", "number"})


def times(left: str | None, right: str | None) -> str | None:
    """Return the unit of a product; None is the unit of a bare number.

    Raises
    ------
    ValueError
        The product has a square in it, such as amount times amount.
    """
    if left is None or right is None:
        return right if left is None else left
    if left in PURE or right in PURE:
        return right if left in PURE and (right not in PURE or left == "fraction") else left
    return _written(_powers(left) + _powers(right), f"{left} times {right}")


def over(left: str | None, right: str | None) -> str | None:
    """Return the unit of a quotient: that of equals is a fraction.

    Raises
    ------
    ValueError
        The quotient has a square in it.
    """
    if right is None:
        return left
    if left is None:
        left = "fraction"
    if left == right or (left in PURE and right in PURE):
        return "fraction"
    if right in PURE:
        return left
    return _written(
        _powers(left) + {k: -v for k, v in _powers(right).items()}, f"{left} over {right}"
    )


class _Powers(Counter[str]):
    """Exponents by base unit; unlike a plain Counter, a sum keeps negative ones."""

    def __add__(self, other: dict[str, int]) -> _Powers:  # type: ignore[override]
        total = _Powers(dict(self))
        for base, power in other.items():
            total[base] += power
        return total


def _powers(unit: str) -> _Powers:
    """Exponents of each base in a unit."""
    upper, _, lower = unit.partition(" per ")
    powers = _Powers()
    for sign, part in ((1, upper), (-1, lower)):
        for base in part.split("·") if part else ():
            if base not in PURE:
                powers[base] += sign
    return powers


def _written(powers: _Powers, doing: str) -> str:
    """Text of a unit."""
    if any(abs(power) > 1 for power in powers.values()):
        raise ValueError(f"{doing} has no meaning here")
    upper = sorted(base for base, power in powers.items() if power > 0)
    lower = sorted(base for base, power in powers.items() if power < 0)
    text = "·".join(upper) or "fraction"
    return f"{text} per {'·'.join(lower)}" if lower else text
