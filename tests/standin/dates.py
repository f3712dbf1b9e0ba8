"""Dates: formats, date math and calendar intervals, all in UTC and in milliseconds since 1970.

Sources: the reference pages "Mapping date format", "Date math" and "Date histogram aggregation".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tests.standin.errors import ElasticsearchError, NotImplementedHere, illegal_argument, parsing

DEFAULT_FORMAT = "strict_date_optional_time||epoch_millis"

_ISO = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?"
    r"(Z|[+-]\d{2}(?::?\d{2})?)?)?)?)?"
)
_MATH = re.compile(r"([+-]\d*|/)([yMwdhHms])")
_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "H": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_CALENDAR = {
    "year": "y",
    "1y": "y",
    "quarter": "q",
    "1q": "q",
    "month": "M",
    "1M": "M",
    "week": "w",
    "1w": "w",
    "day": "d",
    "1d": "d",
    "hour": "h",
    "1h": "h",
    "minute": "m",
    "1m": "m",
}
# Java's pattern letters that occur in practice, longest first.
_PATTERN = {"yyyy": "%Y", "uuuu": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def moment(value: int | float) -> datetime:
    return datetime.fromtimestamp(value / 1000, UTC)


def _iso(text: str) -> tuple[datetime, str] | None:
    """The date and the unit of the last part given, which ``lte`` and ``gt`` round up by."""
    found = _ISO.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    unit = "y"
    for part, name in ((month, "M"), (day, "d"), (hour, "h"), (minute, "m"), (second, "s")):
        unit = name if part else unit
    if fraction:
        unit = "ms"
    try:
        date = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0").ljust(6, "0")[:6]),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        date -= offset if zone[0] == "+" else -offset
    return date, unit


def _strptime(pattern: str) -> str:
    translated = pattern.replace("'", "")
    for letters, directive in _PATTERN.items():
        translated = translated.replace(letters, directive)
    if re.search(r"(?<!%)[A-Za-z]", translated.replace("T", "").replace("Z", "")):
        raise NotImplementedHere(f"date format {pattern}")
    return translated


def _parse(text: str, formats: str) -> tuple[datetime, str]:
    for name in formats.split("||"):
        if name in {
            "strict_date_optional_time",
            "date_optional_time",
            "iso8601",
            "strict_date_time",
        }:
            found = _iso(text)
            if found:
                return found
        elif name in {"epoch_millis", "epoch_second"}:
            if re.fullmatch(r"-?\d+(\.\d+)?", text):
                return moment(float(text) * (1 if name == "epoch_millis" else 1000)), "ms"
        else:
            pattern = {"date": "yyyy-MM-dd", "strict_date": "yyyy-MM-dd"}.get(name, name)
            unit = "d" if "d" in pattern else "M" if "M" in pattern else "y"
            try:
                return datetime.strptime(text, _strptime(pattern)).replace(tzinfo=UTC), unit
            except ValueError:
                continue
    cause = {
        "type": "date_time_parse_exception",
        "reason": f"Failed to parse with all enclosed parsers: [{formats}]",
    }
    raise ElasticsearchError(
        400,
        "illegal_argument_exception",
        f"failed to parse date field [{text}] with format [{formats}]",
        caused_by=cause,
    )


def parse(value: object, formats: str = DEFAULT_FORMAT) -> int:
    """A value of a ``date`` field."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise illegal_argument(f"failed to parse date field [{value}] with format [{formats}]")
    if isinstance(value, int | float):
        value = str(int(value))
    return millis(_parse(value, formats)[0])


def floor(date: datetime, unit: str) -> datetime:
    """The start of the year, quarter, month, ISO week, day, hour or minute."""
    midnight = date.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "y":
        return midnight.replace(month=1, day=1)
    if unit == "q":
        return midnight.replace(month=3 * ((date.month - 1) // 3) + 1, day=1)
    if unit == "M":
        return midnight.replace(day=1)
    if unit == "w":
        return midnight - timedelta(days=date.weekday())
    if unit == "d":
        return midnight
    if unit in "hH":
        return date.replace(minute=0, second=0, microsecond=0)
    if unit == "m":
        return date.replace(second=0, microsecond=0)
    return date.replace(microsecond=0)


def shift(date: datetime, count: int, unit: str) -> datetime:
    if unit == "y":
        count, unit = count * 12, "M"
    if unit == "q":
        count, unit = count * 3, "M"
    if unit == "M":
        month = date.month - 1 + count
        year, month = date.year + month // 12, month % 12 + 1
        last = (datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)).day
        return date.replace(year=year, month=month, day=min(date.day, last))
    return date + count * _UNITS[unit]


def bound(value: object, formats: str, *, up: bool, now: datetime | None = None) -> int:
    """One end of a range: date math, and rounding up where the range asks for it (``lte``,
    ``gt``).
    """
    if not isinstance(value, str):
        return parse(value, formats)
    if value.startswith("now"):
        date, unit, math = now or datetime.now(UTC), "ms", value.removeprefix("now")
    else:
        text, _, math = value.partition("||")
        date, unit = _parse(text, formats)
    if math and not re.fullmatch(f"(?:{_MATH.pattern})+", math):
        raise parsing(f"failed to parse date math [{value}]")
    for operator, math_unit in _MATH.findall(math):
        if operator == "/":
            date, unit = floor(date, math_unit), math_unit
        else:
            count = int(operator + "1") if operator in "+-" else int(operator)
            date, unit = shift(date, count, math_unit), "ms"
    if up and unit != "ms":
        return millis(shift(floor(date, unit), 1, unit)) - 1
    return millis(date)


def bucket(value: int, interval: str, *, fixed: bool) -> int:
    """The key of the ``date_histogram`` bucket that a date falls into."""
    if not fixed:
        if interval not in _CALENDAR:
            raise illegal_argument(
                f"The supplied interval [{interval}] could not be parsed as a calendar interval."
            )
        return millis(floor(moment(value), _CALENDAR[interval]))
    found = re.fullmatch(r"(\d+)(ms|[smhd])", interval)
    if not found:
        raise illegal_argument(
            f"failed to parse setting [date_histogram.fixedInterval] with value [{interval}]"
        )
    unit = timedelta(milliseconds=1) if found[2] == "ms" else _UNITS[found[2]]
    width = int(found[1]) * round(unit.total_seconds() * 1000)
    return value // width * width


def next_bucket(key: int, interval: str, *, fixed: bool) -> int:
    if fixed:
        return key + (
            bucket(10**15, interval, fixed=True) - bucket(10**15 - 1, interval, fixed=True)
        )
    return millis(shift(moment(key), 1, _CALENDAR[interval]))


def render(value: int, formats: str | None) -> str:
    """``key_as_string``, ``fields`` and ``docvalue_fields``: the first of the formats."""
    name = (formats or DEFAULT_FORMAT).split("||")[0]
    date = moment(value)
    if name in {"strict_date_optional_time", "date_optional_time", "iso8601", "strict_date_time"}:
        return f"{date:%Y-%m-%dT%H:%M:%S}.{date.microsecond // 1000:03d}Z"
    if name == "epoch_millis":
        return str(value)
    if name in {"date", "strict_date"}:
        name = "yyyy-MM-dd"
    return date.strftime(_strptime(name))
