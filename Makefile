# Needs only make and Python 3.11 or 3.12. Every target sets itself up in .venv.
SHELL := /bin/sh
# The first of these that runs and is new enough (a version manager's shim may be on PATH and not work).
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin

.PHONY: demo test test-all test-cluster check format docs bench bench-reading bench-rl bench-learning bench-skip bench-serve bench-pool bench-llamacpp clean

demo: .venv/.core  ## a multi-hop question over this machine's own Python standard library
	$(BIN)/python -m longread demo

test: .venv/.all  ## everything but the slow tests
	$(BIN)/pytest -n auto --dist worksteal

test-all: .venv/.all  ## all tests; those of llama.cpp only where it can be built
	$(MAKE) build/llama/.ready || echo "There is no llama.cpp: its tests are passed over."
	$(BIN)/pytest -n auto --dist worksteal -m "slow or not slow"

test-cluster: build/cluster/.ready  ## stages inside verl, on the CPU; five minutes and 6 GB
	OMP_NUM_THREADS=1 build/cluster/bin/python -c "import verl"
	OMP_NUM_THREADS=1 build/cluster/bin/pytest -m "slow or not slow" tests/cluster

check: .venv/.all  ## format, lint, types, import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/.all  ## regenerate what comes from the code
	$(BIN)/python -m tests.support.generated

bench: .venv/.all  ## start-up, overhead a chunk, and what synthesis takes, each beside a yardstick
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/synth.py

bench-serve: .venv/.all  ## what `longread serve` adds to a short request, and whether it loses anything under load
	$(BIN)/python benchmarks/serve.py

bench-pool: .venv/.all  ## what several servers give together, one slow and one killed, beside each alone
	$(BIN)/python benchmarks/pool.py

bench-llamacpp: .venv/.all build/llama/.ready  ## nano as GGUF in llama.cpp beside transformers, ten minutes
	$(BIN)/python benchmarks/llamacpp.py

bench-skip: .venv/.all  ## what skipping lines without the names asked for saves, and what it changes, five minutes
	$(BIN)/python benchmarks/skip.py

bench-rl: .venv/.all build/trl/.ready  ## rollouts and updates beside TRL's GRPOTrainer, half an hour
	$(BIN)/python -m benchmarks.rl

bench-learning: .venv/.all  ## whether a tiny model learns, and AEPO holds its entropy: three seeds each, two hours
	for seed in 0 1 2; do $(BIN)/python benchmarks/learning.py --seed $$seed || exit 1; done
	$(BIN)/python benchmarks/aepo.py --picture docs/aepo.svg

bench-reading: .venv/.all build/rivals/.ready  ## strategies beside rivals over one stub of a model, an hour and a half
	$(BIN)/python -m benchmarks.reading --pictures docs
	$(BIN)/python benchmarks/overhead.py --concurrency 64
	$(BIN)/python benchmarks/prefix.py

build/rivals/.ready: benchmarks/reading/requirements.txt
	$(PYTHON) -m venv build/rivals
	build/rivals/bin/pip install -q --disable-pip-version-check -r benchmarks/reading/requirements.txt
	touch $@

# TRL (Apache-2.0) is measured against, and never needed: an environment of its own.
build/trl/.ready: constraints.txt
	$(PYTHON) -m venv build/trl
	build/trl/bin/pip install -q --disable-pip-version-check -c constraints.txt torch transformers trl==1.16.0 accelerate==1.15.0 datasets==5.2.0
	touch $@

# llama.cpp (MIT) with its server and quantiser, built for this machine: six minutes and a C++ compiler.
# The tools look for their libraries where the wheel has them, hence the scripts in tools/.
LLAMA := -DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_SERVER=ON -DLLAMA_TOOLS_INSTALL=ON \
  -DLLAMA_OPENSSL=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_UI=OFF
build/llama/.ready:
	$(PYTHON) -m venv build/llama
	CMAKE_ARGS="$(LLAMA)" CMAKE_BUILD_PARALLEL_LEVEL=$${CMAKE_BUILD_PARALLEL_LEVEL:-2} \
	  build/llama/bin/pip install -q --disable-pip-version-check "llama-cpp-python[server]==0.3.36"
	mkdir -p build/llama/tools
	at=$$(build/llama/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	for tool in llama-server llama-quantize; do \
	  printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$$@"\n' "$$at/llama_cpp/lib:$$at/lib" "$$at/bin/$$tool" > build/llama/tools/$$tool; \
	  chmod +x build/llama/tools/$$tool; \
	done
	touch $@

# verl wants an older transformers than the rest: an environment of its own.
build/cluster/.ready: pyproject.toml tests/cluster/requirements.txt
	$(PYTHON) -m venv build/cluster
	build/cluster/bin/pip install -q --disable-pip-version-check -c tests/cluster/requirements.txt -e ".[cluster,ray,synth]" pytest pytest-asyncio pytest-timeout psutil
	touch $@

clean:
	rm -rf .venv

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Longread needs Python 3.11 or newer on PATH (or make PYTHON=/path/to/python)"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.core: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.all: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e ".[eval,export,general,local,serve,synth,train,dev]"
	touch $@ .venv/.core
