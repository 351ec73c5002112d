# The few commands a person needs. `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help test lint docs deny ci

help: ## List the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

test: ## Set up what the tests need (git, sshd) and run them all
	scripts/test-dependencies
	cargo test --workspace

lint: ## Formatting and clippy, as CI runs them
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

docs: ## The documentation of every crate, warnings refused
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

deny: ## Licences, sources and banned crates of the dependencies
	cargo deny check bans licenses sources

ci: ## Everything CI runs
	.ci/run
