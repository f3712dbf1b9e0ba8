"""Where would this text stand among the published articles? Nothing is written anywhere.

The engine names the best articles for a question, and the text is compared with the passages that
it found. Vectors of different engines cannot be compared, so those passages and the text's own are
embedded by the local encoder and scored as the embedded engine scores (`ranking`). Where another
engine answers the readers, the rank is therefore an estimate.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.core.cache import cache
from django.db.models import Count, Q, QuerySet

from articles.markdown import plain_text
from articles.models import Article
from articles.search import ranking
from articles.search.base import SearchError, SearchQuery, get_engine
from articles.search.chunks import split, terms, to_embed
from articles.search.encoders import Encoder, EncoderError, Vectors, get_encoder
from articles.search.results import Answer, FoundArticle

COMPARED = 10  # published articles that the text is compared with
KEEP_VECTORS_SECONDS = 60 * 60

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Standing:
    """`rank` counts from 1 among the text and `compared` articles, `above` are those before it.

    `on_topic` is false where the text has too little to do with the question to be shown at all.
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
    others = Article.objects.published()
    if published_pk is not None:
        others = others.exclude(pk=published_pk)
    query = SearchQuery(question, limit=COMPARED + 1)
    try:
        found = Answer(query, get_engine().search(query)).found
        rivals = [hit for hit in found if hit.article.pk != published_pk][:COMPARED]
        return _compare(question, draft, rivals, others, _place(published_pk, found))
    except EncoderError as error:
        raise SearchError(str(error)) from error


def _compare(
    question: str,
    draft: Article,
    rivals: Sequence[FoundArticle],
    others: QuerySet[Article],
    published_rank: int | None,
) -> Standing:
    encoder = get_encoder()
    passages = split(draft.title, plain_text(draft.content))
    compared = [draft, *(hit.article for hit in rivals)]  # row 0 is the draft
    vector = encoder.encode_query(question)
    texts = [passages, *([hit.passage] for hit in rivals)]
    cosines = [
        _vectors(encoder, article, _to_embed(article, some)) @ vector
        for article, some in zip(compared, texts, strict=True)
    ]
    titles = [_vectors(encoder, article, _titles(article)) @ vector for article in compared]
    signals = ranking.Signals(
        passages=np.array([values.max() for values in cosines]),
        titles=np.array([values.max() for values in titles]),
        shares=_shares(question, compared, others),
        languages=np.array([article.language for article in compared]),
    )
    scores = signals.scores
    own, *theirs = scores.tolist()
    above = sorted(
        ((score, hit) for score, hit in zip(theirs, rivals, strict=True) if score > own),
        key=lambda pair: -pair[0],
    )
    return Standing(
        rank=len(above) + 1,
        compared=len(rivals),
        passage=passages[int(np.argmax(cosines[0]))],
        above=[hit for _score, hit in above],
        on_topic=bool(ranking.found(scores, signals.evidence, encoder.cutoff)[0]),
        published_rank=published_rank,
    )


def _place(pk: int | None, found: Sequence[FoundArticle]) -> int | None:
    return next((n for n, hit in enumerate(found, start=1) if hit.article.pk == pk), None)


def _shares(
    question: str, compared: Sequence[Article], others: QuerySet[Article]
) -> ranking.Floats:
    """The compared articles' shares of the question's words, weighted as in the whole index."""
    held = [_terms(article) for article in compared]
    everywhere = others.count() + 1  # with the draft
    counts = _frequencies(question, others)
    index = {}
    for term, count in counts.items():
        rows = [row for row, words in enumerate(held) if term in words]
        # The articles that hold the term and are not compared, whichever they are.
        further = range(len(compared), min(len(compared) + max(count - len(rows), 0), everywhere))
        index[term] = np.array([*rows, *further], dtype=np.intp)
    size = max(everywhere, len(compared))
    return ranking.lexical_shares(terms(question), index, size)[: len(compared)]


def _frequencies(question: str, articles: QuerySet[Article]) -> Mapping[str, int]:
    """Each term of the question with the number of articles that hold it, counted by the database.

    A term is the beginning of its word, so the word's own first letters (with their accents) are
    looked for. A word inside another one counts too; for a weight that is near enough.
    """
    letters = {term: term for term in terms(question)}
    for match in _WORD.finditer(question):
        letters |= {term: match[0][: len(term)] for term in terms(match[0])}
    fields = "title", "translated_title", "content", "author__name", "category__name"
    conditions = {
        f"term_{number}": Count("pk", filter=_any(fields, wanted))
        for number, wanted in enumerate(letters.values())
    }
    counted = articles.order_by().aggregate(**conditions)
    return dict(zip(letters, (counted[name] for name in conditions), strict=True))


def _any(fields: Sequence[str], text: str) -> Q:
    condition = Q()
    for field in fields:
        condition |= Q(**{f"{field}__icontains": text})
    return condition


def _terms(article: Article) -> frozenset[str]:
    """The terms that the embedded engine keeps of an article; a draft may lack author and topic."""
    names = [
        str(getattr(article, name))
        for name in ("author", "category")
        if getattr(article, f"{name}_id") is not None
    ]
    words = [article.title, article.translated_title, *names, plain_text(article.content)]
    return frozenset(terms(" ".join(words)))


def _to_embed(article: Article, passages: Sequence[str]) -> list[str]:
    return [to_embed(article.title, text, article.translated_title) for text in passages]


def _titles(article: Article) -> list[str]:
    return list(filter(None, [article.title, article.translated_title])) or [""]


def _vectors(encoder: Encoder, article: Article, texts: Sequence[str]) -> Vectors:
    """One row a text, kept a while: an editor asks several questions of one draft."""
    keys = [_key(encoder.name, article.language, text) for text in texts]
    kept: dict[str, bytes] = cache.get_many(keys)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in kept}
    if missing:
        vectors = encoder.encode_passages(list(missing.values()), article.language)
        fresh = {
            key: vector.astype(np.float32).tobytes()
            for key, vector in zip(missing, vectors, strict=True)
        }
        cache.set_many(fresh, KEEP_VECTORS_SECONDS)
        kept |= fresh
    return np.stack([np.frombuffer(kept[key], dtype=np.float32) for key in keys])


def _key(*parts: str) -> str:
    return "standing:" + hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()
