#!/usr/bin/env bash
# What a reviewer should not have to say.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo clippy --locked --all-targets --quiet -- -D warnings
(cd web && npm run --silent check)
