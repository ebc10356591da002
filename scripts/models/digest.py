"""SHA-256 of files, remembered while size and modification time stay the same."""

import hashlib
import json
import os
from pathlib import Path

_BLOCK_BYTES = 1 << 20


class DigestError(Exception):
    """A file is not the one that the registry names."""


def sha256(path: Path) -> str:
    """The digest in lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def check(path: Path, expected: str) -> None:
    """Raises `DigestError` when the file's digest is another one."""
    found = sha256(path)
    if found != expected:
        raise DigestError(f"`{path.name}` has SHA-256 {found}; the registry says {expected}")


class Memory:
    """Digests that were computed before, so that a second pull does not read a gigabyte again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, list] = {}
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            entries = {}
        if isinstance(entries, dict):
            self._entries = entries

    def holds(self, file: Path, expected: str) -> bool:
        """Whether `file` is there and has the digest `expected`."""
        try:
            status = file.stat()
        except FileNotFoundError:
            return False
        stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
        known = self._entries.get(str(file))
        if not known or known[:3] != stamp:
            known = [*stamp, sha256(file)]
            self._entries[str(file)] = known
        return known[3] == expected

    def save(self) -> None:
        """Writes the memory in one step."""
        temporary = self._path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(self._entries, indent=0, sort_keys=True), encoding="utf-8")
        temporary.replace(self._path)
