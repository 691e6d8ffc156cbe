PYTHON ?= python3
OLDEST ?= 3.10
BIN := .venv/bin
UV := $(or $(shell command -v uv),$(BIN)/uv)
PYTEST := $(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal
PARTS := $(wildcard roarbench/*.py) benchmark datasets hns methods reports run_benchmark.py

.PHONY: benchmark test test-all docs dist faults speed speed-gpu speed-peers lowest graph lint format

benchmark: .venv/installed  ## the quick matrix: tables and curves in runs/quick/report
	$(BIN)/python run_benchmark.py run

test: .venv/installed lint  ## style, types and the laws: all tests but whole runs
	$(PYTEST) --durations=10

test-all: test  ## also whole runs, kills, other processes and the browser; without checks of tensors, which slow them
	$(PYTEST) --durations=10 -o addopts="-q -rfEs --strict-markers" -m "(whole or slow) and not gpu and not network"

docs: .venv/docs  ## the documentation in site/: strict, links checked, nothing fetched when it is read; two minutes
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -W error::SyntaxWarning -m mkdocs build --quiet --strict
	$(BIN)/python docs/site/check_links.py site

dist: .venv/docs  ## the wheel and the source archive in dist/, checked as an index of packages checks them
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/python -m twine check --strict dist/*

faults: .venv/installed  ## kills, full disks and damaged files: what they cost; an hour
	$(BIN)/python -m tests.faults

speed: .venv/installed  ## times of the fast paths beside the plain ones; needs MNIST in data/ or DATA=DIR
	$(BIN)/python -m tests.speed --data-root $(or $(DATA),data)

speed-gpu: .venv/installed  ## proves every path on a CUDA device, then minutes of the CIFAR-10 and MNIST tables on it
	$(BIN)/python -m tests.speed.gpu_paths --data-root $(or $(DATA),data)
	$(BIN)/python -m tests.speed.gpu --data-root $(or $(DATA),data)

speed-peers: .venv/installed  ## times beside Quantus, pytorch-grad-cam, Captum and a plain loop, once results agree; ten minutes
	$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable ".[dev,quantus,grad-cam]"
	$(BIN)/python -m tests.speed.peers --data-root $(or $(DATA),data)

lowest: .venv/installed  ## the laws with the lowest versions that pyproject.toml allows; OLDEST=3.11 takes another Python
	test -x .venv-lowest/bin/python || $(UV) venv --quiet --python $(OLDEST) .venv-lowest || $(UV) venv --quiet .venv-lowest
	$(UV) pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable ".[dev]"
	.venv-lowest/bin/python -m pytest -n auto --maxprocesses 8 -W default

graph: .venv/installed  ## which folder imports which, as in docs/architecture.md
	@$(BIN)/python -m tests.imports

lint: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	cd .venv/types && ../bin/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/docs: .venv/installed
	$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable ".[dev,docs]"
	touch $@

# Type checkers see the one import package of a wheel: links in .venv/types/roarbench to the folders of the checkout.
.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x "$(UV)" || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable ".[dev]"
	mkdir -p .venv/types/roarbench
	ln -sfn $(addprefix ../../../,$(PARTS)) .venv/types/roarbench/
	touch $@
