# `make run` starts the site, `make test` checks everything. Both need Python 3.12+ and make only.

PYTHON ?= python3
PORT ?= 8000
export PORT
# One above the site's port, so that two checkouts on one machine do not collide.
export EMBEDDED_MODEL_PORT ?= $(shell expr $(PORT) + 1)
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: run test lint format clean

run: .venv/run
	@python manage.py bootstrap
	@exec honcho start --port $(PORT)

test: .venv/test
	@scripts/test.sh

lint: .venv/test
	@scripts/lint.sh

format: .venv/test
	ruff check --fix-only --quiet .
	ruff format --quiet .

clean:
	rm -rf .venv var staticfiles .coverage .coverage.* htmlcov
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run: requirements.txt
	@scripts/install.sh $(PYTHON) requirements.txt
	@touch $@

.venv/test: requirements.txt requirements-dev.txt
	@scripts/install.sh $(PYTHON) requirements-dev.txt
	@touch .venv/run $@
