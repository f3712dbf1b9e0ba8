"""A found article as the recommendations need it: the row, its best passage, its words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from django.utils.text import Truncator

from articles.markdown import plain_text
from articles.models import Article
from articles.passages import one_paragraph
from articles.search.results import FoundArticle

EXCERPT_WORDS = 60
ANCHOR_WORDS = 8
ANCHOR_CHARACTERS = 100
SENTENCE_ENDS = (".", "!", "?", "…", ":", ")", "»", "”", '"')
OPENING_WORDS = 60  # of an article whose passage is unknown


@dataclass(frozen=True)
class ArticleHit:
    """`passage` is plain text, the part of the article that answers best; "" where unknown."""

    article: Article
    passage: str

    @classmethod
    def of(cls, found: FoundArticle) -> Self:
        return cls(found.article, found.shown_passage)

    @cached_property
    def text(self) -> str:
        """The article's words without Markdown."""
        return plain_text(self.article.content)

    @property
    def excerpt(self) -> str:
        """What a card shows when no model wrote it; every article has some words."""
        passage = one_paragraph(self.passage or opening(self.text))
        return Truncator(passage or self.article.title).words(EXCERPT_WORDS)

    @property
    def whole_passage(self) -> str:
        """The passage as one paragraph; where it was cut inside a sentence, it says so."""
        passage = one_paragraph(self.passage)
        return passage if not passage or passage.endswith(SENTENCE_ENDS) else f"{passage} …"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a passage stands in its article: its first words and its length in words.

    Short enough for an address, and cut out again from the text as it is now: a change of the
    article since cannot make the card quote what is no longer there.
    """

    start: str
    words: int

    @classmethod
    def of(cls, passage: str) -> Anchor:
        words = passage.split()
        start = " ".join(words[:ANCHOR_WORDS])[:ANCHOR_CHARACTERS]  # a word may be an image's data
        return cls(start, min(len(words), EXCERPT_WORDS * 2))

    def cut(self, text: str) -> str:
        """The passage in `text`; the text's opening if its first words are not there any more.

        Line breaks stay: they part headings from sentences.
        """
        words = r"\s+".join(map(re.escape, self.start.split()))
        begin = re.search(words, text) if words else None
        return first_words(text[begin.start() :], self.words) if begin else opening(text)


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def first_words(text: str, count: int) -> str:
    """`text` up to the end of this word, as it stands."""
    words = text.split(maxsplit=count)
    return text.removesuffix(words[count]).strip() if len(words) > count else text.strip()


def opening(text: str) -> str:
    return first_words(text, OPENING_WORDS)
