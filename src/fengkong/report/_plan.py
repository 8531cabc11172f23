"""The plan of a position: which measures, with which parameters and by which dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fengkong.formula.measures import measures
from fengkong.foundation.errors import InputError

PLAN = Path(__file__).with_name("plan.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One computation: a measure, its dimensions and its parameters.

    Attributes
    ----------
    also_needs : tuple of str
        Columns ("table.column") that must not be empty, beyond those that the measure names.
    """

    measure: str
    by: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    only_latest: bool = False
    also_needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the identity of the computation, usable as a file name."""
        return "__by_".join((self.measure, *(("_".join(self.by),) if self.by else ())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Smallest:
    """What a group of loans must hold before it may be called worst.

    Attributes
    ----------
    loans : int
        Fewest loans.
    balance_share : float
        Smallest share of the balance, for a value of a dimension.
    """

    loans: int
    balance_share: float


@cache
def smallest(path: Path = PLAN) -> Smallest:
    """Return the smallest group that may be called worst.

    Raises
    ------
    InputError
        The plan does not say it, or says something else than numbers from 0.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8")).get("smallest")
    try:
        made = Smallest(loans=int(content["loans"]), balance_share=float(content["balance_share"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: smallest must name loans and balance_share") from error
    if made.loans < 0 or made.balance_share < 0:
        raise InputError(f"{path}: smallest must be numbers from 0; got {content}")
    return made


def plan(path: Path = PLAN) -> list[Entry]:
    """Return what to compute: the plan of the file, then every other registered measure.

    Parameters
    ----------
    path : Path
        YAML with ``dimensions``, ``leave_out``, ``smallest``, ``also_needs`` and ``measures``;
        ``by: each`` stands for one entry a dimension.

    Returns
    -------
    list of Entry
        Entries of measures that are not registered are kept: the assessment says so.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    also = {name: tuple(columns) for name, columns in content["also_needs"].items()}
    entries = []
    for line in content["measures"]:
        if line.get("by") == "each":
            groups = [(name,) for name in content["dimensions"]]
        else:
            groups = [tuple(line.get("by", ()))]
        entries += [
            Entry(
                measure=line["measure"],
                by=group,
                parameters=line.get("parameters", {}),
                only_latest=line.get("only_latest", False),
                also_needs=also.get(line["measure"], ()),
            )
            for group in groups
        ]
    named = {entry.measure for entry in entries} | set(content["leave_out"])
    return entries + [Entry(measure=name) for name in measures() if name not in named]
