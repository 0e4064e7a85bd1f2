# make demo: restore a sample photograph.   make test: run the tests.
# Each sets up its own virtual environment in .venv first; nothing is installed elsewhere.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint clean

demo: $(VENV)/.demo
	$(BIN)/panini demo --output demo-output

test: $(VENV)/.dev
	$(BIN)/python -m pytest

NPM := $(shell command -v npm 2>/dev/null)

lint: $(VENV)/.dev $(if $(NPM),node_modules/.package-lock.json)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(if $(NPM),npm run --silent lint,@echo "npm is not installed: the scripts in web/ are unchecked")

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund
	touch $@

$(VENV)/.demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[cli]"
	touch $@

$(VENV)/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) demo-output
