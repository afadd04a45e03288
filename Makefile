# Set-up and everyday tasks. `make demo`, `make quick` and `make check` work on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --constraint constraints.txt
DEMO := .venv/.demo
DEV := .venv/.dev

.PHONY: demo check quick test slow lint types format docs cli-page claim claim-all constraints allennlp clean

.venv/bin/pip:
	$(PYTHON) -m venv .venv

$(DEMO): pyproject.toml constraints.txt | .venv/bin/pip
	$(PIP) --editable '.[build]'
	touch $@

$(DEV): pyproject.toml constraints.txt | .venv/bin/pip
	$(PIP) --editable '.[dev]'
	touch $@

demo: $(DEMO)  ## install what it needs into .venv, build the painted sample, draw a contact sheet
	$(BIN)/a2dsplus build --split test --out a2dsplus-data
	$(BIN)/a2dsplus stats --dataset a2dsplus-data --figure a2dsplus-data/contact-sheet.png

check: lint types test  ## formatting, lint, types and all tests: what CI runs

quick: $(DEV)  ## the tests but the slow ones
	$(BIN)/python -m pytest -m 'not slow' -n auto --dist loadscope

test: $(DEV)  ## all tests
	$(BIN)/python -m pytest

slow: $(DEV)  ## the slow tests alone
	$(BIN)/python -m pytest -m slow

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV)
	$(BIN)/mypy

format: $(DEV)  ## write what `lint` asks for
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(DEV)  ## build the pages into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

cli-page: $(DEV)  ## write docs/cli.md anew from the commands
	$(BIN)/python docs/make_cli_page.py

claim: $(DEV)  ## train LOCATER against LOCATER-IMG on the painted world and write the table of what memory is worth: a night, resumable
	$(BIN)/python benchmarks/memory_claim.py --out claim

claim-all: $(DEV)  ## the same without the place loss and on frozen encoders as well: three nights
	$(BIN)/python benchmarks/memory_claim.py --out claim --all

constraints: $(DEV)  ## pin what is installed now
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

allennlp:  ## AllenNLP itself, in .venv-allennlp (needs CPython 3.10): the reference of the parity tests and --srl allennlp:ARCHIVE
	$(PYTHON) a2dsplus/roles/allennlp/environment.py .venv-allennlp

clean:
	rm -rf .venv .venv-allennlp a2dsplus-data build dist site
