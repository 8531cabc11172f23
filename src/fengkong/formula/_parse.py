"""Text to the untyped tree of sqlglot, with every built-in function of SQL switched off."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import errors, exp, parser, tokens

from fengkong.foundation.errors import FormulaError

TEXT_MAX = 10_000
DEPTH_MAX = 100


class _Tokenizer(tokens.Tokenizer):
    """No comments, no variables, no dollar or raw strings: only what a scalar needs."""

    COMMENTS: ClassVar[list[Any]] = []
    IDENTIFIERS: ClassVar[list[Any]] = ['"']


class _Parser(parser.Parser):
    """Every call stays a plain name with arguments, so that our own list decides what it means."""

    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
    NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": parser.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]
    }


def place_of(tree: Any) -> int:
    """Column of the first character of a tree, counted from 1; 0 when it has none."""
    starts = [node.meta["start"] + 1 for node in tree.walk() if "start" in node.meta]
    return min(starts, default=0)


def parsed(text: str) -> Any:
    """Return the one expression that a text holds.

    Raises
    ------
    FormulaError
        Empty, too long, too deep, a comment, a semicolon, or not an expression.
    """
    if not isinstance(text, str) or not text.strip():
        raise FormulaError("a formula is empty", text=str(text), column=1)
    if len(text) > TEXT_MAX:
        raise FormulaError(
            f"a formula is longer than {TEXT_MAX} characters", text=text[:60], column=0
        )
    try:
        found = _Tokenizer().tokenize(text)
        for before, token in zip([None, *found], found, strict=False):
            if before and before.text == token.text == "-" and before.end + 1 == token.start:
                _refuse(
                    "'--' is not part of the language: comments are not read",
                    text,
                    before.start + 1,
                )
            if token.token_type in {tokens.TokenType.SEMICOLON, tokens.TokenType.PARAMETER}:
                _refuse(f"{token.text!r} is not part of the language", text, token.start + 1)
        trees = _Parser(error_level=errors.ErrorLevel.IMMEDIATE).parse(found, text)
    except errors.ParseError as error:
        detail = error.errors[0] if error.errors else {}
        end = int(detail.get("col") or 0)
        mark = str(detail.get("highlight") or "")
        what = str(detail.get("description") or "cannot be read").rstrip(".")
        what = "something is missing after this" if "Required keyword" in what else what
        raise FormulaError(what, text=text, column=max(end - len(mark) + 1, 1)) from None
    except errors.SqlglotError as error:
        raise FormulaError(str(error).split("\n", 1)[0], text=text, column=1) from None
    except RecursionError:
        raise FormulaError("a formula is nested too deeply", text=text, column=1) from None
    if len(trees) != 1 or trees[0] is None:
        _refuse("one expression is wanted", text, 1)
    if _depth(trees[0]) > DEPTH_MAX:
        _refuse(f"a formula is nested more than {DEPTH_MAX} levels", text, 1)
    return trees[0]


def _refuse(message: str, text: str, column: int) -> None:
    raise FormulaError(message, text=text, column=column)


def _depth(tree: Any) -> int:
    """Levels of the tree, without recursion."""
    level, nodes = 0, [tree]
    while nodes:
        level += 1
        nodes = [child for node in nodes for child in node.iter_expressions()]
    return level


__all__ = ["exp", "parsed", "place_of"]
