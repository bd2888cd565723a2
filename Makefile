# The few commands a person types. Each says what it does; `make` alone lists them.

PYTHON ?= python3
LOCAL := $(PYTHON) -m local
OPERATE := $(PYTHON) -m operations
SAM := .local/venv-sam/bin

CARGO_DENY_VERSION := 0.19.0
CARGO_FUZZ_VERSION := 0.13.2
ADVISORIES := https://github.com/rustsec/advisory-db
export PATH := $(CURDIR)/.local/tools/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# The local cloud must not leave compiled Python among the sources.
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo up down test test-rust test-template test-acceptance test-description test-local test-bench test-operations test-page test-images faults check bench bench-instructions bench-startup cost bootstrap deploy partner operator provider redrive destroy environment load fuzz audit sbom tools python

help:
	@echo "make demo   shows the way of a file and of signed webhooks, to the notification and the archive, on a local cloud"
	@echo "make up     starts a local cloud that stays, and tells how to use it (PORT=4567 for another port)"
	@echo "make down   stops it"
	@echo "make test   runs all tests: rules, template, and the deployed system on a local cloud"
	@echo "make test-description   tries both APIs by their description alone (SEED=1234 repeats a run)"
	@echo "make faults tries to break every promise: calls fail, handlers are killed, events come late and twice (SEED=7 ROUNDS=500)"
	@echo "make test-page   tests the page in a headless browser, on a local cloud; needs Chromium and chromedriver"
	@echo "make test-images   builds the container images and tries them with sam local; needs a Docker engine with buildx"
	@echo "make load   sends a day's files to a local cloud as fast as it takes them (FILES=10000, CONNECTIONS=16, SEED=1)"
	@echo "make bench  measures validation beside others, and imports and uploads on stubs of AWS (needs Linux, Python 3.11)"
	@echo "make bench-instructions   counts the instructions of validation and of refusing secrets; fails where they grew or tell (needs valgrind)"
	@echo "make bench-startup   measures how fast the functions start, beside an empty one and Python (needs Linux)"
	@echo "make fuzz   tries the code with inputs that libFuzzer makes, SECONDS=60 for each target, or TARGET=file alone (needs a C++ compiler)"
	@echo "make cost   prints what the system costs on AWS by service (FILES=10000 a day, ROWS=1000 a file, WEBHOOKS=100000 a day)"
	@echo "make check  checks format, lints and licences (the first time it builds cargo-deny, some minutes)"
	@echo "make audit  asks the RustSec database for known faults of dependencies; needs the network"
	@echo "make sbom   writes a bill of materials (CycloneDX) for the image of each function to target/sbom/"
	@echo
	@echo "Needed: Rust, Python 3.10 or later, make and a C compiler. No AWS account; Docker for test-images and deploy alone."
	@echo
	@echo "On AWS, with the credentials of this shell (AWS_PROFILE, AWS_REGION):"
	@echo "make bootstrap                   sets up what an account and region need once (GITHUB=owner/name may deploy)"
	@echo "make deploy  ENV=dev             builds and deploys, needs Docker (PARAMETERS='DailyQuota=5000 ...')"
	@echo "make partner ENV=dev NAME=acme   makes an API key for a partner and prints it once (AGAIN=1: one more)"
	@echo "make operator ENV=dev            makes an API key that sees the days of all partners, and prints it once"
	@echo "make provider ENV=dev NAME=acme-pay  makes the secret of a payment provider, prints it once (ROTATE=1, REVOKE=1)"
	@echo "make redrive ENV=dev             does again what failed, from the dead-letter queues (DRY_RUN=1: only shows it)"
	@echo "make destroy ENV=dev             deletes the environment with all its data (YES=1: without asking)"

# The last line of the demo is its own, so that it prints the time itself.
demo: python
	@started=$$(date +%s) \
	&& echo "== Build the handlers" && $(LOCAL) build \
	&& $(LOCAL) demo --started $$started

up: python
	@echo "== Build the handlers"
	@$(LOCAL) build
	@$(LOCAL) up

down: python
	@$(LOCAL) down

test: python
	@started=$$(date +%s) \
	&& $(MAKE) --no-print-directory test-rust test-template test-local test-bench test-acceptance test-description test-txn test-operations faults \
	&& $(MAKE) --no-print-directory load FILES=200 \
	&& echo "make test: passed in $$(( $$(date +%s) - started )) s"

