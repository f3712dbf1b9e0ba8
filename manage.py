#!/usr/bin/env python
"""Django's command line for this site."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "blogsite.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from environs.exceptions import EnvError, EnvValidationError

    try:
        _ = settings.DEBUG  # reads the settings, and with them the environment
    except EnvValidationError as error:
        reasons = " ".join(map(str, error.error_messages))
        sys.exit(f"error: {str(error).partition(':')[0]}: {reasons}")
    except (ImproperlyConfigured, EnvError) as error:
        sys.exit(f"error: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
