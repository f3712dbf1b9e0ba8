"""Numbers written as words, and the words that scale a number, in English and Spanish."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Sources write small numbers out; "once" is left out, it is an English word too.
_ONES = (
    "zero cero,one un uno una,two dos,three tres,four cuatro,five cinco,six seis,seven siete,"
    "eight ocho,nine nueve,ten diez,eleven,twelve doce dozen docena,thirteen trece,"
    "fourteen catorce,fifteen quince,sixteen dieciséis,seventeen diecisiete,eighteen dieciocho,"
    "nineteen diecinueve,twenty veinte,veintiuno veintiún veintiuna,veintidós,veintitrés,"
    "veinticuatro,veinticinco,veintiséis,veintisiete,veintiocho,veintinueve"
)
_TENS = (
    ",,,thirty treinta,forty cuarenta,fifty cincuenta,sixty sesenta,seventy setenta,"
    "eighty ochenta,ninety noventa,hundred cien ciento"
)
WORDS = {word: value for value, words in enumerate(_ONES.split(",")) for word in words.split()}
WORDS |= {word: 10 * tens for tens, words in enumerate(_TENS.split(",")) for word in words.split()}
WORDS |= {"thousand": 1000, "mil": 1000}

SCALES = {
    "hundred": 2,
    **dict.fromkeys(("k", "thousand", "mil"), 3),
    **dict.fromkeys(("M", "million", "millón", "millones"), 6),
    **dict.fromkeys(("bn", "billion", "mil millones"), 9),
    **dict.fromkeys(("trillion", "billón", "billones"), 12),  # "billón" is no billion
}
SCALE = re.compile(
    r"\s(hundred|thousand|mil(?:\s+millones)?|million|millón|millones|bn|billion|trillion|billón|"
    r"billones)\b",
    re.IGNORECASE,
)


def written_numbers(text: str) -> Iterator[str]:
    """The numbers that a text writes as words, in digits; "forty-two" is 40, 42 and 2."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    for place, word in enumerate(words):
        if (value := WORDS.get(word)) is None:
            continue
        yield str(value)
        after = words[place + 1 : place + 3]
        if zeros := SCALES.get(" ".join(after)) or SCALES.get(" ".join(after[:1])):
            yield f"{value}{'0' * zeros}"
        unit = next((WORDS.get(other, 0) for other in after if other != "y"), 0)
        if value in range(20, 100, 10) and unit in range(1, 10):
            yield str(value + unit)
