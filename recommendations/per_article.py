"""One short prompt for each article, answered in two sentences: for the embedded model.

A small model cannot write the JSON array (it copies the example and mixes facts); asked about one
article at a time it is faithful, and its first card stands after seconds.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from recommendations.embedded.prompt import PARAMETERS, PROMPTS, SENTENCES, request
from recommendations.events import CardEvent
from recommendations.writing import CheckedText, Task

__all__ = ["PARAMETERS", "PROMPTS", "write"]


def write(task: Task) -> Generator[CardEvent]:
    for number, hit in enumerate(task.deck.hits, 1):
        yield from task.deck.open(hit)
        text = CheckedText(task, hit, english=True, enough=SENTENCES)
        with closing(task.ask(request(task.question, hit, number))) as answer:
            for item in answer:
                yield from text.feed(item if isinstance(item, str) else "")
                if text.done:  # what follows is not shown, so it need not be written
                    break
        yield from text.close()
        yield from task.deck.close()
