#!/usr/bin/env bash
# Builds the dashboard into web/dist, when its sources are newer than the last build.
set -euo pipefail
cd "$(dirname "$0")/../web"

if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    printf '\033[1m==>\033[0m installing the dashboard'"'"'s npm packages\n'
    npm ci --no-audit --no-fund --loglevel=error
fi
if [ ! -f dist/index.html ] || [ -n "$(find src index.html package.json vite.config.ts -newer dist/index.html -print -quit)" ]; then
    printf '\033[1m==>\033[0m building the dashboard\n'
    npm run --silent build
fi
