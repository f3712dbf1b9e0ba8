"""Measure the search with labelled queries."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rich.table import Table

from articles.management.commands.import_articles import read_documents
from articles.management.terminal import console
from articles.search.base import SearchError
from articles.search.evaluation import InvalidQuery, Judged, LabelledQuery, Scores, judge


class Command(BaseCommand):
    help = "Recall@1, recall@5 and MRR@10 of labelled queries, overall and by language."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help='JSON: [{"query": ..., "relevant_ids": [...]}]')

    def handle(self, *args: Any, **options: Any) -> None:
        queries = []
        for row, document in enumerate(read_documents(options["file"]), start=1):
            try:
                queries.append(LabelledQuery.parse(document))
            except InvalidQuery as error:
                raise CommandError(f"Row {row}: {error}.") from error
        if not queries:
            raise CommandError(f"{options['file']} holds no query.")
        try:
            judged = [judge(query) for query in queries]
        except (SearchError, DatabaseError) as error:
            raise CommandError(str(error)) from error
        self.report(judged, options["verbosity"])

    def report(self, judged: list[Judged], verbosity: int) -> None:
        groups: dict[str, list[Judged]] = defaultdict(list, all=judged)
        for row in judged:
            groups[row.query.language].append(row)
        table = Table("queries in", "number", "recall@1", "recall@5", "MRR@10")
        for name, rows in groups.items():
            scores = Scores.over(rows)
            figures = scores.recall_at_1, scores.recall_at_5, scores.mrr_at_10
            table.add_row(name, str(scores.queries), *(f"{figure:.3f}" for figure in figures))
        console(self.stdout).print(table)
        if verbosity > 1:
            for row in judged:
                if row.recall(5) < 1 or row.reciprocal_rank < 1:
                    wanted = ", ".join(sorted(row.query.relevant))
                    got = ", ".join(row.found[:5])
                    self.stdout.write(
                        f"{row.query.text!r}: wanted {wanted}; got {got or 'nothing'}"
                    )
