"""Addresses of the reader's pages."""

from __future__ import annotations

from django.urls import path

from articles import feeds, opensearch, search_page, share_image, suggestions, views

app_name = "articles"

urlpatterns = [
    path("", views.ArticleListView.as_view(), name="list"),
    path("search/", search_page.search_page, name="search"),
    path("search/suggestions/", suggestions.suggestions, name="suggestions"),
    path(
        "search/suggestions.json",
        suggestions.opensearch_suggestions,
        name="opensearch_suggestions",
    ),
    path("opensearch.xml", opensearch.description, name="opensearch"),
    path("articles/<slug:slug>/", views.ArticleView.as_view(), name="article"),
    path("articles/<slug:slug>/share.png", share_image.share_image, name="share_image"),
    path("categories/<slug:slug>/", views.CategoryView.as_view(), name="category"),
    path("authors/<slug:slug>/", views.AuthorView.as_view(), name="author"),
    path("archive/<int:year>/", views.YearArchive.as_view(), name="year"),
    path("archive/<int:year>/<int:month>/", views.MonthArchive.as_view(), name="month"),
    path("feeds/articles.atom", feeds.ArticlesFeed(), name="feed"),
    path("feeds/categories/<slug:slug>.atom", feeds.CategoryFeed(), name="category_feed"),
    path("feeds/authors/<slug:slug>.atom", feeds.AuthorFeed(), name="author_feed"),
]
