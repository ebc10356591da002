#!/usr/bin/env bash
# make run: set up, build, start weir on 127.0.0.1:8080, ingest the sample, say where to look. Ctrl-C stops it.
set -euo pipefail
cd "$(dirname "$0")/.."

data=${WEIR_DATA:-data}
listen=127.0.0.1:8080
url=http://$listen

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

scripts/setup.sh run
say "building weir (the first time takes some minutes)"
cargo build --release --locked --quiet
weir=${CARGO_TARGET_DIR:-target}/release/weir

say "model files"
"$weir" models pull || say "without model files weir stores and plays; analyses are skipped. Try again: $weir models pull"

if curl -fsS "$url/health/live" >/dev/null 2>&1; then
    printf 'weir: something answers at %s already; stop it, then try again\n' "$url" >&2
    exit 1
fi
"$weir" serve --data "$data" --set "http.listen=$listen" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT INT TERM
for _ in $(seq 1 150); do
    curl -fsS "$url/health/live" >/dev/null 2>&1 && break
    kill -0 "$server" 2>/dev/null || { printf 'weir: the server ended; its last lines are above\n' >&2; exit 1; }
    sleep 0.2
done

sample=$("$weir" models path sample_video 2>/dev/null || true)
if [ -n "$sample" ] && [ ! -e "$data/sample-is-in" ]; then
    say "ingesting the sample (Big Buck Bunny, CC BY, Blender Foundation)"
    "$weir" ingest "$sample" --data "$data" --title "Big Buck Bunny (sample)" --external-id sample --wait && touch "$data/sample-is-in"
fi

name=$(sed -n 's/.*"name": *"\([^"]*\)".*/\1/p' "$data/first-login.json")
password=$(sed -n 's/.*"password": *"\([^"]*\)".*/\1/p' "$data/first-login.json")
key=$(sed -n 's/.*"api_key": *"\([^"]*\)".*/\1/p' "$data/first-login.json")
cat <<TEXT

  weir is running.      Ctrl-C stops it; the same command starts it again.

  page      $url
  login     $name
  password  $password
  API key   $key

  curl -H "Authorization: Bearer $key" $url/vod

TEXT
wait "$server"
