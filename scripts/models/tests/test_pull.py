"""The model directory is filled in one step per file, and what is right is left alone."""

import contextlib
import hashlib
import io
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import digest
import fetch
import pull
import registry
from registry import File, Model

PROJECT = Path(__file__).resolve().parents[3]
CONTENT = b"weights"
MODEL = Model("small", "model", "none", (), (File("a.onnx", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)),))


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name) / "cache"
        self.target = Path(folder.name) / "target"
        for path in (self.cache / "small", self.target):
            path.mkdir(parents=True)
        self.output = io.StringIO()

    def pull(self) -> int:
        with contextlib.redirect_stdout(self.output), contextlib.redirect_stderr(self.output):
            return pull._pull([MODEL], self.cache, self.target)

    def test_what_is_cached_is_linked_without_a_download(self) -> None:
        (self.cache / "small" / "a.onnx").write_bytes(CONTENT)
        with mock.patch.object(pull, "_make", side_effect=AssertionError("nothing is missing")):
            self.assertEqual(self.pull(), 0)
        linked = self.target / "small" / "a.onnx"
        self.assertEqual(linked.read_bytes(), CONTENT)
        self.assertTrue(os.path.samefile(linked, self.cache / "small" / "a.onnx"))
        self.assertIn("1 of 1 models ready", self.output.getvalue())

    def test_copy_where_a_link_is_not_possible(self) -> None:
        (self.cache / "small" / "a.onnx").write_bytes(CONTENT)
        with mock.patch.object(os, "link", side_effect=OSError("other file system")):
            self.assertEqual(self.pull(), 0)
        self.assertEqual([p.name for p in (self.target / "small").iterdir()], ["a.onnx"])

    def test_wrong_file_in_the_directory_is_replaced(self) -> None:
        (self.cache / "small" / "a.onnx").write_bytes(CONTENT)
        (self.target / "small").mkdir()
        (self.target / "small" / "a.onnx").write_bytes(b"garbage")
        self.pull()
        self.assertEqual((self.target / "small" / "a.onnx").read_bytes(), CONTENT)

    def test_model_that_cannot_be_had_fails_the_pull_and_leaves_nothing(self) -> None:
        with (
            mock.patch.object(pull.environment, "ensure", return_value=Path(sys.executable)),
            mock.patch.object(pull, "_make_one", side_effect=fetch.FetchError("`p` 1 could not be downloaded")),
        ):
            self.assertEqual(self.pull(), 1)
        self.assertIn("[1/1] small: failed: `p` 1 could not be downloaded", self.output.getvalue())
        self.assertEqual([p.name for p in self.cache.glob(".work-*")], [])
        self.assertFalse((self.target / "small").exists())

    def test_conversion_with_another_result_is_refused(self) -> None:
        def convert(model, python, output, members):
            (output / "a.onnx").write_bytes(b"other")

        converted = Model("small", "model", "tfjs", (), MODEL.files)
        fetcher = fetch.Fetcher(Path(sys.executable), self.cache, lambda text: None)
        with (
            mock.patch.object(pull, "_convert", convert),
            self.assertRaisesRegex(digest.DigestError, "the registry says"),
        ):
            pull._make_one(converted, fetcher, Path(sys.executable), self.cache / "work")


class Choice(unittest.TestCase):
    def test_optional_models_must_be_named(self) -> None:
        extra = Model("extra", "model", "none", (), (), optional=True)
        self.assertEqual(pull.chosen([MODEL, extra], []), [MODEL])
        self.assertEqual(pull.chosen([MODEL, extra], ["extra"]), [extra])
        optional = [model.name for model in registry.load(PROJECT / "models" / "registry.toml") if model.optional]
        self.assertEqual(optional, ["isnet"])


class CacheFolder(unittest.TestCase):
    def test_order(self) -> None:
        with mock.patch.dict(os.environ, {"WEIR_MODEL_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}):
            self.assertEqual(pull.cache_folder(), Path("/a"))
            del os.environ["WEIR_MODEL_CACHE"]
            self.assertEqual(pull.cache_folder(), Path("/b/weir/models"))
            del os.environ["XDG_CACHE_HOME"]
            self.assertEqual(pull.cache_folder(), Path("/c/.cache/weir/models"))


class Memory(unittest.TestCase):
    def test_changed_file_is_read_again(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "f"
            file.write_bytes(CONTENT)
            memory = digest.Memory(Path(folder) / "memory.json")
            self.assertTrue(memory.holds(file, MODEL.files[0].sha256))
            memory.save()
            again = digest.Memory(Path(folder) / "memory.json")
            with mock.patch.object(digest, "sha256", side_effect=AssertionError("it is known")):
                self.assertTrue(again.holds(file, MODEL.files[0].sha256))
            file.write_bytes(b"changed")
            self.assertFalse(again.holds(file, MODEL.files[0].sha256))
            self.assertFalse(again.holds(Path(folder) / "missing", MODEL.files[0].sha256))


class Registry(unittest.TestCase):
    def test_every_conversion_exists(self) -> None:
        source = (PROJECT / "scripts" / "models" / "convert" / "__main__.py").read_text(encoding="utf-8")
        for model in registry.load(PROJECT / "models" / "registry.toml"):
            if model.conversion != "none":
                self.assertIn(f'"{model.conversion}":', source)


if __name__ == "__main__":
    unittest.main()
