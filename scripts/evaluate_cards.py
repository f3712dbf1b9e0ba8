#!/usr/bin/env python
"""How good and how fast are the cards? Asks the running model through the site's own code.

    python scripts/evaluate_cards.py --out cards.jsonl          # the questions below
    python scripts/evaluate_cards.py --out cards.jsonl "How do I …?" "¿Cómo …?"
    python scripts/evaluate_cards.py --judged cards.jsonl       # the table, after reading

The database and the search index that the settings mean have to be there (`make run` makes them),
and a model has to answer (`python manage.py run_model`). Every card goes with its article's text to
the file, one JSON object a line. Whether a card is faithful only a person can say: write into the
field `verdict` of each line `ok`, `wrong` (a fact that is not in the article), `empty` (says
nothing but the question) or `copy` (of an example), then have the table made with `--judged`.

The questions are logged like those of readers; use a database that is not the real one
(`DATABASE_URL`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "blogsite.settings")

QUESTIONS = (
    "How do I migrate to the new version without breaking anything?",
    "¿Cómo roto las claves de mi API sin cortar el servicio?",
    "my dashboard shows wrong dates",
    "Which chart should I use for my metrics?",
    "¿Qué pasa si pierdo datos?",
    "how can I spend less on the cloud",
)
COPIED_WORDS = 6  # in a row, taken from an example


@dataclass
class Card:
    """What a reader got, with the seconds since the question at which it came."""

    question: str
    number: int
    article: str
    language: str
    asked: str  # the text that the model was given
    written: bool = False  # by the model; otherwise the article's passage
    text: str = ""
    raw: str = ""  # all that the model wrote, also what the guard held back
    opened: float = 0.0
    first_token: float = 0.0
    first_sentence: float = 0.0
    closed: float = 0.0
    signs: list[str] = field(default_factory=list)
    verdict: str = ""


def ask(question: str) -> Iterator[Card]:
    """The cards of one question, each when it is complete."""
    from django.conf import settings

    from articles.search.base import SearchQuery
    from articles.search.results import Answer
    from articles.search.service import search
    from recommendations.embedded.prompt import excerpt
    from recommendations.events import CardClosed, CardOpened, Kind, TextAdded, TextWithdrawn
    from recommendations.hits import ArticleHit
    from recommendations.service import recommend

    query = SearchQuery(question, limit=settings.RECOMMENDATION_CARDS)
    found = Answer(query, search(query)).found
    hits = [ArticleHit(item.article, item.passage) for item in found]
    began = time.monotonic()
    card: Card | None = None

    def heard(delta: str) -> None:
        if card:
            card.first_token = card.first_token or time.monotonic() - began
            card.raw += delta

    for event in recommend(question, "en", hits, fresh=True, on_delta=heard):
        now = time.monotonic() - began
        if isinstance(event, CardOpened):
            hit = hits[event.number - 1]
            asked = excerpt(hit.text, hit.passage)
            article = hit.article
            card = Card(question, event.number, article.english_title, article.language, asked)
            card.opened = now
        elif isinstance(event, TextAdded) and card:
            card.first_sentence = card.first_sentence or now
            card.text += event.text
        elif isinstance(event, TextWithdrawn) and card:
            card.text = card.text.removesuffix(event.text)
        elif isinstance(event, CardClosed) and card:
            card.written = event.kind is Kind.WRITTEN
            card.closed = now
            card.signs = list(signs(card))
            yield card


def signs(card: Card) -> Iterator[str]:
    """What a program can see: none of it is a verdict."""
    from recommendations.embedded.prompt import OPENINGS, examples
    from recommendations.guard import is_english

    if not card.written:
        yield "passage"
        return
    if not is_english(card.text, ()):
        yield "not English"
    if not card.raw.startswith(OPENINGS):
        yield "other opening"
    if card.text.strip(" .").lower() == card.article.lower():
        yield "only the title"
    if any(overlap(card.text, example["card"]) for example in examples()):
        yield "copies an example"


def overlap(text: str, other: str) -> bool:
    words = text.lower().split()
    runs = (" ".join(words[i : i + COPIED_WORDS]) for i in range(len(words) - COPIED_WORDS + 1))
    return any(run in other.lower() for run in runs)


def evaluate(questions: Sequence[str], out: Path) -> None:
    import django

    django.setup()
    with out.open("w", encoding="utf-8") as file:
        for question in questions:
            print(f"\n{question}")
            for card in ask(question):
                print(json.dumps(asdict(card), ensure_ascii=False), file=file, flush=True)
                print(f"  {card.number}. [{card.article}] {' '.join(card.signs)}")
                print(f"     {card.text}", flush=True)
    table(out)


def table(file: Path) -> None:
    cards = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    written = [card for card in cards if card["written"]]
    spanish = [card for card in cards if card["language"] == "es"]
    print(f"\n{len(cards)} cards, {len(spanish)} of them about Spanish articles")
    print(f"{len(written)} written by the model")
    for name, count in Counter(sign for card in cards for sign in card["signs"]).most_common():
        print(f"  {count} {name}")
    for name, count in Counter(card["verdict"] or "not judged" for card in written).most_common():
        print(f"  {count} {name}")
    firsts = [card for card in written if card["number"] == 1]
    last = {card["question"]: card["closed"] for card in cards}
    print("seconds, median and worst:")
    show("first token of the first card", [card["first_token"] for card in firsts])
    show("first sentence of the first card", [card["first_sentence"] for card in firsts])
    show("first card complete", [card["closed"] for card in firsts])
    show("first sentence of a card, after its opening", [since(card) for card in written])
    show("all cards", list(last.values()))


def since(card: dict[str, Any]) -> float:
    return float(card["first_sentence"] - card["opened"])


def show(name: str, seconds: Sequence[float]) -> None:
    if seconds:
        print(f"  {name}: {statistics.median(seconds):.1f} {max(seconds):.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("questions", nargs="*", default=QUESTIONS)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="write the cards here")
    where.add_argument("--judged", type=Path, help="print the table of a file that was read")
    options = parser.parse_args()
    if options.judged:
        table(options.judged)
    else:
        evaluate(options.questions, options.out)


if __name__ == "__main__":
    main()