test-rust:
	@echo "== Test the rules and the handlers, without any service"
	@cargo test --workspace --exclude acceptance

test-template: python
	@echo "== Check the template and the state machine"
	@$(LOCAL) setup
	@$(SAM)/sam validate --lint
	@$(SAM)/cfn-lint template.yaml bootstrap.yaml
	@.local/venv-description/bin/openapi-spec-validator openapi/openapi.json
	@$(LOCAL) lint-workflow
	@$(LOCAL) scan

test-local: python
	@echo "== Test what stands between sam local and the local cloud"
	@$(LOCAL) setup
	@.local/venv-cloud/bin/python -m unittest discover --start-directory local/tests --top-level-directory .

test-bench: python
	@echo "== Test what compares and presents measurements"
	@$(PYTHON) -m unittest discover --start-directory bench/tests --top-level-directory .
	@$(PYTHON) -m unittest discover --start-directory fuzz/tests --top-level-directory .

test-acceptance: python
	@echo "== Test the deployed system on a local cloud, with IAM enforced"
	@$(LOCAL) build
	@cargo build -p txn -p adapters
	@cargo test -p acceptance --no-run
	@$(LOCAL) run --stacks main,faults,least,archive -- cargo test -p acceptance

# SEED=… has the same things go wrong again; ROUND=… plays one round of a run alone; CASE=… one known case, before the rounds. A part of `make test`, with few rounds.
faults: python
	@echo "== Try to break the promises, on a local cloud whose calls fail"
	@$(LOCAL) build
	@cargo test -p acceptance --no-run
	@FAULTS_SEED="$(SEED)" FAULTS_ROUNDS="$(ROUNDS)" FAULTS_ROUND="$(ROUND)" FAULTS_CASE="$(CASE)" \
		$(LOCAL) run --stacks trials -- cargo test --quiet -p acceptance trials::promises -- --ignored --nocapture

# Ten partners send a day's files as fast as the local cloud takes them. It prints figures and fails if anything is lost.
load: python
	@echo "== Send a day's files, with bad ones, repeats and corrections among them, to a local cloud"
	@$(LOCAL) build
	@cargo test -p acceptance --no-run
	@LOAD_FILES="$(or $(FILES),10000)" LOAD_CONNECTIONS="$(CONNECTIONS)" LOAD_SEED="$(SEED)" \
		$(LOCAL) run --stacks load -- cargo test -p acceptance -- --ignored --exact --nocapture load::nothing_of_a_day_is_lost

# SEED=… repeats a run.
test-description: python
	@echo "== Try both APIs by their description, on a local cloud"
	@$(LOCAL) build
	@$(LOCAL) setup
	@$(LOCAL) run --stacks main -- $(PYTHON) -m local test-description

test-txn: python
	@echo "== Test the command line on a local cloud"
	@$(LOCAL) build
	@cargo test -p txn --test cloud --no-run
	@$(LOCAL) run --stacks main,redrive -- cargo test -p txn --test cloud

test-operations: python
	@echo "== Test the commands for people who operate the system, on a local cloud"
	@$(LOCAL) build
	@$(LOCAL) setup
	@$(LOCAL) run --stacks partners,doomed -- \
		.local/venv-cloud/bin/python -m unittest discover --start-directory operations/tests --top-level-directory .

test-page: python
	@echo "== Test the page in a headless Chromium, on a local cloud"
	@$(LOCAL) build
	@$(LOCAL) test-page $(TESTS)

# Passed on in the environment, so that no shell reads anything into their values. ENV has no default: what is deployed
# or deleted is always said.
export ENV NAME GITHUB PARAMETERS

bootstrap: python
	@$(OPERATE) bootstrap --github="$$GITHUB"

deploy: python
	@$(OPERATE) deploy --environment="$$ENV" --parameters="$$PARAMETERS"

partner: python
	@$(OPERATE) partner --environment="$$ENV" --name="$$NAME" $(if $(filter 1,$(AGAIN)),--again)

operator: python
	@$(OPERATE) operator --environment="$$ENV"

provider: python
	@$(OPERATE) provider --environment="$$ENV" --name="$$NAME" \
		$(if $(filter 1,$(ROTATE)),--rotate) $(if $(filter 1,$(REVOKE)),--revoke)

