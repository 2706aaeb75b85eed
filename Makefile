# Everything a newcomer needs: demo, test, check, bench. Each creates the environment it uses.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test interop hledger check format bench clean

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gongzhang needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: installing it" && apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/gongzhang demo --data configs/examples/qinghai-2017.csv --home demo-home --fresh

test: $(STAMP) interop hledger
	@$(BIN)/python -m pytest -n 2 --dist loadfile

# Go and its tree library check what we export; without them that one test is skipped and says so.
interop:
	@command -v go >/dev/null && test -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	        golang-go golang-golang-x-mod-dev >/dev/null 2>&1; } \
	|| echo "Go is not here and cannot be installed: the interoperability test is skipped"

# hledger checks the books we export; without it those tests are skipped and say so.
hledger:
	@command -v hledger >/dev/null \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	        hledger >/dev/null 2>&1; } \
	|| echo "hledger is not here and cannot be installed: its checks of the books are skipped"

check: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(STAMP)
	@$(BIN)/python -m tests.benchmarks --json bench.json

clean:
	rm -rf $(VENV) demo-home
