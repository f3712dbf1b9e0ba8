#!/bin/sh
# All that CI checks: lint, types, migrations, the test suite with its coverage gate, and the
# database tests a second time on PostgreSQL where its programs are installed.
set -eu
scripts/lint.sh
rm -f .coverage .coverage.*
python -X dev -m pytest --cov --cov-report=
coverage combine --quiet --append 2>/dev/null || true
coverage report
scripts/with_postgresql.sh python -m pytest -m "not browser and not model" \
    -k "not elasticsearch and not quality and not templates and not markdown" tests/articles
