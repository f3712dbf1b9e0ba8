"""Who may open which page of the admin that is not a model's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache

type View[Response: HttpResponseBase] = Callable[[HttpRequest], Response]


def allowed(user: User | AnonymousUser, *permissions: str) -> bool:
    """Whether the user is staff and has one of the permissions."""
    return user.is_active and user.is_staff and any(user.has_perm(name) for name in permissions)


def for_staff_with[Response: HttpResponseBase](
    *permissions: str,
) -> Callable[[View[Response]], View[Response]]:
    """403 for everybody but staff with one of the permissions; the answer is never cached.

    Full pages are wrapped in `AdminSite.admin_view` too, which sends visitors to the login; a
    fragment must not, or the login form would appear in the middle of the page.
    """

    def decorate(view: View[Response]) -> View[Response]:
        @wraps(view)
        def guarded(request: HttpRequest, /) -> Response:
            if not allowed(request.user, *permissions):
                raise PermissionDenied
            return view(request)

        return never_cache(guarded)

    return decorate
