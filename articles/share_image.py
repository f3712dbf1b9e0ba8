"""The picture that social networks and messengers show beside a link to an article.

They read PNG only, so it is drawn here, with the site's own font and the colours of its light
theme (static/css/tokens.css), like static/images/share.png, which all other pages have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from io import BytesIO

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe
from PIL import Image, ImageDraw, ImageFont

from articles.models import Article

SIZE = WIDTH, HEIGHT = 1200, 630
DESIGN = "1"  # part of the ETag: another one when the drawing changes
CACHE_SECONDS = 24 * 60 * 60
FINE = 2  # drawn so many times larger: Pillow draws curves without smoothing

PAPER, INK, INK_SOFT, ACCENT, DOTS = "#fbfbf8", "#1c2220", "#525d57", "#1c6b4e", "#7f8a84"
MARGIN = 92
TITLE_TOP, TITLE_WIDTH, TITLE_HEIGHT = 196, 850, 300
TITLE_SIZES = 84, 76, 68, 60, 54, 48
LINE_HEIGHT = 1.16
BASELINE = HEIGHT - MARGIN  # of the author's name
BOLD, REGULAR = 640, 400

type Point = tuple[float, float]
type Curve = tuple[Point, Point, Point, Point]

# The mark of the masthead and a piece of the home page's path, as in the templates.
MARK: tuple[Curve, ...] = (
    ((9, 29.5), (9, 22), (25, 23), (25, 16)),
    ((25, 16), (25, 9), (9, 10), (9, 2.5)),
)
PATH: tuple[Curve, ...] = (
    ((20, 325), (20, 235), (250, 262), (250, 180)),
    ((250, 180), (250, 98), (60, 158), (70, 96)),
    ((70, 96), (80, 34), (190, 50), (262, 22)),
)


@require_safe
def share_image(request: HttpRequest, slug: str) -> HttpResponse:
    """1200 by 630 pixels; only of what everybody may read."""
    rows = Article.objects.published().select_related("author")
    article = get_object_or_404(rows.only("title", "author__name"), slug=slug)
    words = article.title, article.author.name, settings.SITE_NAME
    etag = quote_etag(hashlib.sha256("\0".join((DESIGN, *words)).encode()).hexdigest()[:32])
    response = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(draw(*words), content_type="image/png")
    response["ETag"] = etag
    patch_cache_control(response, public=True, max_age=CACHE_SECONDS)
    return response


def draw(title: str, author: str, site: str) -> bytes:
    image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), PAPER)
    canvas = ImageDraw.Draw(image)
    for x, y in along(PATH, step=16):
        dot(canvas, 940 + x * 0.66, 290 + y * 0.84, 2.6, DOTS)
    dot(canvas, 940 + 268 * 0.66, 290 + 19 * 0.84, 11, ACCENT)
    for x, y in along(MARK, step=0.1):
        dot(canvas, MARGIN - 14 + x * 1.9, MARGIN - 22 + y * 1.9, 3.8, ACCENT)
    write(canvas, (MARGIN + 52, MARGIN + 20), site, 36, BOLD, INK)
    size, lines = fitted(title)
    for number, line in enumerate(lines):
        baseline = TITLE_TOP + size * (0.9 + LINE_HEIGHT * number)
        write(canvas, (MARGIN, baseline), line, size, BOLD, INK)
    write(canvas, (MARGIN, BASELINE), author, 34, REGULAR, INK_SOFT)
    output = BytesIO()
    image.reduce(FINE).save(output, "PNG", optimize=True)
    return output.getvalue()


def fitted(title: str) -> tuple[int, list[str]]:
    """The largest size in which the title fits, and its lines; at the smallest one it is cut."""
    for size in TITLE_SIZES:
        lines = list(wrapped(title, size))
        room = int(TITLE_HEIGHT / (size * LINE_HEIGHT))
        if len(lines) <= room and all(fits(word, size) for word in title.split()):
            return size, lines
    if len(lines) > room:
        last = lines[room - 1]
        while not fits(f"{last} …", size):
            last = last[:-1]
        lines[room - 1 :] = [f"{last} …"]
    return size, lines


def wrapped(text: str, size: int) -> Iterator[str]:
    """Lines that fit; a word is divided only where it is longer than a line."""
    line = ""
    for word in text.split():
        if line and not fits(f"{line} {word}", size):
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while not fits(line, size):
            end = next(n for n in range(len(line), 0, -1) if fits(line[:n], size))
            yield line[:end]
            line = line[end:]
    if line:
        yield line


def fits(line: str, size: int) -> bool:
    return font(size, BOLD).getlength(line) <= TITLE_WIDTH * FINE


def write(
    canvas: ImageDraw.ImageDraw, at: Point, text: str, size: int, weight: int, colour: str
) -> None:
    """One line, `at` the left end of its baseline."""
    place = at[0] * FINE, at[1] * FINE
    canvas.text(place, text, fill=colour, font=font(size, weight), anchor="ls")


@cache
def font(size: int, weight: int) -> ImageFont.FreeTypeFont:
    path = settings.BASE_DIR / "static" / "fonts" / "literata-latin-wght-normal.woff2"
    literata = ImageFont.truetype(path, size * FINE)
    literata.set_variation_by_axes([weight])
    return literata


def dot(canvas: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: str) -> None:
    left, top, right, bottom = (
        FINE * edge for edge in (x - radius, y - radius, x + radius, y + radius)
    )
    canvas.ellipse((left, top, right, bottom), fill=colour)


def along(curves: tuple[Curve, ...], step: float) -> Iterator[Point]:
    """Points on Bézier curves, about `step` from each other."""
    last: Point | None = None
    for curve in curves:
        for number in range(501):
            x, y = (bezier(axis, number / 500) for axis in zip(*curve, strict=True))
            if last is None or (x - last[0]) ** 2 + (y - last[1]) ** 2 >= step * step:
                last = x, y
                yield last


def bezier(points: tuple[float, ...], t: float) -> float:
    a, b, c, d = points
    s = 1 - t
    return a * s**3 + 3 * b * s * s * t + 3 * c * s * t * t + d * t**3
