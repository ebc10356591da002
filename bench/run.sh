#!/usr/bin/env bash
# bench/run.sh package|analyse|growth|models|upload: builds the release binary and runs one benchmark. Figures go to standard output as a table.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test
cargo build --release --locked --quiet
export WEIR_BIN=${CARGO_TARGET_DIR:-target}/release/weir
"$WEIR_BIN" models pull
exec python3 "bench/$1.py"
