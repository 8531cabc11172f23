"""The tree of errors.

FengkongError
├── InputError (ValueError)         a caller passed what a function does not accept
│   ├── OutOfRangeError             a number outside its interval
│   ├── ColumnTypeError             a column of another type than a model expects
│   ├── BinsTextError               a text of bins is wrong at a line
│   ├── OneClassError               outcomes are all good or all bad: nothing to tell apart
│   ├── ProtectedFeatureError       a column of protected groups is among a model's features
│   ├── SeparationError             columns tell every good from every bad: no finite coefficients
│   ├── CollinearError              columns are sums of each other: coefficients are not determined
│   ├── WrongSignError              the points of a forced variable would run against its bad rate
│   └── NoVariableLeftError         selection left no variable, with the reason of each
├── FormulaError (ValueError)       a text of the expression language is wrong; points at the column
├── DataQualityError                data of others cannot be read as it stands
│   └── TapeError                   names file, line, column and rule
├── UnsupportedError                the book does not hold what a measure needs ("needs ...")
├── BookError                       a book is missing, damaged or locked
│   └── VaultError                  a personal value cannot be opened
└── EngineError                     an engine or an extra is not there
"""

from __future__ import annotations

from typing import ClassVar, Self


class FengkongError(Exception):
    """Root of the hierarchy. ``code`` is stable and public; the text is not."""

    code: ClassVar[str] = "fengkong.error"


class InputError(FengkongError, ValueError):
    """The caller passed a value that the function does not accept."""

    code = "fengkong.input"


class OutOfRangeError(InputError):
    """A number lies outside its allowed interval."""

    code = "fengkong.input.out_of_range"

    def __init__(self, *, name: str, value: float, allowed: str) -> None:
        super().__init__(f"{name} must lie in {allowed}; got {value!r}")
        self.name, self.value, self.allowed = name, value, allowed


class ColumnTypeError(InputError, TypeError):
    """A column is of another type than a model expects."""

    code = "fengkong.input.column_type"

    def __init__(self, *, name: str, expected: str, found: str) -> None:
        super().__init__(f"column {name!r}: expected {expected}; found {found}")
        self.name, self.expected, self.found = name, expected, found


class BinsTextError(InputError):
    """A text of bins is wrong; names the column and the line where it can.

    Attributes
    ----------
    column : str or None
    line : int or None
        Counted from 1.
    """

    code = "fengkong.input.bins_text"

    def __init__(self, message: str, *, column: str | None = None, line: int | None = None) -> None:
        place = [f"line {line}"] if line is not None else []
        place += [f"column {column!r}"] if column is not None else []
        super().__init__(f"{', '.join(place)}: {message}" if place else message)
        self.column, self.line = column, line


class OneClassError(InputError):
    """Outcomes are all good or all bad, so a figure that tells them apart does not exist."""

    code = "fengkong.input.one_class"


class ProtectedFeatureError(InputError):
    """A column that says which protected group a person belongs to is a feature of the model.

    Attributes
    ----------
    columns : tuple of str
        The group columns found among the features.
    """

    code = "fengkong.input.protected_feature"

    def __init__(self, columns: tuple[str, ...]) -> None:
        super().__init__(f"group columns are among the model's features: {', '.join(columns)}")
        self.columns = columns


class SeparationError(InputError):
    """Columns tell every good from every bad, so coefficients grow without limit.

    Attributes
    ----------
    columns : tuple of str
        The columns that do it, the strongest first.
    """

    code = "fengkong.input.separation"

    def __init__(self, columns: tuple[str, ...]) -> None:
        super().__init__(
            f"good and bad are told apart perfectly, most of all by {', '.join(columns[:5])}: look "
            "for a column that knows the outcome, or give a penalty"
        )
        self.columns = columns


class CollinearError(InputError):
    """Columns are sums of each other, so their coefficients are not determined.

    Attributes
    ----------
    columns : tuple of str
        Columns that add nothing to those before them.
    """

    code = "fengkong.input.collinear"

    def __init__(self, columns: tuple[str, ...]) -> None:
        super().__init__(f"constant, or a sum of other columns: {', '.join(columns)}")
        self.columns = columns


class WrongSignError(InputError):
    """The points of a variable that must be in the card would run against its bad rate.

    Attributes
    ----------
    columns : tuple of str
        The variables.
    """

    code = "fengkong.input.wrong_sign"

    def __init__(self, columns: tuple[str, ...]) -> None:
        super().__init__(
            f"forced into the card, but their points would run against their bad rates: "
            f"{', '.join(columns)}; leave them out, or the variable that takes their effect"
        )
        self.columns = columns


class NoVariableLeftError(InputError):
    """Selection left no variable.

    Attributes
    ----------
    reasons : dict of str to str
        Why each variable left.
    """

    code = "fengkong.input.no_variable_left"

    def __init__(self, reasons: dict[str, str]) -> None:
        shown = "; ".join(f"{name}: {why}" for name, why in list(reasons.items())[:8])
        super().__init__(f"selection left no variable ({shown}{'; ...' * (len(reasons) > 8)})")
        self.reasons = reasons


class FormulaError(FengkongError, ValueError):
    """A formula cannot be read or does not fit its schema.

    Attributes
    ----------
    text : str
        The formula as written.
    column : int
        Place of the fault, counted from 1; 0 when it concerns the whole text.
    """

    code = "fengkong.formula"

    def __init__(self, message: str, *, text: str, column: int) -> None:
        pointer = f"\n  {text}\n  {' ' * (column - 1)}^" if column > 0 and "\n" not in text else ""
        super().__init__(f"{message} (column {column}){pointer}" if column else message)
        self.text, self.column = text, column


class DataQualityError(FengkongError):
    """Data of others cannot be read as it stands."""

    code = "fengkong.data"


class TapeError(DataQualityError):
    """A tape was refused as a whole: nothing of it entered the book.

    Attributes
    ----------
    file, line, column, rule : str, int or None
        Where it is wrong and which rule says so.
    """

    code = "fengkong.data.tape"

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        line: int | None = None,
        column: str | None = None,
        rule: str | None = None,
    ) -> None:
        place = ", ".join(
            part
            for part in (
                file,
                f"line {line}" if line is not None else "",
                f"column {column}" if column else "",
                f"rule {rule}" if rule else "",
            )
            if part
        )
        super().__init__(f"{place}: {message}" if place else message)
        self.file, self.line, self.column, self.rule = file, line, column, rule


class Need(str):
    """What is missing, in English; the same in Chinese is ``zh``, empty when nobody said it."""

    zh: str
    __slots__ = ("zh",)

    def __new__(cls, en: str, zh: str = "") -> Self:
        """Return the English text with the Chinese beside it."""
        made = super().__new__(cls, en)
        made.zh = zh
        return made


class UnsupportedError(FengkongError):
    """The book does not hold what a measure needs.

    Attributes
    ----------
    needs : tuple of str
        What is missing, in words, for example "payments by date"; a `Need` says it in Chinese too.
    """

    code = "fengkong.unsupported"

    def __init__(self, subject: str, needs: tuple[str, ...]) -> None:
        super().__init__(f"{subject} needs {', '.join(needs)}")
        self.subject, self.needs = subject, needs


class BookError(FengkongError):
    """A book is missing, damaged or locked by another process."""

    code = "fengkong.book"


class VaultError(BookError):
    """A personal value cannot be opened: wrong key, erased person or damaged text."""

    code = "fengkong.book.vault"


class EngineError(FengkongError):
    """An engine or an extra is not installed or not running."""

    code = "fengkong.engine"
