# What people type. `make portal` and `make test` work on a machine with only Python 3.11 and pip.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# `compat`: a package that is new in the tree is found without another installation.
PIP := $(BIN)/python -m pip install --disable-pip-version-check --config-settings editable_mode=compat

.PHONY: portal install images test chaos fuzz bench docs lint check clean

portal: install          ## start Zoe here; Ctrl-C stops it
	@exec $(BIN)/jupyterhub -f jupyterhub_config.py

install: .venv/.installed  ## all that `make portal` runs on

images: .venv/.installed ## the gallery's container images, by the Docker Engine; see docs/images.md
	@$(BIN)/python -m zapp_gallery.images

test: .venv/.installed-for-tests  ## all tests
	@.ci/system-packages
	$(BIN)/python -m tests.support.with_engine \
	    $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

chaos: .venv/.installed-for-tests  ## kill parts at random for minutes; CHAOS_SEED=n repeats the choices
	CHAOS_SEED=$${CHAOS_SEED:-random} CHAOS_SECONDS=$${CHAOS_SECONDS:-120} \
	    CHAOS_EXECUTIONS=$${CHAOS_EXECUTIONS:-200} $(BIN)/python -m pytest tests/faults/chaos

fuzz: .venv/.installed-for-tests   ## more requests that nobody thought of; FUZZ_EXAMPLES for each operation
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-100} $(BIN)/python -m pytest \
	    tests/zoe_hub/portal/robustness/test_schemathesis.py

bench: .venv/.installed-for-tests  ## all benchmarks; see benchmarks/README.md
	@for each in benchmarks/*.py; do echo "$$each"; $(BIN)/python $$each || exit 1; done

docs: .venv/.installed   ## docs/reference, from the help of our commands
	$(BIN)/python -m zoe_client.cli.reference

lint: .venv/.installed-for-tests  ## style, types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test         ## what CI runs

clean:                   ## what was made here, except what Zoe keeps in .zoe
	rm -rf .venv .artifacts build dist *.egg-info .hypothesis .*_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "Zoe needs Python 3.11 or newer. If you have it, say where: make portal PYTHON=/path/to/python3.11")'
	@# Debian's Python cannot make an environment with pip without the package python3-venv.
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || { $(PYTHON) -m venv --without-pip --clear .venv && \
	    $(PYTHON) -m pip --disable-pip-version-check --python .venv/bin/python install --quiet pip; }

.venv/.installed: setup.py | .venv/bin/pip
	@echo "Installing Zoe and all that it runs on into .venv. The first time takes some minutes."
	@$(PIP) --editable '.[portal,docker,spark,mpi]'
	@touch $@

.venv/.installed-for-tests: setup.py | .venv/.installed
	@echo "Installing what the tests need into .venv."
	@$(PIP) --editable '.[portal,docker,spark,mpi,test]'
	@touch $@
