# Everything starts here: `make help` lists the targets.
# Packages live in .venv (of benchmarks in .venv-benchmark), results in results/, kernels in ~/.cache/hhcore or $HHCORE_CACHE.

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := $(VENV)/.packages
READY := $(VENV)/.ready
PEERS := .venv-benchmark/.ready

# Scripts of an environment name its folder, so a clone that was copied or moved makes its own.
ifneq ($(shell cat $(PACKAGES) 2>/dev/null),$(CURDIR))
.PHONY: $(PACKAGES)
endif

# Tools of .venv first, so that a rule's shell command finds them too.
WITH_VENV = PATH="$(CURDIR)/$(BIN):$$PATH"

# The first of these that runs and is new enough; `make PYTHON=/some/python` chooses another.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c "$(NEW_ENOUGH)" 2>/dev/null && echo $$p && exit; done; echo python3)

.DEFAULT_GOAL := run
.PHONY: run setup test test-slow test-arm lint benchmark benchmark-pacing benchmark-pipeline benchmark-report benchmark-thresholds \
	held-out papers model-pages stimulus-page report-figures notebook kernel-report compile-report format lock clean help

run: setup ## run the experiments of config/config.yaml (the default)
	@echo "==> Experiments of config/config.yaml, into results/"
	@$(WITH_VENV) snakemake

setup: $(READY) ## install the pinned packages and hhcore into .venv

test: lint ## check style and run the tests
	@echo "==> Tests"
	@$(WITH_VENV) pytest -n auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder

test-slow: setup ## run the tests that take minutes
	@echo "==> Slow tests"
	@$(WITH_VENV) pytest -m slow

# Downloads 350 MB, once: Debian's Python for ARM, an emulator and wheels, into the user's cache folder.
test-arm: setup ## compare all bits with those of an emulated 64-bit ARM, about ten minutes
	@echo "==> The same bits on 64-bit ARM"
	@$(WITH_VENV) pytest -m arm --durations 0 tests/test_arm.py

lint: setup ## check style, and the types of what users import
	@echo "==> Style: Python"
	@$(WITH_VENV) ruff check .
	@$(WITH_VENV) ruff format --check .
	@echo "==> Types of the public names"
	@$(WITH_VENV) basedpyright
	@echo "==> Style: workflow"
	@$(WITH_VENV) snakefmt --check Snakefile workflow
	@$(WITH_VENV) snakemake --lint

# The simulators compile code of their own: with g++, and for Myokit with the headers of SUNDIALS (libsundials-dev).
benchmark: setup $(PEERS) ## measure speed at equal error against other simulators, on one core
	@echo "==> Benchmarks, into docs/benchmarks.md"
	@$(WITH_VENV) python -m benchmarks.run

benchmark-pacing: setup $(PEERS) ## measure restitution and steady states of cardiac cells against Myokit
	@echo "==> Paced cells, about ten minutes, into docs/benchmarks.md"
	@$(WITH_VENV) python -m benchmarks.pacing

benchmark-thresholds: setup $(PEERS) ## measure searches of thresholds against simulators that bisect, and against a grid
	@echo "==> Thresholds, about ten minutes, into docs/benchmarks.md"
	@$(WITH_VENV) python -m benchmarks.thresholds

benchmark-pipeline: setup ## measure ten thousand to a million neurons from the config to the report
	@echo "==> Up to a million neurons through snakemake, about seven minutes; into docs/scaling.md"
	@$(WITH_VENV) python -m benchmarks.pipeline

benchmark-report: run ## measure the page of the default run in Chromium
	@$(WITH_VENV) python -m benchmarks.browser

held-out: setup ## hold certificates to neurons outside their samples, about five minutes
	@$(WITH_VENV) python -m benchmarks.held_out 1000

papers: setup ## make every paper in papers/ again, into results/papers
	@$(WITH_VENV) snakemake papers

model-pages: setup ## write docs/models from the model files
	@$(WITH_VENV) python -m benchmarks.model_pages

stimulus-page: setup ## write the table and the figure of docs/stimuli.md
	@$(WITH_VENV) python -m benchmarks.stimulus_page

report-figures: run ## take the pictures of the report for README.md
	@$(WITH_VENV) python -m benchmarks.report_figures

notebook: setup ## run docs/notebook.ipynb and keep what it shows
	@$(WITH_VENV) python -m benchmarks.notebook

kernel-report: setup ## what a step costs and what each pass brings: make kernel-report MODEL=...
	@$(WITH_VENV) python benchmarks/kernel_report.py $(MODEL)

compile-report: setup ## what the first kernel of a model costs: make compile-report MODELS="luo_rudy_1991 FILE ..."
	@$(WITH_VENV) python -m benchmarks.compile $(or $(MODELS),luo_rudy_1991 ten_tusscher_panfilov_2006)

format: setup ## put all source into the project's format
	@$(WITH_VENV) ruff check --fix .
	@$(WITH_VENV) ruff format .
	@$(WITH_VENV) snakefmt Snakefile workflow

lock: setup ## renew requirements.lock from pyproject.toml
	@echo "==> Newest versions that pyproject.toml allows, for every platform, with hashes"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check uv
	@$(BIN)/python -m uv pip compile pyproject.toml --all-extras --universal --fork-strategy fewest \
		--upgrade --generate-hashes --no-annotate --no-emit-index-url --custom-compile-command "make lock" \
		--quiet --output-file requirements.lock
	@$(BIN)/python -m uv pip compile benchmarks/requirements.in --universal --python-version 3.11 \
		--fork-strategy fewest --upgrade --generate-hashes --no-annotate --no-emit-index-url \
		--custom-compile-command "make lock" --quiet --output-file benchmarks/requirements.txt

clean: ## remove .venv and the caches of the tools; results/ stays
	@rm -rf $(VENV) .venv-benchmark .pytest_cache .ruff_cache .hypothesis
	@find hhcore tests benchmarks workflow -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-21s %s\n", $$1, $$2 }' Makefile

$(PEERS): benchmarks/requirements.txt
	@echo "==> Environment .venv-benchmark with the simulators to compare with (once, about two minutes)"
	@"$(PYTHON)" -m venv --clear .venv-benchmark
	@.venv-benchmark/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r benchmarks/requirements.txt
	@touch $@

$(PACKAGES): requirements.lock
	@"$(PYTHON)" -c "$(NEW_ENOUGH)" || { echo "make: '$(PYTHON)' is no Python 3.11 or newer;" \
		"install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@test ! -L $(VENV) || rm $(VENV) # a link: the environment it leads to stays
	@echo "==> Environment .venv, made by $(PYTHON) ($$("$(PYTHON)" -c 'import platform; print(platform.python_version())'))"
	@"$(PYTHON)" -m venv --clear $(VENV) || { echo "make: '$(PYTHON) -m venv' does not work;" \
		"on Debian and Ubuntu install python3-venv" >&2; exit 1; }
	@echo "==> Packages of requirements.lock (once, about a minute)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib || true # on all cores, which pip does not
	@echo "$(CURDIR)" > $@

$(READY): pyproject.toml $(PACKAGES)
	@echo "==> hhcore itself, editable"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@
