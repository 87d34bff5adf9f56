"""The icons' fonts, cut down to the icons that the site shows: from 275 kB to a few."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from denoise_lib.files import write_bytes

FONTS = Path("_static", "vendor", "fontawesome", "webfonts")
SHOWN = ("fa-solid-900.woff2", "fa-brands-400.woff2")
"""What the book's style sheet loads; the theme's other files of icons are taken away."""
RULE = re.compile(r'([^{}]+)\{[^{}]*content:\s*"\\([0-9a-f]{4})"')
NAME = re.compile(r"\bfa-[a-z0-9-]+")
# Scripts that name every icon there is, of which pages show those that other files name.
LISTS = ("fontawesome.js", "embed-amd.js")


def icons_shown(site: Path) -> set[int]:
    """Return the code points of the icons that pages, scripts and style sheets name.

    A style sheet gives an icon to a class of its own name, or to something else that
    has it always.
    """
    sources = [*site.rglob("*.html"), *(site / "_static").rglob("*.js")]
    names = {
        name
        for source in sources
        if source.name not in LISTS
        for name in NAME.findall(source.read_text(encoding="utf-8"))
    }
    shown = set()
    for style in (site / "_static").rglob("*.css"):
        for selectors, point in RULE.findall(style.read_text(encoding="utf-8")):
            named = set(NAME.findall(selectors))
            if not named or named & names:
                shown.add(int(point, 16))
    return shown


def cut_down(site: Path) -> None:
    """Leave in the site's fonts of icons only those that it shows.

    Parameters
    ----------
    site : Path
        The folder of the site's pages.
    """
    shown = icons_shown(site)
    for path in (site / FONTS).glob("fa-*"):
        if path.name not in SHOWN:
            path.unlink()
            continue
        font = TTFont(path)
        subsetter = Subsetter(Options(flavor="woff2"))
        subsetter.populate(unicodes=shown)
        subsetter.subset(font)
        font.flavor = "woff2"
        written = BytesIO()
        font.save(written)
        write_bytes(path, written.getvalue())
