"""The inference APIs. Sources: reference section "Inference APIs",
``TransportPutInferenceModelAction`` (the PUT calls the model), ``ModelRegistry`` (an id that
exists: 400), ``TransportDeleteInferenceEndpointAction`` (409 while in use),
``TransportUnifiedCompletionInferenceAction`` (errors as SSE frames with the real status).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.standin import chunking, frames
from tests.standin.chat import CODES, Stream
from tests.standin.endpoints import Endpoint
from tests.standin.errors import (
    ElasticsearchError,
    Json,
    NotImplementedHere,
    non_compliant,
    resource_not_found,
    status_exception,
)
from tests.standin.messages import Request, Response
from tests.standin.steps import HttpError

if TYPE_CHECKING:
    from tests.standin.app import App

RATE_LIMIT: Json = {"requests_per_minute": 3000}
CREATION_FAILED = (
    "Could not complete inference endpoint creation as validation call to service threw an"
    " exception."
)
HUGGING_FACE_TASKS = {"chat_completion", "completion", "rerank", "text_embedding"}


def _id(request: Request) -> str:
    return next(
        value for name, value in request.parameters.items() if name.endswith("inference_id")
    )


def _require_licence(app: App) -> None:
    if not app.cluster.inference_allowed:
        raise non_compliant("inference")


def put(app: App, request: Request) -> Response:
    request.only()
    _require_licence(app)
    inference_id, body = _id(request), request.body
    task_type = request.parameters.get("task_type") or body.get("task_type")
    if inference_id in app.cluster.endpoints:
        raise ElasticsearchError(
            400,
            "resource_already_exists_exception",
            f"Inference endpoint [{inference_id}] already exists",
        )
    service = body["service"]
    if task_type is None:
        raise NotImplementedHere("an endpoint without a task type in its URL")
    settings = _settings(app, inference_id, service, str(task_type), dict(body["service_settings"]))
    endpoint = Endpoint(
        inference_id,
        str(task_type),
        service,
        settings,
        body.get("task_settings") or {},
        body.get("chunking_settings")
        or (chunking.DEFAULT_SETTINGS if task_type == "text_embedding" else None),
    )
    with app.cluster.lock:
        app.cluster.endpoints[inference_id] = endpoint
    return Response(body=endpoint.render())


def _settings(app: App, inference_id: str, service: str, task_type: str, given: Json) -> Json:
    """Service settings as they are kept, after the call that proves them. Secrets are dropped
    here.
    """
    if service == "elasticsearch":
        return {"num_threads": 1, **given}
    if service not in {"hugging_face", "openai"}:
        raise status_exception(400, f"Unknown service [{service}]")
    if service == "hugging_face" and task_type not in HUGGING_FACE_TASKS:
        raise status_exception(
            400, f"The [hugging_face] service does not support task type [{task_type}]"
        )
    given.pop("api_key", None)
    url = str(given.get("url", "https://api.openai.com/v1/chat/completions"))
    if task_type in {"chat_completion", "completion"}:
        app.chat.validation_calls.append(url)
        problem = app.chat.upstream_problem(inference_id, url)
        if problem is not None:
            cause = {"type": "status_exception", "reason": problem.reason}
            raise status_exception(400, CREATION_FAILED, caused_by=cause)
    return {**given, "rate_limit": given.get("rate_limit", RATE_LIMIT)}


def get(app: App, request: Request) -> Response:
    request.only()
    with app.cluster.lock:
        known = dict(app.cluster.endpoints)
    wanted = request.parameters.get("inference_id", "_all")
    task = request.parameters.get("task_type")
    if wanted not in {"_all", "*"}:
        if wanted not in known:
            raise resource_not_found(f"Inference endpoint not found [{wanted}]")
        known = {wanted: known[wanted]}
        if task not in {None, "_all", "any", known[wanted].task_type}:
            raise _mismatch(str(task), known[wanted])
    found = [
        endpoint.render()
        for _, endpoint in sorted(known.items())
        if task in {None, "_all", "any", endpoint.task_type}
    ]
    return Response(body={"endpoints": found})


def _mismatch(task: str, endpoint: Endpoint) -> ElasticsearchError:
    return status_exception(
        400,
        f"Requested task type [{task}] does not match the inference endpoint's task type"
        f" [{endpoint.task_type}]",
    )


def delete(app: App, request: Request) -> Response:
    request.only("force", "dry_run")
    inference_id = request.parameters["inference_id"]
    with app.cluster.lock:
        endpoint = app.cluster.endpoints.get(inference_id)
        if endpoint is None:
            raise resource_not_found(f"Inference endpoint not found [{inference_id}]")
        task = request.parameters.get("task_type")
        if task not in {None, "_all", "any", endpoint.task_type}:
            raise _mismatch(str(task), endpoint)
        users = app.cluster.endpoint_users(inference_id)
        body: Json = {"acknowledged": False, "pipelines": [], "indexes": users}
        if request.flag("dry_run"):
            return Response(body=body)
        if not request.flag("force"):
            if endpoint.is_preconfigured:
                raise status_exception(
                    400,
                    f"[{inference_id}] is a reserved inference endpoint. Use the force=true query"
                    " parameter to delete"
                    " the inference endpoint.",
                )
            if users:
                raise status_exception(
                    409,
                    f" Inference endpoint {inference_id} is being used in the mapping for indexes:"
                    f" [{', '.join(users)}]. Ensure that no index mappings are using this"
                    " inference endpoint, or use"
                    " force to ignore this warning and delete the inference endpoint.",
                )
        del app.cluster.endpoints[inference_id]
    return Response(body={"acknowledged": True, "pipelines": [], "indexes": []})


def infer(app: App, request: Request) -> Response:
    """Embeddings; other tasks than text_embedding and sparse_embedding are not implemented."""
    request.only()
    _require_licence(app)
    inference_id = _id(request)
    endpoint = app.cluster.endpoints.get(inference_id)
    if endpoint is None:
        raise resource_not_found(f"Inference endpoint not found [{inference_id}]")
    task = request.parameters.get("task_type")
    if request.route in {"inference.text_embedding", "inference.sparse_embedding"}:
        task = request.route.removeprefix("inference.")
    if task is not None and task != endpoint.task_type:
        raise _mismatch(task, endpoint)
    if endpoint.task_type != "text_embedding":
        raise NotImplementedHere(f"inference of type {endpoint.task_type}")
    given = request.body["input"]
    texts = [given] if isinstance(given, str) else list(given)
    encoder = endpoint.encoder(app.cluster.vectors)
    if str(request.body.get("input_type", "")).endswith("search"):
        vectors = [encoder.query(text) for text in texts]
    else:
        vectors = encoder.passages(texts)
    return Response(body={"text_embedding": [{"embedding": vector.tolist()} for vector in vectors]})


def _refused(status: int, message: str, type_: str, code: str | None) -> Response:
    """An error before the first chunk: an SSE frame under the real HTTP status."""
    data = frames.error(message, type_, code or CODES.get(status, "internal_server_error"))
    pieces = (piece for piece in [data])
    return Response(status, content_type=frames.CONTENT_TYPE, stream=pieces)


def chat(app: App, request: Request) -> Response:
    """``POST _inference/chat_completion/{id}/_stream``."""
    request.only()
    inference_id = request.parameters["inference_id"]
    stream = Stream(inference_id, request.body)
    app.chat.streams.append(stream)
    refused = _chat_problem(app, inference_id)
    if refused is not None:
        stream.finished_at = stream.started_at
        return refused
    steps = app.chat.steps(request.body)
    first = steps[0] if steps else None
    if isinstance(first, HttpError):
        stream.finished_at = stream.started_at
        type_ = first.type or ("hugging_face_error" if first.sse else "security_exception")
        message = first.message or (
            f"Received an error status code for request from inference entity id [{inference_id}]"
            f" status [{first.status}]"
        )
        if not first.sse:
            raise ElasticsearchError(first.status, type_, message)
        return _refused(first.status, message, type_, first.code)
    played = app.chat.play(stream, steps, request.client_gone, app.stopping)
    return Response(content_type=frames.CONTENT_TYPE, stream=played)


def _chat_problem(app: App, inference_id: str) -> Response | None:
    if not app.cluster.inference_allowed:
        error = non_compliant("inference")
        return _refused(error.status, error.reason, error.type, None)
    endpoint = app.cluster.endpoints.get(inference_id)
    if endpoint is None:
        reason = f"Inference endpoint not found [{inference_id}]"
        return _refused(404, reason, "resource_not_found_exception", None)
    if endpoint.task_type != "chat_completion":
        reason = (
            f"Requested task type [chat_completion] does not match the model [{endpoint.task_type}]"
        )
        return _refused(400, reason, "status_exception", None)
    problem = app.chat.upstream_problem(inference_id, str(endpoint.service_settings.get("url", "")))
    if problem is not None:
        return _refused(problem.status, problem.reason, problem.type, problem.extra["code"])
    return None
