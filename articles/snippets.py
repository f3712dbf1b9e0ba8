"""The part of a passage that answers a question best, with the question's words marked."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import NamedTuple

from django.utils.safestring import SafeString, mark_safe

from articles.passages import SENTENCE_START
from articles.search.chunks import terms

SNIPPET_WORDS = 55

_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_GAP = re.compile(r"\s")


class Found(NamedTuple):
    """A word of a text that is one of the question's: which word, where, and which of its terms."""

    number: int
    start: int
    end: int
    terms: frozenset[str]


def snippet(passage: str, question: str) -> SafeString:
    """At most `SNIPPET_WORDS` words of `passage`: those with most of the question's, marked."""
    words = list(_WORD.finditer(passage))
    found = _found(words, question)
    begin, first = _best_start(passage, words, found)
    end, last = len(passage), first + SNIPPET_WORDS - 1
    if last + 1 < len(words) and (gap := _GAP.search(passage, words[last].end())):
        end = gap.start()
    text = _marked(passage, found, begin, end)
    before, after = "… " if begin else "", " …" if end < len(passage) else ""
    return mark_safe(f"{before}{text}{after}")  # noqa: S308  (`_marked` escapes)


def _found(words: Sequence[re.Match[str]], question: str) -> list[Found]:
    wanted = _terms_of(question)
    return [
        Found(number, *word.span(), wanted & held)
        for number, word in enumerate(words)
        if not wanted.isdisjoint(held := _terms_of(word[0]))
    ]


def _marked(text: str, found: Sequence[Found], begin: int, end: int) -> str:
    """`text[begin:end]`, escaped, with `<mark>` around what was found in it."""
    pieces: list[str] = []
    for word in found:
        if begin <= word.start and word.end <= end:
            pieces.append(escape(text[begin : word.start]))
            pieces.append(f"<mark>{escape(text[word.start : word.end])}</mark>")
            begin = word.end
    pieces.append(escape(text[begin:end]))
    return "".join(pieces)


def _best_start(
    passage: str, words: Sequence[re.Match[str]], found: Sequence[Found]
) -> tuple[int, int]:
    """Where the snippet with the most of the question's words begins, and the number of its first.

    At the passage's or a sentence's start; of equals the last, because its first sentence has a
    word.
    """
    best, most = (0, 0), _density(found, 0)
    if not found:
        return best
    starts = [word.start() for word in words]
    for sentence in SENTENCE_START.finditer(passage):
        first = bisect_left(starts, sentence.end())
        if len(words) - first < SNIPPET_WORDS // 2:
            break  # too little to read
        density = _density(found, first)
        if any(density) and density >= most:
            best, most = (sentence.end(), first), density
    return best


def _density(found: Sequence[Found], first: int) -> tuple[int, int]:
    """Different wanted terms, then all of them, in a snippet whose first word has this number."""
    held = [word.terms for word in found if first <= word.number < first + SNIPPET_WORDS]
    return len(frozenset().union(*held)), sum(map(len, held))


@lru_cache(maxsize=20_000)  # a page of hits has two thousand words, most of them common ones
def _terms_of(word: str) -> frozenset[str]:
    return frozenset(terms(word))
