"""What may be shown: plain text, facts that the sources know, and English."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations import guard
from recommendations.guard import harmless_start, is_english, plain, showable
from tests.conftest import demo


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It works.", "It works."),
        ("", ""),
        (" \n\t ", ""),
        # Markdown
        ("**It** works.", "It works."),
        ("**It works.", "It works."),  # a sentence cut out of bold text
        ("***It*** *really* works.", "It really works."),
        ("Use `pip install x` for ``it``.", "Use pip install x for it."),
        ("# It works.", "It works."),
        ("### 1. It works.", "It works."),
        ("- It works.", "It works."),
        ("* It works.", "It works."),
        ("• **It** works.", "It works."),
        ("> - 2) It works.", "It works."),
        ("See [the guide](https://vereda.example/x).", "See the guide."),
        ("See ![a chart](x.png) and [1].", "See a chart and [1]."),
        # not Markdown
        ("2 * 3 * 4 is 2**3 * 3.", "2 * 3 * 4 is 2**3 * 3."),
        ("Match *.py and a*b.", "Match *.py and a*b."),
        ("Set __init__ and snake_case_name.", "Set __init__ and snake_case_name."),
        ("C# and #5 -- it works - well.", "C# and #5 -- it works - well."),
        ("2026 was good.", "2026 was good."),
        # quotes
        ('"It works."', "It works."),
        ("“It works.”", "It works."),
        ("« It works. »", "It works."),
        ("„It works.“", "It works."),
        ("'It works.'", "It works."),
        ('"“It works.”"', "It works."),
        ('"It works.', "It works."),
        ("It works.”", "It works."),
        ('"Yes" and "no"', '"Yes" and "no"'),
        ("“Yes” and “no”", "“Yes” and “no”"),
        ("The “Yes” it's 'no'", "The “Yes” it's 'no'"),
        ("'tis so", "'tis so"),
        ('"', ""),
        # characters
        ("It\0 wor\x1bks\x7f.", "It works."),
        ("It \u202eskrow\u202c \u2066x\u2069\u200f.", "It skrow x."),
        ("It\u200b \ufeffworks\u00ad.", "It works."),
        ("It \ud83d works \ude00.", "It works ."),
        ("👩\u200d💻 ñ é 日本", "👩\u200d💻 ñ é 日本"),
        ("It\u00a0works\u2003\r\n\n\u2028well.", "It works well."),
        # HTML is text
        ("<b>It</b> &amp; <script>alert(1)</script>", "<b>It</b> &amp; <script>alert(1)</script>"),
    ],
)
def test_plain_text_of_model_text(text: str, shown: str) -> None:
    assert plain(text) == shown


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from([*"*`#-•>\"“”«»'‘’[]() .1\n\0\u202e\ud83da", "**", "](", "1. ", "- ", "# "])
        | st.text(max_size=2),
        max_size=25,
    ).map("".join)
)
def test_plain_text_is_clean_and_does_not_change_again(text: str) -> None:
    shown = plain(text)
    assert plain(shown) == shown
    assert shown == " ".join(shown.split())
    assert "`" not in shown
    assert {unicodedata.category(char) for char in shown if char not in "\u200c\u200d"}.isdisjoint(
        {"Cc", "Cf", "Cs"}
    )
    assert len(shown) <= len(text)


# Language


def sentences(language: str) -> list[str]:
    """Sentences of three and more words from the running text of the demo articles."""
    found = []
    for article in demo("articles.json"):
        if article["language"] == language:
            text = re.sub(r"```.*?```", "", article["content"], flags=re.DOTALL)
            lines = [line for line in text.splitlines() if line and line[0] not in "#|->*"]
            for sentence in re.split(r"(?<=[.!?])\s+", "\n".join(lines)):
                if len(re.findall(r"[^\W\d_]+", sentence)) >= 3:
                    found.append(plain(sentence))
    return found


def test_sentences_of_the_demo_articles_are_told_apart() -> None:
    english, spanish = sentences("en"), sentences("es")
    assert len(english) > 300
    assert len(spanish) > 150
    assert [sentence for sentence in english if not is_english(sentence)] == []
    assert [sentence for sentence in spanish if is_english(sentence)] == []


@pytest.mark.parametrize(
    "frame",
    [
        "The article “{}” explains how to test a backup.",
        '"{}" is the best place to start.',
        "Read «{}» for the steps that follow.",
    ],
)
def test_english_sentence_that_quotes_a_spanish_title_is_english(frame: str) -> None:
    titles = [a["title"]["original"] for a in demo("articles.json") if a["language"] == "es"]
    for title in titles:
        assert is_english(frame.format(title))


def test_english_sentence_with_a_spanish_title_it_does_not_quote_needs_the_title() -> None:
    titles = [a["title"]["original"] for a in demo("articles.json") if a["language"] == "es"]
    for title in titles:
        assert is_english(f"{title.lower()} explains how to test a backup.", [title, ""])
    assert not is_english("Una copia que nadie ha restaurado no es una copia explains it.")


def test_spanish_sentence_that_quotes_an_english_title_is_spanish() -> None:
    assert not is_english("El artículo “Write retry logic that helps” explica cómo reintentar.")


def test_spanish_names_do_not_make_a_sentence_spanish() -> None:
    assert is_english("It explains tracing, by Inés Roldán and José García Márquez in Málaga.")


@pytest.mark.parametrize("text", ["", "17.", "Sí.", "La caché.", "PostgreSQL, Redis."])
def test_fewer_than_three_words_are_taken_for_english(text: str) -> None:
    assert is_english(text)


@pytest.mark.parametrize(
    "text", ["¿Qué hace falta?", "«Una copia que nadie ha restaurado»", "HAY TRES DEFENSAS."]
)
def test_spanish_of_three_words_is_told_even_in_quotes_or_capitals(text: str) -> None:
    assert not is_english(text)


def test_language_of_a_sentence_is_told_within_milliseconds() -> None:
    sentence = "The article explains how to test a backup before you need it, step by step. " * 2
    is_english(sentence)
    begun = time.process_time()
    for _ in range(50):
        is_english(sentence, ["Una copia que nadie ha restaurado no es una copia"])
    assert (time.process_time() - begun) / 50 < 0.005


def test_model_is_loaded_when_it_is_first_needed_and_once() -> None:
    code = "import sys, recommendations.guard; sys.exit('py3langid' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    guard._load_identifier.cache_clear()
    threads = [threading.Thread(target=is_english, args=("It works very well.",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert guard._load_identifier.cache_info().misses == 1


# Together

SOURCES = ("Copias de seguridad", "Guardamos las copias 30 días.", "How long are backups kept?")


def test_supported_sentence_is_shown_as_plain_text() -> None:
    assert (
        showable("- **Backups** are kept for `30` days.", SOURCES)
        == "Backups are kept for 30 days."
    )


def test_sentence_with_a_fact_of_no_source_is_not_shown() -> None:
    assert showable("Backups are kept for 31 days.", SOURCES) is None
    assert showable("See https://evil.example/x for backups.", SOURCES) is None


def test_address_behind_a_link_is_neither_shown_nor_judged() -> None:
    shown = showable("See [the backups](https://evil.example/x) of 30 days.", SOURCES)
    assert shown == "See the backups of 30 days."


@pytest.mark.parametrize("text", ["", "**", "---", "30.", "\u202e", "1. "])
def test_nothing_readable_is_not_shown(text: str) -> None:
    assert showable(text, SOURCES) is None


def test_spanish_is_not_shown_where_english_is_asked_for() -> None:
    sentence = "Las copias se guardan 30 días."
    assert showable(sentence, SOURCES) == sentence
    assert showable(sentence, SOURCES, english=True) is None
    assert showable("They are kept for 30 days.", SOURCES, english=True) is not None


def test_names_do_not_count_for_the_language() -> None:
    sentence = "Una copia que nadie ha restaurado no es una copia explains it."
    names = ["Una copia que nadie ha restaurado no es una copia"]
    assert showable(sentence, SOURCES, english=True) is None
    assert showable(sentence, SOURCES, english=True, names=names) == sentence


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("", ""),
        ("If you want it", "If you want it"),
        ("Worth a look: the team's pre-release, or", "Worth a look: the team's pre-release, or"),
        ("Good to know too:", "Good to know too:"),
        ("It takes 20 minutes", "It takes"),
        ("Use OAuth2 for", "Use"),
        ("See http://example.org and", "See"),
        ("Ask a@b.example for", "Ask"),
        ("Version v2 is", "Version"),
        ("Since mid-2024 it", "Since"),
        ("Read the “guide” first", "Read the"),
        ("It **really** works", "It"),
        ("- It works", ""),
        ("2026 was", ""),
        ("¿Qué pasa", ""),
    ],
)
def test_start_of_a_sentence_is_shown_up_to_what_may_be_a_fact(words: str, shown: str) -> None:
    assert harmless_start(words) == shown


@given(st.text(alphabet="ab '’-,:;.1@*_“\u0301 ", max_size=30))
def test_start_of_a_sentence_is_the_start_of_what_is_shown_in_the_end(sentence: str) -> None:
    words = " ".join(sentence.split())
    for length in range(len(words) + 1):
        start = harmless_start(words[:length].rpartition(" ")[0])
        assert plain(words).startswith(start)
        assert not any(char.isdigit() for char in start)
