"""Filters for the content of articles: their HTML, their length, the words that answer."""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

from django import template
from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator, slugify
from django.utils.translation import gettext as _

from articles.markdown import render
from articles.models import Article
from articles.snippets import snippet

register = template.Library()

WORDS_A_MINUTE = 220
EXCERPT_LENGTH = 220  # characters
OPENING_LENGTH = 2000  # characters of Markdown in which an excerpt is looked for

# Sanitised HTML has no bare "<" in its text, so this finds every tag and nothing else; taking the
# attributes along keeps a tag's name inside a quoted value from being mistaken for a tag.
_TAG = re.compile(r'<(?P<end>/?)(?P<name>[a-z0-9]+)(?P<attributes>(?: [^\s=>]+="[^"]*")*)>')
_HEADING = re.compile(r'<h2 id="(?P<id>section-[^"]*)">(?P<html>.*?)</h2>', re.DOTALL)
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)


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


register.filter(snippet)
