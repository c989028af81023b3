# The gates and the artifacts of ganglion. `make` alone lists the targets;
# docs/development.md says what each gate needs and when it is skipped.

GO  ?= go
OUT ?= build

# Packages whose results are the same bits on every architecture: whatever is
# deployed or rendered. Their tests run natively and, under qemu-user, on arm64
# and armv7.
EXACT := \
	./inference \
	./inference/bits \
	./inference/builtin \
	./inference/dataset/... \
	./inference/layer \
	./inference/reference \
	./inference/topology

# Platforms of the released binaries, as GOOS/GOARCH. 32-bit ARM is ARMv7.
PLATFORMS := linux/amd64 linux/arm64 linux/arm darwin/amd64 darwin/arm64 windows/amd64

# How many random scenarios `make simulate` plays, and from which seed on.
SEEDS ?= 1000
SEED  ?= 0

# How long each fuzz target runs in `make fuzz`.
FUZZTIME ?= 10s

# A workspace around this tree must not change what is checked here.
export GO GOWORK := off
export GOARM := 7

# The tools are pinned, each in a module of its own, so that neither the program
# nor another tool moves the versions that a tool is built from.
tool = $(GO) tool -modfile=.tools/$(1)/go.mod $(1)

# Where git can read the tree, binaries carry its version and their commit.
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null)
BUILDVCS  = $(if $(VERSION),true,false)

.NOTPARALLEL:
.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

##

.PHONY: test
test: verify test-race test-network test-exact judge check-model dist ## everything that CI runs: all gates, all tests

.PHONY: verify
verify: check-format check-proto check-tidy vet lint check-rounding vulncheck ## the gates that run no test

.PHONY: test-race
test-race: ## all tests, under the race detector where there is one
	@.tools/test-race.sh

.PHONY: test-network
test-network: ## real processes in network namespaces (needs root and iproute2)
	@.tools/test-network.sh

.PHONY: test-exact
test-exact: ## tests of the bit-exact packages on emulated arm64 and armv7
	@.tools/test-exact.sh arm64 $(EXACT)
	@.tools/test-exact.sh arm $(EXACT)

.PHONY: judge
judge: ## the network, whole and by section, against onnxruntime, where it is there
	@.tools/onnxruntime.sh test

.PHONY: check-model
check-model: ## the embedded model is still what its generator makes (amd64)
	@.tools/check-model.sh

.PHONY: check-format
check-format: ## Go is formatted by gofumpt, schemas by buf
	@files=$$($(call tool,gofumpt) -l .); test -z "$$files" || \
		{ echo "not formatted, run 'make format':" >&2; echo "$$files" >&2; exit 1; }
	@$(call tool,buf) format proto --diff --exit-code || \
		{ echo "not formatted, run 'make format'" >&2; exit 1; }

.PHONY: check-proto
check-proto: ## schemas pass the linter and generated code is up to date
	@$(call tool,buf) lint proto
	@.tools/generate-proto.sh check

.PHONY: check-tidy
check-tidy: ## go.mod and go.sum hold what is imported, no more and no less
	@$(GO) mod tidy -diff || { echo "not tidy, run 'go mod tidy'" >&2; exit 1; }
	@$(GO) mod verify

.PHONY: vet
vet: ## go vet, for this machine and for a 32-bit one
	$(GO) vet ./...
	GOOS=linux GOARCH=arm CGO_ENABLED=0 $(GO) vet ./...

.PHONY: lint
lint: ## golangci-lint, with the allow-list of .golangci.yml
	$(call tool,golangci-lint) run ./...

.PHONY: check-rounding
check-rounding: ## no product is fused into a sum where bits must be exact
	@.tools/check-rounding.sh $(EXACT)

.PHONY: vulncheck
vulncheck: ## known vulnerabilities in what is called (needs the network)
	@.tools/vulncheck.sh

##

.PHONY: build
build: ## a static ./ganglion for this machine
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(BUILDVCS) -ldflags '-X main.version=$(VERSION)' -o . .

.PHONY: dist
dist: ## static binaries of every platform, and their checksums, into dist/
	@VERSION='$(VERSION)' .tools/dist.sh $(PLATFORMS)

.PHONY: generate
generate: ## regenerate the Go code of the schemas
	@.tools/generate-proto.sh write

.PHONY: model
model: ## retrain the embedded model of the street scene
	$(GO) generate ./inference/builtin

.PHONY: onnxruntime
onnxruntime: ## bring onnxruntime from npm into this user's cache (220 MB)
	@.tools/onnxruntime.sh install

.PHONY: format
format: ## format Go and schemas in place
	@$(call tool,gofumpt) -w .
	@$(call tool,buf) format proto --write

##

.PHONY: bench
bench: ## Go benchmarks of every package, with allocations
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: results
results: ## measure each section of docs/results.md again, into build/results (about an hour; ONLY="six-topologies kernels")
	@OUT=$(OUT) .tools/results.sh run

.PHONY: simulate
simulate: ## SEEDS (1000) random scenarios of crashes and cuts, from SEED (0) on
	$(GO) test ./roles -run '^TestRandomScenarios$$' -count=1 -timeout 0 -seed $(SEED) -seeds $(SEEDS)

.PHONY: soak
soak: ## random faults on a live mesh for SOAK (10m), and what has grown (root: in networks of its own)
	@.tools/soak.sh

.PHONY: measure-page
measure-page: ## the page at 100 nodes and 200 verdicts/s, against its goals (Chromium; do nothing else meanwhile)
	$(GO) test ./node/page/browsertest -run '^(TestMeasure|TestMesh)$$' -count=1 -v -timeout 20m -args -measure

.PHONY: pictures
pictures: ## pictures of each state of the page into build/pictures, and those of docs/pictures (Chromium)
	$(GO) test ./node/page/browsertest -run '^(TestMesh|TestStates)$$' -count=1 -timeout 20m -args -pictures '$(abspath $(OUT))/pictures'
	cd $(OUT)/pictures && cp mesh*.png explained*.png a-node.png lost.png alone.png a-hundred-nodes.png '$(CURDIR)/docs/pictures'

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (10s)
	@FUZZTIME=$(FUZZTIME) .tools/fuzz.sh

.PHONY: cover
cover: ## coverage of all packages by all tests, as build/coverage.html
	@mkdir -p $(OUT)
	$(GO) test -coverpkg=./... -coverprofile=$(OUT)/coverage.out ./...
	$(GO) tool cover -html=$(OUT)/coverage.out -o $(OUT)/coverage.html
	@$(GO) tool cover -func=$(OUT)/coverage.out | tail -n 1

.PHONY: clean
clean: ## remove what make wrote
	rm -rf ganglion ganglion.exe dist $(OUT)
