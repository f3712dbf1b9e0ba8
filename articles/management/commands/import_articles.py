"""Import articles from a JSON file."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from articles.importing import ImportedArticle, InvalidDocument
from articles.models import OutboxEntry
from articles.search import outbox


def read_documents(path: Path) -> list[Any]:
    """The JSON array in a file; raises `CommandError` with a sentence."""
    try:
        documents = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not a UTF-8 text file.") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, too
        raise CommandError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(documents, list):
        raise CommandError(f"{path} must hold a JSON array of objects.")
    return documents


class Command(BaseCommand):
    help = "Imports articles from a JSON file; importing it again changes only what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        documents = read_documents(options["file"])
        try:
            counts, failures = self.store(documents)
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        self.stdout.write(
            f"{counts['created']} created, {counts['updated']} updated, "
            f"{counts['unchanged']} unchanged, {len(failures)} failed"
        )
        for failure in failures:
            self.stderr.write(failure)
        self.sync(options["verbosity"])
        if failures:
            raise CommandError(f"{len(failures)} of {len(documents)} documents were not imported.")

    def store(self, documents: list[Any]) -> tuple[Counter[str], list[str]]:
        counts: Counter[str] = Counter()
        failures: list[str] = []
        seen: dict[str, int] = {}
        with outbox.deferred():
            for row, document in enumerate(documents, start=1):
                try:
                    article = ImportedArticle.parse(document)
                    if article.source_id in seen:
                        first = seen[article.source_id]
                        raise InvalidDocument(f"its id stands in row {first} already")
                    seen[article.source_id] = row
                    counts[article.store()] += 1
                except InvalidDocument as error:
                    name = document.get("id") if isinstance(document, dict) else None
                    label = f"row {row}" if name is None else f"row {row} (id {name!r})"
                    failures.append(f"{label}: {error}")
        return counts, failures

    def sync(self, verbosity: int) -> None:
        """Bring the imported articles into the index; what fails waits in the outbox."""
        if verbosity and OutboxEntry.objects.exists():
            self.stdout.write("Updating the search index ...")
        outbox.drain(retry_now=True)
        if left := OutboxEntry.objects.filter(outbox.waiting()).count():
            self.stderr.write(f"{left} changes wait for the search index; run sync_index.")
