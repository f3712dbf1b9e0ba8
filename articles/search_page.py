"""The search page: a question, its hits, facets and pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.paginator import InvalidPage, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from articles.forms import SearchForm
from articles.search.asked import nothing_found
from articles.search.base import SearchQuery
from articles.search.results import Answer, FoundArticle
from articles.search.service import search

LAST_PAGE = 1000


class AnswerPaginator(Paginator[FoundArticle]):
    """Pages over an answer that holds only the page it was asked for."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(_Window(answer), answer.query.limit)


class _Window(Sequence[Any]):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __len__(self) -> int:
        return self.answer.result.total

    def __getitem__(self, index: Any) -> Any:
        return self.answer.found


def page_number(request: HttpRequest) -> int:
    """`?page=` as a number from 1 on; anything else is a page that does not exist."""
    try:
        number = int(request.GET.get("page") or 1)
    except ValueError:
        number = 0
    if not 1 <= number <= LAST_PAGE:
        raise Http404(_("There is no such page of results."))
    return number


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """Hits for `?q=` with its filters. Back restores the page without a new model call."""
    number = page_number(request)
    form = SearchForm(request.GET)
    context: dict[str, object] = {"form": form, "question": ""}
    if form.is_valid() and (question := form.cleaned_data["q"]):
        limit = settings.SEARCH_PAGE_SIZE
        query = SearchQuery(
            text=question,
            filters=form.filters(),
            offset=(number - 1) * limit,
            limit=limit,
            sort=form.cleaned_data["sort"] or "relevance",
        )
        answer = Answer(query, search(query))
        if not answer.result.total and not query.filters and number == 1:
            engine = answer.result.engine
            nothing_found.send(None, question=question, language=get_language(), engine=engine)
        try:
            page = AnswerPaginator(answer).page(number)
        except InvalidPage as error:
            raise Http404(_("There is no such page of results.")) from error
        context |= {"question": question, "answer": answer, "page_obj": page}
    response = render(request, "articles/search.html", context)
    patch_cache_control(response, private=True, no_cache=True)
    patch_vary_headers(response, ["HX-Request"])
    return response
