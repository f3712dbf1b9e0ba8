"""The cards through Elasticsearch's chat stream, from the real client to what a reader sees.

The stand-in checks each request with the specification and sends the frames byte for byte.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from recommendations.hits import ArticleHit
from recommendations.models import Outcome
from recommendations.service import recommend
from tests.recommendations.answers import TEXTS, array, ask, logged
from tests.standin.fixtures import assert_no_violations
from tests.standin.standin import StandIn
from tests.standin.steps import (
    Cut,
    ErrorEvent,
    HttpError,
    NoDone,
    Sleep,
    Split,
    Stall,
    Step,
    Text,
    Usage,
)

pytestmark = pytest.mark.django_db

FIRST = array(*TEXTS)[: array(*TEXTS).index(TEXTS[1]) + 9]  # the first card and some more
ALL = [*array(*TEXTS), Text("", finish_reason="stop"), Usage(70, 30)]
RATE_LIMIT = "Received a rate limit status code for request from inference entity id [{id}] status"


@pytest.fixture
def standin(settings: Settings) -> Iterator[StandIn]:
    settings.ELASTICSEARCH_VECTORS = "semantic_text"
    settings.CHAT_COMPLETIONS_URL = ""
    settings.RECOMMENDATION_READ_TIMEOUT = 0.5
    with StandIn(vectors="hash") as standin:
        settings.ELASTICSEARCH_URL = standin.url
        settings.ELASTICSEARCH_API_KEY = standin.api_key
        standin.add_chat_endpoint(settings.INFERENCE_ENDPOINT_ID)
        yield standin
    assert_no_violations(standin)


def test_answer_becomes_cards(standin: StandIn, hits: list[ArticleHit]) -> None:
    standin.chat.script(ALL)
    page = ask(hits)
    assert (page.kinds(), page.texts()) == (["written"] * 3, TEXTS)
    assert page.complete
    assert (logged().outcome, logged().model) == (Outcome.WRITTEN, "hugging-face-smollm3-3b")


def test_model_of_the_stand_in_writes_as_smollm3_does(
    standin: StandIn, hits: list[ArticleHit]
) -> None:
    page = ask(hits)  # an empty <think>, then an array inside a fence
    assert page.kinds() == ["written"] * 3


def test_only_known_fields_are_sent(
    standin: StandIn, hits: list[ArticleHit], settings: Settings
) -> None:
    settings.RECOMMENDATION_MAX_TOKENS, settings.RECOMMENDATION_TOP_P = 500, 0.9
    ask(hits)
    (body,) = standin.chat.requests
    sampling = {name: value for name, value in body.items() if name != "messages"}
    assert sampling == {"max_completion_tokens": 500, "temperature": 0.3, "top_p": 0.9}


def test_frames_may_be_cut_inside_a_character(standin: StandIn, hits: list[ArticleHit]) -> None:
    text = "“Sesión” y contraseñas: ¿por qué no? Léelo 👍 hoy mismo, por favor."
    answer = array(text, *TEXTS[1:])
    standin.chat.script([*(Split(char, pause=0.0) for char in answer), Usage()])
    assert (
        ask(hits).texts()[0]
        == "“Sesión” y contraseñas: ¿por qué no? Léelo 👍 hoy mismo, por favor."
    )


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ([HttpError(404)], Outcome.UNAVAILABLE),
        ([HttpError(401, sse=False)], Outcome.REFUSED),
        ([HttpError(403, "current license is non-compliant for [inference]")], Outcome.REFUSED),
        ([HttpError(429)], Outcome.OVERLOADED),
    ],
)
def test_refusal_shows_excerpts(
    standin: StandIn, hits: list[ArticleHit], steps: list[Step], outcome: Outcome
) -> None:
    standin.chat.script(steps)
    page = ask(hits)
    assert page.kinds() == ["excerpt"] * 3
    assert page.done and not page.complete
    assert logged().outcome == outcome


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ([FIRST, ErrorEvent()], Outcome.BROKEN),
        ([FIRST, ErrorEvent(f"{RATE_LIMIT} [429]")], Outcome.OVERLOADED),
        ([FIRST, Cut()], Outcome.BROKEN),
        ([FIRST, NoDone()], Outcome.BROKEN),
        ([FIRST, Stall()], Outcome.BROKEN),
    ],
)
def test_what_was_written_stays_and_the_rest_is_quoted(
    standin: StandIn, hits: list[ArticleHit], steps: list[Step], outcome: Outcome
) -> None:
    standin.chat.script(steps)
    page = ask(hits)
    assert page.texts()[0] == TEXTS[0]
    assert page.kinds() == ["written", "excerpt", "excerpt"]
    assert page.done and not page.complete
    assert logged().outcome == outcome
    # Nothing of a broken answer is kept for the next reader.
    assert ask(hits).kinds() == ["written"] * 3


def test_sleeping_model_is_unavailable_until_it_is_warm(
    standin: StandIn, hits: list[ArticleHit]
) -> None:
    standin.chat.cold(1)
    assert ask(hits).kinds() == ["excerpt"] * 3
    assert logged().outcome == Outcome.UNAVAILABLE
    assert ask(hits).kinds() == ["written"] * 3


def test_reader_who_leaves_stops_the_model(standin: StandIn, hits: list[ArticleHit]) -> None:
    standin.chat.script([FIRST, *(step for char in "x" * 400 for step in (char, Sleep(0.01)))])
    events = recommend("How do I sign in?", "en", hits)
    for _event in range(3):
        next(events)
    events.close()
    deadline = time.monotonic() + 3
    while standin.chat.open_streams and time.monotonic() < deadline:
        time.sleep(0.01)
    assert standin.chat.disconnected_at
    assert logged().outcome == Outcome.LEFT
