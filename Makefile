.DEFAULT_GOAL := help

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 30s

# Their versions are pinned in a module of their own; Go builds and caches them.
TOOL := CGO_ENABLED=0 go tool -modfile=.ci/tools/go.mod

.PHONY: help
help: ## Show these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  %-16s %s\n", $$1, $$2 }'

.PHONY: build
build: ## Build both programs, static, into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o bin/ ./cmd/passerelle ./cmd/demo

.PHONY: demo
demo: ## Run the demo: the hub beside simulators, on a private PostgreSQL
	go run ./cmd/demo

.PHONY: tour
tour: ## Have one team's journey played slowly, from the first form to production
	go run ./cmd/demo -tour

.PHONY: test
test: ## Run the tests with the race detector (they start their own PostgreSQL)
	go test -race ./...

.PHONY: fuzz
fuzz: ## Fuzz every fuzz target for FUZZTIME (30s) each
	@set -eu; for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package"; \
		done; \
	done

.PHONY: bench
bench: ## Measure: figures side by side, from one run
	go run ./internal/bench

.PHONY: figures
figures: ## Measure the ledger's figures with 100,000 onboardings: ARGS="-explain -dossiers 10000"
	go run ./internal/bench/figures $(ARGS)

.PHONY: losses
losses: ## every call that follows from a decision in GitLab meets every loss
	go test -race -timeout 30m ./internal/hub -run 'TestGate(Losses|KillNine)' -all-losses

.PHONY: soak
soak: ## Ten minutes of trouble, then rest: ARGS="-seed 2 -duration 60s -dossiers 150 -hubs 3"
	go run ./internal/soak $(ARGS)

.PHONY: screenshots
screenshots: ## Look at every page of the demo: pictures into bin/, three of them into docs/images/
	go test ./cmd/demo -run '^TestNewcomer$$' -count=1 -args -screenshots "$(CURDIR)/bin/screenshots" -pictures "$(CURDIR)/docs/images"

.PHONY: fmt
fmt: ## Format the code
	$(TOOL) golangci-lint fmt

.PHONY: lint
lint: ## Check format and lint rules
	$(TOOL) golangci-lint fmt --diff
	$(TOOL) golangci-lint run

.PHONY: generate
generate: ## Generate the ledger's queries from their SQL
	$(TOOL) sqlc generate

.PHONY: check-generated
check-generated: ## Check that the generated code is current
	$(TOOL) sqlc diff

.PHONY: vuln
vuln: ## Look for known vulnerabilities that the code reaches
	$(TOOL) govulncheck ./...

.PHONY: ci
ci: ## Run everything that is checked before a change lands
	CI=true bash .ci/run </dev/null

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin
