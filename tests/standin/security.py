"""API keys and their privileges.

Texts: ``AuthenticationService`` and ``AuthorizationService`` of elastic/elasticsearch. These
rejections come from the REST layer, so they are ordinary JSON, on the streaming route too.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Literal

from tests.standin.errors import ElasticsearchError, Json

Privilege = Literal[
    "monitor", "manage", "read", "write", "manage_index", "monitor_inference", "manage_inference"
]
ALL: frozenset[Privilege] = frozenset(
    ("monitor", "manage", "read", "write", "manage_index", "monitor_inference", "manage_inference")
)
# What a web process needs: no right to create or delete indices.
READ_WRITE: frozenset[Privilege] = frozenset(("monitor", "read", "write", "monitor_inference"))

# Route -> (privilege, transport action, scope, who grants it); by prefix, the longest one wins.
_NEEDS: dict[str, tuple[Privilege, str, str, str]] = {
    "": ("monitor", "cluster:monitor/main", "cluster", "monitor,manage,all"),
    "cluster.": ("monitor", "cluster:monitor/health", "cluster", "monitor,manage,all"),
    "license.get": (
        "monitor",
        "cluster:monitor/xpack/license/get",
        "cluster",
        "monitor,manage,all",
    ),
    "license.post": ("manage", "cluster:admin/xpack/license/start_trial", "cluster", "manage,all"),
    "indices.": ("manage_index", "indices:admin/create", "index", "create_index,manage,all"),
    "indices.delete": ("manage_index", "indices:admin/delete", "index", "delete_index,manage,all"),
    "indices.update_aliases": ("manage_index", "indices:admin/aliases", "index", "manage,all"),
    "indices.get": (
        "read",
        "indices:admin/get",
        "index",
        "view_index_metadata,manage,all",
    ),
    "indices.exists": ("read", "indices:admin/get", "index", "view_index_metadata,manage,all"),
    "indices.refresh": ("write", "indices:admin/refresh", "index", "maintenance,manage,all"),
    "cat.": ("monitor", "indices:monitor/stats", "index", "monitor,manage,all"),
    "search": ("read", "indices:data/read/search", "index", "read,all"),
    "msearch": ("read", "indices:data/read/msearch", "index", "read,all"),
    "count": ("read", "indices:data/read/search", "index", "read,all"),
    "get": ("read", "indices:data/read/get", "index", "read,all"),
    "exists": ("read", "indices:data/read/get", "index", "read,all"),
    "mget": ("read", "indices:data/read/mget[shard]", "index", "read,all"),
    "scroll": ("read", "indices:data/read/scroll", "index", "read,all"),
    "clear_scroll": ("read", "indices:data/read/scroll/clear", "index", "read,all"),
    "open_point": ("read", "indices:data/read/open_point_in_time", "index", "read,all"),
    "close_point": ("read", "indices:data/read/close_point_in_time", "index", "read,all"),
    "bulk": (
        "write",
        "indices:data/write/bulk",
        "index",
        "create_doc,create,delete,index,write,all",
    ),
    "index": ("write", "indices:data/write/index", "index", "create_doc,create,index,write,all"),
    "create": ("write", "indices:data/write/index", "index", "create_doc,create,index,write,all"),
    "update": ("write", "indices:data/write/update", "index", "index,write,all"),
    "delete": ("write", "indices:data/write/delete", "index", "delete,write,all"),
    "reindex": ("write", "indices:data/write/reindex", "index", "write,all"),
    "inference.": (
        "monitor_inference",
        "cluster:monitor/xpack/inference/post",
        "cluster",
        "monitor_inference,manage_inference,manage,all",
    ),
    "inference.put": (
        "manage_inference",
        "cluster:admin/xpack/inference/put",
        "cluster",
        "manage_inference,manage,all",
    ),
    "inference.update": (
        "manage_inference",
        "cluster:admin/xpack/inference/update",
        "cluster",
        "manage_inference,manage,all",
    ),
    "inference.delete": (
        "manage_inference",
        "cluster:admin/xpack/inference/delete",
        "cluster",
        "manage_inference,manage,all",
    ),
}
_CHALLENGES = ['Basic realm="security", charset="UTF-8"', 'Bearer realm="security"', "ApiKey"]


@dataclass(frozen=True)
class ApiKey:
    id: str
    encoded: str
    privileges: frozenset[Privilege]


class Security:
    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        # Every stand-in shares this key, so that a process of its own can be given to a site before
        # it starts.
        self.default = self.create("standin", ALL)

    def create(self, id_: str, privileges: frozenset[Privilege]) -> ApiKey:
        encoded = base64.b64encode(f"{id_}:standin-secret-0000000".encode()).decode()
        key = ApiKey(id_, encoded, privileges)
        self._keys[encoded] = key
        return key

    def revoke(self, key: ApiKey) -> None:
        self._keys.pop(key.encoded, None)

    def authenticate(self, header: str | None, uri: str) -> ApiKey:
        if not header:
            raise _unauthorized(f"missing authentication credentials for REST request [{uri}]")
        scheme, _, credentials = header.partition(" ")
        key = self._keys.get(credentials) if scheme.lower() == "apikey" else None
        if key is None:
            raise _unauthorized(
                "unable to authenticate with provided credentials and anonymous access is not"
                " allowed for this"
                " request",
                {"additional_unsuccessful_credentials": f"API key: {_problem(credentials)}"},
            )
        return key

    @staticmethod
    def authorize(key: ApiKey, route: str, index: str | None) -> None:
        if route in {"security.authenticate", "xpack.info"}:
            return
        prefix = max((name for name in _NEEDS if route.startswith(name)), key=len)
        privilege, action, scope, granted = _NEEDS[prefix]
        if privilege in key.privileges:
            return
        where = f" on indices [{index}]" if scope == "index" and index else ""
        raise ElasticsearchError(
            403,
            "security_exception",
            f"action [{action}] is unauthorized for API key id [{key.id}] of user [elastic]{where},"
            f" this action is granted by the {scope} privileges [{granted}]",
        )


def _problem(credentials: str) -> str:
    try:
        id_ = base64.b64decode(credentials, validate=True).decode().split(":")[0]
    except ValueError:
        return "invalid ApiKey value"
    return f"unable to find apikey with id {id_}"


def _unauthorized(reason: str, more: Json | None = None) -> ElasticsearchError:
    extra = {**(more or {}), "header": {"WWW-Authenticate": _CHALLENGES}}
    return ElasticsearchError(401, "security_exception", reason, extra=extra)
