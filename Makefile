# Everything a newcomer needs: demo, test, check, bench. Each creates the environment it uses.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test interop check format bench clean

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gongzhang needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: installing it" && apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/gongzhang demo --data configs/examples/qinghai-2017.csv --home demo-home --fresh

test: $(STAMP) interop
	@$(BIN)/python -m pytest -n 2 --dist loadfile

# Other programs read what we export; without one of them the tests that need it are skipped and say so.
interop:
	@need=""; \
	{ command -v go && test -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog; } >/dev/null \
	|| need="$$need golang-go golang-golang-x-mod-dev"; \
	command -v hledger >/dev/null || need="$$need hledger"; \
	command -v pdftotext >/dev/null || need="$$need poppler-utils"; \
	test -z "$$need" \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	        $$need >/dev/null 2>&1; } \
	|| echo "Not here and cannot be installed:$$need. The tests that need them are skipped"

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
