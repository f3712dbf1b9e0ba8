"""The description by which a browser offers this site's search in its own search box."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

SHORT_NAME_LENGTH = 16  # the specification's limit


@require_safe
@cache_control(public=True, max_age=24 * 60 * 60)
@vary_on_cookie  # which holds the language
def description(request: HttpRequest) -> HttpResponse:
    """https://github.com/dewitt/opensearch/blob/master/opensearch-1-1-draft-6.md"""
    return render(
        request,
        "opensearch.xml",
        {"short_name": settings.SITE_NAME[:SHORT_NAME_LENGTH].strip()},
        content_type="application/opensearchdescription+xml",
    )
