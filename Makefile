# The commands of rekey. `make help` lists them.

VERSION ?= dev
DIST    ?= dist
GO      ?= go
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.12.2
ARGS    ?=

.PHONY: help run test check lint vuln race simulate soak fuzz specs bench package clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: package ## run rekey beside a simulated Azure (ARGS="-apps 1000 -ports any")
	@$(GO) build -o .local/ ./handlers/local && exec .local/local $(ARGS)

test: package ## run every test
	$(GO) test -timeout 20m $$($(GO) list ./... | grep -v /handlers/local)
	@# these start the packaged handler, which the cache of results knows nothing of, and wait most of the time
	$(GO) test -timeout 20m -count=1 -parallel 3 ./handlers/local

check: lint vuln race ## format, vet, lint, known vulnerabilities, and the tests under the race detector

lint: ## format, vet and lint
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run $(LINT) run ./...

vuln: ## look for known vulnerabilities in what is packaged
	@.ci/vuln

race: ## unit and conformance tests under the race detector
	$(GO) test -timeout 20m -race $$($(GO) list ./... | grep -v /handlers/local)

SEEDS ?= 2000

simulate: ## let worlds pass in which everything goes wrong (SEEDS=100000)
	$(GO) test -v -count=1 -timeout 0 -run TestNothingIsLost ./internal/simulation -args -seeds $(SEEDS)

FUZZTIME ?= 10s

fuzz: ## run every fuzz target of the product, one after the other (FUZZTIME=10s)
	@for package in $$($(GO) list ./... | grep -v /azuresim); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$target of $$package"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

SPECS ?= $(abspath ../shared/specs)

specs: ## hold what is said against the vendors' descriptions (SPECS=folder)
	@test -d $(SPECS) || echo "specs: left out: the official descriptions are not at $(SPECS); name their folder with SPECS="
	@test ! -d $(SPECS) || REKEY_SPECS=$(SPECS) $(GO) test -tags specs -run TestWhatIsSaidIsDescribed -v ./handlers/local
	@test ! -d $(SPECS) || REKEY_SPECS=$(SPECS) $(GO) test -run 'Suite.*/.*/published' ./functions/...

bench: package ## rotations per second, calls, start and memory
	$(GO) run ./handlers/local -bench $(ARGS)

soak: package ## kill the handler for minutes while everything goes wrong (ARGS="-soak 5m -apps 1000 -seed 1")
	@$(GO) build -o .local/ ./handlers/local && exec .local/local -soak 5m $(ARGS)

package: ## fill dist/ with what the Functions host loads
	@echo "packaging $(DIST) (the first build of the SDKs takes minutes)"
	@mkdir -p $(DIST)
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(DIST)/rekey ./handlers/rekey
	@cp host.json infra/local/servicebus.json $(DIST)/
	@for f in functions/*/function.json; do d=$(DIST)/$$(basename $$(dirname $$f)); mkdir -p $$d && cp $$f $$d/; done

clean: ## remove what was built
	rm -rf $(DIST) .local
