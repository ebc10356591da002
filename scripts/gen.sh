#!/usr/bin/env bash
# Writes what is generated and checked in: openapi.json from the code, the dashboard's API types from openapi.json.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo run --quiet --locked -- openapi > openapi.json.new && mv openapi.json.new openapi.json
cd web && npm run --silent gen
