"""The admin's lists of questions and kept answers: to look at, not to change."""

from __future__ import annotations

import pytest
from django.test import Client

from recommendations.models import KeptAnswer, Outcome, QueryLog

pytestmark = pytest.mark.django_db

LOG, KEPT = "/admin/recommendations/querylog/", "/admin/recommendations/keptanswer/"


@pytest.fixture
def rows() -> None:
    QueryLog.objects.create(
        question="How do I sign in?", language="en", writer="w", total_ms=12, outcome=Outcome.LATE
    )
    KeptAnswer.objects.create(key="k", question="What is new?", model="m", cards=[])


@pytest.mark.parametrize(
    ("address", "text"),
    [(LOG, "How do I sign in?"), (LOG, "the deadline passed"), (KEPT, "What is new?")],
)
def test_list_shows_the_rows(admin_client: Client, rows: None, address: str, text: str) -> None:
    assert text in admin_client.get(address).content.decode()


@pytest.mark.parametrize("address", [LOG, KEPT])
def test_nothing_can_be_added_or_changed(admin_client: Client, rows: None, address: str) -> None:
    assert admin_client.get(f"{address}add/").status_code == 403
    assert admin_client.post(f"{address}1/change/", {"question": "x"}).status_code == 403


def test_kept_answer_can_be_deleted(admin_client: Client, rows: None) -> None:
    pk = KeptAnswer.objects.values_list("pk", flat=True)[0]
    admin_client.post(f"{KEPT}{pk}/delete/", {"post": "yes"})
    assert not KeptAnswer.objects.exists()
