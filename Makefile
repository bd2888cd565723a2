# The commands that a person types. `make` alone lists those that have a text after "##", under the headings after "##@".

PYTHON ?= python3
LOCAL := $(PYTHON) -m local
OPERATIONS := $(PYTHON) -m operations
TOOLS := $(PYTHON) -m tools
SAM := .local/venv-sam/bin

CARGO_DENY_VERSION := 0.19.0
CARGO_FUZZ_VERSION := 0.13.2
ADVISORIES := https://github.com/rustsec/advisory-db
export PATH := $(CURDIR)/.local/tools/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# No compiled Python among the sources.
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo up down test test-rust test-template test-python test-acceptance test-description test-txn \
	test-operations test-page test-images faults load fuzz check audit sbom bench bench-instructions bench-startup cost \
	bootstrap deploy partner operator provider redrive destroy environment cargo-deny python

help:
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "You need Rust, Python 3.10 or later, make and a C compiler. You need Docker for test-images and deploy alone."

##@ Run locally, without an AWS account

# The demo prints its time itself, because its last line is fixed.
demo: python ## Follow files and payments through the whole system, on a local cloud
	@started=$$(date +%s) \
	&& echo "== Build the handlers" && $(LOCAL) build \
	&& $(LOCAL) demo --started $$started

up: python ## Start a local cloud and show how to use it (PORT=4567)
	@echo "== Build the handlers"
	@$(LOCAL) build
	@$(LOCAL) up

down: python ## Stop it
	@$(LOCAL) down

##@ Test

# Its parts can be run alone: test-rust, test-template, test-python and so on.
test: python ## Run all tests that need no browser and no Docker
	@started=$$(date +%s) \
	&& $(MAKE) --no-print-directory test-rust test-template test-python test-acceptance test-description test-txn test-operations faults \
	&& $(MAKE) --no-print-directory load FILES=200 \
	&& echo "make test: passed in $$(( $$(date +%s) - started )) s"

test-rust:
	@echo "== Test the rules and the functions, without any service"
	@cargo test --workspace --exclude acceptance

test-template: python
	@echo "== Check the template and the state machines"
	@$(TOOLS) setup
	@$(SAM)/sam validate --lint
	@$(SAM)/cfn-lint template.yaml bootstrap.yaml
	@.local/venv-description/bin/openapi-spec-validator openapi/openapi.json
	@$(TOOLS) lint-workflow
	@$(TOOLS) scan

test-python: python
	@echo "== Run the unit tests of the Python code"
	@$(TOOLS) setup
	@for folder in tools bench cost fuzz; do \
		.local/venv-cloud/bin/python -m unittest discover --start-directory $$folder/tests --top-level-directory . || exit 1; \
	done

test-acceptance: python
	@echo "== Test the deployed system on a local cloud, with IAM enforced"
	@$(LOCAL) build
	@cargo build -p txn -p adapters
	@cargo test -p acceptance --no-run
	@$(LOCAL) run --stacks main,faults,least,archive -- cargo test -p acceptance

# SEED=… repeats the faults of a run, ROUND=… runs one of its rounds alone, CASE=… one known case before the rounds.
faults: python ## Run fault injection trials: calls fail, functions are killed, events repeat (SEED=7 ROUNDS=500)
	@echo "== Run fault injection trials on a local cloud"
	@$(LOCAL) build
	@cargo test -p acceptance --no-run
	@FAULTS_SEED="$(SEED)" FAULTS_ROUNDS="$(ROUNDS)" FAULTS_ROUND="$(ROUND)" FAULTS_CASE="$(CASE)" \
		$(LOCAL) run --stacks trials -- cargo test --quiet -p acceptance trials::promises -- --ignored --nocapture

# Ten partners send a day's files as fast as the local cloud accepts them. Prints figures, and fails if anything is lost.
load: python ## Run the load test on a local cloud (FILES=10000 CONNECTIONS=16 SEED=1)
	@echo "== Send a day's files to a local cloud: valid and invalid ones, repeats and corrections"
	@$(LOCAL) build
	@cargo test -p acceptance --no-run
	@LOAD_FILES="$(or $(FILES),10000)" LOAD_CONNECTIONS="$(CONNECTIONS)" LOAD_SEED="$(SEED)" \
		$(LOCAL) run --stacks load -- cargo test -p acceptance -- --ignored --exact --nocapture system::load::nothing_of_a_day_is_lost

