# Every command a developer or CI needs; `make help` lists them. Tools are pinned here and in requirements-dev.txt.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
VENV := .venv
PYTHON := $(VENV)/bin/python
LIBRARY := build/liberyx.so
NODE := bindings/node
RUST := bindings/rust
GO_SOURCES := $(shell git ls-files '*.go' 'capi/*' 'include/*' 'wasm/*' go.mod go.sum)

## help: list the targets
.PHONY: help
help:
	@grep -hE '^## ' $(MAKEFILE_LIST) | sed 's/^## /  make /'

## build: the command as build/eryx, and the library as build/liberyx.so
.PHONY: build
build: $(LIBRARY)
	go build -trimpath -o build/eryx ./cmd/eryx

$(LIBRARY): $(GO_SOURCES)
	capi/build.sh $@

## quickstart: the main job: untrusted Python that awaits two async functions of a Python program
.PHONY: quickstart
quickstart: $(LIBRARY) $(VENV)/.runtime
	PYTHONPATH=bindings/python ERYX_LIBRARY=$(LIBRARY) $(PYTHON) examples/quickstart/python/quickstart.py

## test: install what the tests need into this folder, and run all of them: Go, C, Python, Node, Rust, guest, documents
.PHONY: test
test: test-go test-c test-python test-node test-rust test-guest test-documents

# The suites of real packages are fetched first: pinned, hashed, kept in build/.
.PHONY: test-go
test-go: packages
	go vet ./...
	go test -timeout 20m ./...

## race: the packages whose goroutines meet, under the race detector (minutes)
.PHONY: race
race:
	go test -race -timeout 40m ./core/ ./core/guest/... ./core/guestfs/... ./core/wire/... ./core/ops/... ./capi/...

.PHONY: test-c
test-c: $(VENV)/.done
	$(VENV)/bin/cmake -S . -B build/cmake -DCMAKE_BUILD_TYPE=Release $(if $(shell command -v valgrind),-DERYX_MEMORY_TESTS=ON) > build/cmake.log
	$(VENV)/bin/cmake --build build/cmake
	$(VENV)/bin/ctest --test-dir build/cmake --output-on-failure

.PHONY: test-python
test-python: $(LIBRARY) $(VENV)/.done
	cd bindings/python && PYTHONPATH=$(CURDIR)/bindings/python ERYX_LIBRARY=$(CURDIR)/$(LIBRARY) $(CURDIR)/$(PYTHON) -m pytest -q

## test-versions: the Python package's tests on CPython 3.10 to 3.14 and free-threaded ones, made where they are missing (half an hour); VERSIONS="3.12 3.13t": which
.PHONY: test-versions
test-versions: $(LIBRARY)
	python3 tests/platforms/versions.py $(VERSIONS)

## test-arm64: Go's tests, the Node package and the wheel for arm64 in an emulator, which is fetched (half an hour); STEPS="go node python": which
.PHONY: test-arm64
test-arm64: $(VENV)/.done $(NODE)/node_modules/.done
	$(VENV)/bin/pip install -q --disable-pip-version-check ziglang==0.17.1 zopfli==0.4.3
	python3 tests/platforms/arm64.py $(STEPS)

# Node's dependencies are those of its lock file; the examples and the quick start use the package of this folder.
.PHONY: test-node
test-node: $(LIBRARY) $(NODE)/node_modules/.done examples/node/node_modules/.done
	cd $(NODE) && npm run --silent build:native && ERYX_LIBRARY=$(CURDIR)/$(LIBRARY) npm test --silent

$(NODE)/node_modules/.done examples/node/node_modules/.done bench/node/node_modules/.done: %/node_modules/.done: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund --silent
	mkdir -p examples/quickstart/node/node_modules
	ln -sfn ../../../../$(NODE) examples/quickstart/node/node_modules/eryx
	touch $@

# Cargo is no package of a registry: where there is none, the crates are left out. Both ways to the library, the documentation
# without it, and the packed crates, offline.
.PHONY: test-rust
ifneq ($(shell command -v cargo),)
test-rust: $(LIBRARY)
	cd $(RUST) && cargo test --locked --quiet --workspace --features eryx/tokio
	mkdir -p build/lib && ln -sf ../liberyx.so build/lib/liberyx.so && ln -sf ../liberyx.so build/lib/liberyx.so.0
	cd $(RUST) && LD_LIBRARY_PATH=$(CURDIR)/build/lib ERYX_LIB_DIR=$(CURDIR)/build/lib cargo test --locked --quiet -p eryx-sys -p eryx \
		--no-default-features --features eryx-sys/link,eryx/link,eryx/macros
	cd $(RUST) && DOCS_RS=1 RUSTDOCFLAGS="-D warnings" ERYX_LIBRARY=/nonexistent cargo doc --locked --offline --quiet --no-deps --all-features
	ERYX_LIBRARY=$(CURDIR)/$(LIBRARY) $(RUST)/check_package.sh
else
test-rust:
	@echo "test-rust: left out: no cargo here"
endif

# Every block of every document, with the programs of all languages (tests/documents).
.PHONY: test-documents
test-documents: $(LIBRARY) $(VENV)/.done $(NODE)/node_modules/.done
	go test -tags documents -count=1 -timeout 10m ./tests/documents/

