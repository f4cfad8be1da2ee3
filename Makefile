# The commands of this project; `make help` lists them.
# PYTHON picks the interpreter that makes .venv; HOST and PORT say where `make run` listens.

.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
RUN_ARGS ?=
# Two processes on two cores; more of them only wait for each other.
PYTEST_ARGS ?= -n 2 --dist worksteal
# The models know no database; a site that is run and killed has SQLite of its own.
POSTGRES_TESTS ?= tests --ignore=tests/kt_models --ignore=tests/tutor/operations/test_run.py \
  --ignore=tests/tutor/operations/test_kills.py --ignore=tests/tutor/operations/test_cakt_serving.py \
  --ignore=tests/tutor/content/test_killed_worker.py
BROWSERS := chromium chromium-browser google-chrome

# Only what was given is passed on: an unset variable keeps the setting's own default.
ifdef HOST
export STEPWISE_HOST := $(HOST)
endif
ifdef PORT
export STEPWISE_PORT := $(PORT)
endif

.PHONY: help run install dev test test-postgres check browser clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/installed-run ## install what is missing and serve the site (HOST=, PORT=, RUN_ARGS=--demo)
	@exec $(BIN)/python manage.py run $(RUN_ARGS)

install: $(VENV)/installed-run ## make .venv and install what the site and fitting need

dev: $(VENV)/installed-dev ## the same, with the tools for development

test: $(VENV)/installed-dev ## install what is missing, then every check and every test
	@$(MAKE) --no-print-directory check
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	 printf '\n*** NO CHROMIUM: the browser tests will be SKIPPED. `make browser` installs it.\n\n'
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-postgres: $(VENV)/installed-dev ## the site's tests on PostgreSQL, from a server that a wheel brings
	$(BIN)/python -m tests.on_postgres $(BIN)/python -m pytest $(PYTEST_ARGS) $(POSTGRES_TESTS)

check: $(VENV)/installed-dev ## the static part of the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run

browser: ## install Chromium for the browser tests, where that is allowed
	@for name in $(BROWSERS); do \
	   if command -v $$name >/dev/null; then echo "Browser tests will use $$(command -v $$name)."; exit 0; fi; \
	 done; \
	 if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	   apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	     apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null \
	     || echo "Chromium could not be installed; the browser tests will be skipped."; \
	 else \
	   echo "Browser tests need Chromium. Install it with your system's packages," \
	        "for example: sudo apt-get install chromium"; \
	 fi

clean: ## delete .venv and the tools' caches; var/, the data, stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@found=; for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
	   if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	   then found=$$candidate; break; fi; \
	 done; \
	 if [ -z "$$found" ]; then \
	   echo "Stepwise needs Python 3.11 or newer, and none was found under the names" \
	        "$(or $(PYTHON),python3 python3.13 python3.12 python3.11); install one, or name it:" \
	        "make run PYTHON=/path/to/python3.11" >&2; exit 1; \
	 fi; \
	 "$$found" -m venv $(VENV) || { rm -rf $(VENV); \
	   echo "$$found could not make a virtual environment; on Debian: apt-get install python3-venv" >&2; \
	   exit 1; }

$(VENV)/installed-run: pyproject.toml | $(BIN)/python
	@echo "Installing Stepwise into $(VENV); this is done once and takes a few minutes."
	@$(PIP) install -qq -e '.[fit]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing Stepwise and its development tools into $(VENV)."
	@$(PIP) install -qq -e '.[fit,dev]'
	@touch $(VENV)/installed-run $@
