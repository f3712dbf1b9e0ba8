"""What a scripted model does, step by step. ``Chat.script([...])`` takes these; plain text and
numbers are steps too.

es.chat.script(["Hello", 0.5, " world", Usage()])          # delta, half a second, delta, usage
frame, [DONE] es.chat.script([HttpError(429, sse=True)])                  # refused before the first
chunk es.chat.script(["[{", Cut()])                               # the connection dies in the
middle
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """One delta. ``finish_reason`` as the last delta of a model has it."""

    content: str
    finish_reason: str | None = None


@dataclass(frozen=True)
class Split:
    """One delta whose frame arrives in two HTTP chunks, cut inside its first multi-byte character
    (or in its middle).
    """

    content: str
    pause: float = 0.02


@dataclass(frozen=True)
class Sleep:
    seconds: float


@dataclass(frozen=True)
class Raw:
    """Bytes as they are: broken frames, comments, other line ends."""

    data: bytes


@dataclass(frozen=True)
class ErrorEvent:
    """``event: error`` in the middle of the stream, under HTTP 200; nothing follows it."""

    message: str = "Received an error response for request from inference entity id [{id}]"
    code: str | None = "bad_request"
    type: str = "hugging_face_error"


@dataclass(frozen=True)
class HttpError:
    """A refusal before the first chunk: as an SSE frame (``sse``) or as ordinary JSON of the REST
    layer.
    """

    status: int
    message: str | None = None
    type: str | None = None
    code: str | None = None
    sse: bool = True


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int = 100
    completion_tokens: int = 50


@dataclass(frozen=True)
class Cut:
    """The connection dies without the last HTTP chunk."""


@dataclass(frozen=True)
class Stall:
    """Nothing more comes until the client hangs up (or the server stops)."""


@dataclass(frozen=True)
class NoDone:
    """The stream ends in good order, but without ``[DONE]``."""


Step = (
    str | float | Text | Split | Sleep | Raw | ErrorEvent | HttpError | Usage | Cut | Stall | NoDone
)
