"""Download the embedded model's weights, once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommendations.embedded.fetching import fetch
from recommendations.embedded.process import interrupt_on_signals
from recommendations.embedded.progress import progress_for
from recommendations.embedded.weights import MODELS, WeightsError, has_weights, model_named


class Command(BaseCommand):
    help = "Downloads the weights of the embedded model into the cache and checks their sha256."
    requires_system_checks = ()  # it has to work before the rest of the site does

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name",
            nargs="?",
            metavar="NAME",
            help=f"{' or '.join(MODELS)}; without it the setting EMBEDDED_MODEL",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        interrupt_on_signals()
        verbosity = options["verbosity"]
        say: Callable[[str], None] = self.stdout.write if verbosity else lambda _: None
        cache = settings.EMBEDDED_MODEL_CACHE
        try:
            model = model_named(options["name"] or settings.EMBEDDED_MODEL)
            if has_weights(model, cache, say):
                say(f"The weights are there already: {cache / model.file}")
                return
            began = time.monotonic()
            path = fetch(model, cache, progress_for(self.stdout, verbosity), say)
        except WeightsError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped; nothing was kept.", returncode=130) from None
        say(f"{path} is complete and verified ({time.monotonic() - began:.0f} s).")
