"""``semantic_text``: chunks, endpoints, licences, and meaning across languages."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from elasticsearch import (
    ApiError,
    AuthorizationException,
    BadRequestError,
    ConflictError,
    Elasticsearch,
    NotFoundError,
    helpers,
)

from tests.standin import chunking, vectors
from tests.standin.conftest import E5, MAPPINGS, article
from tests.standin.standin import StandIn

CHAT_URL = "https://x.endpoints.huggingface.cloud/v1/chat/completions"


def fill(client: Elasticsearch, *articles: dict[str, Any]) -> None:
    if not client.indices.exists(index="blog-posts"):
        client.indices.create(index="blog-1", mappings=MAPPINGS, aliases={"blog-posts": {}})
    actions = [{"_index": "blog-posts", "_id": a["id"], "_source": a} for a in articles]
    helpers.bulk(client, actions, refresh=True)


def ids(answer: Any) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


@pytest.mark.model
def test_a_spanish_question_finds_an_english_article(elasticsearch_e5: StandIn) -> None:
    with elasticsearch_e5.client() as client:
        fill(
            client,
            article(1, "Backups", "How to restore the database from last night's backup."),
            article(2, "Soup", "A recipe for tomato soup with basil and bread."),
            article(3, "Football", "The team lost the match in the last minute."),
        )
        question = "¿Cómo recupero la base de datos de una copia de seguridad?"
        for query in (
            {"match": {"semantic_field": question}},
            {"semantic": {"field": "semantic_field", "query": question}},
        ):
            answer = client.search(index="blog-posts", query=query)
            assert ids(answer)[0] == "1"
            assert 0.5 < answer["hits"]["max_score"] <= 1.0


@pytest.mark.model
def test_scores_are_half_of_one_plus_the_cosine(elasticsearch_e5: StandIn) -> None:
    with elasticsearch_e5.client() as client:
        fill(client, article(1, "Backups", "Restore the database."))
        answer = client.search(index="blog-posts", query={"match": {"semantic_field": "restore"}})
        encoder = vectors.encoder("e5")
        question = encoder.query("restore")
        texts = ["Backups", "Maria Lopez", "product", "Restore the database."]
        best = max(float(question @ vector) for vector in encoder.passages(texts))
        assert answer["hits"]["max_score"] == pytest.approx((1 + best) / 2, abs=1e-5)
        embedded = client.inference.text_embedding(inference_id=E5, input=["restore"])
        assert len(embedded["text_embedding"][0]["embedding"]) == 384


def test_copied_values_are_chunks_but_not_in_source(blog: Elasticsearch) -> None:
    fill(blog, article(1, "Charts", "Build charts. Share charts."))
    answer = blog.search(
        index="blog-posts",
        query={"match": {"semantic_field": "charts"}},
        highlight={"fields": {"semantic_field": {"number_of_fragments": 2, "order": "score"}}},
        fields=[{"field": "semantic_field", "format": "chunks"}],
    )
    hit = answer["hits"]["hits"][0]
    assert "semantic_field" not in hit["_source"]
    assert "_inference_fields" not in hit["_source"]
    assert hit["highlight"]["semantic_field"] == ["Charts", "Build charts. Share charts."]
    # Each source value is chunked by itself, in the order of the mapping.
    assert hit["fields"]["semantic_field"] == [
        {
            "title.original": ["Charts"],
            "author": ["Maria Lopez"],
            "category": ["product"],
            "content": ["Build charts. Share charts."],
        }
    ]


def test_an_empty_index_gives_no_hits(blog: Elasticsearch) -> None:
    answer = blog.search(index="blog-posts", query={"match": {"semantic_field": "anything"}})
    assert answer["hits"]["total"]["value"] == 0


def test_a_semantic_query_takes_size_neighbours_whatever_from_says(blog: Elasticsearch) -> None:
    fill(blog, *(article(n, f"Charts {n}", "Build charts.") for n in range(30)))
    query = {"match": {"semantic_field": "charts"}}
    first = blog.search(index="blog-posts", query=query)
    assert (first["hits"]["total"]["value"], len(ids(first))) == (10, 10)
    second = blog.search(index="blog-posts", query=query, from_=10, size=10)
    assert ids(second) == []
    wide = blog.search(index="blog-posts", query=query, from_=10, size=20)
    assert (wide["hits"]["total"]["value"], len(ids(wide))) == (20, 10)


def test_clauses_beside_a_semantic_query_filter_in_advance(blog: Elasticsearch) -> None:
    many = [article(n, "Charts", "Build charts.") for n in range(20)]
    fill(blog, *many, article(99, "Soup", "Tomato.", category="security"))
    query = {"match": {"semantic_field": "charts"}}
    wanted = {"term": {"category": "security"}}
    inside = blog.search(index="blog-posts", query={"bool": {"must": query, "filter": wanted}})
    assert ids(inside) == ["99"]
    assert ids(blog.search(index="blog-posts", query=query, post_filter=wanted)) == []


def test_term_queries_on_semantic_text_are_refused(blog: Elasticsearch) -> None:
    with pytest.raises(BadRequestError, match="semantic_text fields do not support term query"):
        blog.search(index="blog-posts", query={"term": {"semantic_field": "x"}})
    query = {"semantic": {"field": "content", "query": "x"}}
    with pytest.raises(BadRequestError, match="does not support semantic queries"):
        blog.search(index="blog-posts", query=query)


def test_a_wrong_endpoint_is_noticed_by_documents_and_searches_only(
    client: Elasticsearch,
) -> None:
    field = {"type": "semantic_text", "inference_id": "no-such-endpoint"}
    client.indices.create(index="blog", mappings={"properties": {"s": field}})
    with pytest.raises(NotFoundError, match="not found for field \\[s\\]"):
        client.index(index="blog", id="1", document={"s": "text"})
    client.index(index="blog", id="2", document={"other": "text"})
    with pytest.raises(NotFoundError, match="Inference endpoint not found \\[no-such-endpoint\\]"):
        client.search(index="blog", query={"match": {"s": "text"}})


def test_basic_licence_fails_at_the_first_document(
    elasticsearch_standin: StandIn, client: Elasticsearch
) -> None:
    elasticsearch_standin.license = "basic"
    client.indices.create(index="blog-1", mappings=MAPPINGS)
    reason = "current license is non-compliant for [inference]"
    with pytest.raises(AuthorizationException) as raised:
        client.index(index="blog-1", id="1", document=article(1, "A", "Text."))
    assert raised.value.body["error"]["reason"] == reason
    answer = client.bulk(
        operations=[{"index": {"_index": "blog-1", "_id": "1"}}, article(1, "A", "Text.")]
    )
    item = answer["items"][0]["index"]
    assert (item["status"], item["error"]["type"]) == (403, "security_exception")
    with pytest.raises(AuthorizationException, match="non-compliant"):
        client.search(index="blog-1", query={"match": {"semantic_field": "x"}})
    with pytest.raises(AuthorizationException, match="non-compliant"):
        client.inference.text_embedding(inference_id=E5, input="x")
    assert client.license.get()["license"]["type"] == "basic"


def put_chat(client: Elasticsearch, url: str = CHAT_URL, name: str = "smol") -> Any:
    settings = {"api_key": "hf_secret", "url": url}
    return client.inference.put_hugging_face(
        task_type="chat_completion",
        huggingface_inference_id=name,
        service="hugging_face",
        service_settings=settings,
    )


def test_putting_a_chat_endpoint_calls_the_model(
    elasticsearch_standin: StandIn, client: Elasticsearch
) -> None:
    elasticsearch_standin.chat.cold(calls=2)
    for _ in range(2):
        with pytest.raises(BadRequestError) as raised:
            put_chat(client)
        error = raised.value.body["error"]
        assert error["reason"].startswith("Could not complete inference endpoint creation")
        assert "status [503]" in error["caused_by"]["reason"]
    answer = put_chat(client)
    assert "api_key" not in answer["service_settings"]
    assert elasticsearch_standin.chat.validation_calls == [CHAT_URL] * 3
    with pytest.raises(BadRequestError) as raised:
        put_chat(client)
    assert raised.value.body["error"]["type"] == "resource_already_exists_exception"
    found = client.inference.get(inference_id="smol")["endpoints"][0]
    assert (found["task_type"], found["service"]) == ("chat_completion", "hugging_face")
    assert "hf_secret" not in str(found)
    with pytest.raises(BadRequestError, match="creation"):
        put_chat(client, "https://x.endpoints.huggingface.cloud", name="half")


def test_endpoints_in_use_are_not_deleted(client: Elasticsearch) -> None:
    put_chat(client)
    client.inference.put_elasticsearch(
        task_type="text_embedding",
        elasticsearch_inference_id="own",
        service="elasticsearch",
        service_settings={"model_id": ".multilingual-e5-small", "num_threads": 1},
    )
    field = {"type": "semantic_text", "inference_id": "own"}
    client.indices.create(index="blog", mappings={"properties": {"s": field}})
    with pytest.raises(ConflictError, match="is being used in the mapping for indexes: \\[blog\\]"):
        client.inference.delete(inference_id="own")
    client.indices.delete(index="blog")
    assert client.inference.delete(inference_id="own")["acknowledged"] is True
    assert client.inference.delete(inference_id="smol")["acknowledged"] is True
    with pytest.raises(NotFoundError):
        client.inference.get(inference_id="smol")
    with pytest.raises(ApiError, match="reserved inference endpoint"):
        client.inference.delete(inference_id=E5)


def test_a_put_of_hugging_face_without_url_is_a_violation(loose: StandIn) -> None:
    body = {"service": "hugging_face", "service_settings": {"api_key": "x", "max_tokens": 3}}
    answer = requests.put(
        f"{loose.url}/_inference/chat_completion/smol",
        json=body,
        headers={"Authorization": f"ApiKey {loose.api_key}"},
        timeout=5,
    )
    assert answer.status_code == 400
    assert "service_settings" in loose.violations[0]


def test_chunks_follow_sentences_and_the_limit_of_words() -> None:
    sentence = "One two three four five six seven eight nine ten. "
    spans = chunking.chunk(sentence * 60)
    texts = [(sentence * 60)[span.start : span.end] for span in spans]
    assert [len(text.split()) for text in texts] == [250, 250, 120]
    assert chunking.chunk("   ") == []
    words = chunking.chunk("a b c d e", {"strategy": "word", "max_chunk_size": 3, "overlap": 1})
    assert [(span.start, span.end) for span in words] == [(0, 5), (4, 9)]
