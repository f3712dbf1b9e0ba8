"""Filters for the content of articles: their HTML, their length, the words that answer."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import unescape
from typing import NamedTuple

from django import template
from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator, slugify
from django.utils.translation import gettext as _

from articles.markdown import render
from articles.models import Article
from articles.passages import SENTENCE_START
from articles.search.chunks import terms

register = template.Library()

WORDS_A_MINUTE = 220
EXCERPT_LENGTH = 220  # characters
OPENING_LENGTH = 2000  # characters of Markdown in which an excerpt is looked for
SNIPPET_WORDS = 55

# Sanitised HTML has no bare "<" in its text, so this finds every tag and nothing else; taking the
# attributes along keeps a tag's name inside a quoted value from being mistaken for a tag.
_TAG = re.compile(r'<(?P<end>/?)(?P<name>[a-z0-9]+)(?P<attributes>(?: [^\s=>]+="[^"]*")*)>')
_HEADING = re.compile(r'<h2 id="(?P<id>section-[^"]*)">(?P<html>.*?)</h2>', re.DOTALL)
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")


class Heading(NamedTuple):
    id: str
    text: SafeString


@register.filter
def markdown(source: str) -> SafeString:
    """The article's HTML, with what a page needs and the sanitiser would not let an author write.

    Second-level headings get an `id` for the table of contents, wide elements a frame of their
    own to scroll in (reachable by keyboard), images wait until they are near.
    """
    html = render(source)
    pieces: list[str] = []
    position = heading = 0
    ids: set[str] = set()
    for tag in _TAG.finditer(html):
        pieces.append(html[position : tag.start()])
        position = tag.end()
        match tag["end"] + tag["name"]:
            case "h2":
                heading = len(pieces)
                pieces.append(tag[0])
            case "/h2":
                pieces[heading] = f'<h2 id="{_heading_id("".join(pieces[heading:]), ids)}">'
                pieces.append(tag[0])
            case "pre":
                pieces.append(f'<pre tabindex="0"{tag["attributes"]}>')
            case "table":
                label = f'role="region" aria-label="{escape(_("Table"))}"'
                pieces.append(f'<div class="scroll" {label} tabindex="0"><table>')
            case "/table":
                pieces.append("</table></div>")
            case "img":
                pieces.append(f'<img loading="lazy" decoding="async"{tag["attributes"]}>')
            case _:
                pieces.append(tag[0])
    pieces.append(html[position:])
    return mark_safe("".join(pieces))  # noqa: S308  (sanitised; only fixed markup was added)


def _heading_id(html: str, taken: set[str]) -> str:
    stem = f"section-{slugify(strip_tags(html)) or 'part'}"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name)
    return name


@register.filter
def headings(html: str) -> list[Heading]:
    """The second-level headings in the output of `markdown`."""
    return [
        Heading(match["id"], mark_safe(strip_tags(match["html"])))  # noqa: S308  (still escaped)
        for match in _HEADING.finditer(html)
    ]


@register.filter
def reading_time(article: Article) -> int:
    """Minutes, at least one; 0 where the content was not read from the database."""
    if "content" in article.get_deferred_fields():
        return 0
    return max(1, round(len(article.content.split()) / WORDS_A_MINUTE))


@register.filter
def excerpt(article: Article) -> str:
    """The opening sentences; "" where the content was not read from the database."""
    if "content" in article.get_deferred_fields():
        return ""
    for paragraph in _PARAGRAPH.findall(render(article.content[:OPENING_LENGTH])):
        if text := " ".join(unescape(strip_tags(paragraph)).split()):
            return _sentences(text, EXCERPT_LENGTH)
    return ""


def _sentences(text: str, length: int) -> str:
    """As many whole sentences as fit; part of the first one where it is longer than that."""
    taken = ""
    for sentence in re.split(r"(?<=[.!?…])\s+", text):
        if taken and len(taken) + len(sentence) >= length:
            break
        taken = f"{taken} {sentence}".strip()
    return Truncator(taken).chars(length, truncate="…")


@register.filter
def initials(name: str) -> str:
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.filter
def snippet(passage: str, question: str) -> SafeString:
    """The part of `passage` that holds most of the question's words, with these words marked."""
    best = _best_sentence(passage, question)
    text = Truncator(passage[best:]).words(SNIPPET_WORDS, truncate=" …")
    return mark_terms(f"… {text}" if best else text, question)


def _best_sentence(passage: str, question: str) -> int:
    """Where the snippet with the most of the question's words begins; of equals the last, because
    its first sentence has a word."""
    found = list(_found(passage, question))
    if not found:
        return 0
    words = [match.start() for match in _WORD.finditer(passage)]
    best, most = 0, _density(found, 0)
    for sentence in SENTENCE_START.finditer(passage):
        first = bisect_left(words, sentence.end())
        if len(words) - first < SNIPPET_WORDS // 2:
            break  # too little to read
        density = _density(found, first)
        if any(density) and density >= most:
            best, most = sentence.end(), density
    return best


def _density(found: Iterable[Found], first: int) -> tuple[int, int]:
    """Different wanted terms, then all of them, in a snippet whose first word has this number."""
    held = [word.terms for word in found if first <= word.number < first + SNIPPET_WORDS]
    return len(frozenset().union(*held)), sum(map(len, held))


@register.filter
def mark_terms(text: str, question: str) -> SafeString:
    """`text`, escaped, with `<mark>` around each word that is a term of `question`."""
    pieces: list[str] = []
    position = 0
    for word in _found(text, question):
        pieces.append(escape(text[position : word.start]))
        pieces.append(f"<mark>{escape(text[word.start : word.end])}</mark>")
        position = word.end
    pieces.append(escape(text[position:]))
    return mark_safe("".join(pieces))  # noqa: S308  (every piece was escaped)


class Found(NamedTuple):
    """A word of a text that is one of the question's: which word, where, and which of its terms."""

    number: int
    start: int
    end: int
    terms: frozenset[str]


def _found(text: str, question: str) -> Iterator[Found]:
    wanted = _terms_of(question)
    for number, match in enumerate(_WORD.finditer(text)):
        if not wanted.isdisjoint(held := _terms_of(match[0])):
            yield Found(number, match.start(), match.end(), wanted & held)


@lru_cache(maxsize=20_000)  # a page of hits has two thousand words, most of them common ones
def _terms_of(word: str) -> frozenset[str]:
    return frozenset(terms(word))
