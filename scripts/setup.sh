#!/usr/bin/env bash
# Sets up what is missing on Debian 12: `scripts/setup.sh run` or `scripts/setup.sh test`. Says what it is about to install first.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
die() { printf 'weir: %s\n' "$*" >&2; exit 1; }

packages_run="ffmpeg util-linux python3-venv curl"
packages_test="$packages_run postgresql espeak-ng chromium strace iproute2 fonts-dejavu-core"

missing_packages() {
    local name
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || printf '%s ' "$name"
    done
}

install_packages() {
    local missing
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        printf 'weir needs these Debian packages. Run this line, then try again:\n\n    sudo apt-get install --no-install-recommends -y %s\n\n' "$missing" >&2
        exit 1
    fi
    say "installing Debian packages: $missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

need_tools() {
    command -v cargo >/dev/null || die "needs Rust 1.95 or newer (cargo); install it with rustup, then try again"
    command -v node >/dev/null && command -v npm >/dev/null || die "needs Node 20 or newer with npm; install it, then try again"
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' ||
        die "needs Node 20.19 or newer; this is $(node --version)"
    command -v cc >/dev/null || die "needs a C compiler (apt-get install build-essential), then try again"
}

case "${1:-}" in
    run) install_packages $packages_run ;;
    test) install_packages $packages_test ;;
    *) die "usage: scripts/setup.sh run|test" ;;
esac
need_tools
scripts/web.sh
