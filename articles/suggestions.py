"""What the question box offers while a reader types: titles, topics and starter questions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from articles.models import Article, Category, StarterQuestion
from articles.search.chunks import folded

SHORTEST = 2  # characters; one letter fits everything
MOST_WORDS = 6
LONGEST_WORD = 40
MOST_ARTICLES, MOST_OTHERS = 5, 2  # of topics and of questions
CACHE_SECONDS = 60  # for a reader who deletes a letter and types it again

# The letters that English and Spanish readers type without the accent they have elsewhere.
ACCENTED = {
    "a": "áàâäã",
    "c": "ç",
    "e": "éèêë",
    "i": "íìîï",
    "n": "ñ",
    "o": "óòôöõ",
    "u": "úùûü",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`translation` is the English title of a Spanish article."""

    kind: Literal["article", "topic", "question"]
    text: str
    url: str
    language: str
    translation: str = ""


def suggest(typed: str) -> Iterator[Suggestion]:
    """What holds, in any order, a word that begins like each of the `typed` ones.

    One short query a kind, however many articles there are: the newest win.
    """
    words = words_of(typed)
    if sum(map(len, words)) < SHORTEST:
        return
    public = Article.objects.published()
    articles = public.filter(matching(words, "title", "translated_title"))
    for article in articles.only("title", "translated_title", "slug", "language")[:MOST_ARTICLES]:
        url = article.get_absolute_url()
        yield Suggestion("article", article.title, url, article.language, article.translated_title)
    topics = Category.objects.filter(
        matching(words, "name", "spanish_name"), pk__in=public.values("category")
    )
    for topic in topics[:MOST_OTHERS]:
        yield Suggestion("topic", topic.shown_name, topic.get_absolute_url(), topic.shown_language)
    for starter in StarterQuestion.objects.filter(matching(words, "question"))[:MOST_OTHERS]:
        url = f"{reverse('articles:search')}?{urlencode({'q': starter.question})}"
        yield Suggestion("question", starter.question, url, starter.language)


def words_of(typed: str) -> list[str]:
    """The words without case and accents; a word is what a regular expression calls `\\w`."""
    return [word[:LONGEST_WORD] for word in re.findall(r"\w+", folded(typed))[:MOST_WORDS]]


def matching(words: list[str], *fields: str) -> Q:
    """Rows with a word for each of `words` in one of the `fields`.

    Regular expressions, because they can leave accents out of account on SQLite and on PostgreSQL
    alike. Both know `\\W`; there is no sign for the beginning of a word that both know.
    """
    condition = Q()
    for word in words:
        beginning = rf"(^|\W){''.join(map(either, word))}"
        choice = Q()
        for field in fields:
            choice |= Q(**{f"{field}__iregex": beginning})
        condition &= choice
    return condition


def either(letter: str) -> str:
    """The letter with any accent; capitals too, which not every locale of PostgreSQL lowers."""
    accented = ACCENTED.get(letter)
    return f"[{letter}{accented}{accented.upper()}]" if accented else letter


@require_safe
@cache_control(private=True, max_age=CACHE_SECONDS)
@vary_on_cookie  # which holds the language
def suggestions(request: HttpRequest) -> HttpResponse:
    """`?q=` to the options of the list below the question box, which htmx puts there."""
    context = {"suggestions": list(suggest(request.GET.get("q", "")))}
    return render(request, "articles/_suggestions.html", context)


@require_safe
@cache_control(private=True, max_age=CACHE_SECONDS)
@vary_on_cookie
def opensearch_suggestions(request: HttpRequest) -> HttpResponse:
    """The same for a browser's own search box: the words, what they may become, where that is.

    https://github.com/dewitt/opensearch/blob/master/mediawiki/Specifications/OpenSearch/Extensions/Suggestions/1.1/Draft%201.wiki
    """
    typed = request.GET.get("q", "")
    found = list(suggest(typed))
    completions = [suggestion.text for suggestion in found]
    descriptions = [suggestion.translation for suggestion in found]
    addresses = [request.build_absolute_uri(suggestion.url) for suggestion in found]
    return JsonResponse(
        [typed, completions, descriptions, addresses],
        safe=False,
        content_type="application/x-suggestions+json",
    )
