"""The part of a passage that answers a question best, with the question's words marked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString, mark_safe

from articles.passages import lines
from articles.search.chunks import terms

SNIPPET_WORDS = 55

_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_SENTENCE_ENDS = ".!?…"
_NUMBERED_HEADING = re.compile(r"\d{1,2}\. [^.!?…]{1,80}")


def snippet(passage: str, question: str) -> SafeString:
    """At most `SNIPPET_WORDS` words of `passage`: those with most of the question's, marked.

    Words are what white space parts.
    """
    wanted = _terms_of(question)
    words: list[str] = []
    starts: list[int] = []  # of lines, the numbers of their first words
    for line in _without_heading_at_end(lines(passage)):
        starts.append(len(words))
        words += line.split()
    found = {
        n: wanted & held
        for n, word in enumerate(words)
        if not wanted.isdisjoint(held := _terms_of(word))
    }
    begin = _best_start(words, starts, found) if found else 0
    end = begin + SNIPPET_WORDS
    pieces = ["…"] if begin else []
    for n in found:
        if begin <= n < end:
            pieces += [escape(" ".join(words[begin:n])), _marked(words[n], wanted)]
            begin = n + 1
    pieces.append(escape(" ".join(words[begin:end])))
    if end < len(words):
        pieces.append("…")
    return mark_safe(" ".join(filter(None, pieces)))  # noqa: S308  (all of them are escaped)


def _without_heading_at_end(found: list[str]) -> list[str]:
    """A numbered heading may end a passage; what it introduces is in the next one."""
    heading = len(found) > 1 and _NUMBERED_HEADING.fullmatch(found[-1])
    return found[:-1] if heading else found


def _marked(word: str, wanted: frozenset[str]) -> str:
    """`word`, escaped, with `<mark>` around those of its parts that are wanted."""
    pieces: list[str] = []
    position = 0
    for part in _WORD.finditer(word):
        if not wanted.isdisjoint(_terms_of(part[0])):
            pieces += [escape(word[position : part.start()]), f"<mark>{escape(part[0])}</mark>"]
            position = part.end()
    return "".join([*pieces, escape(word[position:])])


def _best_start(
    words: Sequence[str], starts: Sequence[int], found: Mapping[int, frozenset[str]]
) -> int:
    """The number of the word with which the snippet begins that has the most of the question's.

    It begins a sentence; of equals it is the last, because its first sentence has a word. A line
    is a heading, a paragraph or a row of a table, so it begins a sentence too. What follows a
    colon does not: the name of a table's column stands before it (`markdown.plain_text`).
    """
    sentences = [n for n, word in enumerate(words, 1) if word[-1] in _SENTENCE_ENDS]
    best, most = 0, (0, 0)
    for first in sorted({*starts, *sentences}):
        if first and len(words) - first < SNIPPET_WORDS // 2:
            break  # too little to read
        held = [terms for n, terms in found.items() if first <= n < first + SNIPPET_WORDS]
        # Different terms before many of one.
        density = len(frozenset().union(*held)), sum(map(len, held))
        if held and density >= most:
            best, most = first, density
    return best


@lru_cache(maxsize=20_000)  # a page of hits has a thousand words, most of them common ones
def _terms_of(text: str) -> frozenset[str]:
    return frozenset(terms(text))
