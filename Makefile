# make is a thin layer over the npm scripts; each target installs what it needs from npm first.
# The text after `##` is what `make help` prints: what the target does | what it needs | how long it takes on two cores.
.DEFAULT_GOAL := help
.PHONY: help demo test dev generate lint typecheck verify bench slow image clean
SHELL := /bin/sh

help: ## Print this help | make | at once
	@printf 'usage: make TARGET\n\n'
	@awk -F ' *## *| *\\| *' '/^[a-z].*:.*##/ { sub(/:.*/, "", $$1); printf "  %-10s %s\n             needs: %s; takes: %s\n", $$1, $$2, $$3, $$4 }' $(firstword $(MAKEFILE_LIST))
	@printf '\nStart with `make demo`. Node means Node 20 or newer with npm; CONTRIBUTING.md says more.\n'

# The lockfile decides when to install again.
node_modules/.package-lock.json: package-lock.json package.json
	npm ci --no-audit --no-fund
	@touch $@

demo: node_modules/.package-lock.json ## Run the operator, two bots and a simulated Graph, and tell what happens (KEEP=1 CLUSTER=1) | Node; Go with CLUSTER=1 | 1 minute
	@npm run -s demo

test: node_modules/.package-lock.json ## Run every test suite (one suite: npm test -- unit) | Node and Go | about 35 minutes on two cores once kube-apiserver is built
	@npm test -s

dev: node_modules/.package-lock.json ## Run standalone from the sample manifests, restart on every change (start `npm run simulator` beside it) | Node | until Ctrl-C
	@npm run -s dev

generate: node_modules/.package-lock.json ## Write the generated files: types, chart CRDs, install.yaml, reference pages | Node; helm or Go for install.yaml | 10 seconds
	@npm run -s generate

lint: node_modules/.package-lock.json ## Check style, import rules, unused code and formatting | Node | 1 minute
	@npm run -s lint

typecheck: node_modules/.package-lock.json ## Check types | Node | 20 seconds
	@npm run -s typecheck

verify: node_modules/.package-lock.json ## Run what must pass before a push: generate, lint, typecheck, unit tests, clean git | Node; helm or Go | 4 minutes
	@npm run -s verify

bench: node_modules/.package-lock.json ## Measure what an event costs, beside raw Node, Go and Bottender | Node, Linux; Go for the Go proxy | 6 minutes
	@npm run -s bench

slow: node_modules/.package-lock.json ## Run the long versions of the tests (one: npm run slow -- kills) | Node and Go | hours
	@npm run -s slow

image: ## Build the container image messenger-operator:dev | Docker, or podman as docker | 3 minutes
	@npm run -s image

clean: ## Remove what was built | make | at once
	rm -rf dist dist-client coverage
