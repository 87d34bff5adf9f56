"""Words of the glossary are links in the chapters, with the definition on hovering."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

LINK = re.compile(r'<a class="definition[^"]*" href="([^"]+)" title="([^"]+)">([^<]+)</a>')


@pytest.mark.browser
def test_the_first_use_of_a_word_is_a_link_to_its_definition(book: Path) -> None:
    glossary = (book / "notation.html").read_text(encoding="utf-8")
    for page in (book / "chapters").glob("*.html"):
        links = LINK.findall(page.read_text(encoding="utf-8"))
        assert links, page.name
        assert len({href for href, _, _ in links}) >= len(links) - 2  # at most two names a term
        for href, title, word in links:
            file, anchor = href.split("#")
            assert file == "../notation.html" and f'id="{anchor}"' in glossary
            start = unescape(title)[:30]
            assert start.split("$")[0] in unescape(re.sub("<[^>]+>", "", glossary)), word


@pytest.mark.browser
def test_only_the_first_use_is_one(book: Path) -> None:
    links = LINK.findall((book / "chapters/memorization.html").read_text(encoding="utf-8"))
    words = [word.lower().removesuffix("s") for _, _, word in links]
    assert len(words) == len(set(words))
    assert not LINK.search((book / "index.html").read_text(encoding="utf-8"))
