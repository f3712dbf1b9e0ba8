"""Who may open which page of the admin that is not a model's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache


def allowed(user: User | AnonymousUser, *permissions: str) -> bool:
    """Whether the user is staff and has one of the permissions."""
    return user.is_active and user.is_staff and any(user.has_perm(name) for name in permissions)


def for_staff_with[**P, Response: HttpResponseBase](
    *permissions: str,
) -> Callable[
    [Callable[Concatenate[HttpRequest, P], Response]],
    Callable[Concatenate[HttpRequest, P], Response],
]:
    """403 for everybody but staff with one of the permissions; the answer is never cached.

    Full pages are wrapped in `AdminSite.admin_view` too, which sends visitors to the login; a
    fragment must not, or the login form would appear in the middle of the page.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], Response],
    ) -> Callable[Concatenate[HttpRequest, P], Response]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> Response:
            if not allowed(request.user, *permissions):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return never_cache(guarded)

    return decorate
