# The two commands: `make image` builds the example model, `make test` runs the test suite.
# Both need Python 3.10+ and make, nothing else.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.10 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
MODEL ?= fixtures/models/diabetes
TAG ?= diabetes
PYTEST = $(VENV)/bin/python -m pytest
# Tests wait for servers and registries too: one file more at a time than there are processors.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -lt 4 ] && echo $$((n + 1)) || echo 4)

.PHONY: image test test-slow test-proofs lint bench bench-serving clean

image: $(VENV)/.installed
	$(VENV)/bin/envbuild image $(MODEL) -t $(TAG)

test: $(VENV)/.installed-dev
	$(PYTEST) -m "not slow" -n $(WORKERS) --dist loadfile

# First what needs no engine, then what shares it: two files at a time, for each build fills more than one core.
test-slow: $(VENV)/.installed-dev
	$(PYTEST) -m "slow and not proof and not engine" -n $(WORKERS) --dist loadfile
	$(PYTEST) -m "slow and not proof and engine" -n auto --maxprocesses 2 --dist loadfile

# What the facts and the rules say of packages that others publish: real environments that fail, and answer once fixed;
# and what takes too long for every change.
test-proofs: $(VENV)/.installed-dev
	$(PYTEST) -m proof -n auto --maxprocesses 2 --dist loadfile

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check -q .
	$(VENV)/bin/mypy

# The figures against MLflow's own image, into benchmarks/RESULTS.md. Needs an engine, and root for debootstrap.
# BENCH_ARGS=--quick takes few repeats, to try it out; BENCH_ARGS='--only lint' takes the linter's figures alone, and
# needs neither, as '--only resolve' does, which takes those of resolving against uv and conda-lock; '--only image' takes
# none of the parts after it; '--only registry' takes those of pushing, which need docker-registry, which root gets by
# apt, and 16 GB of disk. The last part, the servers under load, is
# `make bench-serving`: it needs wrk, which root gets by apt too. Each part leaves what is written of the others.
bench: $(VENV)/.installed-dev
	env -u PYTHONDONTWRITEBYTECODE $(VENV)/bin/python -m benchmarks $(BENCH_ARGS)

bench-serving: $(VENV)/.installed-dev
	env -u PYTHONDONTWRITEBYTECODE $(VENV)/bin/python -m benchmarks --only serving $(BENCH_ARGS)

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "envbuild needs Python 3.10 or newer with its venv module (Debian: python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,conda]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
