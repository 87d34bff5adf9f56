"""A Sphinx extension: what a page says about itself, loads, and tells assistive software.

It gives every page a description and a picture for previews, takes away scripts and icons that
a page does not use, sets apart what its widgets show, and mends the theme's faults in the
markup. The tests judge what comes out: an axe-core run over every page, by day and by night.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes  # type: ignore[import-untyped]  # ships no types
from sphinx.application import Sphinx

from denoise_lib.files import write_text
from denoise_lib.icons import cut_down

PREVIEW = "_static/social.png"
TYPE = ("fonts/source-serif-4-latin-wght-normal", "fonts/source-sans-3-latin-wght-normal")
"""Fonts that every page shows first, asked for at once: lines that wait for them move."""
LONGEST = 160
"""Characters of a description that search engines show."""
NEEDED = {
    # a script, and what a page that needs it contains
    "clipboard": ('class="highlight',),
    "copybutton": ('class="highlight',),
    "toggle": ("toggle", "dropdown"),
    "design-tabs": ("sd-tab",),
}
STATE = re.compile(
    r'(?s)<script type="application/vnd\.jupyter\.widget-state\+json">(.*?)</script>'
)
"""What a page's widgets show, a megabyte of pictures."""
LAST = 900
"""Priority of a handler that comes after all others."""


class Mend(NamedTuple):
    """A fault in the theme's markup, and what stands there instead."""

    fault: str
    mended: str


MENDS = (
    # 1.5 MB of script that draws each icon again, which the style sheets' font has drawn
    Mend(r'<script[^>]* src="[^"]*fontawesome\.js[^"]*"></script>\n?', ""),
    Mend(r'(<meta name="viewport"[^>]*>)\s*<meta name="viewport"[^>]*>', r"\1"),
    # a name that hides the words which the reader sees
    Mend(r'<summary aria-label="[^"]*">', "<summary>"),
    Mend(r'(<button class="btn search-button-field[^>]*?) title="[^"]*" aria-label="[^"]*"', r"\1"),
    Mend(r'(<i class="theme-switch [^>]*?)\s*title="[^"]*"', r"\1"),
    # a button that unfolds a part of the contents, and had no name
    Mend(r"<summary>(<span class=\"toctree-toggle\")", r'<summary aria-label="Show its pages">\1'),
    # the book's title stood outside of every landmark
    Mend(r'(<div id="pst-primary-sidebar")', r'\1 role="region" aria-label="This book"'),
    Mend(
        r'<script (src="(?:[^"]*/)?(?:doctools|sphinx_highlight|clipboard\.min|copybutton'
        r"|searchtools|language_data|searchindex|sphinx-book-theme|togglebutton|require"
        r"|widgets-local)\.js)",
        r"<script defer \1",
    ),
    # a role that no longer exists
    Mend(r' role="doc-biblioentry"', ' role="listitem"'),
)


def describe(tree: nodes.document) -> str:
    """Return the first sentences of a page, at most `LONGEST` characters of whole words."""
    for paragraph in tree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        # a label such as "The question." alone says nothing
        if len(text) > LONGEST // 4 and not paragraph.next_node(nodes.math):
            return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0] + " …"
    return ""


def head(
    app: Sphinx, page: str, _: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Describe a page for search engines and previews."""
    title = html.unescape(re.sub("<[^>]*>", "", context.get("title", "")))
    book = app.config.html_title or app.config.project
    description = describe(tree) if tree else ""
    # the address is known where the book is published; previews want the picture's whole address
    base = os.environ.get("DENOISE_BOOK_URL")
    picture = base.rstrip("/") + "/" + PREVIEW if base else context["pathto"](PREVIEW, 1)
    said = {
        "og:type": "article",
        "og:site_name": book,
        "og:title": title or book,
        "og:description": description or f"{title}: a page of the book “{book}”.",
        "og:image": picture,
        "og:image:alt": "Rows of small images that networks drew from noise",
    }
    named = {"description": said["og:description"], "twitter:card": "summary_large_image"}
    tags = [("property", *tag) for tag in said.items()] + [("name", *tag) for tag in named.items()]
    context["metatags"] = context.get("metatags", "") + "".join(
        f'\n<meta {kind}="{name}" content="{html.escape(content)}" />'
        for kind, name, content in tags
    )


def ask_for_fonts(context: dict[str, Any], fonts: Iterable[str]) -> None:
    """Have a page ask for fonts before its style sheets do.

    Parameters
    ----------
    context : dict
        What Sphinx fills the page's template with; it is changed.
    fonts : iterable of str
        Files below the site's ``_static/vendor``, without their ending.
    """
    context["metatags"] = context.get("metatags", "") + "".join(
        '\n<link rel="preload" as="font" type="font/woff2" crossorigin href="'
        + context["pathto"](f"_static/vendor/{font}.woff2", 1)
        + '" />'
        for font in fonts
    )


def preload(
    app: Sphinx, page: str, _: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Ask for the text's fonts at once."""
    ask_for_fonts(context, TYPE)


def unload(
    app: Sphinx, page: str, _: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Leave out the scripts that a page does not use."""
    body = context.get("body", "")

    def used(script: Any) -> bool:
        source = f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', {})}"
        needs = [marks for name, marks in NEEDED.items() if name in source]
        return not needs or any(mark in body for marks in needs for mark in marks)

    if tree:
        context["script_files"] = [each for each in context["script_files"] if used(each)]


def set_apart(text: str, script: Path) -> str:
    """Write what a page's widgets show as a script of its own, and return the page without it.

    widgets-local.js, which loads the widgets when one comes near, loads the script
    first. It is not JSON, which a page opened as a file could not read.
    """
    state = STATE.search(text)
    if not state:
        return text
    write_text(
        script,
        "{const state = document.createElement('script');\n"
        "state.type = 'application/vnd.jupyter.widget-state+json';\n"
        f"state.textContent = {json.dumps(state[1])};\n"
        "document.body.append(state);}\n",
    )
    mark = f'<template class="widget-state" data-source="{script.name}"></template>'
    return STATE.sub(mark, text, count=1)


def mend(app: Sphinx, failed: Exception | None) -> None:
    """Mend the markup of every page that was written."""
    if failed or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" in path.parts:
            continue
        text = before = path.read_text(encoding="utf-8")
        for fault, mended in MENDS:
            text = re.sub(fault, mended, text)
        text = set_apart(text, path.with_suffix(".widgets.js"))
        if text != before:
            path.write_text(text, encoding="utf-8")
    cut_down(Path(app.outdir))


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx what this extension does, and when."""
    app.connect("html-page-context", head, priority=LAST)
    app.connect("html-page-context", preload, priority=LAST)
    app.connect("html-page-context", unload, priority=LAST)
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
