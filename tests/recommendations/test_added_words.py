"""Words that a sentence adds to those of its article."""

from __future__ import annotations

import pytest

from recommendations.added_words import adds_too_much

SOURCES = (
    "How do I sign in?",
    "Passkeys in Gate",
    "Passkeys sign people in with a key pair held by their phone. After 12 months we have "
    "enough data to say where they win and where they hurt. They replaced 600 passwords.",
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Here you see that passkeys sign people in with a key pair held by their phone.",
        "After 12 months there is enough data to say where passkeys win.",
        "You'll find here what passkeys in Gate replace.",  # other forms of their words
        # What is said of any article.
        "This guide explains where a passkey helps you, and where it hurts.",
        "Passkeys sign people in with a key pair on a laptop.",  # one word is no summary's fault
        "Passkeys replaced 4711 of 600 passwords on 31/12/2031.",  # `facts` judges numbers
        "Passkeys: sign in, Sign In, SIGN IN!",
    ],
)
def test_sentence_in_the_words_of_the_article(sentence: str) -> None:
    assert not adds_too_much(sentence, SOURCES)


@pytest.mark.parametrize(
    "sentence",
    [
        "This is a comprehensive guide to modern authentication.",
        "Passkeys are easy to set up and improve your security.",
        "It provides a powerful tool for understanding passkeys.",
    ],
)
def test_sentence_of_what_one_usually_says(sentence: str) -> None:
    assert adds_too_much(sentence, SOURCES)


def test_a_word_said_twice_counts_once() -> None:
    assert not adds_too_much("Laptop, laptop and laptops.", SOURCES)


def test_any_source_will_do() -> None:
    sentence = "Laptops and tablets replaced passwords."
    assert adds_too_much(sentence, SOURCES)
    assert not adds_too_much(sentence, (*SOURCES, "a laptop", "tablet"))
