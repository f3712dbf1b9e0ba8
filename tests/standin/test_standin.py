"""The frame: specification, media types, keys, errors, the server's life. Behaviours have their own
test modules.
"""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
from elasticsearch import ApiError, AuthenticationException, AuthorizationException, NotFoundError
from elasticsearch import ConnectionError as ElasticConnectionError

from tests.standin import specification
from tests.standin.compiled import Compiler
from tests.standin.fixtures import assert_no_violations
from tests.standin.process import StandInProcess
from tests.standin.routes import HANDLERS
from tests.standin.standin import StandIn

JSON = "application/json"
COMPATIBLE = "application/vnd.elasticsearch+json; compatible-with=9"


def call(es: StandIn, method: str, path: str, **options: Any) -> requests.Response:
    headers = {"Authorization": f"ApiKey {es.api_key}", **options.pop("headers", {})}
    return requests.request(method, f"{es.url}{path}", headers=headers, timeout=10, **options)


def test_schema_is_the_official_one_unchanged() -> None:
    document = json.loads(specification.SCHEMA_FILE.read_text())
    assert "@elastic/request-converter 9.3.0" in document["source"]
    assert len(document["routes"]) == 53


def test_compiled_checks_agree_with_jsonschema() -> None:
    document = json.loads(specification.SCHEMA_FILE.read_text())
    route = next(route for route in document["routes"] if route["name"] == "search")
    slow = jsonschema.Draft202012Validator({**route["body"], "$defs": document["$defs"]})
    fast = Compiler(document["$defs"]).compile(route["body"])
    bodies: list[Any] = [
        {"query": {"match": {"content": "x"}}},
        {"query": {"match": {"content": {"query": "x", "operator": "and"}}}},
        {"query": {"match": {"content": {"quary": "x"}}}},
        {"query": {"match": {}, "term": {"a": 1}}},
        {"query": {}},
        {"size": "ten"},
        {"size": 10.0, "from": True},
        {"aggs": {"a": {"terms": {"field": "category", "size": 5}}}},
        {"aggs": {"a": {"terms": {"fields": "category"}}}},
        {"retriever": {"rrf": {"retrievers": [{"standard": {"query": {"match_all": {}}}}]}}},
        {"retriever": {"rrf": {}}},
        {"unknown": 1},
        [],
    ]
    assert [fast(body) for body in bodies] == [slow.is_valid(body) for body in bodies]


def test_info_has_the_product_header_and_the_compatible_type(
    elasticsearch_standin: StandIn,
) -> None:
    answer = call(elasticsearch_standin, "GET", "/", headers={"Accept": COMPATIBLE})
    assert answer.headers["X-Elastic-Product"] == "Elasticsearch"
    assert answer.headers["Content-Type"] == "application/vnd.elasticsearch+json;compatible-with=9"
    assert answer.json()["version"]["number"] == "9.3.0"


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("POST", "/blog/_search", {"querry": {}}, "querry"),
        ("POST", "/blog/_search", {"query": {"match": {"a": {"qery": "x"}}}}, "$.query.match.a"),
        ("POST", "/blog/_search?sizes=3", None, "unrecognized parameter: [sizes]"),
        ("POST", "/blog/_search?size=three", None, "parameter size: 'three'"),
        ("PUT", "/blog", {"mapping": {}}, "mapping"),
        ("PUT", "/blog", {"mappings": {"properties": {"a": {"type": "txt"}}}}, "txt"),
        ("POST", "/_aliases", {"actions": [{"ad": {}}]}, "ad"),
        ("PUT", "/blog/_doc/1", None, "request body is required"),
        ("GET", "/blog/_doc/1", {"a": 1}, "does not support having a body"),
    ],
)
def test_what_the_specification_forbids_is_400_and_a_violation(
    loose: StandIn, method: str, path: str, body: Any, problem: str
) -> None:
    answer = call(loose, method, path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["root_cause"]
    assert problem in loose.violations[0]


def test_unknown_routes_and_methods_are_violations(loose: StandIn) -> None:
    assert call(loose, "GET", "/_nothing/here").json() == {
        "error": "no handler found for uri [/_nothing/here] and method [GET]",
        "status": 400,
    }
    assert call(loose, "DELETE", "/_bulk").status_code == 405
    assert len(loose.violations) == 2


def test_gaps_are_known() -> None:
    gaps = specification.load().routes.keys() - HANDLERS.keys()
    assert gaps == {"inference.update", "xpack.info"}


def test_another_version_of_the_api_is_refused(loose: StandIn) -> None:
    accept = "application/vnd.elasticsearch+json; compatible-with=7"
    answer = call(loose, "GET", "/", headers={"Accept": accept})
    assert answer.json()["error"]["type"] == "media_type_header_exception"
    assert loose.violations


def test_many_threads_share_a_cluster(elasticsearch_standin: StandIn) -> None:
    es = elasticsearch_standin

    def work(worker: int) -> int:
        with es.client() as client:
            for number in range(25):
                document = {"n": number, "text": f"words {number}"}
                client.index(index="blog", id=f"{worker}-{number}", document=document)
                client.search(index="blog", query={"match": {"text": "words"}}, size=3)
                client.indices.refresh(index="blog")
            return int(client.count(index="blog")["count"])

    with es.client() as client:
        client.indices.create(index="blog")
    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(work, range(8))) == 200
    assert len(es.requests) == 1 + 8 * (25 * 3 + 1)


