"""Ask the search engine from a terminal."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rich.table import Table

from articles.management.commands.reindex import positive
from articles.management.terminal import console
from articles.passages import one_paragraph
from articles.search.base import SearchQuery
from articles.search.results import Answer
from articles.search.service import search


class Command(BaseCommand):
    help = "Searches the published articles, as the site does."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("query")
        parser.add_argument("--limit", type=positive, default=10, metavar="N")
        parser.add_argument("--json", action="store_true", help="print a JSON array")

    def handle(self, *args: Any, **options: Any) -> None:
        text = options["query"].replace("\0", "").strip()
        if not text:
            raise CommandError("The question is empty; put it in quotes after the command.")
        if len(text) > settings.SEARCH_MAX_QUERY_LENGTH:
            raise CommandError(
                f"The question has {len(text)} characters; "
                f"{settings.SEARCH_MAX_QUERY_LENGTH} are allowed."
            )
        query = SearchQuery(text, limit=options["limit"])
        try:
            answer = Answer(query, search(query))
            found = answer.found
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        if answer.result.degraded:
            self.stderr.write(answer.result.degraded)
        if options["json"]:
            rows = [
                {
                    "id": hit.article.pk,
                    "source_id": hit.article.source_id,
                    "title": hit.article.title,
                    "score": round(hit.score, 4),
                    "passage": hit.passage,
                }
                for hit in found
            ]
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
        elif not found:
            self.stdout.write("Nothing here matches; try other words.")
        else:
            table = Table("id", "score", "title", "passage")
            for hit in found:
                passage = one_paragraph(hit.passage)[:160]
                table.add_row(str(hit.article.pk), f"{hit.score:.3f}", hit.article.title, passage)
            console(self.stdout).print(table)
