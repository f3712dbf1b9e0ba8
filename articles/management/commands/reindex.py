"""Rebuild the search index, or compare it with the database."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from articles.management.terminal import console
from articles.search.base import SearchError, get_engine
from articles.search.rebuild import compare, reindex


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


class Command(BaseCommand):
    help = "Rebuilds the search index beside the serving one and swaps them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--chunk-size", type=positive, default=100, metavar="N", help="articles written at once"
        )
        parser.add_argument(
            "--check", action="store_true", help="compare index and database, change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["check"]:
                self.check_index()
            else:
                self.rebuild(options["chunk_size"], options["verbosity"])
        except (SearchError, DatabaseError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped; the old index keeps serving.", returncode=130) from None

    def check_index(self) -> None:
        difference = compare(get_engine())
        for name in ("missing", "stale", "orphaned"):
            self.stdout.write(f"{name}: {len(getattr(difference, name))}")
        if difference:
            raise CommandError("Index and database differ; run sync_index, or reindex.")

    def rebuild(self, chunk_size: int, verbosity: int) -> None:
        with self.progress(verbosity) as progress:
            report = reindex(chunk_size, progress)
        rate = report.documents / max(report.seconds, 0.001)
        if verbosity:
            self.stdout.write(
                f"{report.documents} documents in {report.seconds:.1f} s ({rate:.1f} documents/s)"
            )
        for pk, reason in sorted(report.failures.items()):
            self.stderr.write(f"article {pk}: {reason}")
        if report.failures:
            raise CommandError(f"{len(report.failures)} articles could not be indexed.")

    @contextmanager
    def progress(self, verbosity: int) -> Iterator[Callable[[int, int], None]]:
        """A bar on a terminal, a plain line a chunk elsewhere, nothing at verbosity 0."""
        if verbosity and self.stdout.isatty():
            columns = (
                TextColumn("Indexing"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            with Progress(*columns, console=console(self.stdout)) as bar:
                task = bar.add_task("Indexing", total=None)
                yield lambda done, total: bar.update(task, completed=done, total=total)
        elif verbosity:
            yield lambda done, total: self.stdout.write(f"indexed {done} of {total}")
        else:
            yield lambda done, total: None
