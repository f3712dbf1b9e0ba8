"""The Spanish catalogue: every message of the code and the templates, and its compiled form.

python scripts/translations.py      # updates locale/es/LC_MESSAGES/django.po and compiles it

New messages appear with an empty translation, messages that are gone are dropped. The compiled
catalogue is in the repository, because the site must start with Python alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "locale" / "es" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
PACKAGES = "articles", "recommendations", "blogsite"
KEYWORDS = {
    f"{name}{suffix}": DEFAULT_KEYWORDS[name]
    for name in ("gettext", "ngettext", "pgettext", "npgettext")
    for suffix in ("", "_lazy")
} | {"_": None}
COMMENTS = ("Translators:",)


def sources() -> Iterator[tuple[str, bytes]]:
    """Each file that may hold messages, as Python that Babel can read."""
    from django.utils.translation.template import templatize

    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_bytes()
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".xml", ".txt"}:
            name = str(path.relative_to(ROOT))
            # Django blanks everything out but the messages; without the indentation of what was
            # blanked out, the rest is Python.
            lines = templatize(path.read_text(encoding="utf-8"), name).splitlines()
            yield name, "\n".join(line.strip() for line in lines).encode()


def extracted() -> Catalog:
    """The messages that code and templates hold now, untranslated."""
    template = Catalog()
    for name, source in sources():
        found = extract("python", BytesIO(source), KEYWORDS, COMMENTS)
        for line, message, comments, context in found:
            template.add(message, locations=[(name, line)], auto_comments=comments, context=context)
    return template


def translated() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="es")


def compiled(catalog: Catalog) -> bytes:
    output = BytesIO()
    write_mo(output, catalog)
    return output.getvalue()


def main() -> None:
    catalog = translated()
    catalog.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    with PO.open("wb") as file:
        write_po(file, catalog, width=100, include_lineno=False, ignore_obsolete=True)
    MO.write_bytes(compiled(catalog))
    missing = [message.id for message in catalog if message.id and not message.string]
    for message in missing:
        print(f"not translated: {message!r}")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
