"""One short prompt for each article, answered in two sentences: for the embedded model.

A small model cannot write the JSON array (it copies the example and mixes facts); asked about one
article at a time it is faithful, and its first card stands after seconds.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from recommendations.embedded.prompt import (
    PARAMETERS,
    PROMPTS,
    SENTENCES,
    SENTENCES_OF_SPANISH,
    request,
    shows_question,
)
from recommendations.events import CardEvent
from recommendations.hits import ArticleHit
from recommendations.writing import CheckedText, Task

__all__ = ["PARAMETERS", "PROMPTS", "write"]


def write(task: Task) -> Generator[CardEvent]:
    # A small model begins one card of twenty with what may not be shown. With other first words it
    # mostly says something else.
    attempts = (False,) if shows_question() else (False, True)
    for number, hit in enumerate(task.deck.hits, 1):
        yield from task.deck.open(hit)
        for again in attempts:
            text = _checked(task, hit)
            asked = request(task.question, hit, number, again=again)
            with closing(task.ask(asked)) as answer:
                for item in answer:
                    yield from text.feed(item if isinstance(item, str) else "")
                    if text.done:  # what follows is not shown, so it need not be written
                        break
            yield from text.close()
            if text.shown:
                break
        yield from task.deck.close()


def _checked(task: Task, hit: ArticleHit) -> CheckedText:
    if shows_question():  # a bigger model
        return CheckedText(task, hit, english=True, enough=SENTENCES)
    spanish = hit.article.language == "es"
    return CheckedText(
        task,
        hit,
        english=True,
        literal=not spanish,
        unbroken=True,
        enough=SENTENCES_OF_SPANISH if spanish else SENTENCES,
    )
