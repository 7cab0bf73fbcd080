# Beside each target: the plain commands that do the same, for those without make (Windows: .venv\Scripts\python).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# every step is a process of its own that imports TensorFlow, which takes twice as long without compiled files
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo docs test test-fast test-beam test-api test-backbones test-faults test-kills bench-modes bench-serve bench-quick bench-pack bench-check bench-feeding bench-vocabulary soak fuzz-service clean

setup: $(READY)  ## python -m venv .venv; .venv/bin/pip install -r requirements.txt

$(READY): requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.txt
	touch $(READY)

demo: setup  ## .venv/bin/python -m benchmarks.demo
	$(BIN)/python -m benchmarks.demo

test: setup  ## .venv/bin/ruff check . ; .venv/bin/ruff format --check . ; .venv/bin/lint-imports ; .venv/bin/mypy ; .venv/bin/python -m pytest
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/python -m pytest

test-fast: setup  ## .venv/bin/python -m pytest --fast
	$(BIN)/python -m pytest --fast

test-backbones: setup  ## .venv/bin/python -m pytest --all-backbones tests/networks tests/detection/test_network.py
	$(BIN)/python -m pytest --all-backbones tests/networks tests/detection/test_network.py

FAULTS := --faults --dist load tests/faults tests/generation/test_shards.py tests/pipeline/test_properties.py tests/pipeline/test_deterministic.py

test-faults: setup  ## .venv/bin/python -m pytest --faults --dist load tests/faults tests/generation/test_shards.py tests/pipeline/test_properties.py tests/pipeline/test_deterministic.py
	$(BIN)/python -m pytest $(FAULTS)

test-api: setup  ## .venv/bin/python -m pip install -r requirements-schemathesis.txt; .venv/bin/python -m pytest --faults tests/serving/test_schemathesis.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements-schemathesis.txt
	$(BIN)/python -m pytest --faults tests/serving/test_schemathesis.py

test-kills: setup  ## .venv/bin/python -m pytest -s --many-kills tests/pipeline/test_move_path.py
	$(BIN)/python -m pytest -s --many-kills tests/pipeline/test_move_path.py

# Apache Beam in an environment of its own: it needs another protobuf
test-beam:  ## python -m venv .venv-beam; .venv-beam/bin/pip install -r requirements-beam.txt; .venv-beam/bin/python -m pytest tests/data/test_packing_beam.py
	$(PYTHON) -m venv .venv-beam
	.venv-beam/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements-beam.txt
	.venv-beam/bin/python -m pytest tests/data/test_packing_beam.py

docs:  ## python -m venv .venv-docs; .venv-docs/bin/pip install -r requirements-docs.txt; .venv-docs/bin/mkdocs build --strict
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements-docs.txt
	.venv-docs/bin/mkdocs build --strict

bench-modes: setup  ## .venv/bin/python -m benchmarks.modes
	$(BIN)/python -m benchmarks.modes

bench-serve: setup  ## .venv/bin/python -m pip install ddddocr ; .venv/bin/python -m benchmarks.serve
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ddddocr
	$(BIN)/python -m benchmarks.serve

bench-quick: setup  ## .venv/bin/python -m pip install ddddocr ; .venv/bin/python -m benchmarks.peers --seconds 30 --limit 120
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ddddocr
	$(BIN)/python -m benchmarks.peers --seconds 30 --limit 120

bench-pack: setup  ## .venv/bin/python -m benchmarks.pack
	$(BIN)/python -m benchmarks.pack

bench-check: setup  ## .venv/bin/python -m benchmarks.check
	$(BIN)/python -m benchmarks.check

bench-feeding: setup  ## .venv/bin/python -m benchmarks.feeding
	$(BIN)/python -m benchmarks.feeding

bench-vocabulary: setup  ## .venv/bin/python -m benchmarks.vocabulary
	$(BIN)/python -m benchmarks.vocabulary

soak: setup  ## .venv/bin/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.soak

fuzz-service: setup  ## .venv/bin/python -m benchmarks.fuzz service --seconds 600
	$(BIN)/python -m benchmarks.fuzz service --seconds 600

clean:  ## delete .venv; works and data stay
	rm -rf $(VENV)
