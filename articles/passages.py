"""Passages as people read them: what an engine found may be the last short piece of an article."""

from __future__ import annotations

import re

from articles.markdown import plain_text
from articles.models import Article

ENOUGH_WORDS = 25
LINE_ENDS = (".", "!", "?", "…", ":", ";", ",")
CLOSING = "\"'”’»)]"

# Not after a colon: the name of a table's column stands before it (`plain_text`).
_SENTENCE_START = re.compile(r"(?<=[.!?…])\s+|\n+")


def lines(passage: str) -> list[str]:
    """Its lines, ready to be joined by spaces.

    One that ends without a mark gets a dot behind it: a heading, or a line of code, is no part of
    the sentence after it, and a page shows a passage as one paragraph.
    """
    found = [line.strip() for line in passage.splitlines() if line.strip()]
    for number, line in enumerate(found[:-1]):
        if not line.rstrip(CLOSING).endswith(LINE_ENDS):
            found[number] = f"{line} ·"
    return found


def one_paragraph(passage: str) -> str:
    return " ".join(" ".join(lines(passage)).split())


def in_context(article: Article, passage: str) -> str:
    """The passage; where it is too short to say anything, with sentences around it.

    First those before it, because a short passage is mostly the end of an article.
    """
    if not passage or len(passage.split(maxsplit=ENOUGH_WORDS)) >= ENOUGH_WORDS:
        return passage
    text = plain_text(article.content)
    begin = text.find(passage)
    if begin < 0:  # the article has changed since it was indexed
        return passage
    end = begin + len(passage)
    starts = [0, *(match.end() for match in _SENTENCE_START.finditer(text))]
    ends = [*(match.start() for match in _SENTENCE_START.finditer(text)), len(text)]
    wider = [(start, end) for start in reversed(starts) if start < begin]
    wider += [(0, later) for later in ends if later > end]
    for begin, end in wider:
        if len(text[begin:end].split()) >= ENOUGH_WORDS:
            break
    return text[begin:end]
