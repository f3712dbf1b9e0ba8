"""Facts with digits or addresses in a sentence, and whether the sources know them.

Numbers are where a language model's invention does harm. Judged are numbers, versions, dates,
times, addresses and identifiers, written as in English or Spanish; words are not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from recommendations.number_words import SCALE, SCALES, written_numbers

# ("number", "1000"), ("percent", "40"), ("version", "2"), ("time", 14, 5, None), the same with
# "clock" where it is open which half of the day is meant, and ("date", year, month, day) with None
# where it is not said.
type Reading = tuple[str | int | None, ...]

_MONTH_NAMES = (
    ("january", "jan", "enero", "ene"),
    ("february", "feb", "febrero"),
    ("march", "mar", "marzo"),
    ("april", "apr", "abril", "abr"),
    ("may", "mayo"),
    ("june", "jun", "junio"),
    ("july", "jul", "julio"),
    ("august", "aug", "agosto", "ago"),
    ("september", "sept", "sep", "septiembre", "setiembre"),
    ("october", "oct", "octubre"),
    ("november", "nov", "noviembre"),
    ("december", "dec", "diciembre", "dic"),
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names}

PERCENT = re.compile(
    r"(?:\s*(?:-|–|to|and|or|al?|[yo])\s*\d+(?:[.,]\d+)?)?\s?(?:%|per ?cent\b|por ciento\b)",
    re.IGNORECASE,
)
LIST_MARKER = re.compile(r"\s*(?:[-*•]\s+)?\d{1,3}[.)]\s+")
PREFIX = re.compile(r"(?:mid|pre|post|sub|top|early|late|non|under|over)-(?=\d)", re.IGNORECASE)
SUFFIX = re.compile(r"(?:-[^\W\d_]+)+$")  # "-based", "-only"
NUMBER = re.compile(r"(\d+(?:[.,]\d+)*)\.?([^\W\d_]*)")
VERSION = re.compile(r"v\.?(\d+(?:\.\d+)*)", re.IGNORECASE)
VERSION_BEFORE = re.compile(r"\b(?:version|versión|release)\s$", re.IGNORECASE)
GROUPED = re.compile(r"[1-9]\d{0,2}(?:(?:,\d{3})+|(?:\.\d{3})+|(?:[ ']\d{3})+)")
DECIMAL = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+)\.(\d+)|(\d+|\d{1,3}(?:\.\d{3})+),(\d+)")
DOTTED = re.compile(r"(?:[\w-]+\.)+([^\W\d_]{2,})")  # a host, a file, an attribute

_MONTH = rf"(?:{'|'.join(sorted(MONTHS, key=len, reverse=True))})\b\.?"
_DAY = r"\d\d?(?:st|nd|rd|th|\.?o)?(?![\w:]|[.,]\d)"
_DAYS = rf"{_DAY}(?:\s*(?:-|–|to|and|through|al?|y)\s*(?:el\s+)?{_DAY})?"
_YEAR = r",?[\s-]+(?:(?:of|del?)\s+)?(?P<{}>\d{{4}})(?!\w|[.,]\d)"
_AM = r"a\.?\s?m\b\.?|de\sla\s(?:mañana|madrugada)\b|in\sthe\smorning\b"
_PM = r"p\.?\s?m\b\.?|de\sla\s(?:tarde|noche)\b|in\sthe\s(?:afternoon|evening)\b"
# In front of a path; "Node.js/Express" and "settings.py/urls.py" are names side by side.
_FILE = r"(?:js|ts|py|rb|rs|go|md|json|ya?ml|toml|html?|css|txt|xml|sql|sh|cfg|ini)"
_HOST = rf"(?<![\w.@-])(?:[\w-]{{1,63}}\.)+(?!{_FILE}/)(?-i:[a-z]{{2,}})"
FACT = re.compile(
    rf"""
    (?P<email>(?<![\w.+-])[\w.+-]{{1,64}}@(?:[\w-]{{1,63}}\.)+[^\W\d_]{{2,}})
  | (?P<url>(?:https?://|www\.|{_HOST}/)[^\s<>"'`()\[\]{{}}|»”]+)
  | (?<![\w.,-])(?:
      (?P<iso>(?P<y1>\d{{4}})(?P<s1>[-/])(?P<m1>\d\d?)(?P=s1)(?P<d1>\d\d?)(?!\d|[-.]\d)t?)
    | (?P<numeric>(?P<a>\d\d?)(?P<s2>[-/.])(?P<b>\d\d?)(?P=s2)
        (?P<y2>\d{{4}}|(?<=/)\d\d)(?!\w|[-./]\d))
    | (?P<day_month>(?P<d3>{_DAYS})[\s-]+(?:(?:of|de)\s+)?(?P<m3>{_MONTH})
        (?:{_YEAR.format("y3")})?)
    | (?P<month_day>(?P<m4>{_MONTH})[\s-]+(?P<d4>{_DAYS})(?:{_YEAR.format("y4")})?)
    | (?P<month_year>(?P<m5>{_MONTH}){_YEAR.format("y5")})
    | (?P<spaced>\d{{1,3}}(?:[ ']\d{{3}})+)(?!\w|[.,]\d)
    )
  | (?<![^\Wt])(?<![.:])(?P<time>
      (?P<h1>\d\d?)[:h](?P<min>\d\d)(?::(?P<sec>\d\d))?(?!\d)
        (?:\s?(?:(?P<am1>{_AM})|(?P<pm1>{_PM})))?
    | (?P<h2>\d\d?)\s?(?:(?P<am2>{_AM})|(?P<pm2>{_PM})))
  | (?P<token>\w+(?:(?:-+|\.|(?<=\d),(?=\d))\w+)*)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Fact:
    """Known if a source has one of `readings`, or if `name` is found in one."""

    text: str
    readings: frozenset[Reading] = frozenset()
    implied: frozenset[Reading] = frozenset()  # what a source with this fact knows besides
    name: str = ""  # a regular expression


@dataclass(frozen=True, slots=True)
class _Source:
    text: str
    readings: frozenset[Reading]


def unsupported(sentence: str, *sources: str) -> str | None:
    """The first fact of the sentence that is in none of the sources, else None.

    Formats may differ: "1,000" is "1.000" and "10 000" is "10000", "May 14, 2026" is "14/05/2026"
    and "14 de mayo de 2026", "2 pm" is "14:00". Units are not compared, but "40%" is not "40". A
    number that a source writes as a word is known. Identifiers such as "OAuth2" must occur as
    they are, whatever the case. A list marker at the start is not judged.
    """
    known = [_read(source) for source in sources]
    readings = frozenset[Reading]().union(*(source.readings for source in known))
    text = _normalized(sentence)
    marker = LIST_MARKER.match(text)
    for fact in _facts(text[marker.end() :] if marker else text):
        if fact.name and any(re.search(fact.name, source.text, re.IGNORECASE) for source in known):
            continue
        if not (fact.readings & readings or _dated(fact, readings)):
            return fact.text
    return None


def _dated(fact: _Fact, readings: frozenset[Reading]) -> bool:
    """A full date of which the sources say the day without the year, and the year elsewhere."""
    return any(
        reading[0] == "date"
        and ("yearless", *reading[2:]) in readings
        and ("number", str(reading[1])) in readings
        for reading in fact.readings
    )


@lru_cache(maxsize=64)
def _read(source: str) -> _Source:
    text = _normalized(source)
    readings = set[Reading](("number", value) for value in written_numbers(text))
    for fact in _facts(text):
        readings |= fact.readings | fact.implied
    return _Source(text, frozenset(readings))


def _normalized(text: str) -> str:
    """Without typographic variants of spaces, digits and hyphens, and without Markdown's marks."""
    text = unicodedata.normalize("NFKC", text).replace("**", "").replace("`", "")
    return text.replace("\N{HYPHEN}", "-").replace("\N{MINUS SIGN}", "-")


def _facts(text: str) -> Iterator[_Fact]:
    for match in FACT.finditer(text):
        said = match[0]
        match match.lastgroup:
            case "token":
                yield from _token(match)
            case "spaced":
                yield _number(match, said)
            case "time":
                yield _time(match)
            case "email":
                yield _Fact(said, name=_literal(said))
            case "url":
                url = said.rstrip(".,;:!?*")
                address = re.sub(r"^(?:https?://)?(?:www\.)?", "", url, flags=re.IGNORECASE)
                yield _Fact(url, name=_literal(address.rstrip("/")))
            case _:
                yield from _dates(match)


def _token(match: re.Match[str]) -> Iterator[_Fact]:
    token = match[0]
    if not any(char.isdecimal() for char in token):
        dotted = DOTTED.fullmatch(token)
        if dotted and (dotted[1].islower() or dotted[1].isupper()):  # else a forgotten space
            yield _Fact(token, name=_literal(token))
        return
    token = PREFIX.sub("", token)
    body = SUFFIX.sub("", token)
    parts = body.split("-")
    if version := VERSION.fullmatch(body):
        implied = frozenset(("number", value) for value in _values(version[1]))
        yield _Fact(token, frozenset({("version", version[1])}), implied)
    elif all(NUMBER.fullmatch(part) for part in parts):
        for part in parts:
            yield _number(match, part)
    else:
        runs = re.findall(r"[^\W\d_]+|\d+|\.", body)
        pattern = "[-_/ ]?".join(re.escape(run) for run in runs)
        yield _Fact(token, name=rf"(?<![^\W_]){pattern}(?![^\W_]|[.,-]\d)")


def _literal(text: str) -> str:
    """`text` as it is, and not inside a longer address; `www.` may stand before it."""
    return rf"(?<![\w-])(?<!(?<!www)\.){re.escape(text)}(?![\w-]|\.\w)"


def _number(match: re.Match[str], said: str) -> _Fact:
    """A number of the text; what stands after it says whether it is a percentage, or thousands."""
    number = NUMBER.fullmatch(said)
    core, unit = (number[1], number[2]) if number else (said, "")
    values = _values(core)
    plain = frozenset[Reading](("number", value) for value in values)
    if percent := PERCENT.match(match.string, match.end()):
        return _Fact(said + percent[0], frozenset(("percent", value) for value in values), plain)
    scale = SCALE.match(match.string, match.end())
    word = " ".join(scale[1].lower().split()) if scale else unit.replace("K", "k")
    if word in SCALES:
        scaled = (_scaled(value, SCALES[word]) for value in values)
        return _Fact(said, frozenset(("number", value) for value in scaled), plain)
    before = match.string[max(0, match.start() - 10) : match.start()]
    version = "." in core or VERSION_BEFORE.search(before)
    return _Fact(said, plain, frozenset({("version", core)}) if version else frozenset())


def _values(core: str) -> set[str]:
    """What digits and separators can mean: "1.000" is a thousand, or one with three decimals."""
    if core.isdecimal():
        return {core.lstrip("0") or "0"}
    values = set[str]()
    if GROUPED.fullmatch(core):
        values.add(re.sub(r"\D", "", core))
    if decimal := DECIMAL.fullmatch(core):
        whole, fraction = decimal[1] or decimal[3], decimal[2] or decimal[4]
        values.add(f"{re.sub(r'\D', '', whole).lstrip('0') or '0'}.{fraction}")
    return values or {core}


def _scaled(value: str, zeros: int) -> str:
    whole, _, fraction = value.partition(".")
    digits = (whole + fraction[:zeros].ljust(zeros, "0")).lstrip("0") or "0"
    return f"{digits}.{fraction[zeros:]}" if fraction[zeros:] else digits


def _time(match: re.Match[str]) -> _Fact:
    said = int(match["h1"] or match["h2"])
    minute, second = int(match["min"] or 0), match["sec"] and int(match["sec"])
    hour = said
    if match["pm1"] or match["pm2"]:
        hour = said + 12 if said < 12 else said
    elif match["am1"] or match["am2"]:
        hour = said % 12
    readings = {("time", hour, minute, second)}
    if not any(match[half] for half in ("am1", "am2", "pm1", "pm2")):
        readings.add(("clock", said, minute, second))  # "2:00" is known from "2 pm", "2 am" is not
    implied = frozenset[Reading](
        (kind, number, minute, when)
        for kind, number in (("time", hour), ("clock", said))
        for when in (second, None)
    )
    return _Fact(match[0].rstrip("."), frozenset[Reading](readings), implied)


def _dates(match: re.Match[str]) -> Iterator[_Fact]:
    said = match[0]
    if match["iso"]:
        yield _date(said, (int(match["y1"]), int(match["m1"]), int(match["d1"])))
    elif match["numeric"]:
        year = int(match["y2"]) + (2000 if len(match["y2"]) == 2 else 0)
        a, b = int(match["a"]), int(match["b"])
        yield _date(said, (year, b, a), (year, a, b))
    else:
        month = MONTHS[(match["m3"] or match["m4"] or match["m5"]).rstrip(".").lower()]
        year_said = match["y3"] or match["y4"] or match["y5"]
        for day in re.findall(r"\d+", match["d3"] or match["d4"] or "") or [None]:
            date = (int(year_said) if year_said else None, month, int(day) if day else None)
            yield _date(said, date, written=True)


def _date(said: str, *dates: tuple[int | None, int, int | None], written: bool = False) -> _Fact:
    """The date in each order that is possible; with a `written` month the day is a number too."""
    readings, implied = set[Reading](), set[Reading]()
    for year, month, day in dates:
        if month not in range(1, 13) or (day is not None and day not in range(1, 32)):
            continue
        readings.add(("date", year, month, day))
        implied |= {("date", None, month, day), ("date", year, month, None)}
        implied.add(("yearless", month, day) if year is None else ("number", str(year)))
        if written and day:
            implied.add(("number", str(day)))
    return _Fact(said, frozenset(readings), frozenset(implied), "" if readings else _literal(said))
