"""Search by meaning with our own encoder: chunk vectors in nested documents, found with kNN.

Free on every licence. https://www.elastic.co/docs/solutions/search/vector/knn
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import batched
from math import inf

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from articles.search.base import Document
from articles.search.chunks import split, to_embed
from articles.search.elastic import mapping
from articles.search.elastic.mapping import KEYWORD, Json
from articles.search.elastic.vectors import Finder, OutOfTime
from articles.search.encoders import get_encoder

VECTOR = "chunks.vector"
TEXT = "chunks.text"
# Chunks that each shard looks at for one hit; with fewer, several of one article crowd others out.
CANDIDATES_A_HIT = 4
MOST_CANDIDATES = 10_000  # Elasticsearch's own limit
WATCHED_BATCH = 2  # passages between two looks at the clock
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
        chunks: Json = {"type": "nested", "properties": {"vector": vector, "text": text}}
        return mapping.index_body({"chunks": chunks, "encoder": KEYWORD}, copied=False)

    def source(self, document: Document, deadline: float) -> Json:
        encoder = get_encoder()
        passages = split(document.title, document.text)
        # A long article takes seconds; somebody who waits for less is not kept that long.
        size = len(passages) if deadline == inf else WATCHED_BATCH
        chunks: list[Json] = []
        for batch in batched(passages, size):
            if time.monotonic() >= deadline:
                raise OutOfTime
            texts = [to_embed(document.title, passage) for passage in batch]
            vectors = encoder.encode_passages(texts, document.language)
            chunks += [
                {"text": passage, "vector": _numbers(vector)}
                for passage, vector in zip(batch, vectors, strict=True)
            ]
        return {**mapping.source(document), "encoder": encoder.name, "chunks": chunks}

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

    def ask(self, text: str) -> Finder:
        return self._finder(get_encoder().encode_query(text))

    def near(self, pk: int, client: Elasticsearch, index: str) -> Finder | None:
        found = client.options(ignore_status=404).get(
            index=index, id=str(pk), source_includes=[VECTOR], source_exclude_vectors=False
        )
        chunks = found.get("_source", {}).get("chunks")
        if not chunks:
            return None
        return self._finder(np.mean([chunk["vector"] for chunk in chunks], axis=0))

    def _finder(self, vector: NDArray[np.floating]) -> Finder:
        # kNN as a section, not as a query, returns each
        # article once, by its best chunk, and its filter applies before the nearest are taken.
        numbers = _numbers(vector / np.linalg.norm(vector))
        least = get_encoder().cutoff
        return lambda filters, size: {
            "knn": {
                "field": VECTOR,
                "query_vector": numbers,
                "k": size,
                "num_candidates": min(size * CANDIDATES_A_HIT, MOST_CANDIDATES),
                "similarity": least,
                "filter": [*filters, *self.mine()],
                "inner_hits": {"size": 1, "_source": False, "fields": [TEXT]},
            },
            "size": size,
            "_source": ["date"],
        }

    def passage(self, hit: Json) -> str:
        best = hit["inner_hits"]["chunks"]["hits"]["hits"]
        return str(best[0]["fields"]["chunks"][0]["text"][0]) if best else ""


def _numbers(vector: NDArray[np.floating]) -> list[float]:
    return [round(float(value), DECIMALS) for value in vector]
