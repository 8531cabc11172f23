"""The register of measures: pure functions of the book, found by name.

Measures live in packages that may not import each other (portfolio, market, ...). They register
here, and whoever needs one (a report, an indicator, a disclosure) asks for it by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fengkong.foundation.errors import InputError

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A registered measure.

    Attributes
    ----------
    name : str
        Key, lower case with underscores.
    function : callable
        ``function(*tables, by=(), **parameters) -> ibis Table``; one positional table for each of
        ``needs``, in that order. One that adds up, or reads only the states, builds an expression
        and runs nothing, so that it can be asked which columns it reads.
    needs : tuple of str
        Tables of the view that it reads: "panel", "states", "exposures", or a table of the book.
    columns : tuple of str
        Columns that must not be wholly empty ("table.column"); else the measure is not supported.
    optional : tuple of str
        Tables that it reads where they hold rows: keyword arguments of the same names, absent
        (None) in a book without them. They do not decide whether the measure is supported.
    adds_up : bool
        It only adds amounts and counts rows of the panel (`loan_months`), by columns that it
        groups or filters by: a panel already summed over all other columns gives the same answer.
    unit : str
        Unit of its main figure.
    title, definition : mapping of str to str
        Text by language, "en" and "zh".
    value : str
        Column of the result that holds the main figure.
    """

    name: str
    function: Callable[..., Any]
    needs: tuple[str, ...]
    unit: str
    title: Mapping[str, str]
    definition: Mapping[str, str]
    value: str
    columns: tuple[str, ...] = field(default=())
    optional: tuple[str, ...] = field(default=())
    adds_up: bool = False

    def answer(self, view: Any, *, by: Sequence[str] = (), **parameters: Any) -> Any:
        """Return the measure of a view of the book, as an Ibis table.

        Parameters
        ----------
        view : View
        by : sequence of str
            Dimensions.
        **parameters
            Of the function.
        """
        if isinstance(by, str):
            raise InputError(f"by must be a list of columns; write by=[{by!r}]")
        if self.adds_up:
            tables = [view.summed(self._reads(view, by, parameters), by)]
        elif self.needs == ("states",) and not self.optional:
            tables = [view.narrow("states", self._reads(view, by, parameters))]
        else:
            tables = [view.get(name) for name in self.needs]
        more = self.optional_tables(view)
        return self.function(*tables, by=list(by), **parameters, **more)

    def _reads(self, view: Any, by: Sequence[str], parameters: Mapping[str, Any]) -> list[str]:
        """Ask the expression itself, once, which columns of its table it names."""
        import ibis.expr.operations as ops

        key = (self.name, self.function, tuple(by), repr(sorted(parameters.items())))
        if key not in _READS:
            blank = view.blank(self.needs[0])
            expression = self.function(blank, by=list(by), **parameters)
            named = {field.name for field in expression.op().find(ops.Field)}
            _READS[key] = [name for name in blank.columns if name in named]
        return _READS[key]

    def optional_tables(self, view: Any) -> dict[str, Any]:
        """Return the optional tables that hold rows in the view, by the name of their keyword."""
        return {name: view.get(name) for name in self.optional if view.has(name)}


_REGISTER: dict[str, Measure] = {}
_READS: dict[tuple[Any, ...], list[str]] = {}


def register_measure(
    name: str,
    *,
    needs: tuple[str, ...],
    unit: str,
    title: Mapping[str, str],
    definition: Mapping[str, str],
    value: str,
    columns: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    adds_up: bool = False,
) -> Callable[[Function], Function]:
    """Return a decorator that registers a function as the measure ``name``.

    Raises
    ------
    InputError
        The name is taken by another function, or a text lacks "en" or "zh".
    """

    def keep(function: Function) -> Function:
        known = _REGISTER.get(name)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise InputError(f"measure {name!r} is registered twice")
        if {"en", "zh"} - set(title) or {"en", "zh"} - set(definition):
            raise InputError(f"measure {name!r} needs title and definition in en and zh")
        _REGISTER[name] = Measure(
            name=name, function=function, needs=needs, unit=unit, title=title,
            definition=definition, value=value, columns=columns, optional=optional, adds_up=adds_up,
        )  # fmt: skip
        return function

    return keep


def measure(name: str) -> Measure:
    """Return the measure registered as ``name``.

    Raises
    ------
    InputError
        No such measure; the message lists the known names.
    """
    try:
        return _REGISTER[name]
    except KeyError:
        raise InputError(f"no measure {name!r}; known: {', '.join(sorted(_REGISTER))}") from None


def measures() -> dict[str, Measure]:
    """Return all registered measures by name, sorted."""
    return dict(sorted(_REGISTER.items()))
