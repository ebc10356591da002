"""Reads the weights of a PyTorch file as plain arrays.

A PyTorch file is a pickle, which may name any function to be called. This reader resolves a short list of names and turns every other
class into an inert record, so that nothing from the file runs and PyTorch is not needed.

Two forms: since PyTorch 1.6 a zip archive with `NAME/data.pkl` and one file for each storage; before, five pickles (magic number,
protocol, system, object, names of the storages) and then each storage: number of elements i64, elements.
"""

import collections
import pickle
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .safe_joblib import Record

_KINDS = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage that is read later."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, storages: dict[str, np.ndarray]) -> np.ndarray:
        values = storages[self.storage]
        if self.offset + 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True)) > len(values):
            raise ValueError("a tensor reaches past the end of its storage")
        strides = [stride * values.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides).copy()


def _tensor(storage, offset, shape, strides, *_hooks) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor, *_hooks) -> _Tensor:
    return tensor


_ALLOWED = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream) -> None:
        super().__init__(stream)
        self.kinds: dict[str, type] = {}
        """The type of the elements of each storage."""

    def find_class(self, module: str, name: str):
        if module == "torch" and name in _KINDS:
            return _KINDS[name]
        return _ALLOWED.get((module, name), Record)

    def persistent_load(self, identity) -> str:
        """`identity`: "storage", class, key, place, number of elements."""
        _, kind, key, *_ = identity
        self.kinds[str(key)] = kind
        return str(key)


def load(path: Path) -> dict:
    """Returns the object in `path` with arrays for tensors."""
    read = _read_archive if zipfile.is_zipfile(path) else _read_stream
    return read(path)


def _read_archive(path: Path) -> dict:
    with zipfile.ZipFile(path) as archive:
        (index,) = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
        folder = index.removesuffix("data.pkl")
        with archive.open(index) as stream:
            reader = _Unpickler(stream)
            found = reader.load()
        read = {key: np.frombuffer(archive.read(f"{folder}data/{key}"), kind) for key, kind in reader.kinds.items()}
    return _filled(found, read)


def _read_stream(path: Path) -> dict:
    with path.open("rb") as stream:
        for _ in range(3):  # magic number, protocol, system
            _Unpickler(stream).load()
        reader = _Unpickler(stream)
        found = reader.load()
        read = {}
        for key in map(str, _Unpickler(stream).load()):
            (count,) = struct.unpack("<q", stream.read(8))
            kind = np.dtype(reader.kinds[key])
            read[key] = np.frombuffer(stream.read(count * kind.itemsize), kind)
    return _filled(found, read)


def _filled(value, storages: dict[str, np.ndarray]):
    if isinstance(value, _Tensor):
        return value.array(storages)
    if isinstance(value, dict):
        return {key: _filled(item, storages) for key, item in value.items()}
    return value
