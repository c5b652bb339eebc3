# One line each over the two command lines. `make` alone lists the targets.

LOCK := $(shell (sha256sum uv.lock 2>/dev/null || shasum -a 256 uv.lock) | cut -c1-12)
# Root's environment lies where every Unix user can use it: the platform may run as one of its own.
VENV ?= $(if $(filter 0,$(shell id -u)),/var/lib/ontime/venv-$(LOCK),$(CURDIR)/.venv)
# So does the platform's state, for the same reason.
ONTIME_STATE ?= $(if $(filter 0,$(shell id -u)),/var/lib/ontime/state,$(HOME)/.local/state/ontime)
RUNTIME ?= $(shell scripts/runtime.sh)
SERVICE ?=
PYTEST ?=

export VENV ONTIME_STATE
export ONTIME_RUNTIME := $(RUNTIME)
export PYTHONPATH := $(CURDIR)/platform:$(CURDIR)/interview:$(CURDIR)
export PATH := $(VENV)/bin:$(PATH):$(CURDIR)/.tools/bin:/usr/sbin

PYTHON_RUN := $(VENV)/bin/python -P
ONTIME := $(PYTHON_RUN) -m ontime.cli

-include interview/Makefile

# The command line that starts and stops everything there is: the platform's own where it stands alone.
STACK ?= $(or $(BROWNOUT),$(ONTIME))

.DEFAULT_GOAL := help
.PHONY: help setup up down status logs restart reset preflight test test-unit test-k8s test-stack test-faults test-browser
.PHONY: test-images test-kind
.PHONY: lint types format docs docs-check bench

##@ The stack

help: ## This list
	@awk -f scripts/help.awk $(MAKEFILE_LIST)

setup: ## Install everything that is needed and missing
	@scripts/setup.sh

up: setup ## Install what is missing, start everything, wait until it is ready
	@scripts/runtime.sh --why
	@$(STACK) up

down: ## Stop everything; state stays
	@$(STACK) down

status: ## How everything is; exit code 0 when all is ready
	@$(STACK) status

logs: ## A component's log: make logs SERVICE=serving
	@$(ONTIME) logs $(SERVICE)

restart: ## Restart a component: make restart SERVICE=serving
	@$(ONTIME) restart $(SERVICE)

reset: setup ## Back to a healthy stack, whatever state it is in
	@$(STACK) reset

preflight: setup ## Whether this machine can run it all
	@$(STACK) preflight

##@ The code

test: test-unit test-k8s test-stack test-faults test-browser ## All tests, a running stack included

test-unit: setup ## A few minutes on every core; nothing has to run
	@$(VENV)/bin/pytest tests/unit -n auto --dist loadfile $(PYTEST)

test-k8s: setup ## The manifests, rendered and judged without a cluster
	@scripts/pytest-part.sh tests/k8s $(PYTEST)

test-stack: setup ## On a running stack of its own
	@scripts/pytest-part.sh tests/stack -m stack $(PYTEST)

test-faults: setup ## The catalogue on a running stack of its own
	@scripts/pytest-part.sh tests/faults $(PYTEST)

test-browser: ## The pages in Chromium
	@scripts/setup.sh browser
	@scripts/pytest-part.sh tests/browser $(PYTEST)

test-images: setup ## Build every image and run the pods with Docker alone; skipped, and said, where that is impossible
	@$(PYTHON_RUN) scripts/images/trial.py

test-kind: setup ## On a real kind cluster; skipped, and said, where docker or kind is missing
	@scripts/pytest-part.sh tests/kind $(PYTEST)

lint: setup ## Style and common mistakes
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

format: setup ## Put the style right
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

types: setup ## mypy, strict
	@$(VENV)/bin/mypy $(wildcard platform/ontime serving monitoring interview/brownout)

docs: setup ## Write docs/reference from the code
	@$(ONTIME) docs
	@$(if $(wildcard interview/brownout/cli),$(PYTHON_RUN) -m brownout.cli docs)

docs-check: setup ## Whether docs/reference says what the code says
	@$(ONTIME) docs --check
	@$(if $(wildcard interview/brownout/cli),$(PYTHON_RUN) -m brownout.cli docs --check)

bench: setup ## The measurements of the README, as a table and as bench.json
	@$(PYTHON_RUN) scripts/bench_serving.py --out bench-serving.json
	@$(if $(wildcard interview/brownout/cli),$(PYTHON_RUN) -m brownout.cli bench --out bench.json)
