"""The stand-in in a process of its own, for tests that kill it: ``kill -9`` and back on the same
port, state kept.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 20.0


class StandInProcess:
    """``with StandInProcess(tmp_path) as es: …``; ``es.kill()`` and ``es.start()`` in between."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._journal = folder / "standin.journal"
        self._arguments = list(arguments)
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.api_key = ""
        self._port = 0

    def start(self) -> Self:
        command = [
            sys.executable,
            "-m",
            "tests.standin",
            "--port",
            str(self._port),
            "--journal",
            str(self._journal),
            *self._arguments,
        ]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if self._process.stdout is None:
            raise AssertionError("a pipe was asked for")
        # The address comes when the server listens.
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the stand-in did not start")
        self.url, self.api_key = line.split()
        self._port = int(self.url.rsplit(":", 1)[1])
        return self

    def kill(self) -> None:
        """SIGKILL, as ``kill -9`` sends it."""
        self._end(kill=True)

    def stop(self) -> None:
        self._end(kill=False)

    def _end(self, *, kill: bool) -> None:
        if self._process is None:
            return
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait(TIMEOUT)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def control(self, action: str = "", body: Any = None) -> dict[str, Any]:
        """See control.py: ``control()`` reads the state, ``control("script", {...})`` changes
        something.
        """
        url = f"{self.url}/_standin/{action}"
        answer = requests.request(
            "GET" if body is None else "POST", url, json=body, timeout=TIMEOUT
        )
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    @property
    def violations(self) -> list[str]:
        found: list[str] = self.control()["violations"]
        return found
