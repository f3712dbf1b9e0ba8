"""Scores of a question against every article of a snapshot: cosines, and words in common.

Pure functions of arrays. The weights were measured on English and Spanish questions with the
embedded encoder; docs/search.md has the tables and how to measure again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float32]
type Rows = NDArray[np.intp]

# How much an article that holds all words of the question gains on one that holds none. Above
# 0.2 articles in the other language lose their place.
LEXICAL_WEIGHT = 0.1
# The same in deciding whether the question has an answer at all: a shared rare word, such as a
# product's name, is worth more here.
LEXICAL_EVIDENCE = 0.25
# The best article must stand this far above the cut-off, or no article counts as found. Then
# weaker ones above the cut-off itself may follow it.
MARGIN = 0.06


class Passages(Protocol):
    """What is ranked: articles as rows, each with its passages side by side in `matrix`."""

    @property
    def matrix(self) -> Floats:
        """Unit vectors, shape (passages, dimensions)."""
        ...

    @property
    def starts(self) -> Rows:
        """The first line in `matrix` of each row, ascending; no row is without a passage."""
        ...

    def holds(self, term: str) -> NDArray[np.bool_]:
        """For each row, whether the article has this term."""
        ...


@dataclass(frozen=True, slots=True)
class Ranking:
    """One value a row: `scores`, and whether the article is `found`; one a passage: `cosines`."""

    scores: Floats
    found: NDArray[np.bool_]
    cosines: Floats

    def best_chunk(self, passages: Passages, row: int) -> int:
        """The place, within its article, of the passage that is nearest to the question."""
        start = passages.starts[row]
        end = passages.starts[row + 1] if row + 1 < len(passages.starts) else None
        return int(np.argmax(self.cosines[start:end]))


def rank(passages: Passages, vector: Floats, terms: Sequence[str], cutoff: float) -> Ranking:
    """Rank all articles for a question: its unit `vector`, its `terms`, the encoder's `cutoff`."""
    cosines = passages.matrix @ vector
    best = best_cosines(cosines, passages.starts)
    index = {term: np.flatnonzero(passages.holds(term)) for term in set(terms)}
    shares = lexical_shares(terms, index, len(best))
    return Ranking(best + LEXICAL_WEIGHT * shares, found(best, shares, cutoff), cosines)


def best_cosines(cosines: Floats, starts: Rows) -> Floats:
    """The highest of each article's `cosines`, shape (articles,)."""
    if not len(starts):
        return np.zeros(0, dtype=np.float32)
    return np.asarray(np.maximum.reduceat(cosines, starts), dtype=np.float32)


def found(best: Floats, shares: Floats, cutoff: float) -> NDArray[np.bool_]:
    """Which articles answer: by their best cosine and their share of the question's words.

    None of them where even the best one is less than `MARGIN` above the cut-off: the question is
    about something else, and what comes near it does so by chance.
    """
    evidence = best + LEXICAL_EVIDENCE * shares
    if evidence.max(initial=-np.inf) < cutoff + MARGIN:
        return np.zeros(len(best), dtype=np.bool_)
    return np.asarray(evidence >= cutoff, dtype=np.bool_)


def inverted_index(articles: Iterable[Iterable[str]]) -> dict[str, Rows]:
    """Each term with the rows of the articles that hold it, ascending."""
    rows: dict[str, list[int]] = {}
    for row, terms in enumerate(articles):
        for term in set(terms):
            rows.setdefault(term, []).append(row)
    return {term: np.array(found_in, dtype=np.intp) for term, found_in in rows.items()}


def lexical_shares(terms: Iterable[str], index: Mapping[str, Rows], articles: int) -> Floats:
    """For each article the share, by inverse document frequency, of the terms that it holds.

    Between 0 and 1, shape (articles,). Terms that no article holds count too, and the whole is
    never less than one such term, so that one common word alone is a small share.
    """
    shares = np.zeros(articles, dtype=np.float32)
    total = 0.0
    for term in dict.fromkeys(terms):
        rows = index.get(term, ())
        weight = np.log((articles + 1) / (len(rows) + 1))
        total += weight
        shares[np.asarray(rows, dtype=np.intp)] += weight
    least = np.log(articles + 1)
    return shares / np.float32(max(total, least, 1e-9))