# The guest's Python modules are also tested on the host's own CPython, which must be 3.13 or later: the first that is.
GUEST_PYTHON ?= $(firstword $(shell for p in python3.14 python3.13 python3 $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.1[34].*/bin/python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2> /dev/null && echo $$p; done))
# No registry has a CPython: where there is none that new, the Go tests (tests/guest) still run these modules in the guest.
.PHONY: test-guest
ifneq ($(GUEST_PYTHON),)
test-guest: build/guest-venv/.done
	build/guest-venv/bin/python -m pytest -q wasm/guest/tests
else
test-guest:
	@echo "test-guest: left out: no CPython 3.13 or later here; GUEST_PYTHON=... names one"
endif

build/guest-venv/.done: requirements-dev.txt
	mkdir -p build
	$(GUEST_PYTHON) -m venv build/guest-venv
	build/guest-venv/bin/pip install -q --disable-pip-version-check $$(grep ^pytest requirements-dev.txt)
	touch $@

## packages: fetch the real Python packages whose own tests run in the sandbox (pinned, hashed)
.PHONY: packages
packages:
	python3 tests/cpython-packages/fetch.py

# What the Python package itself needs, in seconds.
$(VENV)/.runtime: requirements-dev.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check $$(grep -E '^(msgpack|typing-extensions)' requirements-dev.txt)
	touch $@

$(VENV)/.done: requirements-dev.txt
	python3 -m venv $(VENV)
	mkdir -p build
	$(VENV)/bin/pip install -q --disable-pip-version-check -r requirements-dev.txt
	touch $@

## lint: gofmt, vet, staticcheck, ruff, mypy, pyright, clang-format, biome, tsc, rustfmt, clippy
.PHONY: lint
lint: $(VENV)/.done lint-node lint-rust
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofmt: $$out"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	cd bindings/python && $(CURDIR)/$(VENV)/bin/mypy
	cd bindings/python && $(CURDIR)/$(VENV)/bin/pyright --pythonpath $(CURDIR)/$(PYTHON)
	$(VENV)/bin/clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')

.PHONY: lint-node
lint-node: $(NODE)/node_modules/.done
	cd $(NODE) && npm run --silent build && npm run --silent check && npm run --silent docs

.PHONY: lint-rust
ifneq ($(shell command -v cargo),)
lint-rust:
	cd $(RUST) && cargo fmt --all --check && cargo clippy --locked --quiet --workspace --all-targets --features eryx/tokio -- -D warnings
else
lint-rust:
	@echo "lint-rust: left out: no cargo here"
endif

## fmt: format everything
.PHONY: fmt
fmt: $(VENV)/.done
	gofmt -w $$(git ls-files '*.go')
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/clang-format -i $$(git ls-files '*.c' '*.h')
	$(if $(shell command -v cargo),cd $(RUST) && cargo fmt --all)

## check: format, lint, generate and tidy; fails when that changes anything
.PHONY: check
check: fmt lint
	go run ./docs/generate
	go vet -tags documents ./tests/documents/
	go mod tidy
	@if ! git diff --quiet; then git diff --stat; echo "check: the files above have changed: commit them"; exit 1; fi

## bench: measure against pyeryx, and Pyodide in Node, in one run, and write bench/RESULTS.md
.PHONY: bench
bench: build $(NODE)/node_modules/.done bench/node/node_modules/.done
	python3 bench/peer/make_venv.py
	$(if $(shell command -v cargo),cd $(RUST) && cargo build --release --locked --quiet -p eryx-bench)
	cd $(NODE) && npm run --silent build:native && npm run --silent build
	go run ./bench/cmd/bench

## wasm: rebuild the guest (interpreter and standard library) from pinned packages, to the same bytes
.PHONY: wasm
wasm:
	go run ./wasm/cmd/build
	go run ./wasm/cmd/stdlib

## wheel: the Python wheel with library and precompiled code, into dist/ (fetches ziglang, 100 MB); WHEEL_ARCH="x86_64 aarch64": which
.PHONY: wheel
WHEEL_ARCH ?= $(shell uname -m)
wheel: $(VENV)/.done
	$(VENV)/bin/pip install -q --disable-pip-version-check ziglang==0.17.1 zopfli==0.4.3
	for machine in $(WHEEL_ARCH); do PYTHON=$(CURDIR)/$(PYTHON) bindings/python/build_wheel.sh dist $$machine; done

## npm: the Node packages for this processor into dist/, installed and run (fetches ziglang, 100 MB); NPM_ARCH="x64 arm64": which
.PHONY: npm
NPM_ARCH ?= $(shell node -p process.arch)
npm: $(VENV)/.done $(NODE)/node_modules/.done
	$(VENV)/bin/pip install -q --disable-pip-version-check ziglang==0.17.1
	PYTHON=$(CURDIR)/$(PYTHON) $(NODE)/scripts/pack.sh dist "$(NPM_ARCH)"
	node $(NODE)/scripts/test_package.mjs dist
	cd $(NODE) && npx attw --quiet ../../dist/eryx-$$(node -p 'require("./package.json").version').tgz
	cd $(NODE) && npx publint run --strict ../../dist/eryx-$$(node -p 'require("./package.json").version').tgz

## docs: the documents that are generated from the code
.PHONY: docs
docs:
	go run ./docs/generate
	mkdir -p build
	go doc -all ./core > build/core.txt
	$(if $(shell command -v cargo),cd $(RUST) && DOCS_RS=1 cargo doc --locked --quiet --no-deps --all-features)

## clean: remove what was built
.PHONY: clean
clean:
	rm -rf build dist $(VENV)
