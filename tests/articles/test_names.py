"""Names beside the filters are kept for seconds, and never missing."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import translation

from articles.models import Author, Category
from articles.search.names import KEPT_SECONDS, names_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(time, "time", lambda: clock.now)
    return clock


def test_name_changed_by_another_process_is_seen_after_some_seconds(
    clock: SimpleNamespace, django_assert_num_queries: Any
) -> None:
    Author.objects.create(name="Noor Haddad", slug="noor")
    assert names_of(Author, {"noor"}) == {"noor": "Noor Haddad"}
    Author.objects.update(name="Noor Aziz")  # no signal, as in another process
    with django_assert_num_queries(0):
        assert names_of(Author, {"noor"}) == {"noor": "Noor Haddad"}
    clock.now += KEPT_SECONDS
    assert names_of(Author, {"noor"}) == {"noor": "Noor Aziz"}


def test_name_saved_by_this_process_is_seen_at_once(
    clock: SimpleNamespace, django_capture_on_commit_callbacks: Any
) -> None:
    author = Author.objects.create(name="Noor Haddad", slug="noor")
    assert names_of(Author, {"noor"}) == {"noor": "Noor Haddad"}
    author.name = "Noor Aziz"
    with django_capture_on_commit_callbacks(execute=True):
        author.save()
    assert names_of(Author, {"noor"}) == {"noor": "Noor Aziz"}


def test_new_name_is_looked_up_at_once(clock: SimpleNamespace) -> None:
    assert names_of(Category, set()) == {}
    Category.objects.create(name="Security", slug="security")
    assert names_of(Category, {"security"}) == {"security": "Security"}


def test_name_that_only_the_index_has_is_no_error(clock: SimpleNamespace) -> None:
    assert names_of(Author, {"gone"}) == {}


def test_names_are_those_of_the_language(clock: SimpleNamespace) -> None:
    Category.objects.create(name="Security", slug="security", spanish_name="Seguridad")
    assert names_of(Category, {"security"}) == {"security": "Security"}
    with translation.override("es"):
        assert names_of(Category, {"security"}) == {"security": "Seguridad"}
