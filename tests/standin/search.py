"""The search APIs: search, msearch, count. Source: reference page "Search API" and
``SearchService``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

# Imported for the queries and aggregations that they register.
from tests.standin import aggregations, fulltext, histograms, knn, termlevel  # noqa: F401
from tests.standin.errors import (
    ElasticsearchError,
    Json,
    NotImplementedHere,
    illegal_argument,
    shard_failure,
    validation,
)
from tests.standin.fetch import Fetcher
from tests.standin.filtering import source_parameters
from tests.standin.messages import Request, Response, shards
from tests.standin.parsing import Parsed
from tests.standin.query import Evaluator, Scores, Searching, listed
from tests.standin.reader import Shard, shard
from tests.standin.retrievers import Retrieved, knn_section, retrieve
from tests.standin.sorting import Hit, arrange, behind, keys

if TYPE_CHECKING:
    from tests.standin.app import App
    from tests.standin.cluster import Cluster

WINDOW = 10_000
TRACKED = 10_000
KNOWN = {
    "query", "knn", "retriever", "aggs", "aggregations", "post_filter", "from", "size", "sort",
    "search_after", "pit",
    "_source", "fields", "docvalue_fields", "highlight", "min_score", "track_total_hits",
    "track_scores", "version",
    "seq_no_primary_term", "runtime_mappings", "timeout", "stored_fields", "ext",
}  # fmt: skip
PARAMETERS = (
    "scroll", "size", "from", "sort", "_source", "_source_includes", "_source_excludes",
    "_source_exclude_vectors",
    "track_total_hits", "track_scores", "version", "seq_no_primary_term", "rest_total_hits_as_int",
    "q",
)  # fmt: skip


@dataclass
class Found:
    """A search before paging: hits in order, and what goes around them in the answer."""

    hits: list[Hit]
    total: int
    max_score: float | None
    aggregations: Json | None
    fetcher: Fetcher


def merged_body(request: Request) -> Json:
    """Parameters of the URL count like the body's own fields."""
    body: Json = dict(request.body or {})
    if "q" in request.query:
        raise NotImplementedHere("the q parameter")
    for name in ("size", "from"):
        if name in request.query:
            body[name] = int(request.query[name])
    for name in ("track_scores", "version", "seq_no_primary_term"):
        if name in request.query:
            body[name] = request.flag(name)
    if "sort" in request.query:
        parts = [part.partition(":") for part in request.query["sort"].split(",")]
        body["sort"] = [{name: {"order": order}} if order else name for name, _, order in parts]
    if "track_total_hits" in request.query:
        value = request.query["track_total_hits"]
        body["track_total_hits"] = int(value) if value.isdigit() else value != "false"
    wanted = source_parameters(request.query)
    if wanted is not None:
        body["_source"] = wanted
    return body


def check(body: Json, *, scroll: bool = False) -> None:
    """``SearchRequest.validate`` and the limits of ``SearchService``."""
    unknown = body.keys() - KNOWN
    if unknown:
        raise NotImplementedHere(f"search body: {', '.join(sorted(unknown))}")
    start, size = body.get("from", 0), body.get("size", 10)
    if size < 0:
        raise illegal_argument(f"[size] parameter cannot be negative, found [{size}]")
    if start < 0:
        raise illegal_argument(f"[from] parameter cannot be negative but was [{start}]")
    problems = []
    if "retriever" in body:
        problems += [
            f"cannot specify [retriever] and [{name}]"
            for name in ("query", "knn", "search_after", "min_score", "sort", "terminate_after")
            if name in body
        ]
    if "search_after" in body and start:
        problems.append("`from` parameter must be set to 0 when `search_after` is used")
    if scroll and size == 0:
        problems.append("[size] cannot be [0] in a scroll context")
    if scroll and start:
        problems.append("using [from] is not allowed in a scroll context")
    if problems:
        raise validation(*problems)


def views(cluster: Cluster, expression: str | None, request: Request | None = None) -> list[Shard]:
    """The shards of a search, refreshed where a refresh is due."""
    with cluster.lock:
        found = cluster.resolve(
            expression,
            ignore_unavailable=request.flag("ignore_unavailable") if request else False,
            allow_no_indices=request.flag("allow_no_indices", True) if request else True,
        )
        for index in found:
            for alias in (expression or "").split(","):
                if index.aliases.get(alias, {}).get("filter"):
                    raise NotImplementedHere("an alias with a filter")
            index.refresh_if_due()
        return [shard(index) for index in found]


def run(cluster: Cluster, found: list[Shard], body: Json) -> Found:
    """Query, aggregate and sort. Failures on a shard get the shape of
    ``search_phase_execution_exception``.
    """
    try:
        return _run(cluster, found, body)
    except ElasticsearchError as error:
        if error.on_shard and found:
            index = found[0].index
            raise shard_failure(index.name, index.uuid, error) from error
        raise


