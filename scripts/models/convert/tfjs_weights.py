"""Reads the weights of a TensorFlow.js graph model."""

import math

import numpy as np

_PLAIN = {"float32": np.float32, "int32": np.int32, "uint8": np.uint8, "bool": np.uint8}
_QUANTISED = {"uint8": np.uint8, "uint16": np.uint16}


def read_weights(groups: list[dict], shards: list[bytes]) -> dict[str, np.ndarray]:
    """Returns name → array. `shards` hold the files of all groups in the order of the manifest's `paths`."""
    weights: dict[str, np.ndarray] = {}
    first = 0
    for group in groups:
        count = len(group["paths"])
        buffer = b"".join(shards[first : first + count])
        first += count
        offset = 0
        for entry in group["weights"]:
            array, offset = _read(entry, buffer, offset)
            weights[entry["name"]] = array.reshape(entry["shape"])
    return weights


def _read(entry: dict, buffer: bytes, offset: int) -> tuple[np.ndarray, int]:
    count = math.prod(entry["shape"])
    quantisation = entry.get("quantization")
    if quantisation is None:
        raw = np.frombuffer(buffer, _PLAIN[entry["dtype"]], count, offset)
        array = raw.astype(bool) if entry["dtype"] == "bool" else raw
    elif quantisation["dtype"] == "float16":
        raw = np.frombuffer(buffer, np.float16, count, offset)
        array = raw.astype(np.float32)
    else:
        # value = q · scale + min, rounded for integers, as tfjs-core's `decodeWeights` does.
        raw = np.frombuffer(buffer, _QUANTISED[quantisation["dtype"]], count, offset)
        array = raw.astype(np.float32) * np.float32(quantisation["scale"]) + np.float32(quantisation["min"])
        if entry["dtype"] == "int32":
            array = np.round(array).astype(np.int32)
    return array, offset + raw.nbytes
