#!/usr/bin/env python3
"""Runs the tests of the downloader and the converters in the environment that the downloader makes for itself."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

import environment
import pull


def main() -> int:
    cache = pull.cache_folder()
    with pull.locked(cache):
        python = environment.ensure(cache, print)
    command = [str(python), "-B", "-m", "unittest", "discover", "-t", str(HERE), "-s", "tests"]
    return subprocess.run(command, cwd=HERE, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
