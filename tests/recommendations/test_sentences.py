"""Sentences out of text deltas: where they end, when they are emitted, and where they stop."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.sentences import MAX_SENTENCE, SentenceStream


def sentences(*parts: str, limit: int = 9) -> list[str]:
    stream = SentenceStream(limit)
    return [sentence for part in parts for sentence in stream.feed(part)] + stream.close()


def assert_split(text: str, expected: list[str]) -> None:
    """Whole, character by character, and cut in two anywhere."""
    assert sentences(text) == expected
    assert sentences(*text) == expected
    for place in range(len(text)):
        assert sentences(text[:place], text[place:]) == expected


def test_sentence_is_emitted_as_soon_as_white_space_follows_its_end() -> None:
    stream = SentenceStream()
    assert stream.feed("It works") == []
    assert stream.feed(".") == []  # it may be the point of a number
    assert stream.feed(" ") == ["It works."]
    assert stream.feed("Well.\nFast") == ["Well."]


def test_last_sentence_needs_no_white_space() -> None:
    stream = SentenceStream()
    assert stream.feed("It works.") == []
    assert stream.close() == ["It works."]
    assert stream.close() == []


def test_unfinished_last_sentence_is_not_emitted_but_can_be_asked_for() -> None:
    stream = SentenceStream()
    assert stream.feed("It works. It is also") == ["It works."]
    assert stream.close() == []
    assert stream.rest == "It is also"


def test_after_the_limit_the_model_may_be_stopped() -> None:
    stream = SentenceStream(limit=3)
    assert stream.feed("One. Two. Three") == ["One.", "Two."]
    assert not stream.done
    assert stream.feed(". Four. Five.") == ["Three."]
    assert stream.done
    assert stream.feed(" Six. ") == []
    assert stream.close() == []
    assert stream.rest == ""


def test_last_sentence_counts_towards_the_limit() -> None:
    stream = SentenceStream(limit=1)
    stream.feed("One.")
    assert not stream.done
    assert stream.close() == ["One."]
    assert stream.done


def test_nothing_is_kept_of_the_sentence_after_the_limit() -> None:
    stream = SentenceStream(limit=1)
    assert stream.feed("One? Two") == ["One?"]
    assert stream.done
    assert stream.rest == ""


def test_limit_of_none_is_done_at_once() -> None:
    assert SentenceStream(limit=0).done
    assert sentences("One. Two. ", limit=0) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n ", []),
        ("It works!  Does it?\nYes… Really. ", ["It works!", "Does it?", "Yes…", "Really."]),
        ("Is it?! Yes.", ["Is it?!", "Yes."]),
        ("¿Qué hace? Nada. ¡Mira! Ya.", ["¿Qué hace?", "Nada.", "¡Mira!", "Ya."]),
        ("  The\n article \t explains  it. ", ["The article explains it."]),
        ("Some restores fail, most don't. Try. ", ["Some restores fail, most don't.", "Try."]),
        ("It runs PostgreSQL 17. It is fast.", ["It runs PostgreSQL 17.", "It is fast."]),
        (
            "Needs PostgreSQL 17.4 or v2.1. Now 3.5 times.",
            ["Needs PostgreSQL 17.4 or v2.1.", "Now 3.5 times."],
        ),
        ("See api.vereda.example. It answers.", ["See api.vereda.example.", "It answers."]),
        (
            "Set it in settings.py, e.g. the port. Done.",
            ["Set it in settings.py, e.g. the port.", "Done."],
        ),
        ("Use a queue, i.e. Kafka. Done.", ["Use a queue, i.e. Kafka.", "Done."]),
        ("By Dr. Ruiz vs. Mr. Holloway. Read it.", ["By Dr. Ruiz vs. Mr. Holloway.", "Read it."]),
        (
            "J. Smith and M. Lovelace wrote it. Read.",
            ["J. Smith and M. Lovelace wrote it.", "Read."],
        ),
        ("Logs, traces, etc. are kept. Good.", ["Logs, traces, etc. are kept.", "Good."]),
        (
            "It keeps logs, traces, etc. The rest goes.",
            ["It keeps logs, traces, etc.", "The rest goes."],
        ),
        (
            "At 5 p.m. the job runs. At 6 p.m. It ends.",
            ["At 5 p.m. the job runs.", "At 6 p.m.", "It ends."],
        ),
        ("In the U.S. users wait. Here not.", ["In the U.S. users wait.", "Here not."]),
        (
            "See fig. 3 and No. 5. Yes? No. It is.",
            ["See fig. 3 and No. 5.", "Yes?", "No.", "It is."],
        ),
        (
            "Se usa, p. ej. en la pág. 5 y EE. UU. también.",
            ["Se usa, p. ej. en la pág. 5 y EE. UU. también."],
        ),
        ("It helps (e.g. with caches). Good.", ["It helps (e.g. with caches).", "Good."]),
        ("Wait... what? Yes... No.", ["Wait... what?", "Yes...", "No."]),
        ("He said “It works.” Then he left.", ["He said “It works.”", "Then he left."]),
        (
            "“What broke?” explains the leak. Read it.",
            ["“What broke?” explains the leak.", "Read it."],
        ),
        (
            "The post ¿Qué hacer? explains it. Read it.",
            ["The post ¿Qué hacer? explains it.", "Read it."],
        ),
        (
            "The post “¿Qué hacer?” (2024) explains it.",
            ["The post “¿Qué hacer?” (2024) explains it."],
        ),
        ("(See below.) Then go on.", ["(See below.)", "Then go on."]),
        ("It is fast! 3 steps are enough.", ["It is fast!", "3 steps are enough."]),
        ("**It is fast.** `x` does it.", ["**It is fast.**", "`x` does it."]),
        ("1. Open it. 2) Close it.", ["1. Open it.", "2) Close it."]),
        ("- 1. Open it.\n- 2. Close it.", ["- 1. Open it.", "- 2. Close it."]),
        ("# Backups\n\nIt explains them.", ["It explains them."]),
        ("Here is the text:\r\n\r\nIt explains them.", ["It explains them."]),
        ("It is in etc.\n\nnext is it.", ["It is in etc.", "next is it."]),
        ("It goes\non. And on.\n\n\n\nEnd.", ["It goes on.", "And on.", "End."]),
        ("?! Then.", ["?!", "Then."]),
        (". Then.", [".", "Then."]),
    ],
)
def test_sentences_end_where_a_reader_would_say(text: str, expected: list[str]) -> None:
    assert_split(text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>\n\n</think>\n\nIt works.", ["It works."]),
        (" <think>Hm. Well. I see.</think>It works. Well.", ["It works.", "Well."]),
        ("<think>Hm.</think><think>So. </think>It works.", ["It works."]),
        ("<think>Hm. I never stop. Never.", []),
        ("<thing> works. Well.", ["<thing> works.", "Well."]),
        ("<think", []),
        ("The tag <think> is skipped. Yes.", ["The tag <think> is skipped.", "Yes."]),
    ],
)
def test_thinking_at_the_start_is_skipped(text: str, expected: list[str]) -> None:
    assert_split(text, expected)


def test_endless_sentence_ends_the_stream() -> None:
    for parts in (["It works. " + "word " * 10_000], "It works. " + "word " * 10_000):
        stream = SentenceStream()
        found = [sentence for part in parts for sentence in stream.feed(part)]
        assert found == ["It works."]
        assert stream.done
        assert stream.rest == ""
        assert stream.close() == []


def test_longest_sentence_passes() -> None:
    longest = "x" * (MAX_SENTENCE - 1) + "."
    assert sentences(longest + " Next.") == [longest, "Next."]
    assert sentences("x" + longest + " Next.") == []


FRAGMENTS = st.sampled_from(
    [
        *'.!?… \n"”)*¿A1',
        "a",
        "word",
        "Dr.",
        "e.g.",
        "etc.",
        "17.",
        "v2.1",
        "<think>",
        "</think>",
        "\n\n",
        "“",
    ]
)


@settings(max_examples=120)
@given(
    text=st.lists(FRAGMENTS | st.text(max_size=2), max_size=25).map("".join),
    places=st.lists(st.integers(0, 60), max_size=12),
    limit=st.integers(1, 4),
)
def test_no_cut_matters(text: str, places: list[int], limit: int) -> None:
    cuts = sorted({0, len(text), *(min(place, len(text)) for place in places)})
    found = sentences(text, limit=limit)
    assert sentences(*text, limit=limit) == found
    assert sentences(*(text[a:b] for a, b in pairwise(cuts)), limit=limit) == found
    assert len(found) <= limit
    for sentence in found:
        assert sentence == " ".join(sentence.split()) != ""
        assert sentence.replace(" ", "") in "".join(text.split())
