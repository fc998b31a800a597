# The menu. `make help` lists it. Everything runs in .venv, which is made from hash-pinned locks.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
LOADED := $(VENV)/.load
DEVELOPED := $(VENV)/.dev
AXE := tests/browser/node_modules/axe-core/axe.min.js
CLIENTS := tests/uploads/node_modules/.package-lock.json

# A folder of PATH before the system's: a newcomer may have python3.11 only under the name python3.
ifeq ($(shell command -v $(PYTHON)),)
PYTHON := python3
endif

IS_NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "launchnight needs Python 3.11 or newer; give it with: make PYTHON=/path/to/python3.11" >&2; exit 2; }

.PHONY: help
help:  ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	@$(IS_NEW_ENOUGH)
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python cannot make .venv; the fix on Debian: apt-get install python3-venv" >&2; exit 2; }

$(LOADED): requirements/load.txt pyproject.toml | $(VENV)/bin/python
	@echo "setting up .venv (about a minute on first use)" >&2
	@$(PIP) install --quiet --require-hashes -r requirements/load.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# Its lock holds the other one too: nothing is resolved twice.
$(DEVELOPED): requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "setting up .venv with the developers' tools (a minute or two on first use)" >&2
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $(LOADED) $@

.PHONY: setup
setup: $(LOADED)  ## Make .venv with the command `launchnight` in it

.PHONY: doctor
doctor:  ## Say what is missing on this machine for which verb, with the fix
	@if [ -x $(VENV)/bin/python ]; then $(VENV)/bin/python -m loadtests.cli doctor; \
	else { $(IS_NEW_ENOUGH); } && $(PYTHON) -m loadtests.cli doctor; fi

.PHONY: secrets
secrets:  ## Make the secrets of the containers in .launchnight/secrets; those that are there stay
	@$(PYTHON) -m loadtests.harness.secret_files

.PHONY: rehearse
rehearse: $(LOADED)  ## Rehearse the opening minutes of the night on this machine (about 4 minutes)
	@$(VENV)/bin/launchnight rehearse prakerja-wave-1 --people 1/500 --minutes 2 --pace 60

.PHONY: serve
serve: $(LOADED)  ## Run the service alone with simulated partners; ARGS=--no-partners leaves them out
	@$(VENV)/bin/launchnight serve $(ARGS)

.PHONY: test
test: $(DEVELOPED)  ## Run the tests (a test whose tool is missing is skipped with the fix)
	@$(VENV)/bin/python -m pytest -rs -n 3 --dist worksteal -m "not alone"
	@$(VENV)/bin/python -m pytest -rs -m alone tests/acceptance

$(AXE): tests/browser/package.json tests/browser/package-lock.json $(DEVELOPED)
	@cd tests/browser && ../../$(VENV)/bin/npm ci --ignore-scripts --loglevel=error
	@touch $@

.PHONY: test-browser
test-browser: $(DEVELOPED) $(AXE)  ## Walk the pages in Chromium as an applicant would, and check them with axe
	@$(VENV)/bin/python -m pytest -rs -n 2 --dist worksteal tests/browser

.PHONY: pages-sheet
pages-sheet: $(DEVELOPED) $(AXE)  ## Photograph every page anew for docs/pages.md
	@$(VENV)/bin/python -m tests.browser.sheet

.PHONY: test-stack
test-stack: $(DEVELOPED)  ## Rehearse through nginx, and against a stack that runs already
	@$(VENV)/bin/python -m pytest -rs -n 4 --dist loadfile tests/stack

.PHONY: test-faults
test-faults: $(DEVELOPED)  ## Put queues, partners and connections in trouble
	@$(VENV)/bin/python -m pytest -rs -n 2 --dist loadfile tests/faults

$(CLIENTS): tests/uploads/package.json tests/uploads/package-lock.json $(DEVELOPED)
	@cd tests/uploads && ../../$(VENV)/bin/npm ci --ignore-scripts --loglevel=error
	@touch $@

.PHONY: test-uploads
test-uploads: $(DEVELOPED) $(CLIENTS)  ## Hold the upload server to the protocol, and let real clients loose on it
	@$(VENV)/bin/python -m pytest -rs -n 2 --dist loadfile tests/uploads

.PHONY: conformance
conformance: $(DEVELOPED)  ## Compare upload servers, demand by demand, for docs/uploads_matrix.md (about 4 minutes)
	@$(VENV)/bin/python -m tests.uploads.conformance.matrix

.PHONY: test-dashboards
test-dashboards: $(DEVELOPED)  ## Run every panel and alert on a real Prometheus with a recorded rehearsal
	@$(VENV)/bin/python -m pytest -rs -n 2 --dist loadgroup tests/dashboards

.PHONY: check
check: lint types guards  ## Lint, types, import contracts, guards for locks and docs

.PHONY: lint types guards
lint: $(DEVELOPED)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@PYTHONPATH=. $(VENV)/bin/lint-imports --no-cache
types: $(DEVELOPED)
	@$(VENV)/bin/mypy
guards: $(DEVELOPED)
	@$(VENV)/bin/python -m pytest tests/structure

.PHONY: docs
docs: $(DEVELOPED)  ## Write the pages that are made from the code anew
	@$(VENV)/bin/python -m tests.structure.generated_docs

.PHONY: dashboards
dashboards: $(DEVELOPED)  ## Write Grafana's dashboards anew from their code
	@$(VENV)/bin/python -m dashboards

.PHONY: bench
bench: $(DEVELOPED)  ## Measure: make bench NAME=journey (JSON lines on stdout)
	@test -n "$(NAME)" || { echo "which one? make bench NAME=journey" >&2; exit 2; }
	@$(VENV)/bin/python -m tests.benchmarks.run $(NAME)

.PHONY: acceptance
acceptance: $(DEVELOPED) $(if $(filter report-of-millions,$(NAME)),$(AXE))  ## A long proof on real processes: make acceptance NAME=overload ARGS=--help
	@test -n "$(NAME)" || { echo "which one? make acceptance NAME=overload" >&2; exit 2; }
	@$(VENV)/bin/python -m tests.acceptance.long.$(subst -,_,$(NAME)) $(ARGS)

.PHONY: lock
lock: $(DEVELOPED)  ## Resolve the locks anew (needs uv on the PATH); they hold hashes and no addresses
	@uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 pyproject.toml -o requirements/base.txt
	@uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --extra load pyproject.toml -o requirements/load.txt
	@uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --extra load --extra dev pyproject.toml -o requirements/dev.txt
