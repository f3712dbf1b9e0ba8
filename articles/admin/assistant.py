"""Beside the form of an article: its preview, and where it would stand for a question.

Both read the form as it is on the screen. Nothing is saved, published or indexed.
"""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from articles import editing
from articles.admin.access import for_staff_with
from articles.search.base import SearchError
from articles.search.standing import standing

EDITING = "articles.add_article", "articles.change_article"


class QuestionForm(forms.Form):
    question = forms.CharField(
        max_length=settings.SEARCH_MAX_QUERY_LENGTH,
        error_messages={"required": _("Write a question that a reader might ask.")},
    )
    article = forms.IntegerField(required=False, min_value=1)


@require_POST
@for_staff_with(*EDITING)
def preview(request: HttpRequest) -> HttpResponse:
    """The article as the site would show it, its length, and what is still to do."""
    draft = editing.draft_from(request.POST)
    context = {
        "article": draft,
        "words": editing.word_count(draft),
        "warnings": editing.warnings(draft),
    }
    return render(request, "admin/articles/article/_preview.html", context)


@require_POST
@for_staff_with(*EDITING)
def findability(request: HttpRequest) -> HttpResponse:
    """The rank and the passage with which readers would find the text, and what is above it."""
    form = QuestionForm(request.POST)
    draft = editing.draft_from(request.POST)
    context: dict[str, object] = {"form": form, "draft": draft}
    if not (draft.title or draft.content.strip()):
        context["problem"] = editing.NO_CONTENT
    elif form.is_valid():
        question, pk = form.cleaned_data["question"], form.cleaned_data["article"]
        try:
            context |= {"question": question, "standing": standing(question, draft, pk)}
        except SearchError as error:
            context["failure"] = str(error)
    return render(request, "admin/articles/article/_standing.html", context)


def urls() -> list[URLPattern]:
    return [
        path("preview/", preview, name="articles_article_preview"),
        path("findability/", findability, name="articles_article_findability"),
    ]
