"""The state of the cluster: indices, aliases, licence, inference endpoints, open search
contexts.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from tests.standin.endpoints import Endpoint, preconfigured
from tests.standin.errors import ElasticsearchError, Json, illegal_argument, index_not_found
from tests.standin.indices import Index
from tests.standin.mapping import Mapping
from tests.standin.vectors import Kind

if TYPE_CHECKING:
    from tests.standin.reader import Shard
    from tests.standin.search import Found

License = Literal["trial", "enterprise", "basic"]
FORBIDDEN_IN_NAMES = set(' "*\\<|,>/?#:')


@dataclass
class Context:
    """What a point in time or a scroll has frozen; ``found`` is the finished search of a scroll."""

    shards: list[Shard]
    expires: float
    found: Found | None = None
    body: Json = field(default_factory=dict)
    size: int = 10
    position: int = 0


@dataclass
class Cluster:
    vectors: Kind = "e5"
    license: License = "trial"
    auto_refresh: bool = True
    trial_used: bool = True
    uuid: str = field(default_factory=lambda: uuid.uuid4().hex[:22])
    indices: dict[str, Index] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=preconfigured)
    contexts: dict[str, Context] = field(default_factory=dict)
    created_ids: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    refreshed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def inference_allowed(self) -> bool:
        """Enterprise or trial: ``InferencePlugin.INFERENCE_API_FEATURE``."""
        return self.license != "basic"

    def new_id(self) -> str:
        self.created_ids += 1
        # Counted, not drawn, so that a journal gives the same ids again.
        return uuid.uuid5(uuid.NAMESPACE_OID, str(self.created_ids)).hex[:20]

    def create_index(self, name: str, body: Json) -> Index:
        check_name(name)
        if name in self.indices:
            raise ElasticsearchError(
                400,
                "resource_already_exists_exception",
                f"index [{name}/{self.indices[name].uuid}] already exists",
                extra={"index_uuid": self.indices[name].uuid, "index": name},
            )
        if self.alias_targets(name):
            raise ElasticsearchError(
                400,
                "invalid_index_name_exception",
                f"Invalid index name [{name}], already exists as alias",
                extra={"index_uuid": "_na_", "index": name},
            )
        settings = normalise(body.get("settings") or {})
        index = Index(
            name, settings, Mapping(body.get("mappings") or {}, settings), self.auto_refresh
        )
        for alias, options in (body.get("aliases") or {}).items():
            self.add_alias(index, alias, options)
        self.indices[name] = index
        return index

    def alias_targets(self, alias: str) -> list[Index]:
        return [index for index in self.indices.values() if alias in index.aliases]

    def add_alias(self, index: Index, alias: str, options: Json) -> None:
        check_name(alias, kind="alias")
        if alias in self.indices:
            raise ElasticsearchError(
                400,
                "invalid_alias_name_exception",
                f"Invalid alias name [{alias}]: an index or data stream exists with the same name"
                " as the alias",
                extra={"index_uuid": "_na_", "index": alias},
            )
        index.aliases[alias] = options

    def resolve(
        self,
        expression: str | None,
        *,
        ignore_unavailable: bool = False,
        allow_no_indices: bool = True,
    ) -> list[Index]:
        """Indices by name, alias or pattern, in the order of their names; 404 for a name that is
        none.
        """
        found: dict[str, Index] = {}
        for part in (expression or "_all").split(","):
            if part in {"_all", "*"}:
                found |= self.indices
            elif part.startswith("-"):
                for name in [name for name in found if fnmatchcase(name, part[1:])]:
                    del found[name]
            elif "*" in part:
                for name, index in self.indices.items():
                    if any(fnmatchcase(known, part) for known in (name, *index.aliases)):
                        found[name] = index
            elif part in self.indices:
                found[part] = self.indices[part]
            elif targets := self.alias_targets(part):
                found |= {index.name: index for index in targets}
            elif not ignore_unavailable:
                raise index_not_found(part)
        if not found and not allow_no_indices:
            raise index_not_found(expression or "_all")
        return [found[name] for name in sorted(found)]

    def write_index(self, name: str, *, require_alias: bool = False) -> Index:
        """Where a write to ``name`` goes. Like a real cluster it CREATES an index that is
        missing.
        """
        targets = self.alias_targets(name)
        if require_alias and not targets:
            raise index_not_found(
                name,
                note=f" and [require_alias] request flag is [true] and [{name}] is not an alias",
            )
        if name in self.indices:
            return self.indices[name]
        if targets:
            chosen = [index for index in targets if index.aliases[name].get("is_write_index")]
            if len(targets) == 1 and targets[0].aliases[name].get("is_write_index") is not False:
                chosen = targets
            if len(chosen) == 1:
                return chosen[0]
            raise illegal_argument(
                f"no write index is defined for alias [{name}]. The write index may be explicitly"
                " disabled using"
                " is_write_index=false or the alias points to multiple indices without one being"
                " designated as a"
                " write index"
            )
        return self.create_index(name, {})

    def single_index(self, name: str) -> Index:
        """For reads of one document: an alias of several indices cannot answer."""
        found = self.resolve(name)
        if len(found) != 1:
            names = ", ".join(index.name for index in found)
            raise illegal_argument(
                f"alias [{name}] has more than one index associated with it [{names}],"
                " can't execute a single index op"
            )
        return found[0]

    def refresh(self, indices: list[Index]) -> None:
        with self.lock:
            for index in indices:
                index.refresh()
        with self.refreshed:
            self.refreshed.notify_all()

    def wait_for_refresh(self, index: Index, timeout: float = 30.0) -> None:
        """``refresh=wait_for``: at once, but with ``refresh_interval: -1`` until somebody
        refreshes.
        """
        if not index.refreshes_off:
            self.refresh([index])
            return
        with self.refreshed:
            self.refreshed.wait_for(lambda: not index.pending, timeout)

    def endpoint_users(self, inference_id: str) -> list[str]:
        """Names of the indices whose mapping uses an endpoint."""
        return sorted(
            index.name
            for index in self.indices.values()
            for semantic in index.mapping.semantic.values()
            if inference_id in (semantic.inference_id, semantic.search_inference_id)
        )


def normalise(settings: Json) -> Json:
    """``number_of_replicas``, ``index.number_of_replicas`` and ``{"index": {…}}`` are the same
    setting.
    """
    flat: Json = {}

    def walk(body: Json, prefix: str) -> None:
        for key, value in body.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict):
                walk(value, f"{name}.")
            else:
                flat[name] = value

    walk(settings, "")
    nested: Json = {"index": {}}
    for name, value in flat.items():
        place: Any = nested
        parts = name.split(".") if name.startswith("index.") else ["index", *name.split(".")]
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value if isinstance(value, list) or value is None else _text(value)
    return nested


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_name(name: str, *, kind: str = "index") -> None:
    """``MetadataCreateIndexService.validateIndexOrAliasName``."""
    problem = None
    if set(name) & FORBIDDEN_IN_NAMES:
        problem = (
            "must not contain the following characters"
            " [' ','\"','*','\\\\','<','|',',','>','/','?']"
        )
    elif name[:1] in {"_", "-", "+"}:
        problem = "must not start with '_', '-', or '+'"
    elif kind == "index" and name != name.lower():
        problem = "must be lowercase"
    if problem:
        raise ElasticsearchError(
            400,
            f"invalid_{kind}_name_exception",
            f"Invalid {kind} name [{name}], {problem}",
            extra={"index_uuid": "_na_", "index": name},
        )
