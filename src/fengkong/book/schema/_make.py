"""Short makers for columns, so that the tables read like a list."""

from __future__ import annotations

from fengkong.foundation.columns import Column, Kind


def text(
    name: str,
    meaning: str,
    *,
    required: bool = False,
    personal: bool = False,
    dimension: bool = False,
    values: tuple[str, ...] = (),
) -> Column:
    """Text or a code."""
    return Column(
        name=name,
        kind=Kind.TEXT,
        unit="text",
        meaning=meaning,
        required=required,
        personal=personal,
        dimension=dimension,
        values=values,
    )


def money(name: str, meaning: str, *, required: bool = False) -> Column:
    """Money in the row's currency."""
    return Column(name=name, kind=Kind.MONEY, unit="amount", meaning=meaning, required=required)


def day(name: str, meaning: str, *, required: bool = False) -> Column:
    """A business date."""
    return Column(name=name, kind=Kind.DATE, unit="date", meaning=meaning, required=required)


def number(name: str, unit: str, meaning: str, *, required: bool = False) -> Column:
    """A float64 with a unit."""
    return Column(name=name, kind=Kind.FLOAT, unit=unit, meaning=meaning, required=required)


def count(name: str, meaning: str, *, unit: str = "count", required: bool = False) -> Column:
    """An integer with a unit."""
    return Column(name=name, kind=Kind.INTEGER, unit=unit, meaning=meaning, required=required)


def flag(name: str, meaning: str) -> Column:
    """True, false or unknown."""
    return Column(name=name, kind=Kind.BOOLEAN, unit="flag", meaning=meaning)


def instant(name: str, meaning: str, *, required: bool = False) -> Column:
    """A UTC instant."""
    return Column(name=name, kind=Kind.INSTANT, unit="UTC", meaning=meaning, required=required)
