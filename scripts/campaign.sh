#!/usr/bin/env bash
# Failure runs. `short`: a few kills. `long`: 30 kills.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test
cargo build --locked --quiet
export WEIR_BIN=${CARGO_TARGET_DIR:-target}/debug/weir
case "${1:-}" in
    short) python3 campaign/nothing_lost.py 4 ;;
    long) python3 campaign/nothing_lost.py 30 ;;
    *) echo "usage: scripts/campaign.sh short|long" >&2; exit 2 ;;
esac
