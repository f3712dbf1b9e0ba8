"""Settings from the environment: a bad value stops the start with one sentence."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("RECOMMENDATION_MAX_TOKENS", "-1", "Must be greater than or equal to 0."),
        (
            "RECOMMENDATION_TEMPERATURE",
            "3",
            "Must be greater than or equal to 0 and less than or equal to 2.",
        ),
        (
            "RECOMMENDATION_WRITER",
            "poet",
            "Must be one of: , single_prompt, per_article, passages.",
        ),
        ("RECOMMENDATION_TOP_P", "0", "Must be greater than 0 and less than or equal to 1."),
        ("RECOMMENDATION_TOP_P", "much", "Not a valid number."),
    ],
)
def test_bad_value_is_named_in_one_sentence(name: str, value: str, sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=os.environ | {name: value},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == f'error: Environment variable "{name}" invalid: {sentence}\n'


@pytest.mark.parametrize(
    ("program", "changes", "connections"),
    [
        ("import gunicorn", {}, "20"),
        ("import gunicorn", {"DATABASE_CONNECTIONS": "5"}, "5"),
        ("import gunicorn", {"DATABASE_CONNECTIONS": "0"}, "none"),
        ("pass", {}, "none"),
    ],
)
def test_threads_of_gunicorn_share_connections(
    program: str, changes: dict[str, str], connections: str
) -> None:
    pool = "s.DATABASES['default'].get('OPTIONS', {}).get('pool', {}).get('max_size', 'none')"
    program += f"; from django.conf import settings as s; print({pool})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ
        | {"DJANGO_SETTINGS_MODULE": "blogsite.settings", "DATABASE_URL": "postgres://u@h/d"}
        | changes,
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.strip() == connections


def test_lists_may_have_spaces() -> None:
    """A host name with a space in front answers every request with 400."""
    program = (
        "from django.conf import settings as s; print(s.ALLOWED_HOSTS, s.CSRF_TRUSTED_ORIGINS)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "blogsite.settings",
            "ALLOWED_HOSTS": "a.example, b.example",
            "CSRF_TRUSTED_ORIGINS": "https://a.example , https://b.example",
        },
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.strip() == (
        "['a.example', 'b.example'] ['https://a.example', 'https://b.example']"
    )
