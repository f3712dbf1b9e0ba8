"""Days as bars of an SVG: whole numbers only, which no language writes differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from recommendations.insights import Day

WIDTH, HEIGHT = 900, 220  # units of the view box
VOTES_HEIGHT = 180
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 12, 28
LABELS = 6  # dates under the axis


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: the whole bar from `y` down, of it the part that stands for `day.unanswered`."""

    day: Day
    x: int
    y: int
    height: int
    unanswered_y: int
    unanswered_height: int


@dataclass(frozen=True, slots=True)
class VoteBar:
    """One day: a bar for `day.up` from `up_y` down to zero, one for `day.down` from zero down."""

    day: Day
    x: int
    up_y: int
    up_height: int
    down_height: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of the axis at `y` with its number."""

    y: int
    value: int


@dataclass(frozen=True, slots=True)
class Label:
    x: int
    day: date
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart[B: (Bar, VoteBar)]:
    """`base` is where the axis has its zero."""

    bars: Sequence[B]
    marks: Sequence[Mark]
    labels: Sequence[Label]
    bar_width: int
    height: int
    base: int
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT


def draw(days: Sequence[Day]) -> Chart[Bar]:
    """The questions of consecutive days; at least one."""
    top = ceiling(max(day.asked for day in days))
    room, base = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM

    def length(value: int) -> int:
        return max(round(value * room / top), 1) if value else 0

    def bar(x: int, day: Day) -> Bar:
        whole, part = length(day.asked), length(day.unanswered)
        return Bar(day, x, base - whole, whole, base - part, part)

    places, width = _places(days)
    bars = [bar(x, day) for x, day in zip(places, days, strict=True)]
    marks = [Mark(base - length(value), value) for value in (0, top // 2, top)]
    return Chart(bars, marks, _labels(bars, width), width, HEIGHT, base)


def draw_votes(days: Sequence[Day]) -> Chart[VoteBar]:
    """The thumbs of consecutive days; at least one. Up and down have one scale, and each as many
    steps of it as it needs, so that a line with its number ends both.
    """
    most_up, most_down = max(day.up for day in days), max(day.down for day in days)
    step = ceiling(max(most_up, most_down)) // 2
    above, below = (max(-(-most // step), 1) for most in (most_up, most_down))
    scale = (VOTES_HEIGHT - TOP - BOTTOM) // (above + below)  # units a step
    base = TOP + above * scale

    def length(value: int) -> int:
        return max(round(value * scale / step), 1) if value else 0

    def bar(x: int, day: Day) -> VoteBar:
        up = length(day.up)
        return VoteBar(day, x, base - up, up, length(day.down))

    places, width = _places(days)
    bars = [bar(x, day) for x, day in zip(places, days, strict=True)]
    marks = [Mark(base - n * scale, abs(n) * step) for n in range(-below, above + 1)]
    return Chart(bars, marks, _labels(bars, width), width, VOTES_HEIGHT, base)


def ceiling(value: int) -> int:
    """The smallest even number of the form 2, 4, 10, 20, 40, 100, … that is not below `value`."""
    size = 1
    while True:
        for step in (2, 4, 10):
            if step * size >= value:
                return step * size
        size *= 10


def _places(days: Sequence[Day]) -> tuple[list[int], int]:
    """Where each day's bar starts, and how wide it is."""
    step = (WIDTH - LEFT - RIGHT) / len(days)
    return [round(LEFT + number * step) for number in range(len(days))], max(round(step * 0.7), 1)


def _labels(bars: Sequence[Bar] | Sequence[VoteBar], width: int) -> list[Label]:
    """Dates at equal distances, the last day always among them and inside the picture."""
    distance = max(len(bars) // LABELS, 1)
    shown = bars[::-1][::distance][::-1]
    return [
        Label(bar.x + width, bar.day.day, "end")
        if bar is bars[-1]
        else Label(bar.x + width // 2, bar.day.day, "middle")
        for bar in shown
        if bar is bars[-1] or bar.x >= LEFT + 20
    ]
