"""Complete sentences out of a language model's text deltas, as soon as they are complete."""

from __future__ import annotations

import re
from typing import Literal

MAX_SENTENCE = 1_000  # characters; what goes on longer is no sentence
# Abbreviations that end a sentence only if a capital letter follows, and that never do: something
# always stands after them, as after the initial of a name.
SOMETIMES_LAST = re.compile(
    r"etc|inc|ltd|co|corp|jr|a\.m|p\.m|u\.s|u\.k|e\.u|uu|nos?|n[uú]m|figs?|pp?|págs?|arts?"
)
NEVER_LAST = re.compile(
    r"e\.g|i\.e|ee|cf|vs|dra?|mrs?|ms|prof|st|sra?|srta|uds?|p\.ej|ej|app?rox|aprox|resp|[^\W\d_]"
)
END = re.compile(r"([.!?…]+)([\"'”’»)\]*_`]*)$")
LAST_WORD = re.compile(r"[\w.'’]*\w(?=\.$)")
ONLY_A_MARKER = re.compile(r"\W*\d{1,3}\.\W*")
OPENING = "¿¡\"“‘«'([*_`#"
CONTINUING = ",;:)(-–—"

type Ending = Literal["no", "before a capital", "unless continued", "yes"]


class SentenceStream:
    """`feed` text deltas, then `close`; both return complete sentences, white space collapsed.

    A sentence ends with `.`, `!`, `?` or `…` before white space. After some abbreviations, after a
    closing quote and after all marks but a single full stop the next character decides: in
    "“¿Qué hacer?” explains …" the sentence goes on. What a blank line cuts off without such a mark,
    a heading or "Here is the text:", is dropped, `<think>…</think>` at the start is skipped, and
    after `limit` sentences, or one without end, nothing more is read. How the text was cut into
    deltas does not matter.
    """

    def __init__(self, limit: int = 3) -> None:
        self.done = limit < 1  # nothing more will come: the model may be stopped
        self._left = limit
        self._text: list[str] = []
        self._ending: Ending = "no"
        self._space = False  # since the last word
        self._line_ends = 0
        self._start: str | None = ""  # the answer's first characters while they may be <think>
        self._thought: str | None = None  # the last characters of the thinking

    @property
    def rest(self) -> str:
        """What was begun and is not a complete sentence."""
        return "".join(self._text)

    @property
    def whole_words(self) -> str:
        """`rest` without a word that may go on."""
        return self.rest if self._space else self.rest.rpartition(" ")[0]

    def feed(self, delta: str) -> list[str]:
        return [sentence for char in delta for sentence in self._read(char)]

    def close(self) -> list[str]:
        """The last sentence, if it has its mark; `rest` holds it if not."""
        text = self.rest
        if not text or _ending(text) == "no":
            return []
        return self._complete()

    def _read(self, char: str) -> list[str]:
        if self.done:
            return []
        if self._thought is not None:
            self._thought = (self._thought + char)[-8:]
            if self._thought == "</think>":
                self._thought, self._start = None, ""
            return []
        if self._start is None:
            return self._character(char)
        self._start = (self._start + char).lstrip()
        if self._start == "<think>":
            self._thought = ""
        elif not "<think>".startswith(self._start):
            start, self._start = self._start, None
            return [sentence for held in start for sentence in self._character(held)]
        return []

    def _character(self, char: str) -> list[str]:
        if char.isspace():
            return self._white_space(char)
        sentences = []
        if self._space:
            if self._begins(char):
                sentences = self._complete()
            elif self._text:
                self._text.append(" ")
        if not self.done:
            self._text.append(char)
        self._space = False
        if len(self._text) > MAX_SENTENCE:
            self.done = True
            self._text.clear()
        return sentences

    def _white_space(self, char: str) -> list[str]:
        if not self._space:
            self._space, self._line_ends, self._ending = True, 0, _ending(self.rest)
        self._line_ends += char == "\n"
        if self._ending == "yes" or (self._ending != "no" and self._line_ends > 1):
            return self._complete()
        if self._line_ends > 1:
            self._text.clear()
        return []

    def _begins(self, char: str) -> bool:
        """Whether a new sentence begins with this first character after white space."""
        if self._ending == "before a capital":
            return char.isupper() or char in OPENING
        return self._ending == "unless continued" and not (char.islower() or char in CONTINUING)

    def _complete(self) -> list[str]:
        sentence = self.rest
        self._text.clear()
        self._ending = "no"
        self._left -= 1
        self.done = self._left < 1
        return [sentence]


def _ending(text: str) -> Ending:
    """Whether a sentence ends with `text` if white space follows it."""
    end = END.search(text)
    if not end or ONLY_A_MARKER.fullmatch(text):
        return "no"
    if end[0] != ".":
        return "unless continued"
    last = LAST_WORD.search(text)
    word = last[0].lower().lstrip("'’") if last else ""
    if SOMETIMES_LAST.fullmatch(word):
        return "before a capital"
    return "no" if NEVER_LAST.fullmatch(word) else "yes"
