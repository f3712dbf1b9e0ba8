"""Ask for recommendations from a terminal: what a reader of the search page gets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import get_language
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from articles.management.commands.reindex import positive
from articles.models import Article
from articles.search.base import SearchQuery
from articles.search.results import Answer
from articles.search.service import search
from recommendations.events import (
    CardClosed,
    CardEvent,
    CardOpened,
    Kind,
    Status,
    TextAdded,
    TextWithdrawn,
)
from recommendations.hits import ArticleHit
from recommendations.service import recommend

MAX_ARTICLES = 20
WIDTH = 100  # of the boxes where there is no terminal to ask


@dataclass
class Card:
    number: int
    article: Article
    kind: Kind
    text: str = ""


@dataclass
class Cards:
    """What has been shown so far."""

    cards: list[Card] = field(default_factory=list)
    status: str = ""

    def add(self, event: CardEvent) -> None:
        match event:
            case CardOpened():
                self.cards.append(Card(event.number, event.article, event.kind))
            case TextAdded():
                self.cards[-1].text += event.text
            case TextWithdrawn():
                self.cards[-1].text = self.cards[-1].text.removesuffix(event.text)
            case CardClosed():
                self.cards[-1].kind = event.kind
            case Status():
                self.status = str(event.text)


class Command(BaseCommand):
    help = "Recommends articles for a question, as the search page does: live, then in boxes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("query")
        parser.add_argument("--articles", type=positive, metavar="N", help="how many (5)")
        output = parser.add_mutually_exclusive_group()
        output.add_argument(
            "--raw", action="store_true", help="print what the model writes, as it comes; no boxes"
        )
        output.add_argument("--json", action="store_true", help="print a JSON array")

    def handle(self, *args: Any, **options: Any) -> None:
        question = self.question(options["query"])
        count = options["articles"] or settings.RECOMMENDATION_CARDS
        if count > MAX_ARTICLES:
            raise CommandError(f"At most {MAX_ARTICLES} articles can be recommended at once.")
        query = SearchQuery(question, limit=count)
        try:
            answer = Answer(query, search(query))
            hits = [ArticleHit.of(found) for found in answer.found]
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        if answer.result.degraded:
            self.stderr.write(answer.result.degraded)
        if not hits and not options["json"]:
            self.stdout.write("Nothing here matches; try other words.")
            return
        events = recommend(
            question,
            get_language() or settings.LANGUAGE_CODE,
            hits,
            engine=answer.result.engine,
            fresh=options["raw"],
            on_delta=self.write_live if options["raw"] else None,
        )
        live = not options["raw"] and not options["json"] and options["verbosity"] > 0
        try:
            cards = self.follow(events, live=live)
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=130) from None
        if options["json"]:
            self.write_json(cards)
        elif options["raw"]:
            self.stdout.write("")
        else:
            self.write_boxes(cards)
        if hits:
            self.stderr.write(cards.status)

    def question(self, text: str) -> str:
        text = text.encode(errors="replace").decode().replace("\0", "").strip()
        if not text:
            raise CommandError("The question is empty; put it in quotes after the command.")
        if len(text) > settings.SEARCH_MAX_QUERY_LENGTH:
            raise CommandError(
                f"The question has {len(text)} characters; "
                f"{settings.SEARCH_MAX_QUERY_LENGTH} are allowed."
            )
        return text

    def follow(self, events: Generator[CardEvent], *, live: bool) -> Cards:
        cards = Cards()
        with closing(events):
            for event in events:
                cards.add(event)
                if live:
                    self.show_live(event)
        return cards

    def show_live(self, event: CardEvent) -> None:
        match event:
            case CardOpened():
                self.stdout.write(self.style.MIGRATE_HEADING(event.article.title))
            case TextAdded():
                self.write_live(event.text)
            case TextWithdrawn():
                self.write_live(" […]")  # the box below does not have it
            case CardClosed():
                self.stdout.write("\n")

    def write_live(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()

    def write_json(self, cards: Cards) -> None:
        rows = [
            {
                "id": card.article.pk,
                "source_id": card.article.source_id,
                "title": card.article.title,
                "url": card.article.get_absolute_url(),
                "kind": card.kind.value,
                "recommendation": card.text,
            }
            for card in cards.cards
        ]
        self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))

    def write_boxes(self, cards: Cards) -> None:
        width = shutil.get_terminal_size().columns if self.stdout.isatty() else WIDTH
        console = Console(file=StringIO(), width=width)
        for card in cards.cards:
            title = Text(f"{card.number}. {card.article.english_title}")
            label = "excerpt from the article" if card.kind is Kind.EXCERPT else card.kind.value
            console.print(Panel(Text(card.text), title=title, subtitle=label, title_align="left"))
        self.stdout.write(console.file.getvalue())  # type: ignore[attr-defined]
