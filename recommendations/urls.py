"""Addresses of the cards."""

from __future__ import annotations

from django.urls import path

from recommendations import views, votes

app_name = "recommendations"

urlpatterns = [
    path("stream/", views.stream, name="stream"),
    path("plain/", views.plain, name="plain"),
    path("vote/", votes.vote, name="vote"),
]
