"""What a small model is asked about one article, in as few words as possible.

Every word costs: a small model on a CPU reads about as slowly as it writes. The conversation up to
the last message is the same for all articles, so a server that keeps its last prompt reads only
that message; `docs/model.md` has the figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from django.conf import settings
from django.utils.text import Truncator

from articles.markdown import CELL_SEPARATOR
from recommendations.hits import ArticleHit, one_line
from recommendations.inference.base import ChatRequest, Message, get_client
from recommendations.prompt_files import PROMPTS as FOLDER
from recommendations.prompt_files import render_prompt

SYSTEM, EXAMPLES, USER = PROMPTS = (
    "per_article.system.txt",
    "per_article.examples.txt",
    "per_article.user.txt",
)
# One a card, so that five cards do not begin alike. All have the model report: what begins with the
# reader ("If you") or with praise goes on with advice and promises of its own (docs/model.md).
OPENINGS = (
    "Here you see",
    "You'll find here",
    "Here you read",
    "You'll see here",
    "Good to know too:",
)
OTHER_OPENING = "In this one you see"  # where the first answer may not be shown
QUESTION_WORDS = 30
LEAD_WORDS = 42  # how the article begins says what it is about
PASSAGE_WORDS = 16
FEWEST_WORDS = 4  # of a sentence; shorter lines are labels and list numbers
MAX_TOKENS = 96  # for two long sentences
TEMPERATURE = 0.0
SENTENCES = 2  # as the prompt asks; a third one often makes no sense without the article
SENTENCES_OF_SPANISH = 1  # where a small model translates, the second one is wrong half the time

PARAMETERS = repr(
    (
        OPENINGS,
        OTHER_OPENING,
        QUESTION_WORDS,
        LEAD_WORDS,
        PASSAGE_WORDS,
        MAX_TOKENS,
        TEMPERATURE,
        SENTENCES,
        SENTENCES_OF_SPANISH,
    )
)

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’»)]*\s+(?=[\"'“‘«(¿¡]*[^\W_a-z])")
# What somebody says, from an opening quote to the end of the sentence or beyond it. As the start of
# an article it is a scene, which the models take for its subject.
_SPEECH = re.compile(r"[«“\"][^»”\"]*(?:[»”\"][.!?…]?)?$")
_CODE = re.compile(r"[{}<>=$\\|_~`]|--|://|\w\(|\":")


def request(question: str, hit: ArticleHit, number: int, *, again: bool = False) -> ChatRequest:
    """The chat completion for card `number` (from 1), answered with two sentences; `again` with
    other first words."""
    return ask(
        one_line(question),
        hit.article.english_title,
        excerpt(hit.text, hit.passage),
        OTHER_OPENING if again else OPENINGS[(number - 1) % len(OPENINGS)],
    )


def ask(question: str, title: str, text: str, opening: str) -> ChatRequest:
    values = {
        "question": Truncator(harmless(question)).words(QUESTION_WORDS),
        "title": harmless(title),
        "text": harmless(text),
        "opening": opening,
    }
    messages = [*shared_messages(), message(values)]
    return ChatRequest(messages, MAX_TOKENS, TEMPERATURE, stop=["\n"])


def message(values: Mapping[str, str]) -> Message:
    return Message("user", render_prompt(USER, {**values, "show_question": shows_question()}))


def shows_question() -> bool:
    """Our two models bend every article to the question and invent the link; bigger ones need not.

    The question is in the choice of the passage all the same. `docs/model.md` has the counts.
    """
    return bool(settings.EMBEDDED_MODEL_PATH) or get_client().name != "embedded"


def warming_request() -> ChatRequest:
    """Makes a server read `shared_messages` and write next to nothing."""
    return ChatRequest([*shared_messages(), Message("user", "OK")], max_tokens=1, temperature=0.0)


def shared_messages() -> list[Message]:
    """The part that is the same for every article: the task and worked examples."""
    messages = [Message("system", render_prompt(SYSTEM, {}))]
    for values in examples():
        messages.append(message(values))
        messages.append(Message("assistant", values["card"]))
    return messages


def examples() -> Iterator[dict[str, str]]:
    """The blocks of the examples file: lines `name: value`, a blank line between two examples."""
    source = (Path(FOLDER) / EXAMPLES).read_text(encoding="utf-8")
    for block in source.strip().split("\n\n"):
        yield dict(line.split(": ", 1) for line in block.splitlines())


def excerpt(text: str, passage: str) -> str:
    """How the article begins, then the passage that answers; no code, headings or tables."""
    lead = first(prose(text), LEAD_WORDS)
    answer = first((line for line in prose(passage) if line not in lead), PASSAGE_WORDS)
    return " ".join([*lead, *answer]) or Truncator(one_line(passage or text)).words(PASSAGE_WORDS)


def prose(text: str) -> Iterator[str]:
    """The sentences of plain text that are written in words, those of its author."""
    for paragraph in text.split("\n"):
        if CELL_SEPARATOR in paragraph:
            continue
        for sentence in _SENTENCE_END.split(paragraph.strip()):
            whole = sentence.endswith((".", "!", "?", "…", "”", "»"))
            left_out = _CODE.search(sentence) or _SPEECH.match(sentence)
            if whole and not left_out and len(sentence.split()) >= FEWEST_WORDS:
                yield sentence


def first(sentences: Iterator[str], words: int) -> list[str]:
    """Sentences up to about `words` words, at least one where there is one."""
    taken: list[str] = []
    for sentence in sentences:
        count = len(sentence.split())
        if taken and count > words:
            break
        taken.append(sentence)
        words -= count
    return taken


def harmless(text: str) -> str:
    """Without the marks of a chat template: a server would take them for the end of a message."""
    return text.replace("<|", "< |")
