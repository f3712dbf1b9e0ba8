"""The picture beside a shared link."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from django.test import Client
from PIL import Image

from articles.models import Article
from articles.share_image import TITLE_SIZES, fits, fitted
from tests.conftest import MakeArticle


@pytest.mark.django_db
def test_article_has_a_picture_that_its_page_names(
    client: Client, make_article: MakeArticle
) -> None:
    article = make_article(title="¿Qué pasó? <b>", slug="que-paso")
    address = "/articles/que-paso/share.png"
    page = client.get(article.get_absolute_url()).content.decode()
    assert f'content="http://testserver{address}"' in page
    assert "¿Qué pasó? &lt;b&gt; · Vereda Journal" in page
    response = client.get(address)
    assert response["Content-Type"] == "image/png"
    assert "public" in response["Cache-Control"]
    assert Image.open(BytesIO(response.content)).size == (1200, 630)
    again = client.get(address, headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    article.title = "Another title"
    article.save()
    assert client.get(address, headers={"If-None-Match": response["ETag"]}).status_code == 200


@pytest.mark.django_db
def test_unpublished_article_has_no_picture(client: Client, make_article: MakeArticle) -> None:
    make_article(slug="draft", status=Article.Status.DRAFT)
    make_article(slug="tomorrow", date=date(2999, 1, 1))
    for slug in ("draft", "tomorrow", "nothing"):
        assert client.get(f"/articles/{slug}/share.png").status_code == 404


@pytest.mark.parametrize("title", ["Short", "words " * 60, "Donaudampfschiff" * 12, ""])
def test_title_of_any_length_fits(title: str) -> None:
    size, lines = fitted(title)
    assert size in TITLE_SIZES
    assert len(lines) <= 5
    assert all(fits(line, size) for line in lines)
