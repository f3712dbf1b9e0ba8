"""Where would this text stand among the published articles? Nothing is written anywhere.

The engine names the best articles for a question, and the text is compared with the passages that
it found. Vectors of different engines cannot be compared, so those passages and the text's own are
embedded by the local encoder and scored as the embedded engine scores (`ranking`). Where another
engine answers the readers, the rank is therefore an estimate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.core.cache import cache
from django.db.models import QuerySet
from numpy.typing import NDArray

from articles.markdown import plain_text
from articles.models import Article
from articles.search import ranking
from articles.search.base import SearchError, SearchQuery, get_engine
from articles.search.chunks import split, terms, to_embed
from articles.search.encoders import Encoder, EncoderError, Vectors, get_encoder, query_vector
from articles.search.frequencies import by_language
from articles.search.results import Answer, FoundArticle

COMPARED = 10  # published articles that the text is compared with
KEEP_VECTORS_SECONDS = 60 * 60


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
    vector = query_vector(encoder, question)
    texts = [passages, *([hit.passage] for hit in rivals)]
    cosines = [
        _vectors(encoder, article, _to_embed(article, some)) @ vector
        for article, some in zip(compared, texts, strict=True)
    ]
    titles = [_vectors(encoder, article, _titles(article)) @ vector for article in compared]
    shares, languages = _corpus(question, compared, others)
    # Whatever else is published counts for the weights of words, and stands far behind.
    unseen = np.full(len(languages) - len(compared), -1.0)
    signals = ranking.Signals(
        passages=np.concatenate([[values.max() for values in cosines], unseen]),
        titles=np.concatenate([[values.max() for values in titles], unseen]),
        shares=shares,
        languages=languages,
    )
    scores = signals.scores
    own, *theirs = scores[: len(compared)].tolist()
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


def _corpus(
    question: str, compared: Sequence[Article], others: QuerySet[Article]
) -> tuple[ranking.Floats, NDArray[np.str_]]:
    """Shares of the question's words and languages, one a published article and the draft.

    The compared articles come first. The others are not read: how many of each language hold a
    term is all that the weights and the means of a language depend on, not which ones.
    """
    counts = by_language(question, others)
    held = [(article.language, _terms(article)) for article in compared]
    languages = [language for language, _words in held]
    index: dict[str, list[int]] = {
        term: [row for row, (_language, words) in enumerate(held) if term in words]
        for term in terms(question)
    }
    for language, (total, holding) in counts.items():
        start = len(languages)
        known = sum(language == of for of, _words in held[1:])
        unseen = max(total - known, 0)
        languages += [language] * unseen
        for term, count in holding.items():
            rest = count - sum(language == of and term in words for of, words in held[1:])
            index[term] += range(start, start + min(max(rest, 0), unseen))
    rows = {term: np.array(found_in, dtype=np.intp) for term, found_in in index.items()}
    shares = ranking.lexical_shares(terms(question), rows, len(languages))
    return shares, np.array(languages)


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
