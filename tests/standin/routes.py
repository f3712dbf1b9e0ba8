"""Which function answers which route of the specification. A route that is missing here is answered
501.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.standin import cluster_api, contexts, documents, indices_api, inference, search
from tests.standin.messages import Request, Response

if TYPE_CHECKING:
    from tests.standin.app import App

Handler = Callable[["App", Request], Response]

HANDLERS: dict[str, Handler] = {
    "info": cluster_api.info,
    "ping": cluster_api.ping,
    "cluster.health": cluster_api.health,
    "cat.indices": cluster_api.cat_indices,
    "license.get": cluster_api.get_license,
    "license.get_basic_status": cluster_api.basic_status,
    "license.post_start_trial": cluster_api.start_trial,
    "license.post_start_basic": cluster_api.start_basic,
    "security.authenticate": cluster_api.authenticate,
    "reindex": cluster_api.reindex,
    "indices.create": indices_api.create,
    "indices.delete": indices_api.delete,
    "indices.exists": indices_api.exists,
    "indices.get": indices_api.get,
    "indices.get_mapping": indices_api.get_mapping,
    "indices.put_mapping": indices_api.put_mapping,
    "indices.get_settings": indices_api.get_settings,
    "indices.put_settings": indices_api.put_settings,
    "indices.refresh": indices_api.refresh,
    "indices.update_aliases": indices_api.update_aliases,
    "indices.get_alias": indices_api.get_alias,
    "indices.exists_alias": indices_api.exists_alias,
    "indices.put_alias": indices_api.put_alias,
    "indices.delete_alias": indices_api.delete_alias,
    "index": documents.index,
    "create": documents.create,
    "get": documents.get,
    "exists": documents.exists,
    "get_source": documents.get_source,
    "delete": documents.delete,
    "update": documents.update,
    "mget": documents.mget,
    "bulk": documents.bulk,
    "search": contexts.run_search,
    "msearch": search.msearch,
    "count": search.count,
    "open_point_in_time": contexts.open_point_in_time,
    "close_point_in_time": contexts.close_point_in_time,
    "scroll": contexts.scroll,
    "clear_scroll": contexts.clear_scroll,
    "delete_by_query": contexts.delete_by_query,
    "inference.put": inference.put,
    "inference.put_hugging_face": inference.put,
    "inference.put_elasticsearch": inference.put,
    "inference.put_openai": inference.put,
    "inference.get": inference.get,
    "inference.delete": inference.delete,
    "inference.inference": inference.infer,
    "inference.text_embedding": inference.infer,
    "inference.sparse_embedding": inference.infer,
    "inference.chat_completion_unified": inference.chat,
}
