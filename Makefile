# Every target makes .venv and installs what it needs first; once that is done it costs nothing.
#   make demo     a drawn world in the FiftyOne App, with a comparison ready (no downloads but packages)
#   make test     all tests          make lint   ruff and mypy         make bench   all benchmarks
#   make docs     the site, into site/: strictly, without a network
#   make torture  the long campaign of faults; its counts go to benchmarks/results/torture.json and docs/promises.md
#   make guards   breaks what keeps each promise, in a copy, and sees its test fail; into docs/promises.md too
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.latentdiff-ready
# Without compiled files each of the many processes that tests start would compile torch and FiftyOne anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup test torture guards lint docs bench demo clean
setup: $(READY)

$(READY): pyproject.toml requirements.txt tools/setup_environment.py
	$(PYTHON) tools/setup_environment.py --venv $(VENV) --stamp $(READY)

test: $(READY)
	$(BIN)/python tools/run_tests.py $(ARGS)

torture: $(READY)
	status=0; LATENTDIFF_TORTURE=1 $(BIN)/python -m pytest tests/promises tests/sae/test_checkpoints_fuzz.py $(ARGS) || status=$$?; \
	$(BIN)/python tools/faults_table.py && exit $$status

guards: $(READY)
	$(BIN)/python tools/break_guards.py $(ARGS); status=$$?; $(BIN)/python tools/faults_table.py && exit $$status

lint: $(READY)
	$(BIN)/python -m ruff check .
	$(BIN)/python tools/type_check.py

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

bench: $(READY)
	@set -e; for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

demo: $(READY)
	$(BIN)/latentdiff demo $(ARGS)

clean:
	rm -rf $(VENV) build site *.egg-info .pytest_cache .mypy_cache .ruff_cache
