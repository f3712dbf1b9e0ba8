"""Passages as people read them: rows of tables keep the names of their columns."""

from __future__ import annotations

import pytest

from articles.markdown import plain_text
from articles.passages import in_context
from articles.search.chunks import split
from articles.snippets import snippet
from tests.conftest import MakeArticle

TABLE = """| Severity | Fix deployed within | Customers told |
|---|---|---|
| Critical | 48 hours | same day |
| Low | 90 days | release notes |"""
ROWS = [
    "Severity: Critical · Fix deployed within: 48 hours · Customers told: same day.",
    "Severity: Low · Fix deployed within: 90 days · Customers told: release notes.",
]


@pytest.mark.django_db
def test_passage_in_a_table_grows_by_whole_rows(make_article: MakeArticle) -> None:
    before = " ".join(f"Sentence {n} has five words." for n in range(9))
    article = make_article(content=f"{before}\n\n{TABLE}")
    assert in_context(article, ROWS[1]) == "\n".join(ROWS)


def test_snippet_of_a_table_begins_with_a_row() -> None:
    (passage,) = split(
        "Title", plain_text(f"{'Nothing to see. ' * 25}\n\n{TABLE}\n\n{'More. ' * 30}")
    )
    text = snippet(passage, "when are customers told of low severity?")
    assert text.startswith("… <mark>Severity</mark>: Critical · Fix deployed within: 48 hours · ")
