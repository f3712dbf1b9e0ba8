"""Scripted and random faults, and control of a stand-in in another process."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from elasticsearch import ApiError, ConnectionTimeout, Elasticsearch, TransportError, helpers
from elasticsearch import ConnectionError as ElasticConnectionError

from tests.standin.faults import CHAOS, Fault
from tests.standin.process import StandInProcess
from tests.standin.standin import StandIn


@pytest.fixture
def once(elasticsearch_standin: StandIn) -> Any:
    """A client that never repeats a request by itself."""
    with elasticsearch_standin.client(max_retries=0, request_timeout=5) as client:
        client.indices.create(index="blog")
        yield client


def items(count: int) -> list[dict[str, Any]]:
    return [{"_index": "blog", "_id": str(n), "_source": {"n": n}} for n in range(count)]


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 503])
def test_a_status_comes_as_often_as_asked(
    elasticsearch_standin: StandIn, once: Elasticsearch, status: int
) -> None:
    elasticsearch_standin.faults.status(status, times=2, when="index")
    for _ in range(2):
        with pytest.raises(ApiError) as raised:
            once.index(index="blog", id="1", document={})
        assert raised.value.meta.status == status
        assert raised.value.body["error"]["root_cause"]
    assert once.index(index="blog", id="1", document={})["result"] == "created"
    assert elasticsearch_standin.faults.injected == [("index", Fault("status", status=status))] * 2


def test_a_reset_does_nothing_and_a_drop_does_the_work(
    elasticsearch_standin: StandIn, once: Elasticsearch
) -> None:
    elasticsearch_standin.faults.refuse(when="index")
    with pytest.raises(ElasticConnectionError):
        once.index(index="blog", id="1", document={})
    assert elasticsearch_standin.documents("blog") == {}
    elasticsearch_standin.faults.drop(when=lambda request: request.parameters.get("id") == "1")
    with pytest.raises(ElasticConnectionError):
        once.index(index="blog", id="1", document={})
    assert list(elasticsearch_standin.documents("blog")) == ["1"]
    assert [record.fault for record in elasticsearch_standin.requests_to("index")] == [
        "reset()",
        "drop()",
    ]


def test_a_bulk_may_die_half_way(elasticsearch_standin: StandIn, once: Elasticsearch) -> None:
    elasticsearch_standin.faults.die_in_bulk()
    with pytest.raises(TransportError):
        helpers.bulk(once, items(10), raise_on_error=False, raise_on_exception=False)
    assert len(elasticsearch_standin.documents("blog")) == 5
    assert helpers.bulk(once, items(10))[0] == 10


def test_single_items_may_be_rejected(elasticsearch_standin: StandIn, once: Elasticsearch) -> None:
    elasticsearch_standin.faults.reject_items(times=3)
    failed: Any
    done, failed = helpers.bulk(once, items(10), raise_on_error=False)
    assert (done, len(failed)) == (7, 3)
    assert failed[0]["index"]["error"]["type"] == "es_rejected_execution_exception"
    elasticsearch_standin.faults.reject_items(times=2)
    # The client repeats rejected items only where it does not raise.
    results = helpers.streaming_bulk(
        once, items(10), max_retries=2, initial_backoff=0.01, raise_on_error=False
    )
    assert all(okay for okay, _ in results)


def test_a_stall_delays_and_ends_with_the_server(
    elasticsearch_standin: StandIn, once: Elasticsearch
) -> None:
    elasticsearch_standin.faults.stall(0.3)
    started = time.monotonic()
    once.count(index="blog")
    assert time.monotonic() - started > 0.3
    elasticsearch_standin.faults.stall(5)
    with pytest.raises(ConnectionTimeout):
        once.options(request_timeout=0.2).count(index="blog")


def test_chaos_is_the_same_for_the_same_seed() -> None:
    def run() -> list[tuple[str, Fault]]:
        with StandIn(vectors="hash") as es, es.client(max_retries=0) as client:
            es.faults.chaos(seed=3, probability=0.3, when={"index", "bulk"}, items=0.1)
            for number in range(60):
                try:
                    client.index(index="blog", id=str(number), document={})
                except (ApiError, TransportError):
                    continue
            return list(es.faults.injected)

    first = run()
    assert first == run()
    assert 5 < len(first) < 40
    assert {fault.kind for _, fault in first} <= {fault.kind for fault in CHAOS}


def test_thousands_of_random_operations_end_in_one_state(elasticsearch_standin: StandIn) -> None:
    """External versions and retries make the index equal to the last writes, whatever was lost on
    the way.
    """
    es = elasticsearch_standin
    chance = random.Random(11)  # noqa: S311
    expected: dict[str, int] = {}
    es.faults.chaos(seed=11, probability=0.2, when={"index", "delete"})
    with es.client(max_retries=0) as client:
        for version in range(1, 1501):
            id_ = str(chance.randrange(50))
            options: Any = {"index": "blog", "id": id_, "version": version}
            options["version_type"] = "external_gte"
            if chance.random() < 0.3:
                expected.pop(id_, None)
                until_done(client.delete, options)
            else:
                expected[id_] = version
                until_done(client.index, {**options, "document": {"version": version}})
    found = {id_: source["version"] for id_, source in es.sources("blog").items()}
    assert found == expected
    assert len(es.faults.injected) > 100


def until_done(write: Any, options: dict[str, Any]) -> None:
    while True:
        try:
            write(**options)
        except ApiError as error:
            if error.meta.status == 404:
                return
        except TransportError:
            continue
        else:
            return


def test_a_process_is_controlled_over_http(tmp_path: Path) -> None:
    arguments = ("--vectors", "hash", "--chat-endpoint", "smol")
    with StandInProcess(tmp_path, *arguments) as es:
        headers = {"Authorization": f"ApiKey {es.api_key}"}
        chat = f"{es.url}/_inference/chat_completion/smol/_stream"
        body = {"messages": [{"role": "user", "content": "x"}]}
        es.control("script", {"steps": ["hola", {"no_done": True}]})
        assert b"hola" in requests.post(chat, json=body, headers=headers, timeout=5).content
        es.control("faults", {"kind": "status", "status": 503, "when": "info"})
        assert requests.get(es.url, headers=headers, timeout=5).status_code == 503
        es.control("set", {"license": "basic", "chat": "cold", "delay": 0.01})
        assert requests.post(chat, json=body, headers=headers, timeout=5).status_code == 403
        requests.get(f"{es.url}/?wrong=1", headers=headers, timeout=5)
        state = es.control()
        assert state["violations"] == ["GET /: unrecognized parameter: [wrong]"]
        assert len(state["chat_requests"]) == 2
        assert es.control("reset", {})["violations"] == []
