#!/bin/sh
# Everything that can be checked without running a test.
set -eu
ruff check .
ruff format --check .
mypy
djlint --lint --quiet templates
python manage.py makemigrations --check --dry-run
python manage.py check --fail-level WARNING