test-description: python ## Test both APIs by their OpenAPI description alone (SEED=1234 repeats a run)
	@echo "== Test both APIs by their description, on a local cloud"
	@$(LOCAL) build
	@$(TOOLS) setup
	@$(LOCAL) run --stacks main -- $(TOOLS) test-description

test-txn: python
	@echo "== Test the command line on a local cloud"
	@$(LOCAL) build
	@cargo test -p txn --test cloud --no-run
	@$(LOCAL) run --stacks main,redrive -- cargo test -p txn --test cloud

test-operations: python
	@echo "== Test the operators' commands on a local cloud"
	@$(LOCAL) build
	@$(TOOLS) setup
	@$(LOCAL) run --stacks partners,doomed -- \
		.local/venv-cloud/bin/python -m unittest discover --start-directory operations/tests --top-level-directory .

test-page: python ## Test the page in a headless browser (needs Chromium and chromedriver)
	@echo "== Test the page in a headless Chromium, on a local cloud"
	@$(LOCAL) build
	@$(LOCAL) run --stacks page -- $(TOOLS) test-page $(TESTS)

# Not a part of `make test`: it needs Docker, and compiles everything once more for arm64. Where no registry can be
# reached, PREPARE_BASE_IMAGES names a command that provides the two base images and buildx.
test-images: python ## Build the container images and test them with sam local (needs Docker with buildx)
	@if docker info >/dev/null 2>&1; then \
		$(TOOLS) build-images && $(LOCAL) build && $(LOCAL) run --stacks local --sam-local -- $(TOOLS) test-images; \
	else \
		echo "!!! THE IMAGES WERE NOT TESTED: no Docker engine responds. Start one and run make test-images again."; \
	fi

# INPUT=FILE runs one input of TARGET again, SEED=… repeats the random choices. KEEP=1 adds to the repository the fewest
# inputs that reach everything that was reached.
fuzz: python ## Run the fuzz targets (SECONDS=60 each, TARGET=file for one; needs a C++ compiler)
	@command -v cargo-fuzz >/dev/null || { \
		echo "== Install cargo-fuzz $(CARGO_FUZZ_VERSION) under .local/tools (once, a minute)"; \
		cargo install cargo-fuzz --version $(CARGO_FUZZ_VERSION) --locked --debug --root .local/tools; }
	@$(PYTHON) -m fuzz $(TARGET) $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(SEED),--seed "$(SEED)") \
		$(if $(INPUT),--input "$(INPUT)") $(if $(filter 1,$(KEEP)),--keep)

check: cargo-deny ## Check format, lints and licenses (the first time it builds cargo-deny, some minutes)
	@echo "== Format"
	@cargo fmt --check
	@cargo fmt --check --manifest-path fuzz/Cargo.toml
	@echo "== Lints, warnings are errors"
	@cargo clippy --workspace --all-targets -- -D warnings
	@echo "== Licenses, sources and bans of dependencies"
	@cargo deny check bans licenses sources
	@cargo deny --manifest-path fuzz/Cargo.toml check --config deny.toml bans licenses sources

# Apart from `make check`, because it needs the network, and because it can begin to fail without any change here.
audit: ## Check the dependencies against the RustSec database (needs the network)
	@echo "== Known vulnerabilities of dependencies"
	@GIT_TERMINAL_PROMPT=0 git ls-remote --quiet --exit-code $(ADVISORIES) HEAD >/dev/null 2>&1 || { \
		echo "The RustSec database, $(ADVISORIES), cannot be reached, so nothing was audited."; \
		echo "Run make audit where it can be reached. The workflow ci runs it every day."; exit 1; }
	@$(MAKE) --no-print-directory cargo-deny
	@cargo deny check advisories
	@cargo deny --manifest-path fuzz/Cargo.toml check --config deny.toml advisories

