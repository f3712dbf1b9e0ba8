"""English or Spanish?"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache


@cache
def _classify() -> Callable[[str], tuple[str, float]]:
    import py3langid  # takes a second to load; most commands never need it

    py3langid.set_languages(["en", "es"])
    return py3langid.classify  # type: ignore[no-any-return]


def detect_language(text: str) -> str:
    """ "en" or "es", whichever is likelier for the text."""
    return _classify()(text)[0]
