"""How a download shows itself: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskProgressColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as RichProgress

EVERY_SECONDS = 3.0
WIDTH = 24


class Progress:
    """Shows nothing; the others say how it looks."""

    def __init__(self, stdout: OutputWrapper) -> None:
        self.stdout = stdout
        self.total = 0
        self.done = 0
        self.high = 0  # what was shown: a bar never goes back

    @contextmanager
    def of(self, total: int) -> Iterator[None]:
        """One download of `total` bytes."""
        self.total, self.done, self.high = total, 0, 0
        yield

    def update(self, done: int) -> None:
        """`done` bytes are written."""
        self.done = done
        self.high = max(self.high, done)
        self.show(self.high)

    def ahead(self, count: int) -> None:
        """`count` bytes more have arrived and are not written yet."""
        self.high = max(self.high, min(self.done + count, self.total))
        self.show(self.high)

    def show(self, done: int) -> None:
        pass


class Lines(Progress):
    @contextmanager
    def of(self, total: int) -> Iterator[None]:
        self.began = self.shown = time.monotonic()
        with super().of(total):
            yield
            self.line(self.done)

    def show(self, done: int) -> None:
        if time.monotonic() - self.shown >= EVERY_SECONDS:
            self.shown = time.monotonic()
            self.line(done)

    def line(self, done: int) -> None:
        share = done / self.total
        bar = ("#" * int(share * WIDTH)).ljust(WIDTH, "-")
        speed = done / max(time.monotonic() - self.began, 0.001)
        self.stdout.write(
            f"[{bar}] {share:4.0%}  {done / 1e6:,.0f} of {self.total / 1e6:,.0f} MB  "
            f"{speed / 1e6:.1f} MB/s"
        )
        self.stdout.flush()


class Bar(Progress):
    @contextmanager
    def of(self, total: int) -> Iterator[None]:
        columns = BarColumn(), TaskProgressColumn(), DownloadColumn(), TransferSpeedColumn()
        console = Console(file=cast("IO[str]", self.stdout._out))
        with (
            super().of(total),
            RichProgress(*columns, TimeRemainingColumn(), console=console) as self.rich,
        ):
            self.task = self.rich.add_task("", total=total)
            yield

    def show(self, done: int) -> None:
        self.rich.update(self.task, completed=done)


def progress_for(stdout: OutputWrapper, verbosity: int) -> Progress:
    if not verbosity:
        return Progress(stdout)
    return Bar(stdout) if stdout.isatty() else Lines(stdout)
