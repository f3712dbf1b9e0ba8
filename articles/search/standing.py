"""Where would this text stand among the published articles? Nothing is written anywhere.

The engine names the best articles for a question, and the text is compared with the passages that
it found. Vectors of different engines cannot be compared, so those passages and the text's own are
embedded by the local encoder and scored like the embedded engine scores (`ranking`). With another
engine the answer is therefore an estimate; weights of words are counted among the compared texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.core.cache import cache
from numpy.typing import NDArray

from articles.markdown import plain_text
from articles.models import Article
from articles.search.base import SearchError, SearchQuery, get_engine
from articles.search.chunks import split, terms, to_embed
from articles.search.encoders import Encoder, EncoderError, get_encoder
from articles.search.ranking import rank
from articles.search.results import Answer, FoundArticle
from articles.search.snapshot import Entry, Snapshot

COMPARED = 10  # published articles that the text is compared with
KEEP_VECTORS_SECONDS = 60 * 60
DRAFT = 0  # no article has this primary key


@dataclass(frozen=True, slots=True)
class Standing:
    """`rank` counts from 1 among the text and `compared` articles, `above` are those before it.

    `on_topic` is false where the text has too little to do with the question to be found at all.
    `published_rank` is where the published version of the same article stands now, if it is among
    the articles that were looked at.
    """

    rank: int
    compared: int
    passage: str
    above: Sequence[FoundArticle]
    on_topic: bool
    published_rank: int | None = None

    @property
    def behind_all(self) -> bool:
        """Behind as many articles as were looked at, so that the real rank may be lower still."""
        return self.rank > COMPARED


def standing(question: str, draft: Article, published_pk: int | None = None) -> Standing:
    """Rank `draft`, which may be unsaved, among what readers find for `question` today.

    The article `published_pk` is left out: the draft takes its place. Raises `SearchError`.
    """
    query = SearchQuery(question, limit=COMPARED + 1)
    found = Answer(query, get_engine().search(query)).found
    rivals = [hit for hit in found if hit.article.pk != published_pk][:COMPARED]
    try:
        return _compare(question, draft, rivals, _rank_of(published_pk, found))
    except EncoderError as error:
        raise SearchError(str(error)) from error


def _compare(
    question: str, draft: Article, rivals: Sequence[FoundArticle], published_rank: int | None
) -> Standing:
    encoder = get_encoder()
    passages = split(draft.title, plain_text(draft.content))
    entries = [_entry(encoder, DRAFT, draft, passages)] + [
        _entry(encoder, hit.article.pk, hit.article, [hit.passage]) for hit in rivals
    ]
    snapshot = Snapshot(
        encoder.name, encoder.dimensions, entries={entry.pk: entry for entry in entries}
    )
    ranking = rank(snapshot, encoder.encode_query(question), terms(question), encoder.cutoff)
    scores = dict(zip((entry.pk for entry in snapshot.rows), ranking.scores.tolist(), strict=True))
    own_row = 0  # rows ascend by primary key
    above = [hit for hit in rivals if scores[hit.article.pk] > scores[DRAFT]]
    return Standing(
        rank=len(above) + 1,
        compared=len(rivals),
        passage=passages[ranking.best_chunk(snapshot, own_row)],
        above=sorted(above, key=lambda hit: scores[hit.article.pk], reverse=True),
        on_topic=bool(ranking.found[own_row]),
        published_rank=published_rank,
    )


def _rank_of(pk: int | None, found: Sequence[FoundArticle]) -> int | None:
    return next((n for n, hit in enumerate(found, start=1) if hit.article.pk == pk), None)


def _entry(encoder: Encoder, pk: int, article: Article, passages: Sequence[str]) -> Entry:
    texts = [to_embed(article.title, passage) for passage in passages]
    names = [
        str(getattr(article, name))
        for name in ("author", "category")
        if getattr(article, f"{name}_id") is not None
    ]
    words = [article.title, article.translated_title, *names, plain_text(article.content)]
    return Entry(
        pk=pk,
        facets={},
        day=0,
        terms=frozenset(terms(" ".join(words))),
        chunk_ids=range(len(texts)),
        vectors=_vectors(encoder, texts, article.language),
    )


def _vectors(encoder: Encoder, texts: Sequence[str], language: str) -> NDArray[np.float32]:
    """Vectors of these texts; an editor asks several questions of the same text, so they are kept."""
    keys = [_key(encoder.name, language, text) for text in texts]
    kept: dict[str, bytes] = cache.get_many(keys)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in kept}
    if missing:
        vectors = encoder.encode_passages(list(missing.values()), language)
        fresh = {
            key: vector.astype(np.float32).tobytes()
            for key, vector in zip(missing, vectors, strict=True)
        }
        cache.set_many(fresh, KEEP_VECTORS_SECONDS)
        kept |= fresh
    return np.stack([np.frombuffer(kept[key], dtype=np.float32) for key in keys])


def _key(*parts: str) -> str:
    return "standing:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()
