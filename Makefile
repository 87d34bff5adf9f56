# The book's commands. `make help` lists them.
# Everything is installed into .venv; a stamp there remembers what has been installed, so that
# a second run installs nothing and works offline.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help book rerun test bench recipe lint lock clean setup

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1#/p' Makefile | while IFS='#' read -r name text; do \
	  printf '  make %-6s %s\n' "$$name" "$$text"; done

book: setup ## Run what changed and build the book
	@$(BIN)/denoise-lib book

rerun: setup ## Run every chapter again and build the book
	@$(BIN)/denoise-lib book --rerun

test: setup ## Run every test
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m pytest

recipe: setup ## Train and measure the networks from which the recipe was chosen (long, once)
	@$(BIN)/python benchmarks/recipe_study.py

bench: book ## Measure speed against the plain way
	@$(BIN)/python -m benchmarks.bench

lint: setup ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

lock: ## Pin the newest packages that pyproject.toml allows
	@$(PYTHON) tools/lock.py

clean: ## Remove what was built; .venv stays
	rm -rf _build book/_assets/vendor book/_assets/networks

setup: $(VENV)/package.stamp

$(VENV)/lock.stamp: requirements.lock
	@test -x $(BIN)/pip || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: $(PYTHON) is missing or older than Python 3.11; try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "make: $(PYTHON) cannot make a virtual environment; on Debian or Ubuntu install python3-venv" >&2; exit 1; }
	@echo "Installing the packages of requirements.lock into $(VENV) (minutes, once) ..."
	@$(BIN)/python -m pip install --quiet -r requirements.lock
	@touch $@

$(VENV)/package.stamp: $(VENV)/lock.stamp pyproject.toml
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
