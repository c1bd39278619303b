# Shorthand for plain commands, which the guide in workflow/documentation shows too. Each target sets up what it needs.
PYTHON ?= python3
CORES ?= 2
PRESET ?= laptop
PORT ?= 5000
CONFIG = config/$(PRESET:laptop=config).yaml
KNOWN = test -f $(CONFIG) || { echo 'PRESET: there is no preset "$(PRESET)"'; \
  echo 'Remedy: take one of laptop $(filter-out config,$(basename $(notdir $(wildcard config/*.yaml))))'; exit 2; } >&2
# For targets that are of one preset.
OWN_PRESET = test '$(origin PRESET)' != 'command line' || { \
  echo 'PRESET: make $@ is of one preset'; echo 'Remedy: make demo PRESET=$(PRESET)'; exit 2; } >&2
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
# Leaves out two lines that Snakemake says for every job; errors and progress stay, each line at once. Ctrl-C ends what it
# reads from, whose last words it still tells.
TIDY := 2>&1 | (trap '' INT; exec sed -u -E '/^(Select jobs to execute|Execute [0-9]+ jobs)/d')
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo smoke study ablations specialize plan explain figures publish track ui check crate test lint unit workflow e2e slurm report bench lock durations clean

help:  ## show the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

# A target that is not there.
.DEFAULT:
	@$(PYTHON) scripts/_target.py '$@' $(sort $(shell sed -nE 's/^([a-z]+):.*## .*/\1/p' Makefile))

demo: .venv/complete  ## train, specialise and compare every method on real text (15 to 20 minutes; PRESET=… another study)
	@$(KNOWN)
	$(SNAKEMAKE) --quiet rules host progress --configfile $(CONFIG) $(TIDY)
	@cat results/$(PRESET)/summary.txt results/$(PRESET)/relative_cost.txt
	@echo; $(BIN)/python scripts/_verdicts.py results/$(PRESET)

smoke: .venv/complete  ## every rule of the study, tiny (about 2 minutes)
	@$(OWN_PRESET)
	$(SNAKEMAKE) --quiet rules host progress --configfile config/smoke.yaml $(TIDY)
	@cat results/smoke/summary.txt results/smoke/relative_cost.txt

study: .venv/complete  ## what the claims are judged by: five seeds, four domains, some seven hours; kept seed by seed (SEEDS='17 18')
	@$(OWN_PRESET)
	$(BIN)/python scripts/_study.py --cores $(CORES) $(if $(SEEDS),--seeds $(SEEDS)) $(TIDY)

ablations: .venv/complete  ## variants of the methods: figures 5, 7, 10, 11, 14 and sensitivities (29 minutes, after the demo)
	@$(KNOWN)
	$(SNAKEMAKE) ablations --quiet rules host progress --configfile $(CONFIG) $(TIDY)

specialize: .venv/complete  ## advice and a model for DOMAIN=your/documents LICENCE=… ORIGIN=… (LATENCY=ms; minutes after the demo)
	@$(KNOWN)
	@$(BIN)/python scripts/_specialize.py --cores $(CORES) --configfile $(CONFIG) $(TIDY)

# By the environment, as they were typed: neither make nor a shell reads them.
WORDS = DOMAIN NAME FIELD LICENCE ORIGIN STRICT LATENCY PARAMETERS SPECIALIZATION PRETRAINING
$(foreach word,$(WORDS),$(eval specialize: override export $(word) := $$(value $(word))))

plan: .venv/complete  ## what PRESET=smoke, laptop, gpu or paper will take on this machine, before anything runs (7 to 15 seconds)
	@$(BIN)/python scripts/_plan.py --preset $(PRESET) --cores $(CORES) $(OPTIONS)

explain: .venv/complete  ## where FILE=results/laptop/tables/table_8.md comes from, back to corpus and seed (FULL=yes: every step)
	@$(BIN)/python scripts/_explain.py $(FILE) $(if $(FULL),--full)

figures: .venv/complete  ## every table, figure and verdict again from results/published/$(PRESET): seconds, no training
	PYTHONPATH=workflow $(BIN)/python -m speclm.study $(PRESET)

