"""The virtual environment that downloads with pip and runs the converters."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_READY = "ready"


class SetupError(Exception):
    """The environment cannot be made; the message says what is missing."""


def ensure(cache: Path, say) -> Path:
    """Returns the Python of an environment with the pinned requirements, made in `cache` when it is not there."""
    content = REQUIREMENTS.read_bytes() + sys.version.encode()
    folder = cache / f".venv-{hashlib.sha256(content).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if (folder / _READY).exists():
        return python
    say(f"converters: installing numpy, onnx, pyarrow and h5py (83 MiB to download) into {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)], "is the package `python3-venv` installed?")
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--only-binary=:all:"]
    _run([str(python), *install, "--require-hashes", "-r", str(REQUIREMENTS)], "pip could not install them")
    (folder / _READY).touch()
    return python


def _run(command: list[str], hint: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise SetupError(f"`{' '.join(command[:3])} …` failed: {hint}\n" + "\n".join(tail))
