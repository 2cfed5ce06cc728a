# make help says what there is. A target is one command that a person could type;
# whatever takes more than that is a script in scripts/.

FUZZTIME ?= 20s
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# The caches of Go, npm and the linter live under HOME, which some CI systems
# leave unset or point at a place that can't be written.
export HOME := $(shell for d in "$$HOME" "$$(getent passwd "$$(id -u)" 2>/dev/null | cut -d: -f6)" "$(CURDIR)/.home"; do \
	[ -n "$$d" ] && mkdir -p "$$d" 2>/dev/null && [ -w "$$d" ] && echo "$$d" && break; done)

# The binary is static, so that is what gets linted, vetted and built. Only the
# race detector needs cgo.
export CGO_ENABLED := 0

# Each tool has a module file of its own, beside go.mod instead of in it: its
# hundreds of dependencies never meddle with the program's, its version is pinned
# by hash, and the go command builds it once and keeps the executable in its cache.
# To move one: go get -tool -modfile=tools/NAME.mod PACKAGE@VERSION
golangci_lint := go tool -modfile=tools/golangci-lint.mod golangci-lint
goreleaser    := go tool -modfile=tools/goreleaser.mod goreleaser

# Every folder with a lock file of npm gets what that file says.
node_locks   := $(shell find . -name node_modules -prune -o -name '.?*' -prune -o -name package-lock.json -print)
node_modules := $(node_locks:package-lock.json=node_modules/.installed)

.PHONY: help build test check bootstrap node fmt fmt-check vet lint race program-test fuzz stories corpus bench chaos docs pictures cover release-check clean
.NOTPARALLEL:
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the static binary, as bin/sealpost
	go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/sealpost ./cmd/sealpost

test: bootstrap fmt-check vet lint build race program-test ## everything that a change has to pass; CI runs exactly this

check: fmt-check vet lint ## the part of test that reads the code and runs nothing of it

bootstrap: ## install what the tests need beyond Go and make, or say what is missing
	@scripts/bootstrap

node: bootstrap $(node_modules) ## the npm packages of the tests that run under Node.js, as locked

%/node_modules/.installed: %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund --loglevel=error
	@touch $@

fmt: ## format the code
	$(golangci_lint) fmt ./...

fmt-check:
	@unformatted=$$(find . -name node_modules -prune -o -name '.?*' -prune -o -name '*.go' -exec gofmt -l {} +); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi

vet: ## go vet
	go vet ./...

lint: ## golangci-lint, which also holds the arrows of ARCHITECTURE.md
	$(golangci_lint) run ./...

# Never from the cache of test results: it can't see what the tests run besides Go.
race: node ## the tests of internal/, with the race detector
	CGO_ENABLED=1 scripts/test -race -count=1 ./internal/...

# They start thousands of processes, each without the race detector but for those
# of test/stories/race, and mostly wait for them: so more at a time than cores.
program-test: node ## the tests that run the real program: cmd/, test/
	scripts/test -count=1 -parallel 6 ./cmd/... ./test/... ./docs/...

fuzz: ## each fuzz target for FUZZTIME (20s); FUZZ=pattern chooses
	FUZZTIME=$(FUZZTIME) scripts/fuzz

STORIES ?= 3000

stories: ## drawn stories of people, publishers and receivers, STORIES (3000) of them, played on the engine
	TMPDIR=$$([ -w /dev/shm ] && echo /dev/shm || echo "$${TMPDIR:-/tmp}") go test ./internal/deliver -run TestAnyStory -stories=$(STORIES) -timeout 1h

corpus: ## what verify-signature says of wrong requests that real programs made, by family
	go test -count=1 -run 'TestCorpus$$' ./internal/signature -corpus

bench: ## throughput and latency beside the raw limit of the machine, as a table
	go run ./test/bench

chaos: ## all faults, crashes and power cuts; prints the seed that repeats a run
	go run ./test/chaos

docs: ## write the generated files anew: completions, man pages, references
	go generate ./...

pictures: ## make the terminal pictures of the README anew, from the program itself
	go run ./test/pictures

cover: ## coverage of the tests, as cover.html
	go test -count=1 -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -html=cover.out -o cover.html
	@go tool cover -func=cover.out | tail -1

# No container engine is asked for: the image is only checked as a definition.
release-check: ## check the release definition and build a snapshot of all archives and packages into dist/; slow
	$(goreleaser) check
	$(goreleaser) release --snapshot --clean --skip=docker

clean: ## remove what the targets above made
	rm -rf bin dist cover.out cover.html $(dir $(node_modules))
