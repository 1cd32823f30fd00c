# The two commands of the README: `make demo` and `make test`. Both set up all that they need.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check selftest bench format docs clean

demo: $(STAMP)
	$(BIN)/fenix-simulator demo

# Three at once for every two processors, for many wait; whoever is done takes from who is not.
test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses $$(( ($$(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2 )) --dist worksteal

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The suite against every server and every VNFM whose faults are known; correct servers five times over, in random order.
selftest: $(STAMP)
	$(BIN)/fenix-conformance selftest --jobs 6 --repeat 5 --seed $$(date +%s)
	$(BIN)/fenix-conformance selftest --role vnfm --jobs 6

# serve beside other servers on the same work; results into docs/benchmarks.md. Needs wrk; node, npm and java for some.
bench: $(STAMP)
	$(BIN)/python loadtests/benchmarks/compare.py

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Compiled here, as pip compiles what it copies: where python may write no bytecode, every start would compile anew.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[conformance,dev]"
	$(BIN)/python -m compileall -q conformance features loadtests simulator
	touch $@
