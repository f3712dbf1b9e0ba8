"""Words that a sentence adds to those of its article.

A small model fills up what it was told with what such articles usually say: "a comprehensive
guide", "easy to set up", "improves performance". That is how most of its mistakes begin, numbers
apart (`facts` judges those), and a program can see it: the article has no such words. A bigger
model says things in words of its own and is right; it is not judged by this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from articles.search.chunks import terms

ALLOWED = 1  # in a sentence; with two or more, nearly all that were read said something wrong
COMPARED_LETTERS = 5  # of a word's beginning: "stored" is no other word than "storage"
# What one says of any article, whatever is in it.
_OF_ANY_ARTICLE = """
    article guide tutorial step stage process part series author reader person people someone time
    say show tell read see find learn explain describe cover include contain give provide mention
    look worth know need want use let allow help get take make start work mean plan change update
    go goes come involve several certain various different others common kind type first initial
    shows needing needed however
"""

_DOUBLED = re.compile(r"([^aeiou])\1$")  # "plann" of "planning"


def adds_too_much(sentence: str, sources: Sequence[str]) -> bool:
    """Whether more than `ALLOWED` words of an English sentence are in none of the English sources.

    Forms of a word count as one. Words that say nothing of a topic do not count, nor does what
    holds a digit.
    """
    added = _words(sentence).difference(_words(_OF_ANY_ARTICLE), *map(_words, sources))
    return len(added) > ALLOWED


@lru_cache(maxsize=64)
def _words(text: str) -> frozenset[str]:
    found = (term for term in terms(text) if not any(map(str.isdigit, term)))
    return frozenset(_DOUBLED.sub(r"\1", term)[:COMPARED_LETTERS] for term in found)
