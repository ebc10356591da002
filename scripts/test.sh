#!/usr/bin/env bash
# make test: set up what the tests need, and pass them.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

scripts/setup.sh test
say "building weir and its tests (the first time takes some minutes)"
cargo build --locked --quiet
cargo test --locked --no-run --quiet
say "model files"
"${CARGO_TARGET_DIR:-target}/debug/weir" models pull

say "Rust tests"
cargo test --locked --quiet
say "dashboard tests"
(cd web && npm run --silent check && npm test --silent)
say "browser tests"
scripts/e2e.sh
say "all tests passed"
