# Two commands for a newcomer: `make run` and `make test`. Each says what it is about to install, and a second run reuses everything.

.PHONY: help run test test-all fuzz campaign bench bench-package bench-analyse bench-growth bench-models bench-upload web gen lint picture

help:            ## This list
	@grep -E '^[a-z-]+: +.*##' $(MAKEFILE_LIST) | sed -E 's/: +##/:/; s/:.*##/:/' | column -t -s:

run:             ## Set up, build, start weir on 127.0.0.1:8080, ingest a sample
	@scripts/run.sh

test:            ## Set up, and pass the tests (embedded and PostgreSQL)
	@scripts/test.sh

test-all: test   ## And short failure runs
	@scripts/campaign.sh short

fuzz:            ## The readers of hostile bytes, a minute each
	@scripts/fuzz.sh

campaign:        ## Long failure runs: kills, bad input
	@scripts/campaign.sh long

bench: bench-package bench-analyse bench-growth bench-models bench-upload  ## Every benchmark

bench-package:   ## Packaging against the bare ffmpeg ladder
	@bench/run.sh package

bench-analyse:   ## Real-time factor per analyser, cold and warm
	@bench/run.sh analyse

bench-growth:    ## Analysis of 1, 5 and 25 minutes: time linear, memory flat
	@bench/run.sh growth

bench-models:    ## What each model costs, for the model cards
	@bench/run.sh models

bench-upload:    ## Upload throughput and memory
	@bench/run.sh upload

picture:         ## Make the README's picture anew
	@WEIR_PICTURE=../docs/images/video-page.png scripts/e2e.sh journey picture

web:             ## Build the dashboard
	@scripts/web.sh

gen:             ## Write openapi.json and the dashboard's API types anew
	@scripts/gen.sh

lint:            ## rustfmt, clippy, tsc
	@scripts/lint.sh
