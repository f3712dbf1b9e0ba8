"""The ways of writing cards, and which one is used with which model."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from django.conf import settings

from recommendations import per_article, single_prompt
from recommendations.events import CardEvent
from recommendations.inference.base import ChatClient
from recommendations.prompt_files import version
from recommendations.writing import Task


@dataclass(frozen=True, slots=True)
class Writer:
    """`write` shows on the deck what a model says; articles that it leaves out become excerpts.

    Without `write` no model is asked, and all cards are excerpts.
    """

    name: str
    write: Callable[[Task], Generator[CardEvent]] | None = None
    prompts: tuple[str, ...] = ()
    parameters: Callable[[], str] = str

    @property
    def version(self) -> str:
        """Changes with prompts and parameters, so that kept answers of older ones are not used."""
        return version(self.prompts, self.parameters())


WRITERS = {
    writer.name: writer
    for writer in (
        Writer(
            "single_prompt", single_prompt.write, single_prompt.PROMPTS, single_prompt.parameters
        ),
        Writer(
            "per_article", per_article.write, per_article.PROMPTS, lambda: per_article.PARAMETERS
        ),
        Writer("passages"),
    )
}


def get_writer(client: ChatClient) -> Writer:
    """`RECOMMENDATION_WRITER`, or what suits: small models cannot write the JSON array."""
    default = "per_article" if client.name == "embedded" else "single_prompt"
    return WRITERS[settings.RECOMMENDATION_WRITER or default]
