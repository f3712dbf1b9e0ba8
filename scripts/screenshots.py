"""Screenshots for the README and the docs, of a demo site that this script starts itself.

python scripts/screenshots.py [NAME ...]   # writes docs/images/*.png; with names only these

It needs Chromium and the weights of the embedded model (`python manage.py fetch_model`).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from scripts.demo_site import DemoSite, demo_site

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
SIZES = {"desktop": (1440, 900), "phone": (360, 740), "admin": (1440, 1000), "form": (1440, 1240)}
COLOURS = 256
WRITING_SECONDS = 180
QUESTION = f"/search/?q={quote('Security and vulnerabilities')}"
SPANISH_QUESTION = f"/search/?q={quote('¿Cómo migro sin perder datos?')}"
OFF_TOPIC = f"/search/?q={quote('how do I bake sourdough bread?')}"
ARTICLE = "/articles/api-v2-cursors-and-batches/"

type Theme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture; `ready` waits until the page shows what the picture is for."""

    name: str
    path: str
    size: str = "desktop"
    theme: Theme = "light"
    locale: str = "en-GB"
    ready: Callable[[Page], None] = lambda page: None


def writing(page: Page) -> None:
    """One card has its words and the second is being written."""
    page.locator("#card-2 .card__text:not(:empty)").wait_for(timeout=WRITING_SECONDS * 1000)


def written(page: Page) -> None:
    page.locator("#recommendations:not([sse-connect])").wait_for(timeout=WRITING_SECONDS * 1000)


def asked(page: Page) -> None:
    """The preview is there, and the answer to a question about the draft."""
    page.locator("#preview .prose").wait_for()
    page.locator("#standing-question").fill("Is the command line open source?")
    page.locator("#standing-question").press("Enter")
    page.locator("#standing blockquote").wait_for(timeout=30_000)
    page.evaluate("scrollTo(0, 0)")


def shots(site: DemoSite) -> Iterator[Shot]:
    both: tuple[Theme, ...] = ("light", "dark")
    yield Shot("search-desktop-light", QUESTION, ready=writing)
    yield Shot("search-desktop-dark", QUESTION, theme="dark", ready=written)
    yield Shot("search-phone-light", QUESTION, "phone", ready=written)
    for theme in both:
        yield Shot(f"home-desktop-{theme}", "/", theme=theme)
        yield Shot(f"article-desktop-{theme}", ARTICLE, theme=theme)
    yield Shot("home-phone-light", "/", "phone")
    yield Shot("article-phone-dark", ARTICLE, "phone", "dark")
    yield Shot("off-topic-desktop-light", OFF_TOPIC)
    yield Shot("spanish-desktop-light", SPANISH_QUESTION, locale="es-ES", ready=written)
    yield Shot("spanish-phone-dark", SPANISH_QUESTION, "phone", "dark", "es-ES", written)
    admin = "/admin/articles/article/"
    insights = "/admin/recommendations/querylog/insights/"
    yield Shot("admin-list-light", admin, "admin")
    yield Shot("admin-form-light", f"{admin}{site.draft}/change/", "form", ready=asked)
    yield Shot("admin-form-dark", f"{admin}{site.draft}/change/", "form", "dark", ready=asked)
    yield Shot("admin-index-light", f"{admin}search-index/", "admin")
    yield Shot("admin-insights-light", insights, "admin")
    yield Shot("admin-insights-dark", insights, "admin", "dark", "es-ES")


def take(browser: Browser, site: DemoSite, shot: Shot) -> None:
    width, height = SIZES[shot.size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=shot.theme, locale=shot.locale
    )
    if shot.path.startswith("/admin/"):
        context.add_cookies([{"name": "sessionid", "value": site.session, "url": site.url}])
    page = context.new_page()
    page.goto(site.url + shot.path)
    shot.ready(page)
    save(page.screenshot(), IMAGES / f"{shot.name}.png")
    context.close()


def save(png: bytes, path: Path) -> None:
    """With a palette of its own, which takes a third of the room and looks the same."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name} {path.stat().st_size // 1024} kB")


def main() -> None:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sys.exit("Chromium is needed (on Debian: apt install chromium).")
    IMAGES.mkdir(parents=True, exist_ok=True)
    wanted = set(sys.argv[1:])
    with demo_site() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for shot in shots(site):
            if not wanted or shot.name in wanted:
                take(browser, site, shot)
        browser.close()


if __name__ == "__main__":
    main()