publish: .venv/complete  ## copy the measurements of results/$(PRESET) to results/published and make all from them
	PYTHONPATH=workflow $(BIN)/python -m speclm.study $(PRESET) --publish

track: .venv/complete  ## import every run of PRESET into MLflow (TRACKING_URI=…; WEIGHTS=yes: with the models' weights)
	@$(KNOWN)
	$(SNAKEMAKE) --quiet rules host progress --configfile $(CONFIG) --forcerun track_runs \
	  -- results/$(PRESET)/tracking/$(if $(WEIGHTS),weights,runs).json $(TIDY)

ui: .venv/complete  ## open what was imported, on this machine; prints the addresses when its server answers (PORT=…)
	@$(BIN)/python scripts/_ui.py --port $(PORT)

# By the environment: an address may hold a password.
track ui: export MLFLOW_TRACKING_URI := $(or $(TRACKING_URI),$(MLFLOW_TRACKING_URI))

check: .venv/complete  ## whether results/$(PRESET) has the numbers expected of it; runs it first where need be (FULL=yes: all rows)
	@$(BIN)/python scripts/_check.py --preset $(PRESET) --cores $(CORES) $(if $(FULL),--full) $(TIDY)

report: .venv/complete  ## one self-contained page of the finished run PRESET; Snakemake's own beside it
	@$(KNOWN)
	$(SNAKEMAKE) --quiet rules host progress --configfile $(CONFIG) \
	  -- results/$(PRESET)/report.html $(TIDY)
	$(SNAKEMAKE) --quiet all --configfile $(CONFIG) --report results/$(PRESET)/snakemake.html
	@printf '%s\n' 'Made:' '  results/$(PRESET)/report.html     the study on one page' \
	  '  results/$(PRESET)/snakemake.html  every file, job and its time (Snakemake)'

crate: .venv/complete  ## the finished run PRESET with the workflow in one archive to deposit (Workflow Run RO-Crate; OWN=yes: with your own domains)
	@$(BIN)/python scripts/_crate.py results/$(PRESET) $(if $(OWN),--own)

bench: .venv/complete .venv/bench  ## speed and memory of training and of the data stages beside their peers (about 30 minutes)
	PYTHONPATH=workflow $(BIN)/python -m speclm.bench

# Two at a time: what uses one core, then the files of the end-to-end tests, which share one smoke run.
test: .venv/complete  ## everything: format, lint, types, unit, workflow and end-to-end tests (half an hour)
	$(MAKE) --no-print-directory --jobs 2 --output-sync=line lint unit workflow
	$(MAKE) --no-print-directory e2e

lint: .venv/complete  ## format, lint and types
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile rules
	$(BIN)/snakemake --lint

unit workflow: .venv/complete
	$(BIN)/pytest tests/$@

e2e: .venv/complete
	$(BIN)/pytest tests/e2e --numprocesses 2 --dist loadfile --no-loadscope-reorder

slurm: .venv/complete  ## of these, the smoke study on a real SLURM of one node, which this installs (root on Debian), disturbed in every way
	$(BIN)/pytest tests/e2e/test_slurm.py

.venv/complete: envs/lock.txt envs/torch-cpu.txt envs/torch-cuda.txt envs/install.sh
	bash envs/install.sh $(PYTHON)

.venv/bench: .venv/complete envs/bench.txt
	$(BIN)/pip --disable-pip-version-check install --quiet --require-hashes --no-deps -r envs/bench.txt
	@touch $@

lock:  ## resolve envs/requirements.in again (needs uv), and pin conda's environments by it
	bash envs/lock.sh
	@$(MAKE) --no-print-directory .venv/complete
	$(BIN)/python scripts/_environments.py

durations: .venv/complete  ## take the times of the finished runs as the reference for progress
	$(BIN)/python scripts/_durations.py $(wildcard results/laptop results/smoke)

clean:  ## remove what the laptop and the smoke run made
	rm -rf results/laptop results/smoke
