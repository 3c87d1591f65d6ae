# Two commands matter: `make demo` and `make test`. Both set up .venv by themselves.

PYTHON ?= $(shell for p in python3 python3.12 python3.13 python3.11; do $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
DISTRIBUTIONS := $(wildcard core/pyproject.toml plugins/*/pyproject.toml contrib/*/pyproject.toml)
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint typing bench docs site site-serve crash-sweep soak storms month clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): $(wildcard requirements-dev*.txt) $(DISTRIBUTIONS)
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; name one with make PYTHON=..." >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt \
		$$($(BIN)/python -c 'import sys; print("-r requirements-dev-3.12.txt" if sys.version_info >= (3, 12) else "")')
	@touch $@

demo: $(STAMP)  ## run the whole pipeline on thirteen years of real daily prices
	@$(BIN)/ml4t-live demo

# Most tests wait for sockets and processes most of the time, so that two at once take half as long on any machine.
JOBS ?= 2

test: $(STAMP)  ## run all tests, JOBS=2 at once
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

HOURS ?= 10000

storms: $(STAMP)  ## run simulated storms on the order path, HOURS=10000 simulated hours of them
	@$(BIN)/python core/tests/storms --hours 20 --storms $$(( ($(HOURS) + 19) / 20 ))

month: $(STAMP)  ## run a simulated month on the forecast path, a price every ten minutes of 200 symbols; ARGS="--seed 7"
	@$(BIN)/python tests/month $(ARGS)

lint: $(STAMP)  ## check style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

typing: $(STAMP)  ## check types
	@$(BIN)/python -m tox -q -e typing

bench: $(STAMP)  ## measure speed, beside nautilus_trader in the same run
	@$(BIN)/python -m tox -q -e bench

docs: $(STAMP)  ## run the examples in the documentation, and try the site
	@$(BIN)/python -m pytest tests/test_docs.py tests/test_site.py

site: $(STAMP)  ## build the documentation site into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet && echo "build/site/index.html"

site-serve: $(STAMP)  ## show it on http://127.0.0.1:8000, and again after every change
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

crash-sweep: $(STAMP)  ## kill a session at every journal write and every send and receive (about half an hour)
	@$(BIN)/python -m tests.crash $(ARGS)
	@$(BIN)/python -m tests.crash.forecasts

soak: $(STAMP)  ## 10,000 orders and 200,000 events through each vendor's simulator while everything fails (half an hour each)
	@$(BIN)/python -m ml4t.live.testing.soak ml4t_live_ib.rig:soak_rig $(ARGS)
	@$(BIN)/python -m ml4t.live.testing.soak ml4t_live_alpaca.rig:trades_rig $(ARGS)
	@$(BIN)/python -m ml4t.live.testing.soak ml4t_live_databento.rig:trades_rig $(ARGS)
	@$(BIN)/python -m ml4t.live.testing.soak ml4t_live_okx.rig:soak_rig $(ARGS)
	@$(BIN)/python -m ml4t.live.testing.soak ml4t_live_crypto.rig:binance_soak $(ARGS)
	@$(BIN)/python -m ml4t.live.testing.soak plugins/crypto/tests/crypto_kit.py:okx_soak $(ARGS)

clean:  ## remove what the commands made
	@rm -rf $(VENV) .tox .hypothesis .mypy_cache .ruff_cache
