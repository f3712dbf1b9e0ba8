"""Text to terms. Close to Lucene's standard analyzer (Unicode word segmentation, lower case), not
equal to it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from tests.standin.errors import ElasticsearchError, NotImplementedHere

Analyzer = Callable[[str], list[str]]

_WORD = re.compile(r"\w+(?:['’]\w+)?", re.UNICODE)

# The beginnings of Lucene's EnglishAnalyzer and SpanishAnalyzer stop word lists.
ENGLISH_STOPS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "but",
        "by",
        "for",
        "if",
        "in",
        "into",
        "is",
        "it",
        "no",
        "not",
        "of",
        "on",
        "or",
        "such",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "will",
        "with",
    ]
)
SPANISH_STOPS = frozenset(
    [
        "de",
        "la",
        "que",
        "el",
        "en",
        "y",
        "a",
        "los",
        "del",
        "se",
        "las",
        "por",
        "un",
        "para",
        "con",
        "no",
        "una",
        "su",
        "al",
        "lo",
        "como",
        "más",
        "pero",
        "sus",
        "le",
        "ya",
        "o",
        "este",
        "sí",
        "porque",
        "esta",
        "entre",
        "cuando",
        "muy",
        "sin",
        "sobre",
        "también",
        "me",
        "hasta",
        "hay",
        "donde",
        "quien",
        "desde",
        "todo",
        "nos",
        "durante",
        "todos",
        "uno",
        "les",
        "ni",
        "contra",
        "otros",
        "ese",
        "eso",
        "ante",
        "ellos",
        "e",
        "esto",
        "mí",
        "antes",
        "algunos",
        "qué",
        "unos",
        "yo",
        "otro",
        "otras",
        "otra",
        "él",
        "tanto",
        "esa",
        "estos",
        "mucho",
    ]
)


def words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def fold(word: str) -> str:
    """``asciifolding``: ``autenticación`` becomes ``autenticacion``."""
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _stem_english(word: str) -> str:
    for ending in ("ing", "ied", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def _stem_spanish(word: str) -> str:
    word = fold(word)
    for ending in ("es", "os", "as", "o", "a", "e", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def english(text: str) -> list[str]:
    return [_stem_english(word) for word in words(text) if word not in ENGLISH_STOPS]


def spanish(text: str) -> list[str]:
    return [_stem_spanish(word) for word in words(text) if word not in SPANISH_STOPS]


BUILT_IN: dict[str, Analyzer] = {
    "standard": words,
    "simple": lambda text: re.findall(r"[^\W\d_]+", text.lower()),
    "whitespace": lambda text: text.split(),
    "keyword": lambda text: [text],
    "stop": lambda text: [word for word in words(text) if word not in ENGLISH_STOPS],
    "english": english,
    "spanish": spanish,
}

_TOKENIZERS: dict[str, Analyzer] = {
    "standard": lambda text: _WORD.findall(text),
    "whitespace": lambda text: text.split(),
    "keyword": lambda text: [text],
    "lowercase": words,
}

_FILTERS: dict[str, Analyzer] = {
    "lowercase": lambda word: [word.lower()],
    "asciifolding": lambda word: [fold(word)],
    "trim": lambda word: [word.strip()],
    "english_stop": lambda word: [] if word in ENGLISH_STOPS else [word],
    "spanish_stop": lambda word: [] if word in SPANISH_STOPS else [word],
    "english_stem": lambda word: [_stem_english(word)],
    "spanish_stem": lambda word: [_stem_spanish(word)],
}


def _filter_name(name: str, defined: dict[str, Any]) -> str:
    """A filter of the settings (``type: stop``, ``stopwords: _spanish_``) as one of ours."""
    settings = defined.get(name)
    if settings is None:
        known = name
    elif settings["type"] == "stop":
        known = f"{str(settings.get('stopwords', '_english_')).strip('_')}_stop"
    elif settings["type"] in {"stemmer", "snowball"}:
        language = str(settings.get("language") or settings.get("name") or "english").lower()
        known = f"{'spanish' if 'spanish' in language else 'english'}_stem"
    else:
        known = settings["type"]
    if known not in _FILTERS:
        raise NotImplementedHere(f"token filter {name}")
    return known


def custom(definition: dict[str, Any], analysis: dict[str, Any]) -> Analyzer:
    """An analyzer of the index settings: ``{"tokenizer": …, "filter": [...]}``."""
    if definition.get("type", "custom") != "custom":
        return BUILT_IN[definition["type"]]
    tokenizer = _TOKENIZERS.get(definition.get("tokenizer", "standard"))
    if tokenizer is None or definition.get("char_filter"):
        raise NotImplementedHere(f"analyzer {definition}")
    names = definition.get("filter", [])
    names = [names] if isinstance(names, str) else names
    steps = [_FILTERS[_filter_name(name, analysis.get("filter", {}))] for name in names]

    def analyze(text: str) -> list[str]:
        terms = tokenizer(text)
        for step in steps:
            terms = [out for term in terms for out in step(term)]
        return terms

    return analyze


def find(name: str, settings: dict[str, Any]) -> Analyzer:
    """The analyzer that a mapping names; an unknown one fails as ``MapperBuilderContext`` does."""
    analysis = settings.get("index", {}).get("analysis", {})
    defined = analysis.get("analyzer", {}).get(name)
    if defined is not None:
        return custom(defined, analysis)
    if name not in BUILT_IN:
        raise ElasticsearchError(
            400,
            "illegal_argument_exception",
            f"analyzer [{name}] has not been configured in mappings",
        )
    return BUILT_IN[name]
