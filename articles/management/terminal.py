"""Rich output of management commands through their own `stdout`."""

from __future__ import annotations

from typing import IO, cast

from django.core.management.base import OutputWrapper
from rich.console import Console

PLAIN_WIDTH = 120  # columns where the output is no terminal


def console(stdout: OutputWrapper) -> Console:
    """A rich console that writes where the command writes."""
    stream = cast("IO[str]", stdout._out)
    return Console(file=stream, width=None if stdout.isatty() else PLAIN_WIDTH)
