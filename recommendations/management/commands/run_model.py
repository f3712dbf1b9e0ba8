"""Serve the embedded model on loopback."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommendations.embedded.fetching import fetch
from recommendations.embedded.process import interrupt_on_signals
from recommendations.embedded.progress import progress_for
from recommendations.embedded.running import Reporter, Supervisor, serve
from recommendations.embedded.server import ServerError, Serving, serving_from_settings
from recommendations.embedded.weights import MODELS, WeightsError
from recommendations.inference.base import get_client


class Command(BaseCommand):
    help = (
        "Serves the embedded model with llama.cpp on loopback, in the foreground. "
        "Another program is used instead where CHAT_COMPLETIONS_URL is set."
    )
    requires_system_checks = ()  # it has to work before the rest of the site does

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name",
            nargs="?",
            default="",
            metavar="NAME",
            help=f"{' or '.join(MODELS)}; without it EMBEDDED_MODEL_PATH or EMBEDDED_MODEL",
        )
        parser.add_argument(
            "--supervise",
            action="store_true",
            help="fetch missing weights, restart a server that died, never exit with an error",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.verbosity: int = options["verbosity"]
        self.name: str = options["name"]
        interrupt_on_signals()
        try:
            if options["supervise"]:
                self.supervise()
            else:
                serve(serving_from_settings(self.name), self.reporter())
        except (ServerError, WeightsError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.say("The model is stopped.")

    def supervise(self) -> None:
        supervisor = Supervisor(self.prepare, self.reporter())
        if settings.RECOMMENDATION_WRITER == "passages" or get_client().name != "embedded":
            self.say("The settings name another model than the embedded one; it is not started.")
            supervisor.wait()
        else:
            supervisor.run()

    def prepare(self) -> Serving:
        serving = serving_from_settings(self.name)
        if serving.model:
            progress = progress_for(self.stdout, self.verbosity)
            fetch(serving.model, serving.weights.parent, progress, self.say)
        return serving

    def reporter(self) -> Reporter:
        """At verbosity 2 and 3 llama-server's own information is shown too."""
        if self.verbosity < 2:
            return Reporter(self.say, self.complain, server_line=lambda _: None)
        return Reporter(self.say, self.complain, self.complain, log_level=self.verbosity + 1)

    def say(self, text: str) -> None:
        if self.verbosity:
            self.stdout.write(text)
            self.stdout.flush()

    def complain(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()
