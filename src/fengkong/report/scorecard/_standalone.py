"""A drawing of a page as an SVG file of its own, for a memo or a manual."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from fengkong.report.scorecard._content import Figure

_STYLE = Path(__file__).resolve().parents[1] / "style.css"
_MARGIN = 8
# Attributes of geometry: words for the reader keep their figures as they are.
_ATTRIBUTE = re.compile(r' (?!aria-)[\w:-]+="[^"]*"')
_LONG = re.compile(r"-?\d+\.\d{3,}")


def standalone(figure: Figure) -> str:
    """Return the drawing of a figure as a whole SVG file: light colours, its title as alt text.

    Coordinates are rounded to hundredths of a pixel, so that equal figures give equal files.
    """
    text = _ATTRIBUTE.sub(_rounded, figure.svg)
    for name, colour in _colours().items():
        text = text.replace(f"var(--{name})", colour)
    found = re.search(r'viewBox="([-\d.]+) ([-\d.]+) ([-\d.]+) ([-\d.]+)"', text)
    if found is None:
        raise AssertionError("vl-convert draws with a viewBox")
    left, top = (float(one) - _MARGIN for one in found.groups()[:2])
    width, height = (float(one) + 2 * _MARGIN for one in found.groups()[2:])
    box = f"{left:g} {top:g} {width:g} {height:g}"
    words = figure.title.replace("&", "&amp;").replace("<", "&lt;")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'role="img" viewBox="{box}"><title>{words}</title>'
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" fill="#fff"/>'
    )
    return re.sub(r"<svg[^>]*>", lambda _: head, text, count=1) + "\n"


def file_name(figure: Figure, language: str) -> str:
    """Return the name of the file of a figure: its table and its language."""
    key = re.sub(r"[^\w]+", "-", figure.sheet.key).strip("-")
    return f"picture-{key}-{language}.svg"


def _rounded(attribute: re.Match[str]) -> str:
    return _LONG.sub(lambda found: f"{float(found[0]):.2f}", attribute[0])


@cache
def _colours() -> dict[str, str]:
    """Return the colours of the light page, from the stylesheet."""
    first = _STYLE.read_text(encoding="utf-8").splitlines()[0]
    return dict(re.findall(r"--(\w+):(#\w+)", first))
