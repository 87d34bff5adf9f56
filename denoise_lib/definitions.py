"""A Sphinx extension: the first time a chapter uses a word of the glossary, it is a link.

The definition stands in the link's title, which a pointer shows on hovering; a finger or a key
follows the link to the glossary itself.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from docutils import nodes  # type: ignore[import-untyped]  # ships no types
from sphinx import addnodes
from sphinx.application import Sphinx

GLOSSARY = "notation"
FOLDER = "chapters/"


class Definition(NamedTuple):
    """What a word means, and where that is written."""

    text: str
    anchor: str


def names(term: str) -> list[str]:
    """Return the ways in which a term of the glossary is written in a text.

    Examples
    --------
    >>> names("plan, profile"), names("mean squared error (MSE)"), names("bias (of a denoiser)")
    (['plan', 'profile'], ['mean squared error', 'MSE'], ['bias'])
    """
    plain, _, inside = term.partition(" (")
    short = inside.rstrip(")")
    return [*plain.split(", "), *([short] if short.isupper() else [])]


def glossary(tree: nodes.document) -> dict[str, Definition]:
    """Return the definitions of a page, by name."""
    found: dict[str, Definition] = {}
    for part in tree.findall(addnodes.glossary):
        for item in part.findall(nodes.definition_list_item):
            term, definition = item.next_node(nodes.term), item.next_node(nodes.definition)
            text = " ".join(definition.astext().split())
            found |= {n: Definition(text, term["ids"][0]) for n in names(term.astext())}
    return found


def link(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Make links of the first uses of the glossary's words in a chapter."""
    if not page.startswith(FOLDER) or GLOSSARY not in app.env.all_docs:
        return
    missing = glossary(app.env.get_doctree(GLOSSARY))
    address = app.builder.get_relative_uri(page, GLOSSARY)
    for paragraph in list(tree.findall(nodes.paragraph)):
        for text in [child for child in paragraph.children if isinstance(child, nodes.Text)]:
            pieces: list[nodes.Node] = [text]
            for name in sorted(missing, key=len, reverse=True):
                pieces = _with_link(pieces, name, missing, address)
            if len(pieces) > 1:
                paragraph.replace(text, pieces)


def _with_link(
    pieces: list[nodes.Node], name: str, missing: dict[str, Definition], address: str
) -> list[nodes.Node]:
    """Return pieces of a text with a link for one word, if it is there; then it is not missing."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(name)}s?(?![\w-])", re.I)
    for i, piece in enumerate(pieces):
        found = isinstance(piece, nodes.Text) and pattern.search(piece)
        if not found:
            continue
        word = missing.pop(name)
        reference = nodes.reference(
            "", found[0], internal=True, refuri=f"{address}#{word.anchor}",
            reftitle=word.text, classes=["definition"],
        )  # fmt: skip
        around = nodes.Text(piece[: found.start()]), nodes.Text(piece[found.end() :])
        return [*pieces[:i], around[0], reference, around[1], *pieces[i + 1 :]]
    return pieces


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
