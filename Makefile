# Everything that a person or CI runs. Each target makes its own environment, .venv, where it is missing.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AWS_READY := .venv-aws/.ready
CODE := histlib pipeline tests benchmarks

.PHONY: help demo demo-aws test test-rest test-others test-aws test-trino check lab bench lock clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: $(READY) ## the bundled incident, from stream events to answers, CSV and notebook, into out/
	@$(BIN)/python -m pipeline.demo out

demo-aws: $(READY) $(AWS_READY) ## the deployment without an AWS account: on an emulated AWS (200 MB on the first run)
	@$(BIN)/python -m pipeline.emulator.demo

test: $(READY) check ## all tests, on this Python
	@$(BIN)/python -m tests

test-rest: test-others test-aws test-trino ## what is left for CI: other Pythons, an emulated AWS, a real Trino

test-others: $(READY) ## the quick half of the tests on the other Pythons from 3.11 to 3.13 that are there
	@$(BIN)/python -m tests --others

test-aws: $(READY) $(AWS_READY) ## the deployment on an emulated AWS, from deploy to destroy (200 MB on the first run)
	@$(BIN)/python -m tests.aws

test-trino: $(READY) ## the Athena source on a real Trino (JDK 17 and Maven; 260 MB on the first run)
	@$(BIN)/python -m tests.trino $(TRINO)

check: $(READY) ## style, types, and no outputs in the notebook
	@$(BIN)/ruff check -q $(CODE)
	@$(BIN)/ruff format -q --check $(CODE)
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/nbstripout --verify notebooks/*.ipynb

lab: $(READY) ## JupyterLab on the incident-investigation notebook
	@$(BIN)/jupyter lab notebooks/incident_investigation.ipynb

bench: $(READY) ## the benchmarks; writes benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks

lock: $(READY) ## resolve requirements.lock again
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --extra dev --upgrade --no-header \
		--no-emit-index-url --no-emit-find-links --no-annotate -o requirements.lock pyproject.toml

clean: ## remove the environments and what the demo wrote
	rm -rf $(VENV) .venv-aws .venv-3.* out

# uv fills an environment in seconds; plain pip where uv cannot be had or fails, as behind some proxies.
$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("histlib needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; run: make PYTHON=python3.12 ...")'
	@echo "making $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@{ $(BIN)/python -m pip install -q "uv>=0.5" && $(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode -r requirements.lock --no-deps -e . ; } \
		|| { echo "uv did not do; taking pip, which is slower"; $(BIN)/python -m pip install -q -r requirements.lock --no-deps -e . ; }
	@touch $@

# The emulated AWS: apart, since MiniStack pins its botocore.
$(AWS_READY): pipeline/emulator/requirements.txt | $(READY)
	@echo "making .venv-aws (once)"
	@$(BIN)/python -m venv .venv-aws
	@{ $(BIN)/uv pip install -q --python .venv-aws/bin/python --compile-bytecode -r $< ; } \
		|| { echo "uv did not do; taking pip, which is slower"; .venv-aws/bin/python -m pip install -q -r $< ; }
	@touch $@
