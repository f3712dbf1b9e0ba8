"""Chat completion: the model behind the inference endpoint, scripted, and the streams it has open.

The frames are in frames.py, the steps of a script in steps.py, the default answers in model.py.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.standin import frames, model
from tests.standin.errors import ConnectionCut, ElasticsearchError, Json
from tests.standin.steps import (
    Cut,
    ErrorEvent,
    HttpError,
    NoDone,
    Raw,
    Sleep,
    Split,
    Stall,
    Step,
    Text,
    Usage,
)

ModelState = Literal["warm", "cold", "bad_key", "rate_limited"]
# How often a waiting stream looks whether its client is still there.
POLL = 0.02
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    429: "too_many_requests",
}


@dataclass
class Stream:
    """One chat completion request and what became of it. Times are ``time.monotonic()``."""

    inference_id: str
    body: Json
    started_at: float = field(default_factory=time.monotonic)
    first_byte_at: float | None = None
    finished_at: float | None = None
    disconnected_at: float | None = None
    sent: int = 0

    @property
    def is_open(self) -> bool:
        return self.finished_at is None

    @property
    def prompt(self) -> str:
        return model.prompt_text(self.body)


class Chat:
    """``es.chat``: scripts, the state of the Hugging Face endpoint, and a record of every
    request.
    """

    def __init__(self) -> None:
        self.model_name = "HuggingFaceTB/SmolLM3-3B"
        # Seconds between two deltas of the default model, and characters in each.
        self.delay = 0.0
        self.delta_size = 12
        self.state: ModelState = "warm"
        self.streams: list[Stream] = []
        # URLs that a PUT of an endpoint called, as the validation call does.
        self.validation_calls: list[str] = []
        self._cold_calls = 0
        self._scripts: deque[list[Step]] = deque()
        self._default: Callable[[Json], Iterable[Step]] = self._model
        self._lock = threading.Lock()

    # What a test sets.

    def script(self, steps: Iterable[Step]) -> None:
        """What the next request gets; several calls queue up."""
        self._scripts.append(list(steps))

    def always(self, steps: Iterable[Step] | Callable[[Json], Iterable[Step]]) -> None:
        """What every request without a script of its own gets: steps, or a function of the
        request's body.
        """
        fixed = None if callable(steps) else list(steps)
        self._default = steps if callable(steps) else lambda body: fixed or []

    def reset(self) -> None:
        """Back to the default model."""
        self._scripts.clear()
        self._default = self._model
        self.state, self._cold_calls, self.delay = "warm", 0, 0.0

    def cold(self, calls: int = 1) -> None:
        """The Hugging Face endpoint is scaled to zero: that many calls get 503, then it is warm."""
        self.state, self._cold_calls = "cold", calls

    # What a test reads.

    @property
    def requests(self) -> list[Json]:
        return [stream.body for stream in self.streams]

    @property
    def open_streams(self) -> int:
        return sum(stream.is_open for stream in self.streams)

    @property
    def disconnected_at(self) -> float | None:
        """When the last client hung up before its stream was done."""
        times = [stream.disconnected_at for stream in self.streams if stream.disconnected_at]
        return max(times) if times else None

    # What the server does.

    def upstream_problem(self, inference_id: str, url: str) -> ElasticsearchError | None:
        """What Hugging Face answers instead of a completion; upstream 5xx arrive as HTTP 400."""
        about = f"for request from inference entity id [{inference_id}] status"
        if not url.rstrip("/").endswith("/v1/chat/completions"):
            return _upstream(404, f"Resource not found at [{url}] {about} [404]")
        with self._lock:
            if self.state == "cold":
                self._cold_calls -= 1
                self.state = "cold" if self._cold_calls > 0 else "warm"
                return _upstream(
                    400,
                    f"Received a server busy error status code {about} [503]. Error message:"
                    " [Service Unavailable]",
                )
        if self.state == "bad_key":
            text = f"Received an authentication error status code {about} [401]"
            return _upstream(
                401, f"{text}. Error message: [Invalid credentials in Authorization header]"
            )
        if self.state == "rate_limited":
            return _upstream(429, f"Received a rate limit status code {about} [429]")
        return None

    def steps(self, body: Json) -> list[Step]:
        with self._lock:
            if self._scripts:
                return self._scripts.popleft()
        return list(self._default(body))

    def _model(self, body: Json) -> Iterable[Step]:
        text = model.answer(body)
        limit = body.get("max_completion_tokens")
        pieces = model.deltas(text, self.delta_size)
        cut = limit is not None and len(pieces) > limit
        for piece in pieces[:limit] if cut else pieces:
            yield Text(piece)
            if self.delay:
                yield Sleep(self.delay)
        yield Text("", finish_reason="length" if cut else "stop")
        yield Usage(len(model.prompt_text(body)) // 4, len(pieces))

    def play(
        self, stream: Stream, steps: list[Step], gone: Callable[[], bool], stopping: threading.Event
    ) -> Generator[bytes]:
        """The HTTP chunks of a stream. ``gone`` tells whether the client hung up."""
        done = True
        try:
            for step in steps:
                for data in self._bytes(stream, step, gone, stopping):
                    stream.first_byte_at = stream.first_byte_at or time.monotonic()
                    yield data
                    stream.sent += 1
                if isinstance(step, ErrorEvent | NoDone):
                    done = False
                    break
            if done:
                yield frames.DONE
            stream.finished_at = time.monotonic()
        except GeneratorExit:
            # The server could not write: the client is gone.
            stream.disconnected_at = stream.disconnected_at or time.monotonic()
            raise
        finally:
            stream.finished_at = stream.finished_at or time.monotonic()

    def _bytes(
        self, stream: Stream, step: Step, gone: Callable[[], bool], stopping: threading.Event
    ) -> Iterator[bytes]:
        stream_id = f"chatcmpl-{self.streams.index(stream)}"
        if isinstance(step, str):
            step = Text(step)
        if isinstance(step, int | float):
            step = Sleep(step)
        if isinstance(step, Text):
            yield frames.delta(stream_id, self.model_name, step.content, step.finish_reason)
        elif isinstance(step, Split):
            data = frames.delta(stream_id, self.model_name, step.content)
            cut = _inside_character(data)
            yield data[:cut]
            self._wait(stream, step.pause, gone, stopping)
            yield data[cut:]
        elif isinstance(step, Raw):
            yield step.data
        elif isinstance(step, Usage):
            yield frames.usage(stream_id, self.model_name, step)
        elif isinstance(step, ErrorEvent):
            message = step.message.format(id=stream.inference_id)
            yield frames.error(message, step.type, step.code)
        elif isinstance(step, Sleep):
            self._wait(stream, step.seconds, gone, stopping)
        elif isinstance(step, Stall):
            self._wait(stream, None, gone, stopping)
        elif isinstance(step, Cut):
            raise ConnectionCut("cut by script")
        elif isinstance(step, HttpError):
            raise AssertionError("HttpError must be the first step of a script")

    @staticmethod
    def _wait(
        stream: Stream, seconds: float | None, gone: Callable[[], bool], stopping: threading.Event
    ) -> None:
        """Sleeps, but notices a client that hangs up and a server that stops."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or time.monotonic() < end:
            left = POLL if end is None else min(POLL, max(end - time.monotonic(), 0))
            if stopping.wait(left):
                raise ConnectionCut("server stopped")
            if gone():
                stream.disconnected_at = time.monotonic()
                raise ConnectionCut("client hung up")


def _upstream(status: int, message: str) -> ElasticsearchError:
    return ElasticsearchError(
        status, "hugging_face_error", message, extra={"code": CODES.get(status, "bad_request")}
    )


def _inside_character(data: bytes) -> int:
    """A place inside the first multi-byte character after the byte order mark, or the middle."""
    for position in range(len(frames.BOM), len(data)):
        if data[position] & 0xC0 == 0x80:
            return position
    return len(data) // 2