sbom: python ## Write a bill of materials (CycloneDX) for the image of each function to target/sbom/
	@$(TOOLS) sbom

# Without optimization: it is built faster and is fast enough for one workspace.
cargo-deny:
	@command -v cargo-deny >/dev/null || { \
		echo "== Install cargo-deny $(CARGO_DENY_VERSION) under .local/tools (once, some minutes)"; \
		cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --debug --root .local/tools; }

##@ Measure

# Builds what it measures. `python3 -m bench --help` shows how to measure one part, to accept counted instructions and to
# publish the results.
bench: python ## Measure validation, imports and uploads beside others, and check the bounds (needs Linux, Python 3.11)
	@$(PYTHON) -m bench

# Not affected by a busy machine, so CI can check it.
bench-instructions: python ## Count the instructions of validation and of rejected secrets (needs valgrind)
	@$(PYTHON) -m bench instructions comparisons

# As root it also measures at the share of a core that Lambda gives, in a control group.
bench-startup: python ## Measure how fast the functions start, beside an empty one and Python (needs Linux)
	@echo "== Build the functions as for AWS, but for this machine (the first time some minutes)"
	@cargo build --release -p startup -p csv-validator -p data-transformer -p notification-sender \
		-p webhook-validator -p fraud-detector -p transaction-archival
	@$(TOOLS) setup
	@target/release/startup .local/venv-cloud/bin/python

# A model, which measures nothing. Tests check its counts against the code and the template.
cost: python ## Print what the system costs on AWS by service (FILES=10000 ROWS=1000 WEBHOOKS=100000)
	@$(PYTHON) -m cost $(if $(FILES),--files "$(FILES)",--all) $(if $(ROWS),--rows "$(ROWS)") \
		$(if $(WEBHOOKS),--webhooks "$(WEBHOOKS)")

##@ On AWS, with the credentials of this shell (AWS_PROFILE, AWS_REGION)

# Passed in the environment, so that no shell interprets their values. ENV has no default: the environment to deploy or
# to delete is always named.
export ENV NAME GITHUB PARAMETERS

bootstrap: python ## Set up what all environments of an account and region share (GITHUB=owner/name may deploy)
	@$(OPERATIONS) bootstrap --github="$$GITHUB"

deploy: python ## Build and deploy an environment: ENV=dev (PARAMETERS='DailyQuota=5000'; needs Docker)
	@$(OPERATIONS) deploy --environment="$$ENV" --parameters="$$PARAMETERS"

partner: python ## Create an API key for a partner and print it once: ENV=dev NAME=acme (AGAIN=1 for one more)
	@$(OPERATIONS) partner --environment="$$ENV" --name="$$NAME" $(if $(filter 1,$(AGAIN)),--again)

operator: python ## Create an API key that sees the days of all partners, and print it once: ENV=dev
	@$(OPERATIONS) operator --environment="$$ENV"

provider: python ## Create a provider's secret and print it once: ENV=dev NAME=acme-pay (ROTATE=1, REVOKE=1)
	@$(OPERATIONS) provider --environment="$$ENV" --name="$$NAME" \
		$(if $(filter 1,$(ROTATE)),--rotate) $(if $(filter 1,$(REVOKE)),--revoke)

# With txn, built from these sources. Together with the adapters, cargo reuses the AWS clients that it built for the functions.
redrive: environment ## Redrive the dead-letter queues: ENV=dev (DRY_RUN=1 shows what it would do)
	@cargo build --quiet -p txn -p adapters
	@"$${CARGO_TARGET_DIR:-target}"/debug/txn redrive --env="$$ENV" $(if $(filter 1,$(DRY_RUN)),--dry-run)

# So that no configuration file of txn chooses the environment.
environment:
	@if [ -z "$$ENV" ]; then echo "ENV is not set. Name the environment: ENV=dev"; exit 1; fi

destroy: python ## Delete an environment with all its data: ENV=dev (YES=1 does not ask)
	@$(OPERATIONS) destroy --environment="$$ENV" $(if $(filter 1,$(YES)),--yes)

python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) was not found. Install Python 3.10 or later, or name it: make PYTHON=/path/to/python3 ..."; exit 1; }
