"""Index management: create, delete, get, mappings, settings, aliases, refresh. Source: reference
section "Index APIs".
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tests.standin.cluster import Cluster, normalise
from tests.standin.errors import (
    ElasticsearchError,
    Json,
    NotImplementedHere,
    illegal_argument,
    index_not_found,
)
from tests.standin.indices import Index
from tests.standin.messages import Request, Response, acknowledged

if TYPE_CHECKING:
    from tests.standin.app import App

# Settings that can only be given when the index is created.
STATIC = {"number_of_shards", "codec", "analysis", "sort", "mapping"}


def _resolved(app: App, request: Request) -> list[Index]:
    return app.cluster.resolve(
        request.index,
        ignore_unavailable=request.flag("ignore_unavailable"),
        allow_no_indices=request.flag("allow_no_indices", True),
    )


def create(app: App, request: Request) -> Response:
    request.only()
    with app.cluster.lock:
        index = app.cluster.create_index(request.parameters["index"], request.body or {})
    return acknowledged(shards_acknowledged=True, index=index.name)


def delete(app: App, request: Request) -> Response:
    """Deletes concrete indices; an alias cannot be deleted this way (``DestructiveOperations``)."""
    request.only()
    with app.cluster.lock:
        for part in request.parameters["index"].split(","):
            if "*" in part or part == "_all":
                raise illegal_argument("Wildcard expressions or all indices are not allowed")
            if app.cluster.alias_targets(part):
                raise illegal_argument(
                    f"The provided expression [{part}] matches an alias, specify the"
                    " corresponding concrete indices"
                    " instead."
                )
            if part not in app.cluster.indices and not request.flag("ignore_unavailable"):
                raise index_not_found(part)
        for part in request.parameters["index"].split(","):
            app.cluster.indices.pop(part, None)
    return acknowledged()


def exists(app: App, request: Request) -> Response:
    request.only()
    with app.cluster.lock:
        try:
            found = app.cluster.resolve(request.parameters["index"], allow_no_indices=False)
        except ElasticsearchError:
            return Response(404)
    return Response(200 if found else 404)


def get(app: App, request: Request) -> Response:
    request.only("features", "flat_settings", "include_defaults")
    with app.cluster.lock:
        return Response(
            body={
                index.name: {
                    "aliases": index.aliases,
                    "mappings": index.mapping.render(),
                    "settings": index.render_settings(),
                }
                for index in _resolved(app, request)
            }
        )


def get_mapping(app: App, request: Request) -> Response:
    request.only()
    with app.cluster.lock:
        found = _resolved(app, request)
        return Response(body={index.name: {"mappings": index.mapping.render()} for index in found})


def put_mapping(app: App, request: Request) -> Response:
    request.only()
    with app.cluster.lock:
        for index in _resolved(app, request):
            index.mapping.merge(request.body)
    return acknowledged()


def get_settings(app: App, request: Request) -> Response:
    request.only("flat_settings")
    if "name" in request.parameters or request.flag("flat_settings"):
        raise NotImplementedHere("single or flat settings")
    with app.cluster.lock:
        found = _resolved(app, request)
        return Response(body={index.name: {"settings": index.render_settings()} for index in found})


def put_settings(app: App, request: Request) -> Response:
    request.only("preserve_existing", "reopen")
    fresh = normalise(request.body.get("settings", request.body))["index"]
    with app.cluster.lock:
        for index in _resolved(app, request):
            fixed = sorted(STATIC & fresh.keys())
            if fixed:
                names = ", ".join(f"index.{name}" for name in fixed)
                raise illegal_argument(
                    f"Can't update non dynamic settings [[{names}]] for open indices"
                    f" [[{index.name}/{index.uuid}]]"
                )
            for name, value in fresh.items():
                # Null gives a setting back its default.
                if value is None:
                    index.settings["index"].pop(name, None)
                else:
                    index.settings["index"][name] = value
    return acknowledged()


def refresh(app: App, request: Request) -> Response:
    request.only()
    found = _resolved(app, request)
    app.cluster.refresh(found)
    # One primary and one replica that no node can take.
    shards: Json = {"total": 2 * len(found), "successful": len(found), "failed": 0}
    return Response(body={"_shards": shards})


def _named(value: Json, singular: str, plural: str) -> list[str]:
    one, many = value.get(singular), value.get(plural)
    names = many if many is not None else one
    if names is None:
        raise illegal_argument(f"One of [{singular}] or [{plural}] is required")
    return [names] if isinstance(names, str) else list(names)


def _add(cluster: Cluster, options: Json) -> None:
    known = {"index", "indices", "alias", "aliases", "is_write_index", "is_hidden", "must_exist"}
    if options.keys() - known:
        raise NotImplementedHere(f"alias options {sorted(options.keys() - known)}")
    kept: Json = {key: options[key] for key in ("is_write_index", "is_hidden") if key in options}
    for expression in _named(options, "index", "indices"):
        for index in cluster.resolve(expression, allow_no_indices=False):
            for alias in _named(options, "alias", "aliases"):
                cluster.add_alias(index, alias, kept)


def _remove(cluster: Cluster, options: Json) -> None:
    removed = False
    aliases = _named(options, "alias", "aliases")
    for expression in _named(options, "index", "indices"):
        for index in cluster.resolve(expression, allow_no_indices=False):
            for pattern in aliases:
                for alias in [name for name in index.aliases if fnmatchcase(name, pattern)]:
                    del index.aliases[alias]
                    removed = True
    if not removed and options.get("must_exist", True):
        raise ElasticsearchError(
            404,
            "aliases_not_found_exception",
            f"aliases {aliases} missing".replace("'", ""),
            extra={"resource.type": "aliases", "resource.id": aliases},
        )


def _remove_index(cluster: Cluster, options: Json) -> None:
    for expression in _named(options, "index", "indices"):
        if cluster.alias_targets(expression):
            raise illegal_argument(
                f"The provided expression [{expression}] matches an alias, specify the"
                " corresponding concrete"
                " indices instead."
            )
        for index in cluster.resolve(expression, allow_no_indices=False):
            del cluster.indices[index.name]


ACTIONS: dict[str, Callable[[Cluster, Json], None]] = {
    "remove_index": _remove_index,
    "remove": _remove,
    "add": _add,
}


def update_aliases(app: App, request: Request) -> Response:
    """All actions or none. Indices go first, so that an alias may take the name of one that is
    removed.
    """
    request.only()
    cluster = app.cluster
    with cluster.lock:
        kept = dict(cluster.indices)
        aliases = {name: dict(index.aliases) for name, index in kept.items()}
        try:
            for wanted in ("remove_index", "remove", "add"):
                for action in request.body.get("actions", []):
                    if wanted in action:
                        ACTIONS[wanted](cluster, action[wanted])
        except (ElasticsearchError, NotImplementedHere):
            cluster.indices.clear()
            cluster.indices.update(kept)
            for name, index in kept.items():
                index.aliases = aliases[name]
            raise
    return acknowledged()


def put_alias(app: App, request: Request) -> Response:
    request.only()
    with app.cluster.lock:
        options = {
            **(request.body or {}),
            "index": request.index,
            "alias": request.parameters["name"],
        }
        _add(app.cluster, options)
    return acknowledged()


def delete_alias(app: App, request: Request) -> Response:
    request.only()
    with app.cluster.lock:
        _remove(
            app.cluster, {"index": request.index, "aliases": request.parameters["name"].split(",")}
        )
    return acknowledged()


def _aliases(app: App, request: Request) -> tuple[Json, list[str]]:
    """Indices with the aliases asked for, and the names that are no alias."""
    wanted = request.parameters.get("name", "*").split(",")
    found: Json = {}
    missing = [name for name in wanted if "*" not in name and name != "_all"]
    for index in _resolved(app, request):
        matching: dict[str, Any] = {
            alias: options
            for alias, options in index.aliases.items()
            if any(fnmatchcase(alias, "*" if name == "_all" else name) for name in wanted)
        }
        missing = [name for name in missing if name not in matching]
        if matching or "name" not in request.parameters:
            found[index.name] = {"aliases": matching}
    return found, missing


def get_alias(app: App, request: Request) -> Response:
    """A missing alias is a 404 whose ``error`` is a bare string beside whatever was found."""
    request.only()
    with app.cluster.lock:
        found, missing = _aliases(app, request)
    if missing:
        noun = "alias" if len(missing) == 1 else "aliases"
        return Response(
            404, {"error": f"{noun} [{','.join(missing)}] missing", "status": 404, **found}
        )
    return Response(body=found)


def exists_alias(app: App, request: Request) -> Response:
    request.only()
    with app.cluster.lock:
        try:
            found, missing = _aliases(app, request)
        except ElasticsearchError:
            return Response(404)
    return Response(404 if missing or not found else 200)
