"""The list of measures as Markdown, made from the register."""

from __future__ import annotations

import inspect
from pathlib import Path

from fengkong.formula.measures import Measure, measures

_HEAD = """# Measures

Made from the register by `python -m fengkong.portfolio._document docs/methods/measures.md`; do not
edit. Every measure is a pure function of tables of a view, `by` any of their dimensions. Amounts
are exact sums; ratios are float64 of exact sums and null where the base is 0. `as_of` is asked
where the tables do not carry the date.

| measure | 名称 | unit | needs |
|---|---|---|---|
"""


def _entry(item: Measure) -> str:
    settings = [
        name
        for name, parameter in inspect.signature(item.function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    columns = (
        f" (filled: {', '.join(f'`{name}`' for name in item.columns)})" if item.columns else ""
    )
    needs = ", ".join(f"`{name}`" for name in item.needs)
    needs += "".join(f"; where there: `{name}`" for name in item.optional)
    return (
        f"\n## {item.name}\n\n**{item.title['en']}** · {item.title['zh']}\n\n"
        f"{item.definition['en']}\n\n{item.definition['zh']}\n\n"
        f"- main figure: `{item.value}`, {item.unit}\n- needs: {needs}{columns}\n"
        f"- settings: {', '.join(f'`{name}`' for name in settings)}\n"
    )


def measures_markdown() -> str:
    """Return the document of all registered measures."""
    items = measures().values()
    rows = [
        f"| [{item.name}](#{item.name}) {item.title['en']} | {item.title['zh']} | {item.unit} | "
        f"{', '.join(item.needs)} |\n"
        for item in items
    ]
    return _HEAD + "".join(rows) + "".join(_entry(item) for item in items)


def main(arguments: list[str]) -> None:
    """Write the document to the path given."""
    import fengkong.portfolio  # noqa: F401  (fills the register)

    Path(arguments[0]).write_text(measures_markdown(), encoding="utf-8")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