def _run(cluster: Cluster, found: list[Shard], body: Json) -> Found:
    start, size = body.get("from", 0), body.get("size", 10)
    if start + size > WINDOW:
        raise illegal_argument(
            f"Result window is too large, from + size must be less than or equal to: [{WINDOW}]"
            " but was"
            f" [{start + size}]. See the scroll api for a more efficient way to request large"
            " data sets."
            " This limit can be set by changing the [index.max_result_window] index level setting.",
            on_shard=True,
        )
    searching = Searching(cluster, body.get("size"), runtime=body.get("runtime_mappings", {}))
    evaluators = [Evaluator(item, searching) for item in found]
    result = _query(body, evaluators, size)
    least = body.get("min_score")
    if least is not None:
        result.matched = {unit: score for unit, score in result.matched.items() if score >= least}
        result.scores = {unit: score for unit, score in result.scores.items() if score >= least}
    kept = _post_filtered(body, evaluators, result)
    criteria = keys(body.get("sort"), found, point_in_time="pit" in body)
    hits = _hits(found, result.scores, kept)
    with_scores = not criteria or body.get("track_scores", False) or criteria[0].name == "_score"
    with_scores = with_scores or any(key.name == "_score" for key in criteria)
    scores = [hit.score for hit in hits]
    ordered = arrange(hits, criteria)
    if "search_after" in body:
        ordered = behind(ordered, criteria, body["search_after"])
    aggs = body.get("aggs", body.get("aggregations"))
    group = aggregations.Group(
        [
            (evaluator, [unit for unit in evaluator.shard.roots if unit in result.matched])
            for evaluator in evaluators
        ]
    )
    fetcher = Fetcher(
        body, {id(item.shard): item for item in evaluators}, criteria, result.queries, with_scores
    )
    total = len(result.matched if kept is None else kept & result.matched.keys())
    return Found(
        ordered,
        total,
        max(scores) if scores and with_scores else None,
        aggregations.run(aggs, group) if aggs else None,
        fetcher,
    )


def _query(body: Json, evaluators: list[Evaluator], size: int) -> Retrieved:
    if "retriever" in body:
        return retrieve(body["retriever"], evaluators, size, [])
    sections = listed(body.get("knn"))
    scores: Scores = {}
    queries: list[Any] = [{"knn": section} for section in sections]
    if "query" in body or not sections:
        query = body.get("query", {"match_all": {}})
        queries.append(query)
        for evaluator in evaluators:
            scores |= evaluator.run(query, evaluator.shard.roots)
    for section in sections:
        for unit, score in knn_section(section, evaluators).items():
            scores[unit] = scores.get(unit, 0.0) + score
    return Retrieved(scores, dict(scores), queries)


def _post_filtered(
    body: Json, evaluators: list[Evaluator], result: Retrieved
) -> set[Parsed] | None:
    if "post_filter" not in body:
        return None
    kept: set[Parsed] = set()
    for evaluator in evaluators:
        units = [unit for unit in evaluator.shard.roots if unit in result.matched]
        kept |= evaluator.matches(body["post_filter"], units)
    return kept


def _hits(found: list[Shard], scores: Scores, kept: set[Parsed] | None) -> list[Hit]:
    hits = []
    for number, view in enumerate(found):
        for position, unit in enumerate(view.roots):
            if unit in scores and (kept is None or unit in kept):
                hits.append(Hit(view, unit, float(scores[unit]), (number << 32) + position))
    return hits


def answer(found: Found, body: Json, count: int, page: list[Hit], started: float) -> Json:
    """The JSON around a page of hits."""
    hits: Json = {}
    tracked = body.get("track_total_hits", TRACKED)
    if tracked is not False:
        limit = float("inf") if tracked is True else tracked
        over = found.total > limit
        hits["total"] = {
            "value": int(limit) if over else found.total,
            "relation": "gte" if over else "eq",
        }
    hits["max_score"] = found.max_score
    hits["hits"] = [found.fetcher.fetch(hit) for hit in page]
    out: Json = {
        "took": round((time.monotonic() - started) * 1000),
        "timed_out": False,
        "_shards": shards(count),
        "hits": hits,
    }
    if found.aggregations is not None:
        out["aggregations"] = found.aggregations
    return out


def one(cluster: Cluster, view: list[Shard], body: Json) -> Json:
    """A search from its body to its answer."""
    started = time.monotonic()
    found = run(cluster, view, body)
    start = body.get("from", 0)
    page = found.hits[start : start + body.get("size", 10)]
    return answer(found, body, len(view), page, started)


def count(app: App, request: Request) -> Response:
    request.only("min_score")
    body = dict(request.body or {})
    if "min_score" in request.query:
        body["min_score"] = float(request.query["min_score"])
    view = views(app.cluster, request.index, request)
    found = run(app.cluster, view, {**body, "size": 0})
    return Response(body={"count": found.total, "_shards": shards(len(view))})


def msearch(app: App, request: Request) -> Response:
    """Each search succeeds or fails by itself."""
    request.only("rest_total_hits_as_int")
    responses = []
    lines = iter(request.body)
    for header in lines:
        body = next(lines)
        name = header.get("index", request.index)
        try:
            check(body)
            expression = ",".join(name) if isinstance(name, list) else name
            response = {**one(app.cluster, views(app.cluster, expression), body), "status": 200}
        except ElasticsearchError as error:
            response = error.body()
        responses.append(response)
    return Response(body={"took": 1, "responses": responses})
