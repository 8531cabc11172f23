"""What a modeller asks for, in one YAML file whose every key is known."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from inspect import signature
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.binning import Binner
from fengkong.scorecard.binning.document import read_yaml
from fengkong.scorecard.card import MinMaxScaling, PdoScaling, Scorecard, SelectionSettings
from fengkong.scorecard.card.scaling import ScalingSettings

_T = TypeVar("_T")
# Settings of the Binner that may name columns.
BY_COLUMN = ("trend", "splits", "hints", "specials")
_FIT = ("penalty", "smoothing", "errors")
_SCALINGS: dict[str, type[Any]] = {"pdo": PdoScaling, "min_max": MinMaxScaling}
CALIBRATIONS = ("none", "platt", "isotonic", "beta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which rows are kept aside from the fit.

    Attributes
    ----------
    test_share : float
        Share of rows drawn at random, in [0, 0.9]; 0 keeps none.
    out_of_time_from : str or None
        Rows whose period is this one or later are kept aside; needs a period.
    """

    test_share: float = 0.3
    out_of_time_from: str | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.test_share <= 0.9:
            raise OutOfRangeError(name="test_share", value=self.test_share, allowed="[0, 0.9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grading:
    """The master scale.

    Attributes
    ----------
    count : int or None
        Grades of about equal share of the rows of the fit; 0 for none. None makes five, or as many
        as there are scores enough for.
    edges : tuple of float
        Probabilities between grades, in place of ``count``.
    names : tuple of str
        Best first; A, B, C, ... when empty.
    """

    count: int | None = None
    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that decides a card, next to its data.

    Attributes
    ----------
    name : str
        Of the card.
    seed : int
        Of every random draw.
    columns : tuple of str
        Features; all columns that have no other part when empty.
    ignore : tuple of str
        Columns that are no features.
    groups : tuple of str
        Protected groups: only tested, never features.
    period, weight : str or None
        Columns of the period and of the weight.
    known_after : tuple of str
        Columns that are known only after the decision: the leakage alarm names them.
    binning : dict
        Of `Binner`; what is not said is as `Scorecard` bins (``CARD_BINS``).
    selection, scaling, split, grades
        Parts of their own.
    fit : dict
        penalty, smoothing, errors of `Scorecard`.
    calibration : str
        "none", "platt", "isotonic" or "beta", fitted on the rows kept aside at random.
    cutoff : float or None
        Score from which an applicant is approved; the median when None.
    reasons : dict
        Own texts of reasons: version, variables.
    """

    name: str = "scorecard"
    seed: int = 0
    columns: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    period: str | None = None
    weight: str | None = None
    known_after: tuple[str, ...] = ()
    binning: dict[str, Any] = field(default_factory=dict)
    selection: SelectionSettings = field(default_factory=SelectionSettings)
    scaling: ScalingSettings = field(default_factory=PdoScaling)
    split: Split = field(default_factory=Split)
    fit: dict[str, Any] = field(default_factory=dict)
    grades: Grading = field(default_factory=Grading)
    calibration: str = "none"
    cutoff: float | None = None
    reasons: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.calibration not in CALIBRATIONS:
            raise InputError(
                f"calibration is one of {', '.join(CALIBRATIONS)}; got {self.calibration!r}"
            )
        if self.split.out_of_time_from is not None and self.period is None:
            raise InputError("split: out_of_time_from needs the key 'period', the column of dates")

    def binned_columns(self) -> tuple[str, ...]:
        """Return the columns that the settings of the Binner name."""
        parts = [self.binning[part] for part in BY_COLUMN
                 if isinstance(self.binning.get(part), Mapping)]  # fmt: skip
        named = [*(self.binning.get("categorical") or ()), *(name for one in parts for name in one)]
        return tuple(dict.fromkeys(named))

    def with_bins(self, text: str) -> Self:
        """Return the settings with the bins of a text as `Binner.to_yaml` writes it.

        Raises
        ------
        BinsTextError
            The text is wrong; names the column and the line.
        """
        read = read_yaml(text)
        base = self.binning
        own = base.get("specials")
        # A list of specials is for every column; the text names those of its columns itself.
        specials = {**own, **read.specials} if isinstance(own, Mapping) else read.specials or own
        binning = {
            **base, "splits": {**(base.get("splits") or {}), **read.splits}, "specials": specials,
            "categorical": list(dict.fromkeys([*(base.get("categorical") or ()),
                                               *read.categorical])),
        }  # fmt: skip
        return replace(self, binning=binning)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read settings from a file.

        Raises
        ------
        InputError
            Not YAML, no mapping, a key that is not known (with the nearest that is), or a value
            that its part does not accept.
        """
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a YAML file of settings: {error}") from error
        try:
            return cls.from_dict({} if found is None else found)
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: {error}") from error

    @classmethod
    def from_dict(cls, found: Any) -> Self:
        """Read settings from plain values; see `load`."""
        given = dict(_mapping(found, "settings"))
        check_keys(given, [one.name for one in fields(cls)], "settings")
        for part in ("binning", "fit", "reasons"):
            given[part] = dict(_mapping(given.get(part) or {}, part))
        check_keys(given["binning"], signature(Binner).parameters, "binning")
        check_keys(given["fit"], _FIT, "fit")
        for part, kind in (("binning", Binner), ("fit", Scorecard)):
            known = {name: str(one.annotation) for name, one in signature(kind).parameters.items()}
            _refuse_kinds(given[part], known, part)
        given["selection"] = _part(SelectionSettings, given.get("selection"), "selection")
        given["split"] = _part(Split, given.get("split"), "split")
        given["grades"] = _part(Grading, given.get("grades"), "grades")
        given["scaling"] = _scaling(given.get("scaling"))
        for name in ("columns", "ignore", "groups", "known_after"):
            given[name] = _texts(given.get(name), name)
        _refuse_kinds(given, {one.name: str(one.type) for one in fields(cls)}, "settings")
        return cls(**given)


def check_keys(given: Mapping[str, Any], known: Collection[str], part: str) -> None:
    """Refuse keys that are not known, and name the nearest that is.

    Raises
    ------
    InputError
        A key is not known.
    """
    for key in given:
        if key in known:
            continue
        near = difflib.get_close_matches(str(key), list(known), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
        raise InputError(f"{part} has no key {key!r}; {hint}")


def _refuse_kinds(given: Mapping[str, Any], known: Mapping[str, str], part: str) -> None:
    """Refuse values that are plainly of another kind than the key takes.

    Raises
    ------
    InputError
        Text for a number, a list for a name, ...: the key and what it takes are said.
    """
    for key, value in given.items():
        wish = known[key]
        if value is None and wish.endswith("None"):
            continue
        kind = wish.removesuffix(" | None")
        if kind in _KINDS and not _KINDS[kind][1](value):
            raise InputError(f"{part}: {key} must be {_KINDS[kind][0]}; got {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _all(value: Any, one: Callable[[Any], bool]) -> bool:
    return isinstance(value, list | tuple) and all(map(one, value))


# What a key takes, by the annotation of its field, and how to tell. Others are checked where used.
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "float": ("a number", _is_number),
    "int": ("a whole number", lambda value: _is_number(value) and value == int(value)),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "str": ("text, in quotes where it is a number", lambda value: isinstance(value, str)),
    "tuple[str, ...]": ("a list of names",
                        lambda value: _all(value, lambda one: isinstance(one, str))),
    "tuple[float, ...]": ("a list of numbers", lambda value: _all(value, _is_number)),
}  # fmt: skip


def _mapping(found: Any, part: str) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise InputError(f"{part} must be a mapping of keys to values; got {found!r}")
    return found


def _part(kind: type[_T], found: Any, part: str) -> _T:
    given = dict(_mapping(found or {}, part))
    known = {one.name: str(one.type) for one in fields(kind)}  # type: ignore[arg-type]
    check_keys(given, known, part)
    if "out_of_time_from" in given and isinstance(given["out_of_time_from"], int | date):
        given["out_of_time_from"] = str(given["out_of_time_from"])  # YAML reads a bare date as one
    _refuse_kinds(given, known, part)
    return kind(**{key: tuple(value) if isinstance(value, list) else value
                   for key, value in given.items()})  # fmt: skip


def _scaling(found: Any) -> ScalingSettings:
    given = dict(_mapping(found or {}, "scaling"))
    method = given.pop("method", "pdo")
    if method not in _SCALINGS:
        raise InputError(f"scaling: method is pdo or min_max; got {method!r}")
    made: ScalingSettings = _part(_SCALINGS[method], given, "scaling")
    return made


def _texts(found: Any, part: str) -> tuple[str, ...]:
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InputError(f"{part} must be a list of names of columns; got {found!r}")
    return tuple(found)