# By txn, of these very sources. With the adapters beside it cargo takes the clients of AWS that it has built for the handlers.
redrive: environment
	@cargo build --quiet -p txn -p adapters
	@"$${CARGO_TARGET_DIR:-target}"/debug/txn redrive --env="$$ENV" $(if $(filter 1,$(DRY_RUN)),--dry-run)

# So that no configuration file of txn chooses it.
environment:
	@if [ -z "$$ENV" ]; then echo "ENV is not set. Name the environment: ENV=dev"; exit 1; fi

destroy: python
	@$(OPERATE) destroy --environment="$$ENV" $(if $(filter 1,$(YES)),--yes)

# Not a part of `make test`: it needs Docker, and compiles everything once more for arm64. Where no registry can be
# reached, PREPARE_BASE_IMAGES names a command that provides the two base images and buildx.
test-images: python
	@if docker info >/dev/null 2>&1; then $(LOCAL) build; fi
	@$(LOCAL) test-images

# Builds what it measures. Fails if a bound is broken. `python3 -m bench --help` tells how to measure one part, to accept
# counted instructions and to publish what was measured.
bench: python
	@$(PYTHON) -m bench

# The one measurement that a busy machine does not change, so that CI can hold it.
bench-instructions: python
	@$(PYTHON) -m bench instructions comparisons

# Fails if a bound is broken. As root it also measures at the share of a core that Lambda gives, by a control group.
bench-startup: python
	@echo "== Build the functions as for AWS, but for this machine (the first time some minutes)"
	@cargo build --release -p startup -p csv-validator -p data-transformer -p notification-sender \
		-p webhook-validator -p fraud-detector -p transaction-archival
	@$(LOCAL) setup
	@target/release/startup .local/venv-cloud/bin/python

# INPUT=FILE tries one input of TARGET again, SEED=… the same random choices. KEEP=1 keeps in the repository the fewest
# inputs that reach all that was reached.
fuzz: python
	@command -v cargo-fuzz >/dev/null || { \
		echo "== Install cargo-fuzz $(CARGO_FUZZ_VERSION) under .local/tools (once, a minute)"; \
		cargo install cargo-fuzz --version $(CARGO_FUZZ_VERSION) --locked --debug --root .local/tools; }
	@$(PYTHON) -m fuzz $(TARGET) $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(SEED),--seed "$(SEED)") \
		$(if $(INPUT),--input "$(INPUT)") $(if $(filter 1,$(KEEP)),--keep)

# Measures nothing and asks nobody: a model, whose counts the tests hold against the code and the template.
cost: python
	@$(PYTHON) -m bench.cost $(if $(FILES),--files "$(FILES)",--all) $(if $(ROWS),--rows "$(ROWS)") \
		$(if $(WEBHOOKS),--webhooks "$(WEBHOOKS)")

check: tools
	@echo "== Format"
	@cargo fmt --check
	@cargo fmt --check --manifest-path fuzz/Cargo.toml
	@echo "== Lints, warnings are errors"
	@cargo clippy --workspace --all-targets -- -D warnings
	@echo "== Licences, sources and bans of dependencies"
	@cargo deny check bans licenses sources
	@cargo deny --manifest-path fuzz/Cargo.toml check --config deny.toml bans licenses sources

# Apart from `make check`, because it needs the network, and because it may begin to fail without any change of ours.
audit:
	@echo "== Known faults of dependencies"
	@GIT_TERMINAL_PROMPT=0 git ls-remote --quiet --exit-code $(ADVISORIES) HEAD >/dev/null 2>&1 || { \
		echo "The RustSec database, $(ADVISORIES), cannot be read from here, so nothing was audited."; \
		echo "Run make audit where it can be; the workflow ci does so every day."; exit 1; }
	@$(MAKE) --no-print-directory tools
	@cargo deny check advisories
	@cargo deny --manifest-path fuzz/Cargo.toml check --config deny.toml advisories

# Asks nobody but cargo.
sbom: python
	@$(LOCAL) sbom

# Without optimisation: it is built faster and is fast enough for one workspace.
tools:
	@command -v cargo-deny >/dev/null || { \
		echo "== Install cargo-deny $(CARGO_DENY_VERSION) under .local/tools (once, some minutes)"; \
		cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --debug --root .local/tools; }

python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) was not found. Install Python 3.10 or later, or name it: make PYTHON=/path/to/python3 ..."; exit 1; }
