# Every target first installs what it lacks (scripts/bootstrap); when nothing is lacking that takes a blink.
#
#   make demo [REAL=1]     the main job, with a stand-in for the model; REAL=1: on your own login
#   make test [ARGS=...]   pytest $(ARGS)
#   make check             ruff, ruff format, mypy, lint-imports
#   make torture [ARGS=...]  half an hour of kills (ARGS="--seed S --minutes M --messages N --kills K", --help)
#   make bench             the measurements of bench/
#   make lock              the newest versions into scripts/*.lock
#   make clean             remove what the targets above made

PYTHON := .venv/bin/python
# The real Claude Code: yours if you name one; else the pinned one for tests, the one bootstrap chose for the demo.
PINNED_CLAUDE = $(or $(CCMUX_CLAUDE),$(CURDIR)/.tools/bin/claude)
CHOSEN_CLAUDE = $(or $(CCMUX_CLAUDE),$(CURDIR)/.tools/run/claude)

.PHONY: demo test torture check lint bench lock clean bootstrap-run bootstrap-dev
.DEFAULT_GOAL := test

bootstrap-run:
	@sh scripts/bootstrap run

bootstrap-dev:
	@sh scripts/bootstrap dev

demo: bootstrap-run
	@CCMUX_CLAUDE="$(CHOSEN_CLAUDE)" $(PYTHON) -m ccmux.standin.demo $(if $(filter 1,$(REAL)),--real)

test: bootstrap-dev
	CCMUX_CLAUDE="$(PINNED_CLAUDE)" $(PYTHON) -m pytest $(ARGS)

torture: bootstrap-dev
	@CCMUX_CLAUDE="$(PINNED_CLAUDE)" $(PYTHON) -m tests.torture.run $(ARGS)

check: bootstrap-dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

lint: check

bench: bootstrap-dev
	@CCMUX_CLAUDE="$(PINNED_CLAUDE)" $(PYTHON) -m bench

# uv writes one lock for all systems and for Python 3.11 and later; it lives in a throw-away venv.
# hatchling and editables are in both locks: the project itself is installed without build isolation.
COMPILE = uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

lock: bootstrap-dev
	set -eu; tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; \
	$(PYTHON) -m venv "$$tmp/venv"; "$$tmp/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv; \
	PATH="$$tmp/venv/bin:$$PATH"; printf 'hatchling\neditables\n' >"$$tmp/build.in"; \
	$(COMPILE) pyproject.toml "$$tmp/build.in" --group dev -o "$$tmp/dev.lock"; \
	$(COMPILE) pyproject.toml "$$tmp/build.in" -c "$$tmp/dev.lock" -o "$$tmp/run.lock"; \
	cp "$$tmp/dev.lock" scripts/requirements-dev.lock; cp "$$tmp/run.lock" scripts/requirements.lock
	@sh scripts/bootstrap dev

clean:
	rm -rf .venv .tools dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find ccmux tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
