"""Scores of a question against every article of a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from articles.search.snapshot import Snapshot

LEXICAL_WEIGHT = 0.15


@dataclass(frozen=True, slots=True)
class Ranking:
    """One value a row of the snapshot: `scores`, and whether the article counts as `found`."""

    scores: NDArray[np.float32]
    found: NDArray[np.bool_]
    cosines: NDArray[np.float32]

    def best_chunk(self, snapshot: Snapshot, row: int) -> int:
        start = int(snapshot.starts[row])
        return int(np.argmax(self.cosines[start : start + len(snapshot.rows[row].chunk_ids)]))


def rank(
    snapshot: Snapshot, vector: NDArray[np.float32], terms: Sequence[str], cutoff: float
) -> Ranking:
    if not snapshot.rows:
        nothing = np.empty(0, dtype=np.float32)
        return Ranking(nothing, nothing.astype(np.bool_), nothing)
    cosines = snapshot.matrix @ vector
    best = np.maximum.reduceat(cosines, snapshot.starts)
    scores = best + LEXICAL_WEIGHT * term_share(snapshot, terms)
    return Ranking(scores, best >= cutoff, cosines)


def term_share(snapshot: Snapshot, terms: Sequence[str]) -> NDArray[np.float32]:
    """For each row the share, by inverse document frequency, of the terms that it holds."""
    wanted = list(dict.fromkeys(terms))
    held = np.array([snapshot.holds(term) for term in wanted], dtype=np.float32)
    if not wanted:
        return np.zeros(len(snapshot.rows), dtype=np.float32)
    count = held.sum(axis=1)
    idf = np.log1p(len(snapshot.rows) / (1 + count))
    return (idf @ held / idf.sum()).astype(np.float32)
