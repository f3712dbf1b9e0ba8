"""Does the cluster's licence include what `semantic_text` needs?"""

from __future__ import annotations

from elasticsearch import ApiError, Elasticsearch

from articles.search.elastic import errors

WITH_INFERENCE = {"enterprise", "trial"}


def problem(client: Elasticsearch) -> str:
    """A sentence, or "" where the licence is good or cannot be seen."""
    try:
        found = client.license.get()["license"]
    except ApiError:
        # The key may not read it, or the cluster is serverless and has none; the first
        # document tells.
        return ""
    if found["type"] in WITH_INFERENCE and found["status"] == "active":
        return ""
    return errors.LICENCE
