"""The embedded model: first words and all five cards, cold, warm and kept.

    python bench/model.py [question ...]

Needs the site's database with an index (`make run` once) and the weights. It starts a model server
of its own, so that "cold" means a server that has seen no prompt yet, and reads the stream through
Django's test client: what is measured is what a reader waits for.
"""

from __future__ import annotations

import os
import re
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
with socket.create_server(("127.0.0.1", 0)) as probe:
    port = probe.getsockname()[1]
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "blogsite.settings",
    "DEBUG": "true",
    "EMBEDDED_MODEL_PORT": str(port),
    "CHAT_COMPLETIONS_URL": "",
    "ELASTICSEARCH_URL": "",
}

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.test import Client  # noqa: E402

from recommendations.inference.base import get_client  # noqa: E402
from recommendations.models import KeptAnswer  # noqa: E402

QUESTIONS = [
    "Security and vulnerabilities",
    "¿Cómo migro sin perder datos?",
    "How do I keep keys, tokens and sign-ins safe?",
    "charts for latency percentiles",
]
WAIT_SECONDS = 120.0


def ask(question: str) -> tuple[float, float, int]:
    """Seconds to the first words and to the end, and the number of cards."""
    cache.clear()
    page = Client().get("/search/", {"q": question}).content.decode()
    address = re.search(r'sse-connect="([^"]+)"', page)
    if address is None:
        sys.exit(f"No article matches {question!r}; is there an index?")
    started = time.perf_counter()
    response = Client().get(address[1].replace("&amp;", "&"))
    first, cards = 0.0, 0
    for frame in response:
        if b"event: text-" in frame and not first:
            first = time.perf_counter() - started
        cards += b"event: card\n" in frame
    return first, time.perf_counter() - started, cards


def wait_for_server(server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while get_client().status()[0] != "ok":
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit("The model server did not start; try `python manage.py run_model`.")
        time.sleep(0.2)


def row(name: str, answers: list[tuple[float, float, int]]) -> None:
    first = statistics.median(answer[0] for answer in answers)
    whole = statistics.median(answer[1] for answer in answers)
    cards = min(answer[2] for answer in answers)
    print(f"| {name} | {first * 1000:,.0f} | {whole * 1000:,.0f} | {cards} |")


def main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    questions = sys.argv[1:] or QUESTIONS
    server = subprocess.Popen(
        [sys.executable, "manage.py", "run_model"], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        wait_for_server(server)
        KeptAnswer.objects.filter(question__in=questions).delete()
        print(f"Model: {get_client().model}\n")
        print("| state | first words ms | all cards ms | cards |")
        print("|---|---|---|---|")
        row("cold", [ask(questions[0])])
        row("warm", [ask(question) for question in questions[1:]])
        kept = [question for question in questions if ask(question)]
        row("kept", [ask(question) for question in kept])
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main()
