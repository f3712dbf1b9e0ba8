"""Search by meaning with our own encoder: chunk vectors in nested documents, found with kNN.

Free on every licence. https://www.elastic.co/docs/solutions/search/vector/knn
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from articles.search.base import Document
from articles.search.chunks import split, terms, to_embed
from articles.search.elastic import mapping, reranking
from articles.search.elastic.mapping import FACET_FIELDS, KEYWORD, Json
from articles.search.elastic.vectors import Question
from articles.search.encoders import embed, get_encoder, query_vector, unit

VECTOR = "chunks.vector"
TEXT = "chunks.text"
# Chunks that each shard looks at for one hit; with fewer, several of one article crowd others out.
CANDIDATES_A_HIT = 4
MOST_CANDIDATES = 10_000  # Elasticsearch's own limit
DECIMALS = 6  # of a vector's values in JSON; more are below the precision of float32


class DenseVector:
    name = "dense_vector"
    needs_inference = False
    request_documents = 100

    def index_body(self) -> Json:
        vector: Json = {
            "type": "dense_vector",
            "dims": get_encoder().dimensions,
            "index": True,
            "similarity": "cosine",
        }
        text: Json = {"type": "text", "index": False}
        own: Json = {
            "chunks": {"type": "nested", "properties": {"vector": vector, "text": text}},
            "encoder": KEYWORD,
            "terms": {**KEYWORD, "ignore_above": 256},  # longer ones nobody asks for
            "title_vectors": {**KEYWORD, "index": False, "doc_values": False},
        }
        return mapping.index_body(own, copied=False)

    def source(self, document: Document, deadline: float) -> Json:
        encoder = get_encoder()
        title, english = document.title, document.translated_title
        titles = list(filter(None, [title, english]))
        passages = split(title, document.text)
        texts = [*titles, *(to_embed(title, passage, english) for passage in passages)]
        vectors = embed(encoder, texts, document.language, deadline)
        words = [title, english, document.author, document.category, document.text]
        return {
            **mapping.source(document),
            "encoder": encoder.name,
            "title_vectors": _packed(vectors[: len(titles)]),
            "terms": sorted(set(terms(" ".join(words)))),
            "chunks": [
                {"text": passage, "vector": _numbers(vector)}
                for passage, vector in zip(passages, vectors[len(titles) :], strict=True)
            ],
        }

    def mine(self) -> Sequence[Json]:
        return [{"term": {"encoder": get_encoder().name}}]

    def difference(self, properties: Json) -> str:
        vector = properties.get("chunks", {}).get("properties", {}).get("vector")
        encoder = get_encoder()
        if vector is None:
            return f"The index has no {VECTOR}"
        if (dims := vector.get("dims")) != encoder.dimensions:
            return f"The index has vectors of {dims} dimensions, not {encoder.dimensions}"
        return ""

    def ask(self, text: str) -> Question:
        words = tuple(dict.fromkeys(terms(text)))
        return DenseQuestion(query_vector(get_encoder(), text), words, self.mine())

    def near(self, pk: int, client: Elasticsearch, index: str) -> Question | None:
        found = client.options(ignore_status=404).get(
            index=index, id=str(pk), source_includes=[VECTOR], source_exclude_vectors=False
        )
        chunks = found.get("_source", {}).get("chunks")
        if not chunks:
            return None
        mean = np.mean([chunk["vector"] for chunk in chunks], axis=0, dtype=np.float32)
        return DenseQuestion(unit(mean), (), self.mine())

    def passage(self, hit: Json) -> str:
        best = hit["inner_hits"]["chunks"]["hits"]["hits"]
        return str(best[0]["fields"]["chunks"][0]["text"][0]) if best else ""


@dataclass(frozen=True, slots=True)
class DenseQuestion:
    """Implements `Question`: kNN finds the candidates, `reranking` judges them."""

    vector: NDArray[np.float32]
    words: Sequence[str]
    mine: Sequence[Json]

    def body(self, filters: Sequence[Json], size: int, *, with_passages: bool = True) -> Json:
        # As a section, not as a query: it returns each article once, by its best chunk, and its
        # filter applies before the nearest are taken.
        knn: Json = {
            "field": VECTOR,
            "query_vector": _numbers(self.vector),
            "k": size,
            "num_candidates": min(size * CANDIDATES_A_HIT, MOST_CANDIDATES),
            "filter": [*filters, *self.mine],
        }
        if with_passages:
            knn["inner_hits"] = {"size": 1, "_source": False, "fields": [TEXT]}
        fields = [*FACET_FIELDS.values(), "date", "title_vectors"]
        body = {"knn": knn, "size": size, "_source": fields}
        if self.words:
            body["aggs"] = reranking.holders(self.words, size)
        return body

    def extras(self) -> Sequence[Json]:
        return [reranking.word_counts(self.words, self.mine)] if self.words else []

    def scores(
        self, rows: Mapping[int, Json], responses: Sequence[Json], extras: Sequence[Json]
    ) -> Mapping[int, float]:
        candidates = [
            reranking.Candidate(
                pk,
                passage=2 * row["_score"] - 1,  # Elasticsearch's score of a cosine, turned back
                title=float((_unpacked(row["_source"]["title_vectors"]) @ self.vector).max()),
                language=row["_source"]["language"],
            )
            for pk, row in rows.items()
        ]
        held = reranking.read_holders(self.words, responses)
        counts = reranking.read_word_counts(extras)
        return reranking.rerank(candidates, self.words, held, counts, get_encoder().cutoff)


def _packed(vectors: NDArray[np.float32]) -> str:
    """Vectors that are only ever read: as text of a third of the length of JSON numbers."""
    return b64encode(vectors.astype("<f2").tobytes()).decode()


def _unpacked(text: str) -> NDArray[np.float32]:
    vectors = np.frombuffer(b64decode(text), dtype="<f2").astype(np.float32)
    return vectors.reshape(-1, get_encoder().dimensions)


def _numbers(vector: NDArray[np.floating]) -> list[float]:
    return [round(float(value), DECIMALS) for value in vector]
