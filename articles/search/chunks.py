"""Plain text to passages (what is embedded) and to terms (what is matched word for word).

A passage holds about 120 words, because one vector of a whole article blurs what its parts are
about; the figures are in docs/search.md. Everything here is a pure function of its arguments:
the same article always gives the same passages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from articles.markdown import CELL_SEPARATOR

# A run of text counts as one word for every 8 characters, so that code, addresses and text
# without spaces do not make a passage longer than an encoder reads (512 tokens for e5).
CHARACTERS_A_WORD = 8
HEADING_WORDS = 12  # a paragraph this short without a full stop introduces the next one
SHORTEST = 1 / 3  # of the usual length; a last passage under it says too little to stand alone

_PARAGRAPH = re.compile(r"\n\s*\n")
# A sentence ends at . ! ? … plus a closing quote or bracket, before something that can start one.
_SENTENCE = re.compile(r"""(?:(?<=[.!?…])|(?<=[.!?…]["'”’»)\]]))\s+(?=["'“‘«(\[¿¡]*[^\Wa-z_])""")
_CLOSED = re.compile(r"""[.!?…:;,]["'”’»)\]]*$""")


def split(title: str, text: str, words: int = 120) -> list[str]:
    """The passages of an article: `text` cut at paragraphs and sentences.

    Paragraphs are separated by a blank line, lines of code by a line break. Passages have about
    `words` words and are of similar length; a sentence is cut inside only if it is longer than
    that, so no passage has more than twice `words`; rows of tables count half. Always at least
    one passage: an article without text gives its title, so that it can still be found.

    Passages come back without the title; `to_embed` puts it in front for the encoder.
    """
    if words < 1:
        raise ValueError("A passage needs at least one word.")
    pieces = list(_pieces(text, words))
    if not pieces:
        return [" ".join(title.split())]
    total = sum(piece.count for piece in pieces)
    target = total / max(1, round(total / words))
    passages: list[list[_Piece]] = [[]]
    count = 0.0
    for piece in pieces:
        # Close the passage where its length comes nearest to the target.
        if passages[-1] and count + piece.count / 2 > target:
            heading = _heading_at_end(passages[-1])
            passages.append(heading)
            count = sum(moved.count for moved in heading)
        passages[-1].append(piece)
        count += piece.count
    if len(passages) > 1 and count < target * SHORTEST:
        *_, before, last = passages
        if count + sum(piece.count for piece in before) <= 2 * words:
            passages[-2:] = [before + last]
    return [_joined(passage) for passage in passages]


def to_embed(title: str, passage: str, translated_title: str = "") -> str:
    """The text that stands for `passage` in an encoder: without its title it has lost its topic.

    With the title's translation beside it, questions in the other language find it more often.
    """
    heading = f"{title} ({translated_title})" if translated_title else title
    return heading if passage == title else f"{heading}\n\n{passage}"


def folded(text: str) -> str:
    """Case folded, accents removed."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def terms(text: str) -> list[str]:
    """The words of `text` that can identify an article, reduced so that their forms agree.

    Lower case, without accents, without the stop words of English and Spanish, without endings;
    each is the beginning of the word it stands for. What holds a digit stays whole as well, so
    "VSA-2026-004" gives `vsa-2026-004`, `vsa`, `2026` and `004`. In order, with repetitions.
    """
    found: list[str] = []
    for match in _TOKEN.finditer(folded(text)):
        token = match.group()
        parts = _PART.findall(token)
        if len(parts) > 1 and any(character.isdigit() for character in token):
            found.append(token)
        for part in parts:
            if len(part) > 1 and part not in STOP_WORDS:
                found.append(_stem(part))
            if name := _NUMBERED_NAME.fullmatch(part):  # OAuth2 is found as OAuth too
                found.append(_stem(name.group(1)))
    return found


class _Piece:
    """A stretch of text that is never divided, with what joins it to the one before."""

    __slots__ = ("count", "glue", "text")

    def __init__(self, text: str, glue: str) -> None:
        self.text = text
        self.glue = glue
        self.count = _count(text)


def _count(text: str) -> int:
    count = max(len(text.split()), len(text) // CHARACTERS_A_WORD)
    # A row of a table repeats the names of its columns, which are about half of it.
    return (count + 1) // 2 if CELL_SEPARATOR in text else count


def _joined(pieces: list[_Piece]) -> str:
    first, *rest = pieces
    return first.text.strip() + "".join(piece.glue + piece.text for piece in rest)


def _pieces(text: str, words: int) -> Iterator[_Piece]:
    for paragraph in _PARAGRAPH.split(text):
        lines = [line.rstrip() for line in paragraph.splitlines() if line.strip()]
        glue = "\n\n"
        for line in lines:
            # Several lines are code: each stays as it is, with its indentation.
            for sentence in [line] if len(lines) > 1 else _SENTENCE.split(line.strip()):
                for part in [sentence] if _count(sentence) <= words else _cut(sentence, words):
                    yield _Piece(part, glue)
                    glue = " "
            glue = "\n"


def _cut(sentence: str, words: int) -> Iterator[str]:
    """Parts of a too long sentence, none longer than `words`."""
    limit = words * CHARACTERS_A_WORD
    part = ""
    for word in sentence.split():
        for start in range(0, len(word), limit):
            bite = word[start : start + limit]
            if part and _count(f"{part} {bite}") > words:
                yield part
                part = ""
            part = f"{part} {bite}" if part else bite
    yield part


def _heading_at_end(passage: list[_Piece]) -> list[_Piece]:
    """Take a heading off the end of `passage`: it belongs to what follows."""
    last = passage[-1]
    is_heading = (
        last.glue == "\n\n" and last.count <= HEADING_WORDS and not _CLOSED.search(last.text)
    )
    return [passage.pop()] if is_heading and len(passage) > 1 else []


_TOKEN = re.compile(r"[^\W_]+(?:[._\-'’/][^\W_]+)*")
_PART = re.compile(r"[^\W_]+")
_NUMBERED_NAME = re.compile(r"([a-z]{3,})\d+")

# Endings of both languages, longest first. A stem keeps at least four letters. A full Snowball
# stemmer was tried and ranked no better (docs/search.md).
_ENDINGS = sorted(
    _PART.findall(
        "aciones acion ations ation ating ated ates ate amiento imiento ando iendo ados adas idos "
        "idas ado ada ido ida idades idad ities ity ies amente mente ings ing ers ors ores ed er "
        "or ar ir es as os en an s a e o y i"
    ),
    key=len,
    reverse=True,
)
_SHORTEST_STEM = 4


def _stem(word: str) -> str:
    if word.isalpha():
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
                return word[: -len(ending)]
    return word


# Words without a topic of their own, folded; also those that people ask questions with, and the
# small numbers: "three days in Kyoto" shares its "three" with everything.
_STOP = """
a about after again all also am an and any are as ask at be because been before being best
between both but by can cannot could did didn do does doesn doing don done each every find for
from get give good got had has have having he hello her here him his how i if in into is isn
it its just know let like ll look made make many me more most much my need new no not now of
off ok on only or other our out over own please question re same say see she should show so
some such take tell than thank thanks that the their them then there these they thing things
this those through time to today tomorrow too under until up us use used using ve very want
was way we were what when where which while who whom whose why will with without would yes
yesterday you your yours
two three four five six seven eight nine ten

al algo algun alguna algunas alguno algunos ante antes aqui asi aun aunque ayer bien buena
buenas bueno buenos buscar cada como con contra cosa cosas cual cuales cuando cuanta cuantas
cuanto cuantos dar de debe debo decir del desde dia dias donde el ella ellas ellos en
encontrar entre era eran es esa esas ese eso esos esta estaba estan estar estas este esto
estos estoy fue fueron gracias ha haber habia hace hacen hacer hago han hara hasta hay he hola
hora hoy ir la las le les lo los mas me mejor mi mis mucha muchas mucho muchos muy nada
necesito ni no nos nosotros nuestra nuestras nuestro nuestros nueva nuevas nuevo nuevos o os
otra otras otro otros para pero poco poder podria por porque pregunta puede pueden puedo pues
que quien quienes quiero saber se sea ser si sido siempre sin sobre somos son soy su sus tal
tambien tan tanto te tener tengo ti tiempo tiene tienen toda todas todo todos tu tus un una unas uno
unos usar usted ustedes va vamos ver voy y ya yo
tres cuatro cinco seis siete ocho nueve diez
"""
STOP_WORDS = frozenset(_PART.findall(_STOP))
