"""Questions by day as bars of an SVG: whole numbers only, which no language writes differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from recommendations.insights import Day

WIDTH, HEIGHT = 900, 220  # units of the view box
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
class Chart:
    bars: Sequence[Bar]
    marks: Sequence[Mark]
    labels: Sequence[Label]
    bar_width: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    base: int = HEIGHT - BOTTOM


def draw(days: Sequence[Day]) -> Chart:
    """The chart of consecutive days; at least one."""
    top = ceiling(max(day.asked for day in days))
    room = HEIGHT - TOP - BOTTOM
    step = (WIDTH - LEFT - RIGHT) / len(days)

    def length(value: int) -> int:
        return max(round(value * room / top), 1) if value else 0

    def bar(number: int, day: Day) -> Bar:
        whole, part = length(day.asked), length(day.unanswered)
        base = HEIGHT - BOTTOM
        return Bar(day, round(LEFT + number * step), base - whole, whole, base - part, part)

    bars = [bar(number, day) for number, day in enumerate(days)]
    width = max(round(step * 0.7), 1)
    marks = [Mark(HEIGHT - BOTTOM - length(value), value) for value in (0, top // 2, top)]
    return Chart(bars, marks, _labels(bars, width), width)


def ceiling(value: int) -> int:
    """The smallest even number of the form 2, 4, 10, 20, 40, 100, … that is not below `value`."""
    size = 1
    while True:
        for step in (2, 4, 10):
            if step * size >= value:
                return step * size
        size *= 10


def _labels(bars: Sequence[Bar], width: int) -> list[Label]:
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
