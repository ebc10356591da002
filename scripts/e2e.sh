#!/usr/bin/env bash
# Browser tests in Debian's Chromium against a weir of their own, on a free port and in a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/.."

weir=${CARGO_TARGET_DIR:-target}/debug/weir
data=$(mktemp -d)
port=$(node -e 'const s=require("net").createServer();s.listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
export WEIR_URL=http://127.0.0.1:$port

# Real media with known traits, where they are there: packaged beforehand, for the players.
clips=()
for clip in clips/bigbuckbunny.mp4 cuts/testvideo.mp4 vpdq/chair-19-sd-bar.mp4; do
    [ ! -f "../shared/testdata/$clip" ] || clips+=("../shared/testdata/$clip")
done
if [ ${#clips[@]} -gt 0 ]; then
    off=()
    for name in $(sed -n 's/^\[analyser\.\(.*\)\]$/\1/p' config.default.toml); do off+=(--set "analyser.$name.enabled=false"); done
    "$weir" ingest "${clips[@]}" --data "$data" --wait --json "${off[@]}" >"$data/clips.jsonl"
    WEIR_VIDEOS=$(sed -n 's/.*"stream_id":"\([^"]*\)".*/\1/p' "$data/clips.jsonl" | paste -sd,)
    export WEIR_VIDEOS
else
    echo "skipped: no ../shared/testdata; the players get the sample only"
fi

"$weir" serve --data "$data" --set "http.listen=127.0.0.1:$port" --set metrics.listen= >"$data/serve.log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; rm -rf "$data"' EXIT
for _ in $(seq 1 150); do
    curl -fsS "$WEIR_URL/health/live" >/dev/null 2>&1 && break
    kill -0 "$server" 2>/dev/null || { cat "$data/serve.log" >&2; exit 1; }
    sleep 0.2
done

field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$data/first-login.json"; }
WEIR_USER=$(field name) WEIR_PASSWORD=$(field password) WEIR_KEY=$(field api_key)
WEIR_SAMPLE=$("$weir" models path sample_video)
export WEIR_USER WEIR_PASSWORD WEIR_KEY WEIR_SAMPLE
(cd web && npm run --silent e2e -- "$@") || { tail -n 40 "$data/serve.log" >&2; exit 1; }
