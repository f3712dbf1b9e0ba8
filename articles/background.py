"""Management commands that go on when the request that started them has ended.

Each runs as a process of its own, so neither a timeout of the web server nor its restart cuts it
short. The process holds a file lock as long as it lives, whatever ends it: that is how every web
process on this machine knows whether it still runs.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Job:
    """One management command with its arguments; at most one process of it runs at a time."""

    command: str
    arguments: tuple[str, ...] = ()

    def start(self) -> bool:
        """Start the command; false where it runs already. `OSError` where it cannot be started."""
        with self._lock_file() as lock:
            if not _locked(lock, fcntl.LOCK_EX):
                return False
            self._path("exit").unlink(missing_ok=True)
            with self._path("log").open("wb") as log:
                process = subprocess.Popen(  # noqa: S603  (our own command, nothing from a request)
                    [sys.executable, "manage.py", self.command, *self.arguments],
                    cwd=settings.BASE_DIR,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=[lock],  # the lock now lives as long as the process
                )
        threading.Thread(target=self._note_exit, args=[process], daemon=True).start()
        return True

    def _note_exit(self, process: subprocess.Popen[bytes]) -> None:
        status = process.wait()  # without it the ended process would stay in the system's table
        with suppress(OSError):
            self._path("exit").write_text(str(status))

    def is_running(self) -> bool:
        try:
            with self._lock_file() as lock:
                return not _locked(lock, fcntl.LOCK_SH)
        except OSError:
            return False

    def failure(self, since: datetime | None = None) -> str:
        """The last line that the latest run printed, if it failed (after `since`); else "".

        Nothing is known of a run that outlived the web process which had started it.
        """
        try:
            if self._path("exit").read_text() == "0":
                return ""
            ended = datetime.fromtimestamp(self._path("exit").stat().st_mtime, UTC)
            output = self._path("log").read_bytes()[-TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return ""
        if since and ended < since:
            return ""
        return output.strip().rpartition("\n")[2].removeprefix("CommandError: ")

    @contextmanager
    def _lock_file(self) -> Iterator[int]:
        path = self._path("lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _path(self, kind: str) -> Path:
        folder: Path = settings.VAR_DIR / "jobs"
        return folder / f"{self.command}.{kind}"


def _locked(descriptor: int, mode: int) -> bool:
    """Take the lock without waiting; false where another process has it."""
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
