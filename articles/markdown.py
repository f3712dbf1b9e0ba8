"""Markdown to safe HTML and to plain text.

Two independent layers keep hostile content out: markdown-it parses with raw HTML off and refuses
`javascript:` and `data:` links, and nh3 (the ammonia sanitiser) then removes whatever is not on
the list of allowed elements and attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

ALLOWED_TAGS = set(
    "a abbr b blockquote br code dd del dl dt em h2 h3 h4 h5 h6 hr i img li ol p pre s span "
    "strong sub sup table tbody td th thead tr ul div".split()
)
ALLOWED_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "code": {"class"},
    "span": {"class"},
    "div": {"class"},
    "th": {"class"},
    "td": {"class"},
}

# Between the cells of a table's row in plain text; commas and semicolons stand inside cells.
CELL_SEPARATOR = " · "


def highlight_code(code: str, language: str, _attributes: str) -> str:
    """Pygments HTML for a fenced block; "" (markdown-it then escapes it) if it knows no lexer."""
    try:
        lexer = get_lexer_by_name(language) if language else None
    except ClassNotFound:
        lexer = None
    if lexer is None:
        return ""
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix="hl-")))


@cache
def parser() -> MarkdownIt:
    made = MarkdownIt(
        "commonmark", {"html": False, "linkify": False, "highlight": highlight_code}
    ).enable(["table", "strikethrough"])
    # At its first text it compiles its rules, and a second thread would see only those that are
    # ready (`Ruler.__compile__` of markdown-it-py 4.3). So nobody gets it before.
    made.parse("compile")
    return made


def render(source: str) -> SafeString:
    """Sanitised HTML of Markdown; headings start at `h2`, since the page has an `h1`."""
    tokens = parser().parse(source.replace("\0", ""))
    _lower_headings(tokens)
    html = parser().renderer.render(tokens, parser().options, {})
    clean = nh3.clean(
        html,
        tags=ALLOWED_TAGS,
        attributes=ALLOWED_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener",
    )
    return mark_safe(clean)  # noqa: S308  (nh3 has just cleaned it)


def plain_text(source: str) -> str:
    """The words of the Markdown `source`, paragraphs separated by a blank line.

    A row of a table is a line of its own that names the column of each value: passages are cut
    anywhere and shown on one line, and neither a reader nor a model can count columns there.
    """
    blocks: list[str] = []
    tokens = iter(parser().parse(source.replace("\0", "")))
    for token in tokens:
        if token.type == "inline":
            blocks.append(_inline_text(token))
        elif token.type == "table_open":
            blocks.append(_table_text(tokens))
        elif token.type in {"fence", "code_block"}:
            blocks.append(token.content)
    return "\n\n".join(block.strip() for block in blocks if block.strip())


def _inline_text(token: Token) -> str:
    parts = [
        child.content
        if child.type in {"text", "code_inline", "image"}
        else " "
        if child.type in {"softbreak", "hardbreak"}
        else ""
        for child in token.children or []
    ]
    return re.sub(r"\s+", " ", "".join(parts))


def _table_text(tokens: Iterator[Token]) -> str:
    """The table that `tokens` are in, read up to its end."""
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_inline_text(token).strip())
    names, *body = rows
    lines = [_row_text(names, cells) for cells in body if any(cells)]
    return "\n".join(lines) or _row_text([""] * len(names), names)


def _row_text(names: Sequence[str], cells: Sequence[str]) -> str:
    """ "Plan: Free · Requests: 100.", a sentence, so that rows on one line can be told apart."""
    named = [
        f"{name.rstrip(':')}: {cell}" if name else cell
        for name, cell in zip(names, cells, strict=True)
        if cell
    ]
    row = CELL_SEPARATOR.join(named)
    return f"{row}." if named and not row.endswith((".", "!", "?", "…")) else row


def _lower_headings(tokens: list[Token]) -> None:
    """Shift all headings down when an author used `h1`, so that the order of levels stays right."""
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    if any(token.tag == "h1" for token in headings):
        for token in headings:
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
