# Each target sets up what it needs, once: environments from hash-locked requirements, node_modules from
# package-lock.json.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# With this variable set, each of the many test processes would compile every module that it imports.
unexport PYTHONDONTWRITEBYTECODE
# A shell's own module path must not mix with the environments.
unexport PYTHONPATH PYTHONHOME
# With it, Python 3.11 does not start in a folder whose path is not ASCII; without it, the C locale is C.UTF-8 to Python.
ifneq ($(filter C POSIX,$(LC_ALL)),)
unexport LC_ALL
endif

ifneq ($(words $(CURDIR)),1)
$(error The path of this folder contains a space, which virtual environments cannot handle: $(CURDIR))
endif
ifneq ($(strip $(foreach sign,; & | < > ` ' " : $$ ( ),$(findstring $(sign),$(CURDIR)))),)
$(error The path of this folder contains a character that shells or virtual environments cannot handle: $(CURDIR))
endif
ifeq ($(wildcard openapi.yaml),)
$(error Run make in the folder of its Makefile: make -C FOLDER)
endif

PYTHON ?= python3
ifneq ($(words $(PYTHON)),1)
$(error PYTHON= names one command, without options and spaces, and not: $(PYTHON))
endif
VENV ?= .venv
BIN := $(abspath $(VENV))/bin
VENV_READY := $(VENV)/.ready
DEMO := .cache/demo
DEMO_READY := $(DEMO)/.ready
NODE_READY := node_modules/.ready
HANDWRITTEN := wrappers mock tests examples benchmarks environments release website
BENCH := .cache/bench-venv
BENCH_READY := $(BENCH)/.ready
SPARK := .cache/spark
SPARK_READY := $(SPARK)/.ready
RELEASE := .cache/release
RELEASE_READY := $(RELEASE)/.ready
DOCS := .cache/docs
DOCS_READY := $(DOCS)/.ready
PORT ?= 8010

.PHONY: test-spark checks mypy pyright pyright-users help demo test quick simulate nightly rehearsal test-all mock generate check-generated contract contract-run contract-diff contract-live fuzz mutants lint \
  types format dist check lock check-locks release-check release-files release-installed release-snapshot clean cli-docs pictures bench bench-check mutation

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

demo: $(DEMO_READY) ## Pull an agent's call log from the mock over HTTP, with the facade
	@$(DEMO)/bin/python examples/demo.py

# Named, for of a package whose plugin is found pytest rewrites every module: of schemathesis alone, four hundred.
PLUGINS := --disable-plugin-autoload $(addprefix -p ,agentcalls_mock.pytest_plugin hypothesispytest pytest_httpx respx schemathesis.pytest.plugin slipcover xdist)
# The tests do not depend on their order: SHUFFLE=1 shuffles it and prints its seed. A worker takes a whole module, so
# that nothing is set up twice; tests/conftest.py says how many workers there are, and which modules come first.
TESTS := pytest $(PLUGINS) --numprocesses=auto --dist=loadscope --no-loadscope-reorder $(if $(SHUFFLE),-p randomly)
# tests/conftest.py prints what is not reached, so that the runner's summary stays last.
MEASURED := $(BIN)/python -W 'ignore:Unable to activate pytest:RuntimeWarning' -m slipcover --fail-under=100 --out /dev/null -m $(TESTS)

test: $(VENV_READY) chromium $(if $(shell command -v npm),$(NODE_READY) $(DOCS_READY)) ## Run the tests in parallel, with branch coverage of the facade
	@$(MEASURED) --durations=10

SERVERLESS := unit mock/test_mock_data.py mock/test_mock_database.py contract/test_contract.py \
  cli/test_settings.py cli/test_summary.py client/test_on_exchange.py docs/test_website.py

quick: $(VENV_READY) ## Run the tests that need no server, in seconds
	@$(BIN)/pytest --numprocesses=logical --dist=worksteal -p no:schemathesis $(addprefix tests/,$(SERVERLESS))

simulate: $(VENV_READY) ## Walk over random lying servers for SECONDS=60, and print the seed of each false "complete"
	@PYTHONPATH=tests $(BIN)/python -m simulation.lying $(or $(SECONDS),60)

# What make test draws a share of, whole. A test fails if a share reads a variable that is not set here.
WHOLE := ALL_COMBINATIONS=1 SHIFTING_LISTINGS=20 AGENTCALLS_KILLS=50 AGENTCALLS_TORTURE=1000 RANDOM_CHANGES=40 AGENTCALLS_HISTORIES=200

nightly: $(VENV_READY) chromium $(if $(shell command -v npm),$(NODE_READY) $(DOCS_READY)) ## Run all that make test draws a share of, random contracts, and all mutants
	@$(WHOLE) $(BIN)/$(TESTS)
	@$(MEASURED) -m "not share"
	@$(MAKE) pyright
	@$(MAKE) rehearsal
	@$(MAKE) fuzz SECONDS=600
	@$(MAKE) test-spark
	@$(MAKE) mutants
	@$(MAKE) mutation
	@$(MAKE) release-installed

rehearsal: $(VENV_READY) ## Run the suite on a copy whose contract has a field and a parameter of each kind; ONLY=tests/cli for a part
	@PYTHONPATH=tests $(BIN)/python -m contract.rehearsal.whole $(filter-out pytest,$(TESTS)) $(ONLY)

# Spark is half a gigabyte and needs Java, so it has an environment of its own, and its tests are not of those of CI.
test-spark: $(SPARK_READY) ## Run the tests of the Spark source in an environment of its own; they need Java 17 or newer
	@command -v java >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing default-jre-headless, once"; \
	  { apt-get update -qq && apt-get install -qq -y --no-install-recommends default-jre-headless; } >/dev/null || true; \
	fi
	@if command -v java >/dev/null; then $(SPARK)/bin/python -m pytest --confcutdir=tests/spark tests/spark; \
	else echo "The tests of the Spark source were left out: there is no Java, and only root can install Debian's"; fi

test-all: ## Run the tests on each Python of this machine, from 3.11 to 3.14
	@for version in 3.11 3.12 3.13 3.14; do \
	  found=; \
	  for python in python$$version "$$HOME"/.pyenv/versions/$$version.*/bin/python; do \
	    if $$python -c '' 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  echo "== Python $$version: $${found:-not on this machine}"; \
	  [ -z "$$found" ] || $(MAKE) test PYTHON="$$found" VENV=.cache/venv-$$version; \
	done

mock: $(DEMO_READY) ## Run the mock of the API on 127.0.0.1:8010 (PORT=…) until Ctrl-C
	@exec $(DEMO)/bin/agentcalls-mock --port $(PORT)

# The generator clears only part of its output folder, so it gets a new one each time. If it refuses the contract, the
# committed code does not change. It looks for ruff on PATH, and formats nothing without it.
.PHONY: build/generated
build/generated: $(VENV_READY)
	@rm -rf $@ && mkdir -p $@
	@PATH="$(BIN):$$PATH" openapi-python-client generate --path openapi.yaml --config generator-config.yaml \
	  --custom-template-path generator-templates --meta none --output-path $@/agentcalls_api --fail-on-warning
	@touch $@/agentcalls_api/py.typed

generate: build/generated ## Generate generated/ from openapi.yaml
	@rm -rf generated && mv build/generated generated
	@git status --short generated 2>/dev/null || true

check-generated: build/generated ## Fail if generated/ does not match openapi.yaml
	@diff --recursive --exclude=__pycache__ build/generated generated \
	  || { echo "generated/ does not match openapi.yaml: run make generate" >&2; exit 1; }
	@echo "generated/ matches openapi.yaml"

cli-docs: $(VENV_READY) ## Rewrite docs/cli from the help texts of the command line
	@cd tests && $(BIN)/python -m cli.pages

pictures: $(VENV_READY) chromium ## Take the pictures of the README anew, and the outputs in docs/start.md
	@cd tests && $(BIN)/python -m newcomer.pictures

lint: $(VENV_READY) $(NODE_READY) ## Check style, layers and the contract
	@mkdir -p build
	@$(BIN)/ruff check $(HANDWRITTEN)
	@$(BIN)/ruff format --check $(HANDWRITTEN)
	@$(BIN)/lint-imports --no-cache >build/layers.txt || { cat build/layers.txt; exit 1; }
	@PYTHONPATH=tests $(BIN)/python -m contract.tool.portable
	@$(BIN)/openapi-spec-validator openapi.yaml
	@REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true node_modules/.bin/redocly lint openapi.yaml

types: mypy pyright ## Check types: mypy strict on all code, pyright on the handwritten code

mypy: $(VENV_READY)
	@$(BIN)/mypy

PYRIGHT := node_modules/.bin/pyright --project pyproject.toml --pythonpath $(BIN)/python

pyright: $(VENV_READY) $(NODE_READY)
	@$(PYRIGHT)

# What users' editors see. The rest of the handwritten code is checked by mypy on each change, and by pyright at night.
pyright-users: $(VENV_READY) $(NODE_READY)
	@$(PYRIGHT) wrappers mock examples tests/typing

format: $(VENV_READY) ## Format the handwritten code and apply automatic fixes
	@$(BIN)/ruff check --fix $(HANDWRITTEN)
	@$(BIN)/ruff format $(HANDWRITTEN)

dist: $(VENV_READY) ## Build the wheel and the sdist into dist/
	@rm -rf dist && $(BIN)/hatchling build

mutation: $(VENV_READY) ## Break errors, requests and reading in every small way; list what no test notices
	@rm -rf build/mutation && mkdir -p build/mutation
	@git ls-files -z | xargs -0 cp --parents -t build/mutation && mv build/mutation/wrappers build/mutation/src
	@cd build/mutation && ALL_COMBINATIONS=1 PATH="$(BIN):$$PATH" mutmut run && PATH="$(BIN):$$PATH" mutmut results

CONTRACT := PYTHONPATH=tests $(BIN)/python -m contract.tool

contract: contract-run ## Check the mock against the contract: schemathesis and the properties, same requests each time
	@ALL_COMBINATIONS=1 $(BIN)/pytest -q tests/contract/test_properties.py tests/contract/test_schemathesis.py -k the_contract --junit-xml=reports/properties.xml

contract-run: $(VENV_READY)
	@$(CONTRACT) run

fuzz: $(VENV_READY) ## The same with random requests; prints its seed (SEED=… repeats it, SECONDS=600 sets how long)
	@$(CONTRACT) fuzz $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

contract-live: $(VENV_READY) ## Check the real API against the contract: GET, BUDGET=100 at RATE=2 per second; or recorded answers, FROM=answers.har
	@$(CONTRACT) live $(if $(FROM),--from '$(FROM)') $(if $(BUDGET),--budget $(BUDGET)) $(if $(RATE),--rate $(RATE)) $(if $(SHARE),--share $(SHARE))

mutants: $(VENV_READY) ## Break the mock in every way, see which test notices, and write the table of docs/contract-tests.md
	@$(CONTRACT) mutants $(if $(ONLY),--only '$(ONLY)')

bench: $(BENCH_READY) ## Measure beside the peers, in 15 minutes; QUICK=1 for a rough result in five
	@PYTHONPATH=wrappers:generated $(BENCH)/bin/python -m benchmarks $(if $(QUICK),--quick)

bench-check: $(BENCH_READY) ## Compare the last full `make bench` with the goals; fail if one is missed
	@PYTHONPATH=wrappers:generated $(BENCH)/bin/python -m benchmarks --check

# Redocly's scripts are in the page, so that it needs no network; the policy keeps them from asking for anything.
POLICY := default-src 'none'; script-src 'unsafe-inline' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src data:; font-src data:
# Redocly's own green of GET and grey of the search are too pale to read; axe found no other.
READABLE := :root:root:root:not(.dark) .tag-get { --tag-color: \#0b7a43 } :root:root:root { --search-trigger-color: var(--text-color-description) }
.PHONY: contract-page
contract-page: build/contract.html ## Render the contract as a page to read in a browser: build/contract.html
	@echo "$< is openapi.yaml as a page"

# Moved into its place when it is whole: two may make it at once.
build/contract.html: openapi.yaml redocly.yaml Makefile $(NODE_READY)
	@mkdir -p build/page.$$PPID
	@cd build/page.$$PPID && REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true ../../node_modules/.bin/redocly build-docs ../../openapi.yaml \
	  --config ../../redocly.yaml --inlineBundle --openapi.schemasExpansionLevel=all --openapi.showExtensions=x-source,x-default-source,x-added,x-extensible-enum \
	  --output page.html >said.txt 2>&1 || { cat said.txt; exit 1; }
	@cd build/page.$$PPID && sed -i.bak -e 's|https://cdn.redoc.ly/[a-z/-]*.svg|data:,|g' \
	  -e "s|<head>|<head><meta http-equiv=\"Content-Security-Policy\" content=\"$(POLICY)\"><style>$(READABLE)</style>|" page.html
	@mv build/page.$$PPID/page.html $@ && rm -r build/page.$$PPID

.PHONY: docs
docs: $(DOCS_READY) build/contract.html ## Build the site of the documentation, build/site/index.html; fail if a link, an anchor or a page is lost
	@$(DOCS)/bin/python -m website

contract-diff: $(VENV_READY) $(NODE_READY) ## Show what the contract changed since the last release, and which users that breaks
	@PYTHONPATH=tests $(BIN)/python -m contract.tool.differences

# The checks are independent: make --jobs runs them in parallel, before the tests, which use every core themselves and
# include the properties of the contract.
checks: lint mypy pyright-users check-generated contract-diff contract-run docs release-files rewritten

# pytest rewrites each assertion. Done once, before the tests, it is not done by each of their workers.
.PHONY: rewritten
rewritten: $(VENV_READY)
	@mkdir -p build && $(BIN)/pytest $(PLUGINS) --collect-only -q >build/collected.txt 2>&1 || { tail build/collected.txt; exit 1; }

check: ## Run everything that CI runs
	@$(MAKE) --jobs=2 --output-sync=target checks
	@$(MAKE) test

# A lock has names, versions and hashes, but no host. The demo has the same versions as the tests.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
define LOCKS
@$(COMPILE) $(1) --extra all --group dev pyproject.toml --output-file $(2)requirements.lock
@$(COMPILE) --extra mock --group demo --constraint $(2)requirements.lock pyproject.toml --output-file $(2)environments/demo.lock
@$(COMPILE) --extra all --group release --constraint $(2)requirements.lock pyproject.toml --output-file $(2)environments/release.lock
@$(COMPILE) --group docs --constraint $(2)requirements.lock --output-file $(2)environments/docs.lock
@echo uv | $(COMPILE) --constraint $(2)requirements.lock - --output-file $(2)environments/uv.lock
@$(COMPILE) --extra spark --extra mock --extra zstd --group spark --constraint $(2)requirements.lock pyproject.toml --output-file $(2)environments/spark.lock
@$(COMPILE) $(1) --extra arrow --extra cli --extra duckdb --extra report pyproject.toml benchmarks/requirements.in --output-file $(2)benchmarks/requirements.lock
endef

lock: $(VENV_READY) ## Resolve pyproject.toml and the benchmark's peers again into the locks
	$(call LOCKS,--upgrade,)

check-locks: $(VENV_READY) ## Fail if a lock does not match pyproject.toml; run it before a release, since it asks the registry
	@rm -rf build/locks && mkdir -p build/locks
	@cp --parents requirements.lock environments/*.lock benchmarks/requirements.lock build/locks
	$(call LOCKS,,build/locks/)
	@for lock in requirements.lock environments/*.lock benchmarks/requirements.lock; do diff $$lock build/locks/$$lock; done
	@echo "The locks match pyproject.toml"

# What is true of any commit, and needs nothing but .venv: the files of the wheel and the sdist, and the public API. Of
# release-check, this is the part of CI; types and installations take minutes, and are part of make nightly.
release-files: $(VENV_READY)
	@$(BIN)/python -m release files

# With a network: types, installations on each Python, licences, an SBOM, known vulnerabilities.
release-installed: $(RELEASE_READY) $(NODE_READY)
	@$(RELEASE)/bin/python -m release files types installed

release-check: check-locks $(RELEASE_READY) $(NODE_READY) ## Fail if a release lacks something, or would break its users; docs/releasing.md says what is checked
	@$(RELEASE)/bin/python -m release files types installed ready

release-snapshot: $(RELEASE_READY) ## Write the public API of this checkout, after its release, for the next ones to be compared with
	@$(RELEASE)/bin/python -m release.api

clean: ## Remove everything that make created
	@rm -rf .venv .cache build dist node_modules reports .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find generated wrappers mock tests examples benchmarks release website -name __pycache__ -type d -prune -exec rm -rf {} +

# Nothing is resolved here: environments/create installs each line of a lock unchanged. An environment is rebuilt if
# its Python is gone, if it was made elsewhere, or if it was made with another PYTHON.
stands = $(and $(wildcard $(1)/bin/python),$(filter $(CURDIR),$(shell cat $(1)/.by-make 2>/dev/null)),$(if \
  $(filter file,$(origin PYTHON)),yes,$(filter $(PYTHON),$(shell cat $(1)/.by-make 2>/dev/null))))

$(VENV_READY): requirements.lock pyproject.toml $(if $(call stands,$(VENV)),,gone)
	@environments/create "$(PYTHON)" $(VENV) $< . && touch $@

$(DEMO_READY): environments/demo.lock pyproject.toml $(if $(call stands,$(DEMO)),,gone)
	@environments/create "$(PYTHON)" $(DEMO) $< . && touch $@

$(SPARK_READY): environments/spark.lock pyproject.toml $(if $(call stands,$(SPARK)),,gone)
	@environments/create "$(PYTHON)" $(SPARK) $< . && touch $@

# After .venv, never beside it: both are made in the same folder first.
$(RELEASE_READY): environments/release.lock $(if $(call stands,$(RELEASE)),,gone) | $(VENV_READY)
	@environments/create "$(PYTHON)" $(RELEASE) $< && touch $@

$(DOCS_READY): environments/docs.lock $(if $(call stands,$(DOCS)),,gone) | $(VENV_READY)
	@environments/create "$(PYTHON)" $(DOCS) $< && touch $@

# A separate environment: the peers must not influence the versions that the tests run with.
$(BENCH_READY): benchmarks/requirements.lock $(if $(call stands,$(BENCH)),,gone)
	@environments/create "$(PYTHON)" $(BENCH) $< && touch $@

.PHONY: gone
gone:

# Some tests look at the report in a browser. If there is none and none can be installed, they are skipped; in CI they
# fail.
.PHONY: chromium
chromium: $(VENV_READY)
	@$(BIN)/python tests/browser.py || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing chromium, once"; \
	  { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; } >/dev/null || true; \
	else \
	  echo "No Chromium on this machine: the tests of the report in a browser are skipped" >&2; \
	fi

$(NODE_READY): package-lock.json
	@[ ! -L node_modules ] || { echo "node_modules is a link: npm would empty the folder that it points to" >&2; exit 1; }
	@command -v npm >/dev/null || { echo "make lint, make types and some tests of the contract need node with npm" >&2; exit 1; }
	@echo "Setting up node_modules, once"
	@npm ci --silent
	@touch $@
