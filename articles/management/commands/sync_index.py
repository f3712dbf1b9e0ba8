"""Bring waiting changes into the search index."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from articles.models import OutboxEntry
from articles.search import outbox

POLL_SECONDS = 1.0


class Command(BaseCommand):
    help = "Writes the changes that wait in the outbox to the search index."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--watch", action="store_true", help="keep running and sync what comes in"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["watch"]:
            self.watch()
        else:
            self.drain()

    def drain(self) -> None:
        try:
            before = OutboxEntry.objects.filter(outbox.waiting()).count()
            outbox.drain(retry_now=True)
            left = list(OutboxEntry.objects.filter(outbox.waiting()))
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        self.stdout.write(f"{before - len(left)} changes synced, {len(left)} left")
        for entry in left:
            self.stderr.write(f"article {entry.article_id}: {entry.error}")
        if left:
            raise CommandError("Some changes still wait; they are tried again by sync_index.")

    def watch(self) -> None:
        try:
            self.stdout.write("Watching for changes; Ctrl-C ends.")
            while True:
                try:
                    outbox.drain()
                except DatabaseError as error:  # it may come back; the entries are kept there
                    self.stderr.write(f"The database does not answer: {error}")
                    connection.close()
                time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
