"""Prompts are text files in `prompts/`: Django templates without escaping, to be reviewed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.template import Context, Engine

PROMPTS = Path(__file__).parent / "prompts"


@cache
def engine() -> Engine:
    return Engine(dirs=[str(PROMPTS)], autoescape=False)


def render_prompt(name: str, values: Mapping[str, object]) -> str:
    """The prompt file `name` with its values; a value's own braces stay as they are."""
    return engine().get_template(name).render(Context(dict(values), autoescape=False)).strip()


@cache
def version(prompts: tuple[str, ...], parameters: str) -> str:
    """Changes whenever one of these prompt files or the parameters beside them do."""
    digest = hashlib.sha256(parameters.encode())
    for name in prompts:
        digest.update((PROMPTS / name).read_bytes())
    return digest.hexdigest()[:12]
