"""The reader of PyTorch files, on files of both forms made by hand."""

import collections
import io
import os
import pickle
import struct
import tempfile
import unittest
import zipfile
from pathlib import Path

import numpy as np

from convert.safe_joblib import Record
from convert.torch_weights import load


class Named:
    """Pickles as a name of a module that is not there: `torch.FloatStorage`, `torch._utils._rebuild_tensor_v2`."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Tensor:
    """Pickles as PyTorch's tensor does."""

    def __init__(self, key: str, count: int, offset: int, shape: tuple, strides: tuple, kind: str = "FloatStorage"):
        storage = Storage(("storage", Named("torch", kind), key, "cpu", count))
        self.arguments = (storage, offset, shape, strides, False, collections.OrderedDict())


class Storage:
    def __init__(self, identity: tuple) -> None:
        self.identity = identity


class Command:
    """What an attacker would put into a pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class Pickler(pickle._Pickler):
    dispatch = dict(pickle._Pickler.dispatch)

    def persistent_id(self, value):
        return value.identity if isinstance(value, Storage) else None

    def save_named(self, value) -> None:
        self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())

    def save_tensor(self, value) -> None:
        self.save_reduce(Named("torch._utils", "_rebuild_tensor_v2"), value.arguments, obj=value)

    def save_reduce(self, function, arguments, *rest, **named) -> None:
        if isinstance(function, Named):
            self.save(function)
            self.save(arguments)
            self.write(pickle.REDUCE)
        else:
            super().save_reduce(function, arguments, *rest, **named)

    dispatch[Named] = save_named
    dispatch[Tensor] = save_tensor


def dump(value, target) -> None:
    Pickler(target, 2).dump(value)


class Torch(unittest.TestCase):
    VALUES = np.arange(12, dtype=np.float32)

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def archive(self, value, values: np.ndarray = VALUES) -> Path:
        stream = io.BytesIO()
        dump(value, stream)
        path = self.folder / "a.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", stream.getvalue())
            archive.writestr("a/data/0", values.tobytes())
        return path

    def stream(self, value, storages: list[tuple[str, np.ndarray]]) -> Path:
        path = self.folder / "b.pth"
        with path.open("wb") as target:
            for part in (119547037146038801333356, 1001, {}):
                pickle.dump(part, target, 2)
            dump(value, target)
            pickle.dump([key for key, _ in storages], target, 2)
            for _, values in storages:
                target.write(struct.pack("<q", len(values)) + values.tobytes())
        return path

    def test_archive_with_a_transposed_view(self) -> None:
        found = load(self.archive({"w": Tensor("0", 12, 2, (2, 5), (1, 2))}))
        np.testing.assert_array_equal(found["w"], self.VALUES[2:12].reshape(5, 2).T)

    def test_stream_with_storages_that_only_lists_name(self) -> None:
        halves = np.array([1.5, 2.5], np.float16)
        value = {
            "optimiser": [Tensor("7", 2, 0, (2,), (1,), "HalfStorage")],
            "state": {"w": Tensor("8", 12, 0, (3, 4), (4, 1)), "step": 5},
        }
        found = load(self.stream(value, [("7", halves), ("8", self.VALUES)]))
        np.testing.assert_array_equal(found["state"]["w"], self.VALUES.reshape(3, 4))
        self.assertEqual(found["state"]["step"], 5)

    def test_view_past_the_end_is_refused(self) -> None:
        for tensor in (Tensor("0", 12, 0, (13,), (1,)), Tensor("0", 12, 11, (2,), (1,)), Tensor("0", 12, 0, (2,), (99,))):
            with self.assertRaisesRegex(ValueError, "past the end"):
                load(self.archive({"w": tensor}))

    def test_nothing_from_the_file_runs(self) -> None:
        marker = self.folder / "ran"
        self.assertIsInstance(load(self.archive({"w": Command(marker)}))["w"], Record)
        self.assertFalse(marker.exists())


if __name__ == "__main__":
    unittest.main()
