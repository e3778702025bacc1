# make run: set up and open the studio. make test: set up and run every test. make check: style, types, imports.
PYTHON ?= python3
VENV := .venv
# processes that run the tests, a file each at a time; each may load torch. They take the folders in their order: the
# long files are in the first ones
WORKERS ?= 2
BIN := $(VENV)/bin
export HF_HUB_DISABLE_TELEMETRY := 1
export GRADIO_ANALYTICS_ENABLED := False

.PHONY: run test check format setup setup-dev test-tools clean

run: setup
	@$(BIN)/python app.py

test: setup-dev test-tools
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(VENV)/.runtime
setup-dev: $(VENV)/.dev

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Studio needs Python 3.11 or newer; set PYTHON=…")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt constraints.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the studio (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-dev.txt
	@touch $@

# Debian's Chromium drives the browser tests; any Chromium named in CHROMIUM will do. The programs that pages show are
# run with curl and Node; tables come from a PostgreSQL of the tests' own.
test-tools:
	@missing=; \
	  command -v $${CHROMIUM:-chromium} >/dev/null || missing="$$missing chromium"; \
	  command -v curl >/dev/null || missing="$$missing curl"; \
	  command -v node >/dev/null || missing="$$missing nodejs"; \
	  command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	  [ -z "$$missing" ] || { echo "Installing$$missing for the tests …"; \
	  (apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing) >/dev/null; }

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
