"""The Spanish catalogue is complete, fits the code, and is compiled; no template forgot a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from django.utils.translation import gettext, ngettext, override

from scripts.translations import MO, ROOT, extracted, translated

HOW = "run `python scripts/translations.py` and fill in what is empty"
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]|\{\w*\}")
ATTRIBUTES_ONLY = "_in_place.html"
TEMPLATES = [path for path in (ROOT / "templates").rglob("*.html") if path.name != ATTRIBUTES_ONLY]


def forms(text: object) -> tuple[str, ...]:
    """A message or its translation: one text, or one for each number."""
    return tuple(map(str, text)) if isinstance(text, list | tuple) else (str(text),)


def key(message: Message) -> tuple[object, tuple[str, ...]]:
    return message.context, forms(message.id)


def test_every_message_is_translated_and_none_is_left_over() -> None:
    wanted = {key(message) for message in extracted() if message.id}
    catalog = [message for message in translated() if message.id]
    assert {key(message) for message in catalog} == wanted, HOW
    assert [message.id for message in catalog if message.fuzzy] == []
    assert [message.id for message in catalog if not all(forms(message.string))] == [], HOW
    assert not translated().obsolete


def test_placeholders_are_those_of_the_message() -> None:
    def placeholders(text: object) -> list[list[str]]:
        return [sorted(PLACEHOLDER.findall(form)) for form in forms(text)]

    wrong = {
        message.id: message.string
        for message in translated()
        if message.id and placeholders(message.id) != placeholders(message.string)
    }
    assert wrong == {}


def test_compiled_catalogue_is_that_of_the_source() -> None:
    with MO.open("rb") as file:
        compiled = {key(message): forms(message.string) for message in read_mo(file) if message.id}
    source = {key(message): forms(message.string) for message in translated() if message.id}
    assert compiled == source, HOW


def test_plural_follows_the_number_and_both_catalogues_work_together() -> None:
    with override("es"):
        words = [ngettext("%d article published.", "%d articles published.", n) for n in (0, 1, 2)]
        assert words == ["%d artículos publicados.", "%d artículo publicado.", words[0]]
        assert gettext("This field is required.") == "Este campo es obligatorio."  # Django's


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_word_in_a_template_goes_through_gettext(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for pattern in (
        r"\{% comment %\}.*?\{% endcomment %\}|\{#.*?#\}|<!--.*?-->",
        r"\{% blocktranslate.*?\{% endblocktranslate %\}",
        r"\{%.*?%\}|\{\{.*?\}\}",
    ):
        text = re.sub(pattern, "", text, flags=re.DOTALL)
    attributes = re.findall(r'\s(?:aria-label|title|placeholder|alt)="([^"]*)"', text)
    between_tags = re.sub(r"<[^>]*>|&\w+;", " ", text)
    assert re.findall(r"[^\W\d_]{2,}", " ".join([between_tags, *attributes])) == []
