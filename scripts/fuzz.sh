#!/usr/bin/env bash
# make fuzz: the readers of hostile bytes, each for SECONDS (60 unless said). What breaks one is kept in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

if ! command -v cargo-fuzz >/dev/null; then
    say "installing cargo-fuzz"
    cargo install cargo-fuzz --locked --quiet
fi
mkdir -p web/dist fuzz/corpus/fmp4
# A file of each kind to begin with.
ffmpeg -v error -y -f lavfi -i testsrc=s=64x64:r=10:d=1 -f lavfi -i sine=d=1 -c:v libx264 -c:a aac -movflags frag_keyframe+empty_moov \
    fuzz/corpus/fmp4/seed.mp4
for target in fmp4 matroska probe wire; do
    say "fuzzing $target for $seconds s"
    # Without a sanitizer it builds with a stable compiler; Rust's own checks are what must hold.
    RUSTFLAGS="${RUSTFLAGS:-} -C debug-assertions" cargo fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1
done
say "nothing broke"
