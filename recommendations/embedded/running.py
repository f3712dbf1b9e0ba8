"""Serve the embedded model: once, or kept alive beside the site."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from recommendations.embedded.process import Child, raise_if_interrupted
from recommendations.embedded.prompt import warming_request
from recommendations.embedded.server import (
    ServerError,
    Serving,
    check,
    command,
    environment,
    threads,
)
from recommendations.embedded.weights import WeightsError
from recommendations.inference.base import Cancellation, InferenceError
from recommendations.inference.openai import OpenAIChatClient

LOOK_SECONDS = 0.2  # how often a running server is looked at
STEADY_SECONDS = 60.0  # a server that ran this long is restarted without delay
FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0

type Say = Callable[[str], None]

# "0.00.016.318 E cmn  common_init_: failed to load model": the text without stamp and place.
_ERROR = re.compile(r"^[\d.]+ E (?:[^:]*: )?(?P<text>.+)")


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where sentences go: what is normal, what is not, and the server's own lines."""

    say: Say
    complain: Say
    server_line: Say
    log_level: int = 1  # llama.cpp's: 1 errors, 2 warnings, 3 information, 4 and 5 more


def serve(serving: Serving, reporter: Reporter, wanted: Callable[[], bool] = lambda: True) -> None:
    """Run the server until it ends (`ServerError`) or is not `wanted` any more.

    The child is gone when this returns or raises, whatever it raises.
    """
    check(serving)
    said: deque[str] = deque(maxlen=40)
    ready = False
    with Child(command(serving, reporter.log_level), environment()) as child:
        while wanted():
            raise_if_interrupted()
            for line in child.lines(LOOK_SECONDS):
                said.append(line)
                reporter.server_line(line)
            if child.exit_code is not None:
                raise ServerError(ended(child.exit_code, said))
            if not ready and answers():
                ready = True
                reporter.say(
                    f"The model {serving.name} answers on {serving.url} ({threads()} threads)."
                )
                warm_up()


def answers() -> bool:
    return OpenAIChatClient.embedded().status()[0] == "ok"


def warm_up() -> None:
    """Have the server read what all prompts begin with, so that the first reader need not wait."""
    request = warming_request()
    try:
        for _ in OpenAIChatClient.embedded().stream(request, Cancellation()):
            pass
    except InferenceError:
        pass  # the reader's own request will tell what is wrong


def ended(code: int, said: deque[str]) -> str:
    """A sentence for a server that stopped by itself, with its first error."""
    errors = [match["text"].strip() for line in said if (match := _ERROR.match(line))]
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"llama-server {how}: {errors[0].rstrip('.')}." if errors else f"llama-server {how}."


class Supervisor:
    """Keeps a server alive and never gives up, because its end would take the site down with it.

    `prepare` is called before each start and gives what to serve (it fetches missing weights).
    """

    def __init__(self, prepare: Callable[[], Serving], reporter: Reporter) -> None:
        self.prepare = prepare
        self.reporter = reporter
        self.parent = os.getppid()
        self.complaint = ""

    def run(self) -> None:
        """Returns when the process that started us is gone."""
        delay = FIRST_DELAY
        while self.wanted():
            began = time.monotonic()
            try:
                serve(self.prepare(), self.reporter, self.wanted)
            except (ServerError, WeightsError) as error:
                if time.monotonic() - began > STEADY_SECONDS:
                    delay, self.complaint = FIRST_DELAY, ""
                self.complain(str(error))
                self.wait(delay)
                delay = min(delay * 2, LONGEST_DELAY)

    def wanted(self) -> bool:
        """False once our parent has died: then nobody is left to stop us."""
        return os.getppid() == self.parent

    def wait(self, seconds: float = float("inf")) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.wanted():
            raise_if_interrupted()
            time.sleep(min(LOOK_SECONDS, max(0.0, until - time.monotonic())))

    def complain(self, text: str) -> None:
        """Once: the same problem again is no news."""
        if text != self.complaint:
            self.complaint = text
            self.reporter.complain(f"{text} Cards show passages of the articles until it works.")
