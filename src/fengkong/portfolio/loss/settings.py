"""Settings of the expected loss: scenarios, PD, LGD, exposure, staging; all of them data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from fengkong.foundation.errors import InputError
from fengkong.portfolio.loss.staging import StagingRule, load_rules, rules_from

ANY_SEGMENT = "*"
_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One view of the future.

    Attributes
    ----------
    name : str
        Lower case; becomes part of column names.
    weight : Decimal
        In (0, 1]; the weights of all scenarios sum to 1 exactly.
    pd_scalar : Decimal
        Multiplies the PD of each year conditional on survival to its start (at most 1).
    lgd_scalar : Decimal
        Multiplies the LGD (at most 1).
    """

    name: str
    weight: Decimal
    pd_scalar: Decimal = Decimal(1)
    lgd_scalar: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PdSettings:
    """Where the PD term structure comes from.

    Attributes
    ----------
    source : {"panel", "given"}
        Estimated from the book, or ``given``.
    grade_column : str
        Column of `states` (and `panel`) that groups loans.
    minimum_loan_months : int
        Fewest loan-months at risk behind one estimated hazard.
    last_year : {"full", "prorated"}
        PD of the year in which a loan matures: whole, or times the share of its months that are
        left until maturity.
    given : mapping of grade to mapping of scenario to tuple of Decimal
        Marginal PD of each year from as_of, before ``pd_scalar``.
    """

    source: str = "panel"
    grade_column: str = "grade"
    minimum_loan_months: int = 2000
    last_year: str = "full"
    given: Mapping[str, Mapping[str, tuple[Decimal, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LgdSettings:
    """Where the LGD comes from.

    Attributes
    ----------
    source : {"workout", "given"}
        Estimated from the defaulted loans of the book, or ``given``.
    segment_column : str or None
        Column of `states` that selects the segment; None: one LGD for all.
    workout_months : int
        Months after default that count as the workout.
    minimum_defaults : int
        Fewest defaulted loans behind an estimated LGD.
    given : mapping of segment to mapping of scenario to Decimal
        LGD before ``lgd_scalar``; the segment "*" holds for all that are not named.
    """

    source: str = "workout"
    segment_column: str | None = None
    workout_months: int = 36
    minimum_defaults: int = 20
    given: Mapping[str, Mapping[str, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSettings:
    """All that the expected loss needs beside the book.

    Attributes
    ----------
    scenarios : tuple of Scenario
        At least one; IFRS 9 practice is three or more.
    credit_conversion_factor : Decimal
        Share of an undrawn line that counts as exposure, 0 to 1.
    missing_eir : {"contract_rate", "refuse"}
        For a loan without effective rate: the contract rate compounded monthly, or an error.
    staging : tuple of StagingRule
        Rules, tried as `staging.staged` says.
    """

    scenarios: tuple[Scenario, ...]
    pd: PdSettings
    lgd: LgdSettings
    credit_conversion_factor: Decimal
    missing_eir: str
    staging: tuple[StagingRule, ...]

    def described(self) -> dict[str, Any]:
        """Return all of it as plain values, numbers as text, to be kept beside a figure."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Decimal) else value


def default_settings() -> LossSettings:
    """Return the settings for demo and simulated books (``default_settings.yaml``)."""
    return load_settings(_HERE / "default_settings.yaml")


def load_settings(source: Path | Mapping[str, Any]) -> LossSettings:
    """Read settings from a YAML file or its content.

    Raises
    ------
    InputError
        A key is unknown or missing, or a value is out of place; the text names the key.
    """
    if isinstance(source, Path):
        try:
            content = yaml.safe_load(source.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputError(f"loss settings {source} cannot be read: {error}") from error
    else:
        content = source
    table = _mapping(content, "loss settings")
    _known(table, {"scenarios", "pd", "lgd", "exposure", "missing_eir", "staging"}, "loss settings")
    scenarios = _scenarios(_required(table, "scenarios", "loss settings"))
    exposure = _mapping(table.get("exposure", {}), "exposure")
    _known(exposure, {"credit_conversion_factor"}, "exposure")
    rules = table.get("staging")
    return LossSettings(
        scenarios=scenarios,
        pd=_pd(_required(table, "pd", "loss settings"), scenarios),
        lgd=_lgd(_required(table, "lgd", "loss settings"), scenarios),
        credit_conversion_factor=_number(
            exposure.get("credit_conversion_factor", "0"),
            "exposure.credit_conversion_factor",
            top=1,
        ),
        missing_eir=_choice(
            table.get("missing_eir", "refuse"), ("contract_rate", "refuse"), "missing_eir"
        ),
        staging=load_rules() if rules is None else rules_from(rules),
    )


def _scenarios(content: Any) -> tuple[Scenario, ...]:
    table = _mapping(content, "scenarios")
    found = []
    for name, values in table.items():
        place = f"scenarios.{name}"
        if not _NAME.match(str(name)):
            raise InputError(f"{place}: a name is lower-case letters, digits and underscores")
        fields = _mapping(values, place)
        _known(fields, {"weight", "pd_scalar", "lgd_scalar"}, place)
        weight = _number(_required(fields, "weight", place), f"{place}.weight", top=1)
        if weight == 0:
            raise InputError(f"{place}.weight must be above 0; leave the scenario out instead")
        scalars = {
            key: _number(fields.get(key, "1"), f"{place}.{key}")
            for key in ("pd_scalar", "lgd_scalar")
        }
        found.append(Scenario(name=str(name), weight=weight, **scalars))
    total = sum((scenario.weight for scenario in found), Decimal(0))
    if total != 1:
        raise InputError(f"scenarios: the weights must sum to 1; they sum to {total}")
    return tuple(found)


def _pd(content: Any, scenarios: tuple[Scenario, ...]) -> PdSettings:
    table = _mapping(content, "pd")
    _known(table, {"source", "grade_column", "minimum_loan_months", "last_year", "given"}, "pd")
    source = _choice(_required(table, "source", "pd"), ("panel", "given"), "pd.source")
    given = _given(table, source, "pd")
    return PdSettings(
        source=source,
        grade_column=str(table.get("grade_column", "grade")),
        minimum_loan_months=_count(
            table.get("minimum_loan_months", 2000), "pd.minimum_loan_months"
        ),
        last_year=_choice(table.get("last_year", "full"), ("full", "prorated"), "pd.last_year"),
        given={
            str(grade): _by_scenario(values, scenarios, f"pd.given.{grade}", _years)
            for grade, values in given.items()
        },
    )


def _lgd(content: Any, scenarios: tuple[Scenario, ...]) -> LgdSettings:
    table = _mapping(content, "lgd")
    _known(
        table, {"source", "segment_column", "workout_months", "minimum_defaults", "given"}, "lgd"
    )
    source = _choice(_required(table, "source", "lgd"), ("workout", "given"), "lgd.source")
    given = _given(table, source, "lgd")
    column = table.get("segment_column")
    if column is None and given and set(given) != {ANY_SEGMENT}:
        raise InputError('lgd: segments are named, so segment_column is needed (or use "*")')
    return LgdSettings(
        source=source,
        segment_column=None if column is None else str(column),
        workout_months=_count(table.get("workout_months", 36), "lgd.workout_months"),
        minimum_defaults=_count(table.get("minimum_defaults", 20), "lgd.minimum_defaults"),
        given={
            str(segment): _by_scenario(values, scenarios, f"lgd.given.{segment}", _fraction)
            for segment, values in given.items()
        },
    )


def _given(table: Mapping[str, Any], source: str, place: str) -> Mapping[str, Any]:
    given = _mapping(table.get("given") or {}, f"{place}.given")
    if (source == "given") != bool(given):
        wanted = "is needed" if source == "given" else "contradicts"
        raise InputError(f"{place}.given {wanted} with {place}.source: {source}")
    return given


def _by_scenario(content: Any, scenarios: tuple[Scenario, ...], place: str, read: Any) -> Any:
    """One value for all scenarios, or one for each by name."""
    if not isinstance(content, Mapping):
        value = read(content, place)
        return {scenario.name: value for scenario in scenarios}
    names = {scenario.name for scenario in scenarios}
    if set(content) != names:
        raise InputError(f"{place} must name the scenarios {', '.join(sorted(names))}")
    return {name: read(value, f"{place}.{name}") for name, value in content.items()}


def _years(content: Any, place: str) -> tuple[Decimal, ...]:
    if not isinstance(content, list) or not content:
        raise InputError(f"{place} must be a list of marginal PDs, one a year")
    values = tuple(_number(value, f"{place}[{n}]", top=1) for n, value in enumerate(content))
    if sum(values) > 1:
        raise InputError(f"{place}: marginal PDs sum to {sum(values)}, above 1")
    return values


def _fraction(content: Any, place: str) -> Decimal:
    return _number(content, place, top=1)


def _mapping(content: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        raise InputError(f"{place} must be a mapping; got {type(content).__name__}")
    return content


def _known(table: Mapping[str, Any], names: set[str], place: str) -> None:
    unknown = sorted(str(name) for name in set(table) - names)
    if unknown:
        raise InputError(
            f"{place}: unknown {', '.join(unknown)}; known are {', '.join(sorted(names))}"
        )


def _required(table: Mapping[str, Any], name: str, place: str) -> Any:
    if name not in table:
        raise InputError(f"{place} needs {name!r}")
    return table[name]


def _choice(value: Any, allowed: tuple[str, ...], place: str) -> str:
    if value not in allowed:
        raise InputError(f"{place} must be one of {', '.join(allowed)}; got {value!r}")
    return str(value)


def _count(value: Any, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{place} must be a whole number from 1; got {value!r}")
    return value


def _number(value: Any, place: str, *, top: int | None = None) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise InputError(f"{place} must be a number; got {value!r}") from None
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise InputError(f"{place} must be a number from 0; got {value!r}")
    if top is not None and number > top:
        raise InputError(f"{place} must be at most {top}; got {value!r}")
    return number
