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

# What an article's title and its words in common with the question add to its best passage.
TITLE_WEIGHT = 0.1
LEXICAL_WEIGHT = 0.15
# The same in deciding whether the question has an answer at all (`found`).
TITLE_EVIDENCE = 0.6
LEXICAL_EVIDENCE = 0.4
# Of a question that has an answer, this many articles are shown even if they are weaker, so that a
# reader has something to choose from; then only those with this share of the cut-off.
ALWAYS_SHOWN = 5
WEAKEST = 0.8


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

    @property
    def title_matrix(self) -> Floats:
        """Unit vectors of the titles, a Spanish article's translated one too."""
        ...

    @property
    def title_starts(self) -> Rows:
        """The first line in `title_matrix` of each row."""
        ...

    @property
    def languages(self) -> NDArray[np.str_]:
        """The language of each row."""
        ...

    def holds(self, term: str) -> NDArray[np.bool_]:
        """For each row, whether the article has this term."""
        ...


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for each article, one value a row: its best passage's and its title's cosine,
    its share of the question's words; and its language."""

    passages: Floats
    titles: Floats
    shares: Floats
    languages: NDArray[np.str_]

    @property
    def scores(self) -> Floats:
        """What articles are ordered by."""
        lexical = above_language(self.shares, self.languages)
        total = self.passages + TITLE_WEIGHT * self.titles + LEXICAL_WEIGHT * lexical
        return np.asarray(total, dtype=np.float32)

    @property
    def evidence(self) -> Floats:
        """How much speaks for an article at all, to be held against an encoder's cut-off."""
        total = self.passages + TITLE_EVIDENCE * self.titles + LEXICAL_EVIDENCE * self.shares
        return np.asarray(total, dtype=np.float32)


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
    titles = best_cosines(passages.title_matrix @ vector, passages.title_starts)
    index = {term: np.flatnonzero(passages.holds(term)) for term in set(terms)}
    shares = lexical_shares(terms, index, len(best))
    signals = Signals(best, titles, shares, passages.languages)
    scores = signals.scores
    return Ranking(scores, found(scores, signals.evidence, cutoff), cosines)


def above_language(shares: Floats, languages: NDArray[np.str_]) -> Floats:
    """The shares of the question's words less their mean among articles of the same language.

    Articles in the question's language hold more of its words whatever they are about; without
    this, words in common would push the other language's articles down.
    """
    result = shares.copy()
    for language in np.unique(languages):
        rows = languages == language
        result[rows] -= shares[rows].mean()
    return result


def best_cosines(cosines: Floats, starts: Rows) -> Floats:
    """The highest of each article's `cosines`, shape (articles,)."""
    if not len(starts):
        return np.zeros(0, dtype=np.float32)
    return np.asarray(np.maximum.reduceat(cosines, starts), dtype=np.float32)


def found(scores: Floats, evidence: Floats, cutoff: float) -> NDArray[np.bool_]:
    """Which articles answer.

    None where no article's evidence reaches `cutoff`: the question is about something else, and
    what comes near it does so by chance. Otherwise the best few, and all with nearly as much.
    """
    if evidence.max(initial=-np.inf) < cutoff:
        return np.zeros(len(scores), dtype=np.bool_)
    shown = evidence >= WEAKEST * cutoff
    shown[np.argsort(-scores, kind="stable")[:ALWAYS_SHOWN]] = True
    return np.asarray(shown, dtype=np.bool_)


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
