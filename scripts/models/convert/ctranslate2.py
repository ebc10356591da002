"""Reads the weights of a CTranslate2 model file.

Layout (CTranslate2 `model_spec.py`, `_serialize`; little endian): version u32, spec name, spec revision u32, number of variables u32;
each variable: name, rank u8, dimensions u32, type u8, size in bytes u32, data; then the number of aliases u32 and pairs of names.
A name is its length u16 and its bytes with a trailing zero.
"""

import struct

import numpy as np

_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from("<" + form, self._data, self._offset)
        self._offset += struct.calcsize("<" + form)
        return value

    def name(self) -> str:
        length = self.number("H")
        raw = self._data[self._offset : self._offset + length]
        self._offset += length
        if len(raw) != length:
            raise ValueError("the file ends within a name")
        return raw.rstrip(b"\0").decode()

    def array(self, kind: type, size: int) -> np.ndarray:
        array = np.frombuffer(self._data, kind, size // np.dtype(kind).itemsize, self._offset)
        self._offset += size
        return array


def read_variables(data: bytes) -> dict[str, np.ndarray]:
    """Returns name → array; an alias is a second name of the same array."""
    reader = _Reader(data)
    version = reader.number("I")
    if version != 6:
        raise ValueError(f"CTranslate2 format {version}; only 6 is read")
    reader.name()
    reader.number("I")
    variables: dict[str, np.ndarray] = {}
    for _ in range(reader.number("I")):
        name = reader.name()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        kind = _TYPES[reader.number("B")]
        variables[name] = reader.array(kind, reader.number("I")).reshape(shape)
    for _ in range(reader.number("I")):
        alias = reader.name()
        variables[alias] = variables[reader.name()]
    return variables
