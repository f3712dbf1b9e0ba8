"""Settings that cannot work stop the start with a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def check_recommendation_settings(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if not settings.CHAT_COMPLETIONS_URL or _is_address(settings.CHAT_COMPLETIONS_URL):
        return []
    sentence = "CHAT_COMPLETIONS_URL must be an address such as http://host:8000/v1."
    return [Error(sentence, id="recommendations.E002")]


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # half an IPv6 address
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
