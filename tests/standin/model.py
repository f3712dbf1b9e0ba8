"""The default model: answers a prompt in the manner of SmolLM3-3B.

It finds the articles in the prompt and writes about them; an empty think block first, then a fenced
JSON array where the prompt asks for JSON, plain sentences where it does not (elasticsearch.md,
"What SmolLM3-3B answers").
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.standin.errors import Json

THINK = "<think>\n\n</think>\n\n"
FALLBACK = 5
_ARTICLE = re.compile(
    r"^\W*(?:article|artículo|document|result)\W*(\d+)\b[^\n]*", re.IGNORECASE | re.MULTILINE
)
_LABEL = re.compile(
    r"^\W*(title|content|text|passage|summary)\W*:\W*(.+)", re.IGNORECASE | re.MULTILINE
)
_KEY = re.compile(r'"([a-z_]+)"\s*:')
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]")


def prompt_text(body: Json) -> str:
    """All messages of a request as one text; a message's content may be a list of parts."""
    parts: list[str] = []
    for message in body.get("messages", []):
        content: Any = message.get("content") or ""
        if isinstance(content, list):
            content = "\n".join(str(part.get("text", "")) for part in content)
        parts.append(str(content))
    return "\n".join(parts)


def articles(prompt: str) -> list[tuple[int, str, str]]:
    """(number, title, text) of each block that looks like an article; numbers 1 to 5 where there is
    none.
    """
    found: dict[int, tuple[int, str, str]] = {}
    matches = list(_ARTICLE.finditer(prompt))
    for position, match in enumerate(matches):
        end = matches[position + 1].start() if position + 1 < len(matches) else len(prompt)
        block = prompt[match.start() : end]
        labels = {name.lower(): value.strip() for name, value in _LABEL.findall(block)}
        head = match.group().split(":", 1)[-1].strip() if ":" in match.group() else ""
        title = labels.get("title", head) or f"Article {match[1]}"
        text = next(
            (labels[name] for name in ("content", "text", "passage", "summary") if name in labels),
            "",
        )
        # A later block of the same number is the real one: the first may be an example.
        found[int(match[1])] = (int(match[1]), title, text)
    if found:
        return [found[number] for number in sorted(found)]
    return [(number, f"Article {number}", "") for number in range(1, FALLBACK + 1)]


def _sentences(title: str, text: str) -> str:
    """One or two sentences that say nothing the article does not say."""
    first = " ".join(_SENTENCE.findall(text)[:1]).strip()
    return f"This article covers {title.rstrip('.')}. {first}".strip()


def answer(body: Json) -> str:
    """The whole text that the model will send in deltas."""
    prompt = prompt_text(body)
    found = articles(prompt)
    if "json" not in prompt.lower():
        _, title, text = found[-1]
        return THINK + _sentences(title, text)
    keys = list(dict.fromkeys(_KEY.findall(prompt)))
    number_key = next((key for key in keys if "number" in key), "article_number")
    title_key = next((key for key in keys if "title" in key), "title")
    rest = [key for key in keys if key not in {number_key, title_key, "role", "content"}]
    text_key = rest[-1] if rest else "recommendation"
    items = [
        {number_key: number, title_key: title, text_key: _sentences(title, text)}
        for number, title, text in found
    ]
    array = json.dumps(items, ensure_ascii=False, indent=2)
    return f"{THINK}```json\n{array}\n```"


def deltas(text: str, size: int = 12) -> list[str]:
    """Pieces of about a token; no boundary respects words, JSON or the think tags."""
    return [text[start : start + size] for start in range(0, len(text), size)]
