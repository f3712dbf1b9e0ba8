"""Bars of any days stay inside their picture and end where the axis says."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest

from recommendations.chart import HEIGHT, VOTES_HEIGHT, WIDTH, ceiling, draw, draw_votes
from recommendations.insights import Day


@pytest.mark.parametrize(
    ("value", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (5, 10), (11, 20), (99, 100), (101, 200)]
)
def test_axis_ends_at_a_round_number(value: int, top: int) -> None:
    assert ceiling(value) == top


def days(count: int, *values: int) -> list[Day]:
    numbers = itertools.islice(itertools.cycle(values), count)
    start = date(2026, 3, 1)
    return [
        Day(start + timedelta(days=n), value, value // 2, value // 3, value % 5)
        for n, value in enumerate(numbers)
    ]


@pytest.mark.parametrize("count", [1, 30, 90])
@pytest.mark.parametrize("values", [(0,), (1,), (3, 0, 17), (1_000_000,)])
def test_chart_stays_inside_its_frame(count: int, values: tuple[int, ...]) -> None:
    chart = draw(days(count, *values))
    assert len(chart.bars) == count
    for bar in chart.bars:
        assert chart.left <= bar.x <= bar.x + chart.bar_width <= WIDTH
        assert 0 <= bar.y <= bar.unanswered_y <= HEIGHT
        assert bar.y + bar.height == bar.unanswered_y + bar.unanswered_height == chart.base
        assert bool(bar.height) == bool(bar.day.asked)
    assert chart.labels[-1].day == chart.bars[-1].day.day
    assert len(chart.labels) <= 10


@pytest.mark.parametrize("count", [1, 30, 90])
@pytest.mark.parametrize("values", [(0,), (3, 0, 17), (4,), (5,), (1_000_000,)])
def test_thumbs_stay_inside_their_chart_on_either_side_of_zero(
    count: int, values: tuple[int, ...]
) -> None:
    chart = draw_votes(days(count, *values))
    assert len(chart.bars) == count
    marks = {mark.y: mark.value for mark in chart.marks}
    assert marks[chart.base] == 0
    for bar in chart.bars:
        assert chart.left <= bar.x <= bar.x + chart.bar_width <= WIDTH
        assert bar.up_y + bar.up_height == chart.base
        assert min(marks) <= bar.up_y
        assert chart.base + bar.down_height <= max(marks) < VOTES_HEIGHT - 20  # dates below
        assert (bool(bar.up_height), bool(bar.down_height)) == (bar.day.up > 0, bar.day.down > 0)
    assert min(marks) >= 0
    lines = sorted(marks)
    assert min(after - before for before, after in itertools.pairwise(lines)) > 20  # room for text


def test_thumbs_have_one_scale_and_end_at_lines_with_numbers() -> None:
    start = date(2026, 3, 1)
    chart = draw_votes([Day(start, up=40, down=10), Day(start + timedelta(days=1), up=20)])
    marks = [(mark.y, mark.value) for mark in chart.marks]
    assert [value for _y, value in marks] == [20, 0, 20, 40]  # from below
    first, second = chart.bars
    assert first.up_y == marks[-1][0]
    assert second.up_y == marks[-2][0]
    assert first.down_height * 4 == pytest.approx(first.up_height, abs=4)
