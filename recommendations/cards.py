"""Incremental, tolerant reader of the cards in a language model's answer.

Asked for is a JSON array of `{"article_number": 1, "title": …, "recommendation": "…"}`. What comes
may stand inside a code fence, prose or another object, follow `<think>`, be a single object, or
break off. The machine sees one character at a time, so where the deltas were cut cannot matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

NUMBER = re.compile(r"(?<![\d.])(?<!^-)(\d{1,9})(?:\.0+)?(?!\.?\d)", re.ASCII)
ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL)
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
HIGH = r"(?:[\ud800-\udbff]|\\u[dD][89abAB][0-9a-fA-F]{2})?"  # first half of a surrogate pair
UNFINISHED = re.compile(rf"(?<!\\)(?:\\\\)*({HIGH}(?:\\(?:u[0-9a-fA-F]{{0,3}})?)?)\Z")


@dataclass(frozen=True, slots=True)
class CardStarted:
    article_number: int


@dataclass(frozen=True, slots=True)
class CardText:
    article_number: int
    text: str  # a piece of the recommendation: never empty, never half a surrogate pair


@dataclass(frozen=True, slots=True)
class CardFinished:
    article_number: int


type CardReading = CardStarted | CardText | CardFinished


@dataclass(slots=True)
class _Frame:
    """An open object or array."""

    opener: str
    wanted: set[str]  # fields of a card that were not read yet; empty where no card can be
    in_card: bool = False  # a card of which a field was read, or a value inside one
    key: str = ""
    value_due: bool = False  # a colon came after the key
    number: int = -1
    text: list[str] = field(default_factory=list)  # still escaped; waits for the number too
    size: int = 0


class CardReader:
    """`feed` deltas, then `close`; a card is always finished before the next one starts.

    Numbers outside `allowed` and repeated ones make no card. Lone surrogates become U+FFFD. Of a
    card's text `max_card` characters are kept, and of the answer `max_total` are read.
    """

    def __init__(
        self, allowed: Collection[int], *, max_card: int = 2_000, max_total: int = 100_000
    ) -> None:
        self._missing, self._max_card, self._budget = set(allowed), max_card, max_total
        self._events: list[CardReading] = []
        self._stack = [_Frame("[", set())]  # the answer itself is a list of anything
        self._card: _Frame | None = None  # the one that has started
        self._step: Callable[[str], None] = self._prose
        self._tail, self._token, self._thought = "", list[str](), list[str]()
        self._sink, self._escaped = self._token, False

    @property
    def done(self) -> bool:
        """Every allowed card is finished, or the bound is reached: the model may be stopped."""
        return self._budget <= 0 or not (self._missing or self._card)

    def feed(self, delta: str) -> list[CardReading]:
        for char in delta[: max(self._budget, 0)]:
            self._step(char)
        self._budget -= len(delta)
        self._flush()
        events, self._events = self._events, []
        return events

    def close(self) -> list[CardReading]:
        """The end of the answer, complete or broken off: what was read is kept and finished."""
        if self._step == self._thinking:  # never closed, so the answer may be in there
            self._step = self._prose
            for char in self._thought:
                self._step(char)
                self._tail = self._tail.replace("<", "")  # no thinking inside the thinking
        if self._token:
            self._end_value()
        self._pop("everything")
        self._budget = 0
        return self.feed("")

    def _prose(self, char: str) -> None:
        """Outside objects only <think> has a meaning, and "{" if a key follows."""
        self._tail = (self._tail + char.strip())[-7:]
        if self._tail == "<think>":
            self._step, self._thought, self._tail = self._thinking, [], ""
        elif self._tail.endswith('{"'):
            self._tail = ""
            self._push("{")
            self._structure(char)

    def _thinking(self, char: str) -> None:
        self._thought.append(char)
        if char == ">" and "".join(self._thought[-8:]) == "</think>":
            self._step = self._prose

    def _structure(self, char: str) -> None:
        """Inside an object, outside strings."""
        if self._token and (char in '{}[]:,"' or char.isspace()):
            self._end_value()
        frame = self._stack[-1]
        if char in "{[":
            self._push(char)
        elif char in "}]":
            self._pop("{" if char == "}" else "[")
        elif char in ":,":
            frame.value_due = char == ":"
        elif char == '"':
            shown = frame.value_due and frame.key == "recommendation" and frame.key in frame.wanted
            self._step, self._sink = self._string, frame.text if shown else self._token
        elif not char.isspace():
            self._token.append(char)

    def _string(self, char: str) -> None:
        if char == '"' and not self._escaped:
            self._step = self._structure
            self._end_value()
        else:
            self._sink.append(char)
            self._escaped = char == "\\" and not self._escaped

    def _end_value(self) -> None:
        frame, value = self._stack[-1], "".join(self._token).strip()
        self._token.clear()
        if not frame.value_due:
            frame.key = value
        elif frame.key in frame.wanted:
            frame.in_card = True
            frame.wanted.remove(frame.key)
            number = NUMBER.search(value) if frame.key == "article_number" else None
            if number and int(number[1]) in self._missing:
                self._card, frame.number = frame, int(number[1])
                self._missing.remove(frame.number)
                self._events.append(CardStarted(frame.number))
        frame.value_due = False

    def _push(self, opener: str) -> None:
        while self._stack[-1].opener == "{" and not self._stack[-1].value_due:
            self._pop("{")  # it was not closed
        parent = self._stack[-1]
        listed = parent.opener == "[" or parent.key.startswith("recommendation")
        card = opener == "{" and listed and not parent.in_card
        wanted = {"article_number", "recommendation"} if card else set[str]()
        self._stack.append(_Frame(opener, wanted, parent.in_card))
        self._step = self._structure

    def _pop(self, opener: str) -> None:
        """Close the innermost `opener` with what is open in it; everything where there is none."""
        closed = ""
        while len(self._stack) > 1 and closed != opener:
            closed = self._stack[-1].opener
            if self._stack[-1] is self._card:
                self._flush()
                self._events.append(CardFinished(self._card.number))
                self._card = None
            self._stack.pop()
        self._stack[-1].value_due = False
        self._step = self._prose if len(self._stack) == 1 else self._structure

    def _flush(self) -> None:
        """What can be unescaped of the started card's text becomes an event."""
        if (card := self._card) and (raw := "".join(card.text)):
            held = UNFINISHED.search(raw) if "recommendation" in card.wanted else None
            end = held.start(1) if held else len(raw)
            card.text[:] = [raw[end:]]
            text = ESCAPE.sub(_unescaped, raw[:end]).encode("utf-16", "surrogatepass")
            if piece := text.decode("utf-16", "replace")[: self._max_card - card.size]:
                card.size += len(piece)
                self._events.append(CardText(card.number, piece))


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else ESCAPES.get(escape[2], escape[2])
