"""What a user asks of single columns, read from the parameters of the Binner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fengkong.foundation.errors import InputError
from fengkong.foundation.tables import Field, label_of
from fengkong.scorecard.binning.bins import Special

RARE = "(rare)"  # stands in a fixed group for the pooled rare categories


def trend_of(trend: str | Mapping[str, str], name: str) -> str:
    """Return the trend of a column; columns that a mapping leaves out are "auto"."""
    return trend.get(name, "auto") if isinstance(trend, Mapping) else trend


def specials_of(specials: Any, field: Field) -> tuple[Special, ...]:
    """Return the special values of a column.

    Notes
    -----
    A list holds for all columns, and each of its values is a bin of its own. Text in such a list
    is meant for columns of categories only.
    """
    if specials is None:
        return ()
    wish = specials.get(field.name, ()) if isinstance(specials, Mapping) else specials
    named = wish if isinstance(wish, Mapping) else {label_of(value): value for value in wish}
    found = []
    for name, given in named.items():
        values = [given] if isinstance(given, str) or np.isscalar(given) else list(given)
        if field.kind == "categorical":
            found.append(Special(name=str(name), values=tuple(label_of(value) for value in values)))
            continue
        numbers = tuple(float(value) for value in values if isinstance(value, Real))
        if any(np.isnan(number) for number in numbers):
            raise InputError(f"column {field.name!r}: a missing value is no special; it has a bin")
        if len(numbers) < len(values) and isinstance(specials, Mapping):
            raise InputError(f"column {field.name!r} is numeric; special {name!r} has text")
        if numbers:
            found.append(Special(name=str(name), values=numbers))
    values = [value for special in found for value in special.values]
    if len(set(values)) < len(values):
        raise InputError(f"column {field.name!r}: a value belongs to two specials")
    return tuple(found)


def numbers_of(name: str, cuts: Sequence[Any]) -> NDArray[np.float64]:
    """Return cuts as ascending numbers.

    Raises
    ------
    InputError
        Text, missing or infinite values, or two cuts that are equal.
    """
    try:
        found = np.array(cuts, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InputError(f"column {name!r}: cuts must be numbers; got {list(cuts)!r}") from error
    if not np.isfinite(found).all():
        raise InputError(f"column {name!r}: cuts must be finite; got {found.tolist()}")
    found = np.sort(found)
    if (np.diff(found) <= 0.0).any():
        raise InputError(f"column {name!r}: two cuts are equal: {found.tolist()}")
    return found


def groups_of(name: str, groups: Sequence[Any]) -> tuple[list[tuple[str, ...]], int | None]:
    """Return groups of labels, and the group that takes rare and unseen ones, if there is one.

    Raises
    ------
    InputError
        A group is empty or not a list, or a label stands in two.
    """
    found: list[tuple[str, ...]] = []
    rare_code = None
    for code, group in enumerate(groups):
        if isinstance(group, str) or np.isscalar(group):
            raise InputError(f"column {name!r}: each group is a list of labels; got {group!r}")
        labels = [label_of(label) for label in group]
        if not labels:
            raise InputError(f"column {name!r}: group {code + 1} is empty")
        if RARE in labels:
            if rare_code is not None:
                raise InputError(f"column {name!r}: two groups take the rare categories")
            rare_code = code
        found.append(tuple(label for label in labels if label != RARE))
    every = [label for group in found for label in group]
    twice = sorted({label for label in every if every.count(label) > 1})
    if twice:
        raise InputError(f"column {name!r}: {twice} stand in two groups")
    return found, rare_code


def unknown_columns(binner: Any, names: Sequence[str]) -> None:
    """Refuse wishes for columns that the table does not have.

    Raises
    ------
    InputError
        A mapping or list of the parameters names a column that is not there.
    """
    for parameter in ("trend", "specials", "categorical", "splits", "hints"):
        wish = getattr(binner, parameter)
        if parameter == "categorical" or isinstance(wish, Mapping):
            absent = [name for name in wish or () if name not in names]
            if absent:
                raise InputError(
                    f"{parameter} names columns that the table does not have: {absent}"
                )
