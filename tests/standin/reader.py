"""What one search sees of one index (one shard): its documents, and vectors and term statistics
over them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.standin.indices import Chunk, Document, Index
from tests.standin.mapping import Field, Mapping
from tests.standin.parsing import Parsed
from tests.standin.vectors import Vector

# Lucene's BM25Similarity; Elasticsearch multiplies by k1 + 1, as Lucene did before version 8.
K1, B = 1.2, 0.75


@dataclass
class Candidates:
    """Vectors in one matrix, and the document, nested object or chunk that each row belongs to."""

    owners: list[Parsed]
    matrix: Vector
    chunks: list[Chunk] = field(default_factory=list)


@dataclass(frozen=True)
class Statistics:
    """How common a term of a field is: BM25's ``n``, ``N`` and ``avgdl``."""

    holders: dict[str, int]
    documents: int
    average_length: float

    def weight(self, term: str) -> float:
        found = self.holders.get(term, 0)
        return math.log(1 + (self.documents - found + 0.5) / (found + 0.5))

    def score(self, term: str, frequency: int, length: float) -> float:
        norm = K1 * (1 - B + B * length / self.average_length) if self.average_length else K1
        return (K1 + 1) * self.weight(term) * frequency / (frequency + norm)


class Shard:
    """A frozen view: writes after it was taken do not change it."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.mapping: Mapping = index.mapping
        self.roots: list[Parsed] = [document.parsed for document in index.searchable.values()]
        self._candidates: dict[str, Candidates] = {}

    @property
    def documents(self) -> list[Document]:
        return [root.owner for root in self.roots]

    def children(self, path: str) -> list[Parsed]:
        """All nested objects at a path, in the order of their documents."""
        found: Iterable[Parsed] = self.roots
        covered = ""
        for nested in sorted(self.mapping.nested, key=len):
            if path == nested or path.startswith(f"{nested}."):
                found = [child for unit in found for child in unit.nested.get(nested, ())]
                covered = nested
        return list(found) if covered == path else []

    def semantic(self, path: str) -> Candidates:
        if path not in self._candidates:
            pairs = [
                (root, chunk) for root in self.roots for chunk in root.owner.chunks.get(path, ())
            ]
            self._candidates[path] = Candidates(
                [root for root, _ in pairs],
                _stack([chunk.vector for _, chunk in pairs]),
                [chunk for _, chunk in pairs],
            )
        return self._candidates[path]

    def vectors(self, found: Field) -> Candidates:
        if found.path not in self._candidates:
            units = self.children(found.nested) if found.nested else self.roots
            holders = [unit for unit in units if found.path in unit.vectors]
            matrix = _stack([unit.vectors[found.path] for unit in holders])
            self._candidates[found.path] = Candidates(holders, matrix)
        return self._candidates[found.path]

    def statistics(self, path: str, terms: Iterable[str], units: Sequence[Parsed]) -> Statistics:
        wanted = set(terms)
        holders = dict.fromkeys(wanted, 0)
        documents = length = 0
        for unit in units:
            counts = unit.terms.get(path)
            if counts is None:
                continue
            documents += 1
            length += len(unit.positions[path])
            for term in wanted:
                if term in counts:
                    holders[term] += 1
        return Statistics(holders, documents, length / documents if documents else 0.0)


def _stack(vectors: list[Vector]) -> Vector:
    return np.stack(vectors) if vectors else np.zeros((0, 0), dtype=np.float32)


def shard(index: Index) -> Shard:
    """The view of now; built once for each refresh."""
    cached = index.reader
    if not isinstance(cached, Shard) or index.reader_generation != index.generation:
        cached = Shard(index)
        index.reader, index.reader_generation = cached, index.generation
    return cached
