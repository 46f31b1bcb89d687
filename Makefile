# Everything that is done by hand more than once. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN      := $(CURDIR)/.bin
GOLANGCI := $(BIN)/golangci-lint-2.15.0
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: export ALLOW_PRIVATE_NETWORKS ?= 127.0.0.0/8,::1/128
run: ## start the server on http://localhost:8080; webhooks may reach this machine
	go run . serve

.PHONY: build
build: ## build ./switchhook, static
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o switchhook .

.PHONY: check
check: fmt-check vet lint unit ## all that needs no engine: format, vet, lint, unit tests

.PHONY: test
test: ## all tests: test-go, then test-integrations, then test-browser; installs and starts what is missing
	$(MAKE) --no-print-directory test-go
	$(MAKE) --no-print-directory test-integrations
	$(MAKE) --no-print-directory test-browser

.PHONY: test-go
test-go: ## the Go tests with the race detector, on PostgreSQL and Redis and with a real WordPress
	scripts/services.sh env CGO_ENABLED=1 GORACE=suppressions=$(CURDIR)/scripts/race-suppressions go test -race -shuffle=on -timeout 20m $(TESTFLAGS) ./...

.PHONY: test-integrations
test-integrations: ## the packages for n8n, Zapier and Make and the OpenAPI documents: lint, types, tests, and plays against the real server
	integrations/test.sh

.PHONY: test-browser
test-browser: ## the dashboard in a real Chromium: its whole story, and every screen in both themes and two widths
	browser/test.sh

.PHONY: test-n8n
test-n8n: ## the n8n package inside a real n8n; the first time it installs one into .bin/n8n (about 10 minutes, 3 GB)
	integrations/n8n/real.sh

# The tests that need an engine import internal/testenv, themselves or through another package.
.PHONY: unit
unit: ## the tests of packages that need no engine, quickly
	@packages=$$(go list -test -f '{{.ImportPath}} {{join .Deps " "}}' ./... | awk '/^[^ ]*\.test / && !/internal\/testenv/ {sub(/\.test$$/, "", $$1); print $$1}'); \
	go test $$packages

.PHONY: bench
bench: ## measure the product against the raw limit and print a table
	scripts/services.sh go run ./bench

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (10s)
	scripts/fuzz.sh $(FUZZTIME)

.PHONY: lint
lint: $(GOLANGCI) ## golangci-lint with the layer rules
	$(GOLANGCI) run

.PHONY: fmt
fmt: $(GOLANGCI) ## format all Go files
	$(GOLANGCI) fmt

.PHONY: fmt-check
fmt-check: # part of check; gofmt alone, since lint checks the stricter gofumpt
	@unformatted=$$(find . -name '*.go' -not -path './.*' -not -path '*/node_modules/*' -print0 | xargs -0 gofmt -l); if [ -n "$$unformatted" ]; then echo "run make fmt:"; echo "$$unformatted"; exit 1; fi

.PHONY: vet
vet: # part of check
	go vet ./...

.PHONY: clean
clean: ## remove builds and tools, keep ./data
	rm -rf $(BIN) switchhook dist

# Installed by name into .bin; the version in the file's name makes a new version build anew.
$(GOLANGCI):
	GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(lastword $(subst -, ,$@))
	mv $(BIN)/golangci-lint $@
