"""Screenshots of the main pages for the README and the docs.

make run                                   # in another terminal, with the model answering
python scripts/screenshots.py [URL]        # writes docs/images/*.png
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZES = {"desktop": (1440, 900), "phone": (360, 740)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
QUESTION = "Security and vulnerabilities"


def pages(url: str) -> dict[str, str]:
    return {
        "home": f"{url}/",
        "search": f"{url}/search/?q={quote(QUESTION)}",
        "search-es": f"{url}/search/?q={quote('¿Cómo migro sin perder datos?')}",
        "article": f"{url}/articles/api-v2-cursors-and-batches/",
        "off-topic": f"{url}/search/?q={quote('how do I bake sourdough bread?')}",
    }


def wait_for_cards(page: Page, mid_stream: bool) -> None:
    """Until two cards have words and a third is being written, or until all are done."""
    if page.locator("#recommendations").count() == 0:
        return
    if mid_stream:
        page.locator("#card-3").wait_for(timeout=120_000)
    else:
        page.locator("#recommendations:not([sse-connect])").wait_for(timeout=180_000)


def shoot(browser: Browser, url: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    first = True
    for size, (width, height) in SIZES.items():
        for theme in THEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme
            )
            page = context.new_page()
            for name, address in pages(url).items():
                page.goto(address, wait_until="load")
                wait_for_cards(page, mid_stream=name == "search" and first)
                first = first and name != "search"
                page.screenshot(path=IMAGES / f"{name}-{size}-{theme}.png")
                print(f"{name}-{size}-{theme}.png")
            context.close()


def main() -> None:
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000").rstrip("/")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sys.exit("Chromium is needed (on Debian: apt install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        shoot(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
