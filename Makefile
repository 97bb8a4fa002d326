# Entry points for people; the build itself is CMake's. All paths are relative, so any folder name works.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc)
SEEDS ?= 200
SEED_BASE ?= 1
LONG_SEEDS ?= 150000
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help build agent-arm64 run test test-optimised sim sim-long bench fuzz check format install clean

help:  ## show this text
	@echo "Footman: build agents that exist only while there is work."
	@echo
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r a b; do printf '%-15s %s\n' "$$a" "$$b"; done
	@echo
	@echo "make build, run, test and bench install the Debian packages they need (root or sudo)."
	@echo "JOBS=$(JOBS) (parallel compilations) can be given on the command line."

build:  ## build the optimised footman and footman-agent into build/release/bin
	@tools/install-packages build
	@tools/build release programs

agent-arm64:  ## build the agent for arm64, too: build/release/bin/footman-agent-arm64
	@tools/install-packages build
	@tools/build-agent-arm64

run: build  ## see it work: a server, an agent launched for one "Hello world" build, a clean shutdown
	@tools/run-demo

# End-to-end tests wait most of the time, for processes and browsers: twice as many run at once.
test test-optimised: END_TO_END = JOBS=$$((2 * $(JOBS))) tools/run-tests
test:  ## build everything with the sanitizers, and the simulation optimised, too; pass all tests and checks
	@tools/install-packages test browser
	@tools/check layers format words
	@tools/build-agent-arm64 || { [ $$? -eq 75 ] && echo "NOT RUN: the arm64 agent and its tests, for want of Debian's packages"; }
	@tools/build asan all
	@tools/build release footman-sim footman-agent-of-tests
	@tools/run-tests asan -LE end-to-end
	@$(END_TO_END) asan -L end-to-end
	@tools/run-tests release -L simulation

test-optimised:  ## pass the end-to-end tests with the optimised programs, too
	@tools/install-packages test browser
	@tools/build release programs end-to-end-tests
	@$(END_TO_END) release -L end-to-end

sim:  ## simulate: SEEDS=n SEED_BASE=m
	@tools/install-packages test
	@tools/build release footman-sim
	@build/release/bin/footman-sim --seeds $(SEEDS) --seed-base $(SEED_BASE)

sim-long:  ## simulate for a night: more than a million builds, LONG_SEEDS=n from SEED_BASE=m
	@tools/install-packages test
	@tools/build release footman-sim
	@build/release/bin/footman-sim --seeds $(LONG_SEEDS) --seed-base $(SEED_BASE)

bench:  ## measure, and compare with docs/BENCHMARKS.md
	@tools/install-packages test bench
	@tools/build release programs benchmarks
	@bench/run

fuzz:  ## fuzz every parser for FUZZ_SECONDS each
	@tools/install-packages test
	@tools/build fuzz fuzzers
	@tools/run-fuzzers $(FUZZ_SECONDS)

check:  ## all checks on all files: layers, format, words, clang-tidy, g++ on the pure modules
	@tools/install-packages test
	@tools/check --all

format:  ## format the sources with clang-format-19
	@tools/install-packages test
	@tools/check format --all --fix

install: build  ## install below PREFIX (/usr/local), DESTDIR in front
	@DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)" --component footman

clean:  ## remove build/
	rm -rf build

export JOBS
