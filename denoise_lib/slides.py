"""Slides of the course: one HTML page a meeting, from Markdown and the chapters' own figures.

A line ``---`` parts two slides. ``![](chapter/cell)`` is the figure that this cell
drew in the executed chapter: it is put into the page, with its description in words.
Formulas and type are the site's own files.
"""

from __future__ import annotations

import base64
import html
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from denoise_lib.cover import figure
from denoise_lib.errors import DenoiseLibError
from denoise_lib.files import write_text
from denoise_lib.typeset import typeset

SLIDES = Path("course") / "slides"
FIGURE = re.compile(r"!\[\]\((\w+)/([\w-]+)\)")


def write_slides(root: Path, site: Path) -> list[Path]:
    """Write every page of slides into a built site.

    Parameters
    ----------
    root : Path
        The book's folder.
    site : Path
        The folder of the site's pages.

    Returns
    -------
    list of Path
        The pages.

    Raises
    ------
    DenoiseLibError
        If a slide names a figure that its chapter does not have.
    """
    pages = []
    for source in sorted((root / "book" / SLIDES).glob("*.md")):
        page = site / SLIDES / f"{source.stem}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_text(page, render(source.read_text(encoding="utf-8")))
        except DenoiseLibError as error:
            raise DenoiseLibError(f"{source.relative_to(root)}: {error}") from error
        pages.append(page)
    return pages


def render(text: str) -> str:
    """Return slides in Markdown as one HTML page.

    Its fonts, formulas and way back assume that it lies two folders below the site's first page.
    """
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    dollarmath_plugin(markdown, renderer=_formula)
    sources = re.split(r"^---\n", text, flags=re.MULTILINE)
    sections = "\n".join(
        f'<section id="slide-{number}"><div>\n'
        f"{markdown.render(FIGURE.sub(_picture, source))}</div></section>"
        for number, source in enumerate(sources, 1)
    )
    title = re.search(r"^# (.+)$", text, flags=re.MULTILINE)
    template = files("denoise_lib").joinpath("slides.html").read_text(encoding="utf-8")
    return Template(template).substitute(
        title=html.escape(title[1] if title else "Slides"), slides=sections
    )


def _formula(content: str, options: dict[str, bool]) -> str:
    return typeset(content, display=bool(options.get("display_mode")))


def _picture(found: re.Match[str]) -> str:
    """Return the figure that a slide names, as part of the page."""
    svg, alt = figure(found[1], found[2])
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}">'
