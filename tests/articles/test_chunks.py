"""Articles to passages, texts to terms."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles.markdown import plain_text
from articles.search.chunks import CHARACTERS_A_WORD, split, terms, to_embed

TITLE = "Backups that can be restored"


def sentences(count: int, words: int = 10) -> str:
    return " ".join(f"Sentence {n} " + "word " * (words - 3) + "ends." for n in range(count))


def lengths(passages: list[str]) -> list[int]:
    return [len(passage.split()) for passage in passages]


class TestSplit:
    def test_short_article_is_one_passage(self) -> None:
        assert split(TITLE, "Restore it every month.\n\nMeasure the time.") == [
            "Restore it every month.\n\nMeasure the time."
        ]

    @pytest.mark.parametrize("text", ["", "  \n\n \t "])
    def test_article_without_text_is_its_title(self, text: str) -> None:
        assert split(f" {TITLE} ", text) == [TITLE]

    def test_long_article_becomes_passages_of_similar_length(self) -> None:
        passages = split(TITLE, sentences(50))
        assert len(passages) == 4
        assert all(110 <= length <= 140 for length in lengths(passages))

    def test_passages_end_where_sentences_end(self) -> None:
        assert all(passage.endswith("ends.") for passage in split(TITLE, sentences(50)))

    def test_spanish_questions_and_quotes_start_sentences(self) -> None:
        text = "Se cayó ayer. ¿Por qué fue? «Nadie lo sabe.» ¡Ya funciona todo!"
        assert split(TITLE, text, words=3) == [
            "Se cayó ayer.",
            "¿Por qué fue?",
            "«Nadie lo sabe.»",
            "¡Ya funciona todo!",
        ]

    def test_decimal_numbers_and_versions_are_not_taken_apart(self) -> None:
        passages = split(TITLE, "Version 3.2.4 costs 0.5 euros. It is out.", words=5)
        assert passages == ["Version 3.2.4 costs 0.5 euros.", "It is out."]

    def test_heading_stays_with_what_it_introduces(self) -> None:
        text = f"{sentences(11)}\n\nWhat we changed\n\n{sentences(11)}"
        first, second = split(TITLE, text)
        assert first.endswith("ends.")
        assert second.startswith("What we changed\n\nSentence 0")

    def test_code_keeps_its_lines_and_indentation(self) -> None:
        code = "def restore():\n    if ready:\n        start()"
        assert split(TITLE, f"Run this:\n\n{code}\n\nDone.") == [f"Run this:\n\n{code}\n\nDone."]

    def test_long_code_is_cut_between_lines(self) -> None:
        line = "    call(first, second, third)"
        passages = split(TITLE, "\n".join([line] * 100))
        assert len(passages) == 2
        assert {part for passage in passages for part in passage.split("\n")} <= {
            line,
            line.strip(),
        }

    def test_table_is_cut_between_rows(self) -> None:
        rows = "\n".join(f"| Plan {n} | {n} requests |" for n in range(90))
        passages = split(TITLE, plain_text(f"| Plan | Limit |\n|---|---|\n{rows}"))
        assert len(passages) > 1
        for line in "\n".join(passages).split("\n"):
            assert re.fullmatch(r"Plan: Plan (\d+) · Limit: \1 requests\.", line)

    def test_row_of_a_table_is_no_heading(self) -> None:
        text = plain_text(f"{sentences(11)}\n\n| Plan | Limit |\n|---|---|\n| Solo | 9 |")
        first, _ = split(TITLE, f"{text}\n\n{sentences(11)}")
        assert first.endswith("ends.\n\nPlan: Solo · Limit: 9.")

    def test_last_passage_is_never_a_scrap(self) -> None:
        for count in range(1, 40):
            assert min(lengths(split(TITLE, f"{sentences(count)} This is the end."))) > 3

    def test_text_without_sentences_is_cut_between_words(self) -> None:
        passages = split(TITLE, "word " * 1000)
        assert set(" ".join(passages).split()) == {"word"}
        assert max(lengths(passages)) <= 240

    def test_text_without_spaces_is_cut(self) -> None:
        passages = split(TITLE, "x" * 100_000)
        assert "".join(passages).replace(" ", "") == "x" * 100_000
        assert max(map(len, passages)) <= 2 * 120 * CHARACTERS_A_WORD

    def test_passage_of_no_words_makes_no_sense(self) -> None:
        with pytest.raises(ValueError, match="at least one word"):
            split(TITLE, "text", words=0)

    @given(
        st.lists(
            st.sampled_from(
                [
                    "One.",
                    "Two words!",
                    "no end",
                    "¿Qué?",
                    "\n\n",
                    "\n",
                    "    code();",
                    "«Fin.»",
                    "é",
                ]
            ),
            max_size=120,
        ),
        st.integers(1, 30),
    )
    def test_every_word_is_kept_once_in_order(self, parts: list[str], words: int) -> None:
        text = " ".join(parts)
        passages = split("", text, words)
        assert passages
        assert " ".join(passages).split() == text.split()
        assert max(lengths(passages)) <= 2 * words
        assert passages == split("", text, words)

    @given(st.text(max_size=400), st.integers(1, 40))
    def test_no_text_gets_lost_or_too_long(self, text: str, words: int) -> None:
        passages = split("Title", text, words)
        if text.strip():
            assert "".join("".join(passages).split()) == "".join(text.split())
        assert all(
            len(passage) <= (2 * words + 1) * (CHARACTERS_A_WORD + 1) for passage in passages
        )


class TestToEmbed:
    def test_title_comes_first(self) -> None:
        assert to_embed(TITLE, "Every month.") == f"{TITLE}\n\nEvery month."

    def test_translated_title_stands_beside_the_title(self) -> None:
        assert to_embed("Copias", "Cada mes.", "Backups") == "Copias (Backups)\n\nCada mes."

    def test_title_is_not_said_twice(self) -> None:
        assert to_embed(TITLE, TITLE) == TITLE


class TestTerms:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("facturas", "factura"),
            ("Facturación", "FACTURAS"),
            ("migro", "migrar"),
            ("migración", "migraciones"),
            ("migration", "migrating"),
            ("update", "updating"),
            ("vulnerabilities", "vulnerability"),
            ("vulnerability", "vulnerabilidad"),
            ("queries", "query"),
            ("invoices", "invoice"),
            ("copia", "Copias"),
            ("rápidamente", "RAPIDAMENTE"),
        ],
    )
    def test_forms_of_a_word_agree(self, one: str, other: str) -> None:
        assert terms(one) == terms(other) != []

    def test_questions_leave_only_what_they_are_about(self) -> None:
        assert terms("¿Cuánto tiempo tarda? How much time?") == terms("tarda")
        assert terms("¿Cómo migro sin perder datos?") == ["migr", "perd", "dato"]
        assert terms("How do I migrate without losing data?") == ["migr", "losing", "data"]

    @pytest.mark.parametrize("text", ["", "¿y de la que?", "who is it?", "don't", "!!! …", "a b c"])
    def test_words_without_a_topic_give_none(self, text: str) -> None:
        assert terms(text) == []

    def test_names_with_digits_are_found_whole_and_in_parts(self) -> None:
        assert terms("VSA-2026-004") == ["vsa-2026-004", "vsa", "2026", "004"]
        assert terms("3.2.4") == ["3.2.4"]
        assert terms("OAuth2") == ["oauth2", "oauth"]
        assert terms("wal_level") == ["wal", "level"]

    def test_names_of_plans_and_attacks_are_no_stop_words(self) -> None:
        assert terms("plan Solo, DoS") == ["plan", "solo", "dos"]

    @given(st.text(max_size=200))
    def test_terms_of_any_text_are_in_lower_case_and_always_the_same(self, text: str) -> None:
        found = terms(text)
        assert found == terms(text)
        assert all(term == term.casefold() != "" for term in found)

    @given(st.lists(st.from_regex(r"[a-zñáéíóú]{2,12}", fullmatch=True), max_size=8))
    def test_terms_of_a_text_are_those_of_its_words(self, words: list[str]) -> None:
        assert terms(" ".join(words)) == [term for word in words for term in terms(word)]
