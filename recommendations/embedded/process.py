"""A child process that never outlives us, and its output line by line."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Self

STOP_SECONDS = 5.0
PR_SET_PDEATHSIG = 1


class Child:
    """A running program, in a process group of its own: Ctrl-C reaches it only through `stop`.

    Its output is not read by a thread: `lines` has to be called again and again.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.rest = b""
        self.process = subprocess.Popen(  # noqa: S603
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0 if os.name == "posix" else None,
            preexec_fn=die_with_parent(),
        )
        assert self.process.stdout is not None  # noqa: S101
        self.output = self.process.stdout
        os.set_blocking(self.output.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.output, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    def lines(self, seconds: float) -> Iterator[str]:
        """What it wrote since the last call; waits up to `seconds` for something."""
        if not self.selector.select(seconds):
            return
        data = self.rest + (self.output.read() or b"")
        *whole, self.rest = data.split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace").rstrip()

    def stop(self) -> None:
        """SIGTERM to the whole group, SIGKILL to what does not listen; returns when it is gone."""
        try:
            self.signal(signal.SIGTERM)
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:  # also when a second Ctrl-C interrupts the waiting
            self.signal(getattr(signal, "SIGKILL", signal.SIGTERM))
            self.process.wait()
            self.selector.close()
            self.output.close()

    def signal(self, number: int) -> None:
        try:
            if os.name == "posix":
                os.killpg(self.process.pid, number)
            else:
                self.process.terminate()
        except (ProcessLookupError, PermissionError):  # gone; macOS says the second for a zombie
            pass


def interrupt_on_signals() -> None:
    """SIGTERM and SIGHUP end a command as Ctrl-C does: by an exception, so that it can clean up."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and _listens_to(getattr(signal, name)):
            signal.signal(getattr(signal, name), _interrupt)


def raise_if_interrupted() -> None:
    """Again the `KeyboardInterrupt` of a signal, for loops that must end.

    Python prints and drops an exception that a signal's handler raises inside a finaliser or a
    callback of the garbage collector.
    """
    if _interrupted:
        raise KeyboardInterrupt


_interrupted = False  # not a threading.Event: a handler must not wait for a lock


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _interrupted
    _interrupted = True
    raise KeyboardInterrupt


def _listens_to(number: signal.Signals) -> bool:
    """A shell has background jobs ignore Ctrl-C, and that stays so."""
    return number != signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN


def die_with_parent() -> Callable[[], None] | None:
    """For the child, before it becomes the program: the kernel ends it when we die by any signal.

    Only Linux can do that. Elsewhere `Child.stop` ends it on every way out that Python sees.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return arm
