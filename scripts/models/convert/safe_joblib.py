"""Reads a joblib file of scikit-learn objects as plain data.

A pickle may name any function to be called. This reader resolves a short list of names and turns every other class into an
inert record, so that nothing from the file runs and scikit-learn is not needed.
"""

import pickle
from pathlib import Path

import numpy as np

# Rebuilding arrays and scalars is all that numpy is asked for.
_ALLOWED = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "scalar"): np._core.multiarray.scalar,
    ("numpy._core.multiarray", "scalar"): np._core.multiarray.scalar,
}


class Record:
    """An object of a class that is not loaded: its attributes only."""

    def __init__(self, *_arguments, **_named) -> None:
        pass

    def __setstate__(self, state) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


class _ArrayHeader(Record):
    """joblib's `NumpyArrayWrapper`: the array's bytes follow in the file itself."""

    def read(self, stream) -> np.ndarray:
        # joblib pads to `numpy_array_alignment_bytes`: one byte gives the padding's length, then the padding.
        if getattr(self, "numpy_array_alignment_bytes", None) is not None:
            stream.read(stream.read(1)[0])
        count = int(np.prod(self.shape, dtype=np.int64))
        raw = stream.read(count * self.dtype.itemsize)
        return np.frombuffer(raw, self.dtype, count).reshape(self.shape, order=self.order)


class _Unpickler(pickle._Unpickler):
    """The pure Python unpickler, because arrays are read in the middle of the stream."""

    dispatch = dict(pickle._Unpickler.dispatch)

    def find_class(self, module: str, name: str):
        if name == "NumpyArrayWrapper" and module == "joblib.numpy_pickle":
            return _ArrayHeader
        return _ALLOWED.get((module, name), Record)

    def load_build(self) -> None:
        super().load_build()
        if isinstance(self.stack[-1], _ArrayHeader):
            self.stack.append(self.stack.pop().read(self._file))

    dispatch[pickle.BUILD[0]] = load_build

    def __init__(self, stream) -> None:
        super().__init__(stream)
        self._file = stream


def load(path: Path):
    """Returns the object in `path`; objects of unknown classes are `Record`s."""
    with path.open("rb") as stream:
        return _Unpickler(stream).load()
