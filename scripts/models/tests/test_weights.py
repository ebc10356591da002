"""Readers of foreign weight files."""

import io
import os
import pickle
import struct
import tempfile
import unittest
from pathlib import Path

import numpy as np

from convert.ctranslate2 import read_variables
from convert.safe_joblib import Record, load
from convert.tfjs_weights import read_weights


def name(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return struct.pack("<H", len(raw)) + raw


def model(version: int = 6) -> bytes:
    data = np.array([[1.5, -2.0]], np.float16).tobytes()
    variable = name("a/weight") + struct.pack("<B2IBI", 2, 1, 2, 4, len(data)) + data
    head = struct.pack("<I", version) + name("WhisperSpec") + struct.pack("<II", 3, 1)
    return head + variable + struct.pack("<I", 1) + name("b/weight") + name("a/weight")


class CTranslate2(unittest.TestCase):
    def test_variable_and_alias(self) -> None:
        variables = read_variables(model())
        np.testing.assert_array_equal(variables["a/weight"], [[1.5, -2.0]])
        self.assertIs(variables["b/weight"], variables["a/weight"])

    def test_other_version(self) -> None:
        with self.assertRaisesRegex(ValueError, "format 5"):
            read_variables(model(5))

    def test_cut_file(self) -> None:
        whole = model()
        for size in range(len(whole)):
            with self.subTest(size), self.assertRaises((struct.error, ValueError, KeyError)):
                read_variables(whole[:size])


class TensorFlowJs(unittest.TestCase):
    def test_every_encoding(self) -> None:
        groups = [
            {
                "paths": ["1", "2"],
                "weights": [
                    {"name": "plain", "shape": [2], "dtype": "float32"},
                    {"name": "half", "shape": [1], "dtype": "float32", "quantization": {"dtype": "float16"}},
                    {
                        "name": "byte",
                        "shape": [3],
                        "dtype": "float32",
                        "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0},
                    },
                    {"name": "scalar", "shape": [], "dtype": "int32"},
                ],
            }
        ]
        raw = np.array([1, 2], np.float32).tobytes() + np.array([0.25], np.float16).tobytes()
        raw += bytes([0, 2, 4]) + np.array([7], np.int32).tobytes()
        weights = read_weights(groups, [raw[:9], raw[9:]])
        np.testing.assert_array_equal(weights["plain"], [1, 2])
        np.testing.assert_array_equal(weights["half"], [0.25])
        np.testing.assert_array_equal(weights["byte"], [-1, 0, 1])
        self.assertEqual((weights["scalar"].shape, int(weights["scalar"])), ((), 7))


class Command:
    """What an attacker would put into a pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class Joblib(unittest.TestCase):
    def test_nothing_from_the_file_runs(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            marker = Path(folder) / "ran"
            file = Path(folder) / "x.joblib"
            file.write_bytes(pickle.dumps({"a": Command(marker)}))
            self.assertIsInstance(load(file)["a"], Record)
            self.assertFalse(marker.exists())
            pickle.loads(file.read_bytes())
            self.assertTrue(marker.exists(), "the plain reader does run it, so the test can fail")

    def test_numpy_scalars_and_attributes(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "x.joblib"
            stream = io.BytesIO()
            pickle.dump({"b": np.float64(1.25), "c": [1, "d"]}, stream)
            file.write_bytes(stream.getvalue())
            self.assertEqual(load(file), {"b": 1.25, "c": [1, "d"]})


if __name__ == "__main__":
    unittest.main()
