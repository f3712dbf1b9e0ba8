"""What may be shown of a language model's sentence, and how it is cleaned for display."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from recommendations.facts import unsupported

__all__ = ["harmless_start", "is_english", "plain", "showable", "unsupported"]

LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
STRONG = re.compile(r"(?<!\w)\*{2,3}|\*{2,3}(?!\w)")
EMPHASIS = re.compile(r"(?<![\w*])\*(?=\S)([^*]*)(?<=\S)\*(?![\w*])")
LEADING = re.compile(r"^(?:(?:#{1,6}|>|[-*+•–—]|\d{1,2}[.)])\s+)+")
PAIRS = (("“", "”"), ("«", "»"), ("„", "“"), ("‘", "’"), ('"', '"'), ("'", "'"))
APOSTROPHES = "'‘"
JOINERS = "\u200c\u200d"  # format characters that emoji and some scripts need
QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»|(?<!^)\b[A-ZÁÉÍÓÚÑ]\w*")
WORD = re.compile(r"[^\W\d_]+")
MIN_WORDS = 3
# Another one for other rules: answers that passed older ones are not given again.
RULES = "3"
# Words of letters only; what holds a digit, an address or a mark of Markdown has to wait.
HARMLESS = re.compile(r"[^\W\d_](?:[^\W\d_]|['’-](?=[^\W\d_])|[,;:]?(?:\s|$))*")
SPANISH_FROM = 0.7  # probability; the least Spanish sentence of the demo articles has .82

_loading = threading.Lock()


def plain(text: str) -> str:
    """The text as one line without Markdown's marks, surrounding quotes and invisible characters.

    Removed are control and format characters (NUL, bidirectional overrides, zero-width spaces),
    lone surrogates, and the addresses of links. HTML is left as it is: templates escape it.
    Underscores are left too, identifiers have them. What is plain already does not change.
    """
    while (cleaned := _unquoted(_unmarked(_visible(text)))) != text:
        text = cleaned
    return text


def _visible(text: str) -> str:
    kept = (
        char
        for char in text
        if char.isspace() or char in JOINERS or unicodedata.category(char) not in ("Cc", "Cf", "Cs")
    )
    return " ".join("".join(kept).split())


def _unmarked(text: str) -> str:
    text = LINK.sub(r"\1", text.replace("`", ""))
    text = EMPHASIS.sub(r"\1", STRONG.sub("", text))
    return LEADING.sub("", text)


def _unquoted(text: str) -> str:
    """Without quotes around the whole, or the one that a sentence cut out of a quotation keeps."""
    for opening, closing in PAIRS:
        count = text.count(opening) + (text.count(closing) if closing != opening else 0)
        starts, ends = text.startswith(opening), text.endswith(closing)
        if count == 2 and starts and ends:
            return text[1:-1].strip()
        if count == 1 and opening not in APOSTROPHES:
            text = text[starts : len(text) - (ends and not starts)].strip()
    return text


def is_english(text: str, names: Collection[str] = ()) -> bool:
    """Whether a sentence is English rather than Spanish, the languages of the blog.

    An English sentence may be half a Spanish title. So `names` (titles, people) do not count, nor
    do quotations and capitalised words inside the sentence if three other words are left. With
    fewer than three words nothing can be told, and the sentence is taken for English.

    About 0.3 ms; the first call loads the model (1 to 1.4 s of CPU time and 50 MiB a process).
    """
    rest = text
    for name in sorted(names, key=len, reverse=True):
        if name:
            rest = re.sub(re.escape(name), " ", rest, flags=re.IGNORECASE)
    for candidate in (QUOTED.sub(" ", rest), rest):
        if len(WORD.findall(candidate)) >= MIN_WORDS:
            return bool(dict(_identifier().rank(candidate))["es"] < SPANISH_FROM)
    return True


def showable(
    sentence: str, sources: Sequence[str], *, english: bool = False, names: Collection[str] = ()
) -> str | None:
    """The sentence as it may be shown, or None.

    None where nothing readable is left, where it states a fact that none of the `sources` has
    (`facts.unsupported`), and with `english` where it is Spanish.
    """
    text = plain(sentence)
    if not WORD.search(text) or unsupported(text, *sources) is not None:
        return None
    return None if english and not is_english(text, names) else text


def harmless_start(words: str) -> str:
    """The first of the `words` of an unfinished sentence, up to one that may be part of a fact.

    What `plain` would change is left out as well, so the whole sentence begins with the same.
    """
    match = HARMLESS.match(words)
    if match is None:
        return ""
    start = match[0] if match.end() == len(words) else match[0].rpartition(" ")[0]
    return start.rstrip()


def _identifier() -> Any:
    with _loading:  # two readers at once must not load it twice
        return _load_identifier()


@cache
def _load_identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    full = LanguageIdentifier.from_model_file(MODEL_FILE)
    full.set_languages(["en", "es"])
    # A copy, because the first one keeps the weights of its 140 languages (27 MiB).
    return LanguageIdentifier(
        full.nb_ptc,
        full.nb_pc,
        full.nb_classes,
        full.tk_nextmove,
        full.tk_output,
        norm_probs=True,
        tk_row=full.tk_row,
    )
