"""Pages that list and show articles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.generic import DetailView, ListView
from django.views.generic.dates import BaseDateListView, MonthArchiveView, YearArchiveView
from django.views.generic.list import MultipleObjectMixin

from articles.models import Article, Author, Category, NamedPage, PreviousSlug
from articles.search.service import related

RELATED_ARTICLES = 3


class ArticleListMixin(MultipleObjectMixin[Article]):
    """Published articles only, newest first, in pages."""

    paginate_by = 12
    context_object_name = "articles"

    def get_queryset(self) -> QuerySet[Article]:
        return Article.objects.published().for_list()


class ArticleListView(ArticleListMixin, ListView[Article]):
    """The home page: the question box, the latest articles, the topics."""

    template_name = "articles/list.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **kwargs,
            topics=Category.objects.filter(articles__in=Article.objects.published())
            .annotate(article_count=Count("articles"))
            .order_by("name"),
        )


class NamedPageView(ArticleListMixin, ListView[Article]):
    """Articles of one author or one category."""

    template_name = "articles/named_list.html"
    model_class: ClassVar[type[NamedPage]]
    field: ClassVar[str]

    def get_queryset(self) -> QuerySet[Article]:
        self.page = get_object_or_404(self.model_class, slug=self.kwargs["slug"])
        return super().get_queryset().filter(**{self.field: self.page})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, page=self.page, kind=self.field)


class CategoryView(NamedPageView):
    model_class = Category
    field = "category"


class AuthorView(NamedPageView):
    model_class = Author
    field = "author"


class ArchiveMixin(ArticleListMixin, BaseDateListView[Article]):
    """A period without an article has no page; its neighbours are the next ones that have.

    Without `allow_empty` Django finds that out too, with a query for each of the three.
    """

    date_field = "date"
    allow_empty = True
    period: ClassVar[Literal["year", "month"]]

    def get_dated_items(self) -> Any:
        dates, articles, context = super().get_dated_items()
        if not dates:
            raise Http404(_("No article was published in this period."))
        shown = context[self.period]
        others = list(Article.objects.published().dates("date", self.period))
        earlier = max((other for other in others if other < shown), default=None)
        later = min((other for other in others if other > shown), default=None)
        context |= {f"previous_{self.period}": earlier, f"next_{self.period}": later}
        return dates, articles, context


class YearArchive(ArchiveMixin, YearArchiveView[Article]):
    period = "year"
    template_name = "articles/archive.html"
    make_object_list = True


class MonthArchive(ArchiveMixin, MonthArchiveView[Article]):
    period = "month"
    template_name = "articles/archive.html"
    month_format = "%m"


class ArticleView(DetailView[Article]):
    """One article; staff sees unpublished ones too, as a preview that no cache keeps."""

    template_name = "articles/article.html"
    context_object_name = "article"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = super().get(request, *args, **kwargs)
        except Http404:
            moved = PreviousSlug.objects.filter(
                slug=self.kwargs["slug"], article__in=Article.objects.published()
            ).select_related("article")
            if previous := moved.first():
                return HttpResponsePermanentRedirect(previous.article.get_absolute_url())
            raise
        if not self.object.is_public:
            add_never_cache_headers(response)
        return response

    def get_queryset(self) -> QuerySet[Article]:
        if may_preview(self.request.user):
            return Article.objects.for_list()
        return Article.objects.published().for_list()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        article = context["article"]
        if not article.is_public:
            return context | {"preview": True}
        others = Article.objects.published().only("slug", "title", "language")
        return context | {
            "older": others.before(article).first(),
            "newer": others.after(article).first(),
            "related": related_articles(article),
        }


def may_preview(user: User | AnonymousUser) -> bool:
    """As the admin: who may change an article may look at it."""
    return user.is_staff and any(
        user.has_perm(f"articles.{action}_article") for action in ("view", "change")
    )


def related_articles(article: Article) -> Sequence[Article]:
    hits = related(article.pk, RELATED_ARTICLES)
    return Article.objects.published().for_list().in_order_of([hit.pk for hit in hits])
