"""One prompt about all articles, answered with a JSON array: for models from 3B parameters."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from django.conf import settings

from recommendations.cards import CardReader, CardReading, CardStarted, CardText
from recommendations.deck import Deck
from recommendations.embedded.prompt import harmless
from recommendations.events import CardEvent, Pulse
from recommendations.hits import ArticleHit, first_words, one_line
from recommendations.inference.base import ChatRequest, Message, StreamBroken, Usage
from recommendations.prompt_files import render_prompt
from recommendations.writing import CheckedText, Task

PROMPTS = ("single_prompt.system.txt", "single_prompt.user.txt")
TOKENS_A_CARD = 220  # three sentences, the title and the JSON around them
ARTICLE_WORDS = 700  # of a long article: its opening, and the passage that answers
# SmolLM3 and Qwen3 think first unless a system message says this; other models pass over it.
NO_THINKING = Message("system", "/no_think")


def parameters() -> str:
    """All besides the prompts that shapes the words."""
    asked = (
        settings.RECOMMENDATION_MAX_TOKENS,
        settings.RECOMMENDATION_TEMPERATURE,
        settings.RECOMMENDATION_TOP_P,
    )
    return " ".join(map(str, (TOKENS_A_CARD, ARTICLE_WORDS, *asked)))


def write(task: Task) -> Generator[CardEvent]:
    hits = task.deck.hits
    reader = CardReader(range(1, len(hits) + 1))
    cards = _Cards(task)
    with closing(task.ask(request(task.question, task.deck))) as answer:
        for item in answer:
            yield Pulse()
            if isinstance(item, Usage) and item.finish_reason == "length" and not reader.done:
                yield from cards.show(reader.close())
                raise StreamBroken(
                    "The model used up its tokens before the last card was complete."
                )
            if isinstance(item, str):
                yield from cards.show(reader.feed(item))
            if reader.done:
                return
    yield from cards.show(reader.close())


def request(question: str, deck: Deck) -> ChatRequest:
    articles = [
        {
            "number": number,
            "title": hit.article.english_title,
            "author": hit.article.author.name,
            "date": hit.article.date.isoformat(),
            "category": str(hit.article.category),
            "content": content(hit),
        }
        for number, hit in enumerate(deck.hits, 1)
    ]
    values = {"question": one_line(question), "articles": articles}
    system, user = (harmless(render_prompt(name, values)) for name in PROMPTS)
    return ChatRequest(
        [NO_THINKING, Message("system", system), Message("user", user)],
        max_tokens=settings.RECOMMENDATION_MAX_TOKENS or TOKENS_A_CARD * len(deck.hits) + 100,
        temperature=settings.RECOMMENDATION_TEMPERATURE,
        top_p=settings.RECOMMENDATION_TOP_P,
    )


def content(hit: ArticleHit) -> str:
    """The article's words; of a long one the opening and the best passage."""
    text = one_line(hit.text)
    if len(text.split()) <= ARTICLE_WORDS:
        return text
    opening = first_words(text, ARTICLE_WORDS)
    passage = one_line(hit.passage)
    return opening if passage in opening else f"{opening} … {passage}"


class _Cards:
    """Readings of the model's JSON become cards of our articles; a start comes before its text."""

    _text: CheckedText

    def __init__(self, task: Task) -> None:
        self._task = task

    def show(self, readings: list[CardReading]) -> Generator[CardEvent]:
        deck = self._task.deck
        for reading in readings:
            match reading:
                case CardStarted(number):
                    hit = deck.hits[number - 1]
                    yield from deck.open(hit)
                    self._text = CheckedText(self._task, hit)
                case CardText(_, text):
                    yield from self._text.feed(text)
                case _:
                    yield from self._text.close()
                    yield from deck.close()
