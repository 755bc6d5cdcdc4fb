SHELL := /bin/bash
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --no-sync
NPM := PATH="$(CURDIR)/.venv/bin:$$PATH" npm

# The server has an environment of its own, so that developing, in .venv, changes nothing that runs.
SERVER := .venv-server
AVATARIUM := $(SERVER)/bin/avatarium
SYNC_SERVER := UV_PROJECT_ENVIRONMENT=$(SERVER) $(UV) sync --frozen --inexact --no-dev $(EXTRAS:%=--extra %)

# A running server shares a lock on its environment, which it keeps with the open file; whoever changes the
# environment must have the lock alone.
lock = exec 9>>$(SERVER)/.running && $(SERVER)/bin/python -c 'import fcntl; fcntl.flock(9, $(1))' 2>/dev/null
STOPPED = if [ -x $(SERVER)/bin/python ] && ! ( $(call lock,fcntl.LOCK_EX | fcntl.LOCK_NB) ); then \
	echo "This would change the environment of a server that is running. Stop it, and run make again." >&2; exit 1; fi

# Ends a command that lacks its variable $(1), of which $(2) is an example.
needs = if [ -z "$$$(1)" ]; then echo "Say $(1), as in: make $@ $(1)=$(2)" >&2; exit 1; fi

.DEFAULT_GOAL := help
.PHONY: help run doctor token link backup test check bench format print install install-dev install-test-parts web clean

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

run: install  ## install what is missing and start the server (with EXTRAS=otel it can send traces)
	@$(call lock,fcntl.LOCK_SH); exec $(AVATARIUM) serve

doctor: $(AVATARIUM)  ## say what is configured, what is missing and what would fail
	@$(AVATARIUM) doctor

token: $(AVATARIUM)  ## print a bearer token for local sign-in: make token EMAIL=you@example.com
	@$(call needs,EMAIL,you@example.com); $(AVATARIUM) token --email "$$EMAIL"

link: $(AVATARIUM)  ## print a link for local sign-in: make link EMAIL=you@example.com
	@$(call needs,EMAIL,you@example.com); $(AVATARIUM) link --email "$$EMAIL"

backup: $(AVATARIUM)  ## copy the SQLite database, also while the server runs: make backup FILE=copy.db
	@$(call needs,FILE,copy.db); $(AVATARIUM) backup "$$FILE"

test: install-dev install-test-parts check  ## install what the tests need and run everything
	$(NPM) --prefix web test
	$(RUN) pytest -q -n auto --maxprocesses 4 --dist loadfile

check: install-dev  ## formatting, lint, types, imports, printed schemas
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy .
	$(RUN) lint-imports
	$(RUN) python -m schema.print_schema | diff - schema/schema.graphql
	$(RUN) python -m compatibility.print_openapi | diff - compatibility/openapi.json
	$(NPM) --prefix web run check

bench: install-dev install-test-parts  ## measure speed and memory beside floors and a peer; figures go into docs/performance.md
	$(RUN) python -m bench

format: install-dev  ## put the code into shape
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

print: install-dev  ## print the GraphQL schema and the OpenAPI document into the tree
	$(RUN) python -m schema.print_schema > schema/schema.graphql
	$(RUN) python -m compatibility.print_openapi > compatibility/openapi.json

install: $(UV)
	@$(SYNC_SERVER) --check >/dev/null 2>&1 || { $(STOPPED); $(SYNC_SERVER) --quiet; }

$(AVATARIUM):
	@$(MAKE) --no-print-directory install

install-dev: $(UV)
	$(UV) sync --frozen --quiet

install-test-parts: install-dev
	tests/install_parts.sh

# A virtual environment first, since many systems refuse a plain pip install; then pip into a folder of
# ours; and where Python came without either, Debian's package of it.
VENV := python3 -m venv .tools >/dev/null 2>&1 && .tools/bin/pip install --quiet uv
PIP := python3 -m pip install --quiet --target .tools/lib
APT := [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null

.tools/bin/uv:
	@echo "Installing uv into .tools" >&2
	@{ $(VENV); } \
	|| { rm -rf .tools && mkdir -p .tools/bin && ln -s ../lib/bin/uv .tools/bin/uv \
	     && { $(PIP) --break-system-packages uv || $(PIP) uv; } 2>/dev/null; } \
	|| { rm -rf .tools && { $(APT); } && $(VENV); } \
	|| { rm -rf .tools; echo "Install uv by hand (https://docs.astral.sh/uv) and run make again" >&2; exit 1; }

web: install-dev  ## build the pages
	$(RUN) python web/build_hook.py

clean:  ## remove what was installed and built
	@$(STOPPED)
	rm -rf .venv $(SERVER) .tools web/dist web/node_modules tests/node/node_modules tests/.models
