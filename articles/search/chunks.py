"""Plain text to passages (what is embedded) and to terms (what is matched word for word).

A passage holds about 120 words, because one vector of a whole article blurs what its parts are
about; the figures are in docs/search.md. Everything here is a pure function of its arguments:
the same article always gives the same passages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MAX_WORD = 100  # characters; longer runs without a space (base64, minified code) are cut
_HEADING_WORDS = 12  # a paragraph this short without a full stop introduces the next one

# A sentence ends at . ! ? … plus closing quotes, before something that can start a sentence.
_SENTENCE_END = re.compile(r"""(?<=[.!?…])["'”’»)\]]*\s+(?=["'“‘«(\[¿¡]*[^\W_a-z])""")
_CLOSED = re.compile(r"""[.!?…:;,]["'”’»)\]]*$""")


def split(title: str, text: str, words: int = 120) -> list[str]:
    """The passages of an article: `text` cut at paragraphs and sentences.

    Paragraphs are separated by a blank line, lines of code by a line break. Passages have about
    `words` words each and are of similar length; only a sentence longer than `words` is cut
    inside, so none has more than twice `words`. Always at least one passage; an article without
    text gives its title, so that it can still be found.

    Passages come back without the title: `to_embed` puts it in front for the encoder.
    """
    pieces = list(_pieces(text, words))
    total = sum(piece.count for piece in pieces)
    if not total:
        return [" ".join(title.split())]
    target = total / max(1, round(total / words))
    passages: list[str] = []
    current: list[_Piece] = []
    count = 0
    for piece in pieces:
        # Close the passage where its length comes nearest to the target.
        if current and count + piece.count / 2 > target:
            passages.append(_joined(current))
            current, count = [], 0
        current.append(piece)
        count += piece.count
    passages.append(_joined(current))
    return passages


def to_embed(title: str, passage: str) -> str:
    """The text that represents `passage` for an encoder: without its title it has lost its topic."""
    return passage if passage == title else f"{title}\n\n{passage}"


class _Piece:
    """A stretch of text that is never divided, with what joins it to the one before."""

    __slots__ = ("count", "glue", "text")

    def __init__(self, text: str, glue: str) -> None:
        self.text = text
        self.glue = glue
        self.count = len(text.split())


def _joined(pieces: list[_Piece]) -> str:
    first, *rest = pieces
    return first.text + "".join(piece.glue + piece.text for piece in rest)


def _pieces(text: str, words: int) -> Iterator[_Piece]:
    for paragraph in re.split(r"\n\s*\n", text):
        glue = "\n\n"
        for line in paragraph.splitlines():
            for sentence in _SENTENCE_END.split(line.strip()):
                tokens = [w[i:i+MAX_WORD] for w in sentence.split() for i in range(0, len(w), MAX_WORD)]
                for start in range(0, len(tokens), words):
                    yield _Piece(" ".join(tokens[start : start + words]), glue)
                    glue = " "
            glue = "\n" if glue != "\n\n" else glue


def terms(text: str) -> list[str]:
    """PLACEHOLDER: replace."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return [w for w in re.findall(r"[a-z0-9]+", "".join(c for c in folded if not unicodedata.combining(c))) if len(w) > 2]
