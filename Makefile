# Set-up and everyday tasks. `make demo` and `make test` work on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test check format allennlp clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

demo: $(STAMP)  ## install into .venv and build the bundled sample
	$(BIN)/a2dsplus build --split test --out a2dsplus-data
	$(BIN)/a2dsplus stats --dataset a2dsplus-data --figure a2dsplus-data/contact-sheet.png

test: $(STAMP)  ## run the tests
	$(BIN)/python -m pytest

check: $(STAMP)  ## formatting, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

allennlp:  ## AllenNLP itself, in .venv-allennlp (needs CPython 3.10): the reference of the parity tests and --srl allennlp:ARCHIVE
	$(PYTHON) a2dsplus/roles/allennlp/environment.py .venv-allennlp

clean:
	rm -rf .venv .venv-allennlp a2dsplus-data build dist
