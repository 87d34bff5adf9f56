"""A Sphinx extension: formulas are set when the book is built (`denoise_lib.typeset`).

A formula that cannot be set is a warning, which fails the build.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes  # type: ignore[import-untyped]  # ships no types
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

from denoise_lib.errors import DenoiseLibError
from denoise_lib.page_mends import ask_for_fonts
from denoise_lib.typeset import typeset

STYLE = "vendor/katex/katex.min.css"
"""Style sheet of formulas, below the site's static files."""
FONTS = ("katex/fonts/KaTeX_Main-Regular", "katex/fonts/KaTeX_Math-Italic")
"""Its fonts that nearly every formula needs."""


def _set(translator: HTML5Translator, node: nodes.Element, *, display: bool) -> str:
    try:
        return typeset(node.astext(), display=display)
    except DenoiseLibError as error:
        logging.getLogger(__name__).warning("formula: %s", error, location=node)
        return translator.encode(node.astext())


def inline(translator: HTML5Translator, node: nodes.Element) -> None:
    """Write a formula that stands in a line."""
    start = translator.starttag(node, "span", "", CLASS="math notranslate nohighlight")
    translator.body.append(f"{start}{_set(translator, node, display=False)}</span>")
    raise nodes.SkipNode


def displayed(translator: HTML5Translator, node: nodes.Element) -> None:
    """Write a formula that has a line to itself, and its number."""
    # a formula wider than a phone is moved sideways, by keyboard as well
    start = translator.starttag(node, "div", "", CLASS="math notranslate nohighlight", tabindex="0")
    translator.body.append(start)
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(_set(translator, node, display=True) + "</div>\n")
    raise nodes.SkipNode


def load_style(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Give a page with formulas their style sheet, and ask for their fonts at once."""
    if 'class="katex' not in context.get("body", ""):
        return
    app.add_css_file(STYLE)
    ask_for_fonts(context, FONTS)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension; writing in several processes would share one pipe."""
    app.add_html_math_renderer("katex", (inline, None), (displayed, None))
    app.connect("html-page-context", load_style)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
