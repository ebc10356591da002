"""Reads `models/registry.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

VERSION = 1


@dataclass(frozen=True)
class Package:
    """What a package registry serves, and the members of it that are needed."""

    source: str
    name: str
    version: str
    sha256: str
    bytes: int
    members: tuple[str, ...]
    python: str | None
    platform: str | None


@dataclass(frozen=True)
class File:
    """A file that weir loads."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Model:
    """One entry: packages → conversion → files."""

    name: str
    kind: str
    conversion: str
    packages: tuple[Package, ...]
    files: tuple[File, ...]
    optional: bool = False
    """Whether it is left out unless it is asked for by name."""


def load(path: Path) -> list[Model]:
    """Returns the entries in the order of the file."""
    with path.open("rb") as stream:
        content = tomllib.load(stream)
    if content["version"] != VERSION:
        raise ValueError(f"`{path.name}` has version {content['version']}; this program reads {VERSION}")
    return [_model(entry) for entry in content["model"]]


def _model(entry: dict) -> Model:
    return Model(
        name=entry["name"],
        kind=entry["kind"],
        conversion=entry["conversion"],
        packages=tuple(_package(package) for package in entry["package"]),
        files=tuple(File(**file) for file in entry["file"]),
        optional=entry.get("optional", False),
    )


def _package(entry: dict) -> Package:
    return Package(
        source=entry["source"],
        name=entry["name"],
        version=entry["version"],
        sha256=entry["sha256"],
        bytes=entry["bytes"],
        members=tuple(entry["members"]),
        python=entry.get("python"),
        platform=entry.get("platform"),
    )