def test_gaps_of_the_stand_in_are_501_and_violations(loose: StandIn) -> None:
    loose.cluster.create_index("blog", {})
    assert call(loose, "GET", "/_ml/info").status_code == 501
    assert call(loose, "GET", "/blog/_search?explain=true").status_code == 501
    query = {"query": {"regexp": {"a": "x.*"}}}
    assert call(loose, "GET", "/blog/_search", json=query).status_code == 501
    assert all("not implemented" in violation for violation in loose.violations)
    with pytest.raises(pytest.fail.Exception, match="3 violation"):
        assert_no_violations(loose)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_wrong_media_types_are_406_with_a_bare_string(loose: StandIn, kind: str) -> None:
    answer = call(loose, "POST", "/b/_search", data=b"{}", headers={"Content-Type": kind})
    assert answer.status_code == 406
    assert isinstance(answer.json()["error"], str)
    assert loose.violations


def test_bodies_that_are_not_json_are_violations(loose: StandIn) -> None:
    for data in (b"{", b'{"a": NaN}', b"'a'"):
        answer = call(loose, "PUT", "/b/_doc/1", data=data, headers={"Content-Type": JSON})
        assert answer.status_code == 400
    assert len(loose.violations) == 3


def test_answers_of_the_stand_in_are_checked_too(loose: StandIn) -> None:
    loose.cluster.uuid = 7  # type: ignore[assignment]
    call(loose, "GET", "/")
    assert "response: $.cluster_uuid" in loose.violations[0]


def test_missing_and_wrong_keys_are_401_in_ordinary_json(elasticsearch_standin: StandIn) -> None:
    answer = requests.get(f"{elasticsearch_standin.url}/", timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["root_cause"][0]["type"] == "security_exception"
    with (
        elasticsearch_standin.client(api_key="bm9ib2R5OnNlY3JldA==") as client,
        pytest.raises(AuthenticationException, match="unable to authenticate"),
    ):
        client.info()


def test_a_key_without_a_privilege_is_403(elasticsearch_standin: StandIn) -> None:
    key = elasticsearch_standin.create_key()
    with elasticsearch_standin.client(api_key=key) as client:
        client.index(index="blog", id="1", document={"a": 1})
        with pytest.raises(AuthorizationException, match="is unauthorized for API key id"):
            client.indices.create(index="other")


def test_unknown_index_is_404(elasticsearch_standin: StandIn) -> None:
    with elasticsearch_standin.client() as client:
        with pytest.raises(NotFoundError) as raised:
            client.search(index="missing")
        assert not client.indices.exists(index="missing")
    assert raised.value.body["error"]["root_cause"][0] == {
        "type": "index_not_found_exception",
        "reason": "no such index [missing]",
        "resource.type": "index_or_alias",
        "resource.id": "missing",
        "index_uuid": "_na_",
        "index": "missing",
    }


def test_stop_refuses_connects_and_start_keeps_port_and_state(
    elasticsearch_standin: StandIn,
) -> None:
    es = elasticsearch_standin
    with es.client() as client:
        client.index(index="blog", id="1", document={"a": 1})
        port = es.port
        es.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
        with pytest.raises(ElasticConnectionError):
            client.get(index="blog", id="1")
        es.start()
        assert es.port == port
        assert client.get(index="blog", id="1")["_source"] == {"a": 1}


def test_kill_and_return_of_a_process_keeps_the_state(tmp_path: Path) -> None:
    with StandInProcess(tmp_path, "--vectors", "hash") as es:
        headers = {"Authorization": f"ApiKey {es.api_key}"}
        url = f"{es.url}/blog/_doc/1?version=4&version_type=external"
        assert requests.put(url, json={"a": 1}, headers=headers, timeout=10).status_code == 201
        es.kill()
        with pytest.raises(requests.ConnectionError):
            requests.get(es.url, timeout=1)
        es.start()
        found = requests.get(f"{es.url}/blog/_doc/1", headers=headers, timeout=10).json()
        assert (found["_version"], found["_source"]) == (4, {"a": 1})
        assert requests.put(url, json={"a": 2}, headers=headers, timeout=10).status_code == 409
        assert es.violations == []


def test_every_request_is_in_the_log(elasticsearch_standin: StandIn) -> None:
    with elasticsearch_standin.client() as client:
        client.index(index="blog", id="1", document={"a": 1}, refresh=True)
        with pytest.raises(ApiError):
            client.get(index="blog", id="2")
    first, second = elasticsearch_standin.requests
    assert (first.method, first.path, first.route) == ("PUT", "/blog/_doc/1", "index")
    assert (first.params, first.body, first.status) == ({"refresh": "true"}, {"a": 1}, 201)
    assert second.status == 404
    assert elasticsearch_standin.requests_to("get") == [second]


def test_answers_are_compressed_for_clients_that_take_it(elasticsearch_standin: StandIn) -> None:
    headers = {"Accept-Encoding": "gzip"}
    assert call(elasticsearch_standin, "GET", "/", headers=headers).headers["Content-Encoding"]
    with elasticsearch_standin.client(http_compress=True) as client:
        client.index(index="blog", id="1", document={"a": "x" * 50_000})
        assert client.get(index="blog", id="1")["_source"]["a"] == "x" * 50_000
