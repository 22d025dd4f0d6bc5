# dbalias: everything a person or a machine runs. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup check lint types imports fast test slow demo demo-down stalls bench guide-routers django matrix kill-matrix mysql postgresql lock manifests

# The local cluster's version; without it the newest that the repository knows.
ifdef KUBERNETES_VERSION
export KUBERNETES_VERSION
endif

VENV := .venv/bin
LOCKED := .venv/locked-$(shell cat requirements/test.txt pyproject.toml | cksum | cut -d' ' -f1)
FAST := $(wildcard tests/unit tests/golden tests/contract)
# Every other folder of tests, so that none can be forgotten.
SLOW := $(filter-out $(FAST:%=%/) tests/bench/ tests/__pycache__/,$(sort $(wildcard tests/*/)))
PYTEST := $(VENV)/python -m pytest $(PYTEST_ARGS)

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(LOCKED) ## make .venv from the lock (the others do it themselves)

$(LOCKED): requirements/test.txt pyproject.toml
	@.ci/venv $@

check: lint types imports fast ## lint, types, imports and the quick tests: a couple of minutes

lint: $(LOCKED)
	@echo "→ lint"
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .

types: $(LOCKED)
	@echo "→ types"
	@$(VENV)/mypy

imports: $(LOCKED)
	@echo "→ direction of imports"
	@$(VENV)/lint-imports --no-logo

fast: $(LOCKED)
	@echo "→ quick tests: $(FAST)"
	@$(PYTEST) -n 2 --dist worksteal $(FAST)

slow: $(LOCKED)
	@echo "→ Kubernetes, compiled once: no test's time is for that"
	@PYTHONPATH=tools $(VENV)/python -m localkube build
	@echo "→ tests on real parts, four at a time: $(SLOW)"
	@$(PYTEST) -n 4 --dist worksteal $(SLOW)

test: lint types imports fast slow ## everything, on a cluster and databases of its own
	@echo "→ all passed. Next: make demo"

demo: $(LOCKED) ## the whole product on the cluster of KUBECONFIG, else on a local one
	@PYTHONPATH=tools $(VENV)/python -m demo up

demo-down: $(LOCKED) ## take the demo away; built versions stay cached
	@PYTHONPATH=tools $(VENV)/python -m demo down

stalls: $(LOCKED) ## the tests on real parts while random processes stand still (STALLS_ARGS='--seed=1 --every=1.2 --longest=4')
	@PYTHONPATH=tools $(VENV)/python -m stalls $(STALLS_ARGS) -- $(MAKE) slow

bench: $(LOCKED) ## measure: prints the figures that docs/ quotes
	@$(PYTEST) -s -o python_files='bench_*.py' tests/bench

django: $(LOCKED) ## Django's own tests with published settings and with hand-written ones (DJANGO_ARGS='--series 6.1 SUITE…')
	@PYTHONPATH=operator:tools:tests $(VENV)/python -m django_suite $(DJANGO_ARGS)

matrix: $(LOCKED) ## the published files on every Python, Django and driver at hand
	@DBALIAS_MATRIX=all $(PYTEST) -n 2 --dist worksteal tests/matrix

kill-matrix: $(LOCKED) ## operator, pods, kubelet and servers killed at every step of a migration
	@DBALIAS_KILL_MATRIX=all $(PYTEST) -s $(wildcard tests/e2e/test_kill_*.py) tests/integration/runtime/test_kills.py \
	  $(addprefix tests/e2e/test_,garbage.py node_lost.py two_operators.py)

guide-routers: $(LOCKED) ## what is migrated where with the topic guide's routers and with our policies
	@$(PYTEST) -s -q tests/integration/runtime/test_guide_routers.py -k tables

mysql: $(LOCKED) ## provisioning on MySQL and a newer MariaDB, both of Debian's unstable packages
	@set -e; for server in mysql mariadb; do \
	  bin=$$(PYTHONPATH=tools $(VENV)/python -m localkube.unstable_servers $$server); \
	  echo "→ $$server of $$bin"; \
	  PATH=$$bin:$$PATH DBALIAS_MYSQL=$${server#mariadb} $(PYTEST) -n 2 tests/integration/servers/mysql; \
	done; \
	PATH=$$bin:$$PATH $(PYTEST) -n 2 -k mariadb tests/integration/provisioning/test_crashes.py

postgresql: $(LOCKED) ## provisioning on PostgreSQL 16, 17 and 18, whose programs npm has
	@set -e; for series in 16 17 18; do \
	  bin=$$(PYTHONPATH=tools $(VENV)/python -m localkube.postgres_versions $$series); \
	  echo "→ PostgreSQL of $$bin"; \
	  DBALIAS_DATABASE_PROGRAMS=$$bin $(PYTEST) -n 2 -k postgres \
	    tests/integration/servers/postgresql tests/integration/provisioning/test_crashes.py; \
	done

lock: $(LOCKED) ## resolve pyproject.toml into requirements/*.txt (LOCK_ARGS=--upgrade for newer ones)
	@.ci/lock $(LOCK_ARGS)

manifests: $(LOCKED) ## copy crds/ into the chart and render manifests/ from it
	@PYTHONPATH=tools $(VENV)/python -m rendering
