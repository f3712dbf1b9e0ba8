"""The query log as CSV, row by row, for a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Any

from django.db.models import Count, QuerySet

from recommendations.insights import THUMB_DOWN, THUMB_UP
from recommendations.models import QueryLog

COLUMNS = [
    "asked_at",
    "question",
    "language",
    "outcome",
    "found_articles",
    "engine",
    "writer",
    "model",
    "first_words_ms",
    "total_ms",
    "thumbs_up",
    "thumbs_down",
]

# https://owasp.org/www-community/attacks/CSV_Injection
DANGEROUS = "=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"
# Where commas are decimal a spreadsheet parts the cells at semicolons, those of the question too.
LATER_CELL = re.compile(r"(?<=[;|])(\s*)(?=[=+\-@＝＋－＠])")


class Lines:
    """A file for `csv.writer` that gives each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def rows(log: QuerySet[QueryLog]) -> Iterator[str]:
    """The lines of the file, oldest question first; the byte order mark tells Excel UTF-8."""
    writer = csv.writer(Lines())
    yield "\ufeff" + writer.writerow(COLUMNS)
    counted = log.annotate(
        up=Count("votes", filter=THUMB_UP, distinct=True),
        down=Count("votes", filter=THUMB_DOWN, distinct=True),
    )
    for entry in counted.order_by("created_at", "pk").iterator(chunk_size=500):
        yield writer.writerow([harmless(value) for value in _cells(entry)])


def harmless(value: Any) -> Any:
    """Text that no spreadsheet takes for a formula. Readers write the questions, not we."""
    if not isinstance(value, str):
        return value
    value = LATER_CELL.sub(r"\1'", value)
    return f"'{value}" if value.lstrip(" ").startswith(DANGEROUS) else value


def _cells(entry: Any) -> list[Any]:
    return [
        entry.created_at.isoformat(timespec="seconds"),
        entry.question,
        entry.language,
        entry.outcome,
        len(entry.hits),
        entry.engine,
        entry.writer,
        entry.model,
        entry.first_words_ms,
        entry.total_ms,
        entry.up,
        entry.down,
    ]
