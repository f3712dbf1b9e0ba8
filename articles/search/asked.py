"""What other apps may want to know of readers' questions; `articles` knows none of them."""

from __future__ import annotations

from django.dispatch import Signal

# A question, asked without filters, for which the engine found no article.
# Sent with `question`, `language` (of the page) and `engine`.
nothing_found = Signal()
