# make aliases npm's scripts; each target fetches what it needs. Node, npm and make suffice for `make demo`; `make test` takes Go too.
.PHONY: demo test lint typecheck generate verify bench image dev slow clean
SHELL := /bin/sh

# The lockfile decides when to install again.
node_modules/.package-lock.json: package-lock.json package.json
	npm ci --no-audit --no-fund
	@touch $@

demo: node_modules/.package-lock.json
	@npm run -s demo

test: node_modules/.package-lock.json
	@npm test -s

lint typecheck generate verify bench dev slow: node_modules/.package-lock.json
	@npm run -s $@

# Needs a Docker engine (or podman as docker).
image: node_modules/.package-lock.json
	@npm run -s image

clean:
	rm -rf dist dist-client coverage
