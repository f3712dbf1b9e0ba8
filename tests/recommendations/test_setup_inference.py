"""`setup_inference` against the stand-in: created once, explained when it fails, removed again."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.standin.endpoints import Endpoint
from tests.standin.fixtures import assert_no_violations
from tests.standin.standin import StandIn

NAME = "hugging-face-smollm3-3b"
URL = "https://abc.endpoints.huggingface.cloud/v1/chat/completions"
KEY = "hf_geheim0123456789"


@pytest.fixture
def standin(settings: Settings) -> Iterator[StandIn]:
    with StandIn(vectors="hash") as standin:
        settings.ELASTICSEARCH_URL = standin.url
        settings.ELASTICSEARCH_API_KEY = standin.api_key
        settings.HUGGING_FACE_API_KEY = KEY
        settings.HUGGING_FACE_INFERENCE_ENDPOINT_URL = URL
        yield standin
    assert_no_violations(standin)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("setup_inference", *arguments, stdout=out)
    assert KEY not in out.getvalue()
    return out.getvalue()


def refusal(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert KEY not in str(caught.value)
    return str(caught.value)


def test_endpoint_is_created_from_the_four_variables(standin: StandIn) -> None:
    assert f"Created {NAME}." in run()
    endpoint = standin.cluster.endpoints[NAME]
    assert (endpoint.task_type, endpoint.service) == ("chat_completion", "hugging_face")
    assert endpoint.service_settings["url"] == URL
    (record,) = standin.requests_to("inference.put_hugging_face")
    assert record.body == {
        "service": "hugging_face",
        "service_settings": {"api_key": KEY, "url": URL},
    }
    assert record.params == {"timeout": "180s"}


def test_endpoint_that_is_there_is_fine(standin: StandIn) -> None:
    run()
    assert f"{NAME} is already there." in run()


def test_endpoint_with_another_address_is_named(standin: StandIn, settings: Settings) -> None:
    run()
    settings.HUGGING_FACE_INFERENCE_ENDPOINT_URL = URL.replace("abc", "def")
    out = run()
    assert f"already there with another address, {URL}" in out
    assert "--delete" in out


@pytest.mark.parametrize(
    "name",
    [
        "ELASTICSEARCH_URL",
        "ELASTICSEARCH_API_KEY",
        "HUGGING_FACE_API_KEY",
        "HUGGING_FACE_INFERENCE_ENDPOINT_URL",
    ],
)
def test_missing_variable_is_named(standin: StandIn, settings: Settings, name: str) -> None:
    setattr(settings, name, " ")
    assert refusal() == f"Set {name} in the environment or in .env."


@pytest.mark.parametrize(
    "url",
    [
        URL.removesuffix("/completions"),
        "abc/v1/chat/completions",
        "http://[x/v1/chat/completions",
    ],
)
def test_address_must_be_the_whole_one(standin: StandIn, settings: Settings, url: str) -> None:
    settings.HUGGING_FACE_INFERENCE_ENDPOINT_URL = url
    assert "end in /v1/chat/completions" in refusal()
    assert not standin.requests


def test_cold_model_is_explained_with_reason_and_cause(standin: StandIn) -> None:
    standin.chat.state = "cold"
    text = refusal()
    assert "reason: Could not complete inference endpoint creation" in text
    assert "caused_by: " in text
    assert "run setup_inference again in a minute" in text
    assert NAME not in standin.cluster.endpoints


def test_key_that_hugging_face_refuses_is_explained(standin: StandIn) -> None:
    standin.chat.state = "bad_key"
    assert "caused_by: " in refusal()


def test_licence_is_explained_with_what_works_instead(standin: StandIn) -> None:
    standin.license = "basic"
    text = refusal()
    assert "CHAT_COMPLETIONS_URL" in text
    assert "ELASTICSEARCH_VECTORS=dense_vector" in text


def test_cluster_that_is_down_is_one_sentence(standin: StandIn) -> None:
    standin.stop()
    assert "cannot be reached" in refusal()
    assert "cannot be reached" in refusal("--delete")


def test_dry_run_shows_the_request_and_sends_nothing(standin: StandIn) -> None:
    out = run("--dry-run")
    assert out.startswith(f"PUT /_inference/chat_completion/{NAME}?timeout=180s\n")
    assert f'"url": "{URL}"' in out
    assert "•••" in out
    assert run("--delete", "--dry-run") == f"DELETE /_inference/chat_completion/{NAME}\n"
    assert not standin.requests


def test_delete_removes_it_and_can_be_repeated(standin: StandIn) -> None:
    run()
    assert run("--delete") == f"Deleted {NAME}.\n"
    assert NAME not in standin.cluster.endpoints
    assert run("--delete") == f"{NAME} is not there.\n"


def test_delete_of_an_endpoint_in_use_is_explained(standin: StandIn) -> None:
    # As if somebody had used the id in a mapping.
    standin.cluster.endpoints[NAME] = Endpoint(
        NAME, "chat_completion", "hugging_face", {"url": URL}
    )
    with standin.client() as client:
        field = {"type": "semantic_text", "inference_id": NAME}
        client.indices.create(index="theirs", mappings={"properties": {"text": field}})
    text = refusal("--delete")
    assert text.startswith(f"{NAME} is still in use. reason: ")
    assert "theirs" in text


def test_key_without_the_privilege_is_explained(standin: StandIn, settings: Settings) -> None:
    settings.ELASTICSEARCH_API_KEY = standin.create_key()
    assert "lacks a privilege" in refusal()


def test_proxy_without_json_is_explained() -> None:
    from recommendations.management.commands.setup_inference import reasons

    assert reasons("Bad gateway") == "reason: Bad gateway."
    assert reasons({"error": "bare"}) == "reason: bare."


def test_user_and_password_in_the_address_are_enough(settings: Settings) -> None:
    settings.ELASTICSEARCH_URL = "http://elastic:secret@127.0.0.1:9"
    settings.ELASTICSEARCH_API_KEY = ""
    settings.HUGGING_FACE_API_KEY = KEY
    settings.HUGGING_FACE_INFERENCE_ENDPOINT_URL = URL
    text = refusal()
    assert "cannot be reached" in text
    assert "secret" not in text
