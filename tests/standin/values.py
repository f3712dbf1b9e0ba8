"""Values of leaf fields as they are indexed. Follows the field mappers of elastic/elasticsearch."""

from __future__ import annotations

from typing import Any

from tests.standin import dates
from tests.standin.errors import ElasticsearchError, NotImplementedHere, illegal_argument
from tests.standin.mapping import FLOATS, INTEGERS, KEYWORDS, TEXTS, Field

RANGES = {"byte": 2**7, "short": 2**15, "integer": 2**31, "long": 2**63}
LONGEST_TERM = 32_766


def convert(found: Field, item: Any) -> Any:
    """A value as its field stores it; what cannot be converted raises
    ``illegal_argument_exception``.
    """
    if isinstance(item, dict):
        raise illegal_argument(
            f"Expected a simple value for field [{found.path}] but found [START_OBJECT]"
        )
    if found.type in TEXTS:
        return _text(item)
    if found.type in KEYWORDS or found.type == "flattened":
        text = _text(item)
        if len(text) > found.parameters.get("ignore_above", 2**31):
            return None
        if len(text.encode()) > LONGEST_TERM:
            raise illegal_argument(
                f'Document contains at least one immense term in field="{found.path}"'
                f" (whose UTF8 encoding is longer than the max length {LONGEST_TERM})"
            )
        return text
    if found.type == "boolean":
        if item in (True, False, "true", "false", ""):
            return item in (True, "true")
        raise illegal_argument(
            f"Failed to parse value [{item}] as only [true] or [false] are allowed."
        )
    if found.type == "date":
        return dates.parse(item, found.parameters.get("format", dates.DEFAULT_FORMAT))
    if found.type in INTEGERS | FLOATS:
        return _number(found, item)
    raise NotImplementedHere(f"values of type {found.type}")


def _text(item: Any) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    return str(item)


def _number(found: Field, item: Any) -> int | float:
    try:
        number = float(item) if not isinstance(item, bool) else None
    except (TypeError, ValueError):
        number = None
    if number is None:
        raise ElasticsearchError(400, "number_format_exception", f'For input string: "{item}"')
    if found.type in FLOATS:
        return number
    whole = int(item) if isinstance(item, int) else int(number)
    limit = RANGES.get(found.type, 2**64)
    if not -limit <= whole < limit:
        raise illegal_argument(f"Value [{item}] is out of range for a {found.type}")
    return whole
