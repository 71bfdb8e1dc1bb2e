# Every command a developer or CI needs; `make help` lists them. Tools are pinned here.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
RUFF_VERSION := 0.17.6
MYPY_VERSION := 2.4.1
VENV := .venv
export CGO_ENABLED ?= 1

## help: list the targets
.PHONY: help
help:
	@grep -E '^## ' $(MAKEFILE_LIST) | sed 's/^## /  make /'

## build: the command, as build/eryx
.PHONY: build
build:
	go build -trimpath -o build/eryx ./cmd/eryx

## test: install what the tests need into this folder, and run all of them
.PHONY: test
test: test-go test-guest

# The packages whose goroutines meet are run with the race detector as well.
.PHONY: test-go
test-go: packages
	go test ./...
	go test -race ./core/ ./core/guest/... ./core/guestfs/... ./core/wire/...

# The guest's Python modules are also tested on the host's own CPython.
.PHONY: test-guest
test-guest: $(VENV)/.done
	$(VENV)/bin/python -m pytest -q wasm/guest/tests

## packages: fetch the real Python packages whose own tests run in the sandbox (pinned, hashed)
.PHONY: packages
packages:
	python3 tests/cpython-packages/fetch.py

$(VENV)/.done: Makefile
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check ruff==$(RUFF_VERSION) mypy==$(MYPY_VERSION) pytest==9.2.0
	touch $@

## lint: gofmt, vet, staticcheck, ruff, mypy, clang-format
.PHONY: lint
lint: $(VENV)/.done
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofmt: $$out"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

## fmt: format everything
.PHONY: fmt
fmt: $(VENV)/.done
	gofmt -w $$(git ls-files '*.go')
	$(VENV)/bin/ruff check --fix .

## bench: measure against pyeryx in one run, and write bench/RESULTS.md
.PHONY: bench
bench:
	go run ./bench/cmd/bench

## wasm: rebuild the guest (interpreter and standard library) from pinned packages, to the same bytes
.PHONY: wasm
wasm:
	go run ./wasm/cmd/build
	go run ./wasm/cmd/stdlib

## clean: remove what was built
.PHONY: clean
clean:
	rm -rf build $(VENV)
