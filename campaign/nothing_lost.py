"""Nothing lost: a steady flow of short uploads while the server is SIGKILLed at random moments.

    campaign/nothing_lost.py [KILLS]

At the end every acknowledged upload is `ready`, or `failed` with a reason; there is exactly one result per key; no process is left; and after
the clean-up no file is left that no row names.
"""

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

WEIR = os.environ.get("WEIR_BIN", "target/debug/weir")
SETTLE_SECONDS = 1200
UPLOAD_EVERY_SECONDS = 1.0
UP_SECONDS = (0.5, 8.0)
# The ones that are quick on a short clip: the run is about the queue, not about the models.
ANALYSERS = ["audio_analysis", "cut_analysis", "object_detection"]
MANUAL = Path(__file__).resolve().parents[1] / "config.default.toml"
OFF = [name for name in tomllib.loads(MANUAL.read_text())["analyser"] if name not in ANALYSERS]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, data: Path, *settings: str) -> None:
        self.data, self.port, self.settings = data, free_port(), settings
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        settings = [f"http.listen=127.0.0.1:{self.port}", "metrics.listen=", "work.lease=3s", "work.max_attempts=50", *self.settings]
        settings += [f"analyser.{name}.enabled=false" for name in OFF]
        command = [WEIR, "serve", "--data", str(self.data)]
        for setting in settings:
            command += ["--set", setting]
        self.log = (self.data.parent / "serve.log").open("ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        for _ in range(300):
            if self.alive():
                return
            if self.process.poll() is not None:
                raise RuntimeError(f"weir ended; see {self.log.name}")
            time.sleep(0.05)
        raise RuntimeError("weir did not start")

    def alive(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/health/live", timeout=2).read()
            return True
        except OSError:
            return False

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)

    def call(self, path: str, body: bytes | None = None) -> dict:
        key = json.loads((self.data / "first-login.json").read_text())["api_key"]
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/octet-stream"}
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        return json.load(urllib.request.urlopen(request, timeout=20))


def clips(folder: Path) -> list[bytes]:
    """A short clip with sound; its copies differ in one metadata field, so that no two have equal bytes."""
    base = folder / "base.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25", "-f", "lavfi", "-i", "sine=f=440", "-t", "1.5",
                    "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", str(base)], check=True)
    found = []
    for number in range(40):
        out = folder / f"{number}.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(base), "-c", "copy", "-metadata", f"comment={number}", str(out)], check=True)
        found.append(out.read_bytes())
    return found


def flow(server: Server, files: list[bytes], stop: threading.Event, acknowledged: list[str]) -> None:
    number = 0
    while not stop.wait(UPLOAD_EVERY_SECONDS):
        try:
            answer = server.call(f"/vod/upload?title=clip-{number}", files[number % len(files)])
            acknowledged.append(answer["stream_id"])
        except (OSError, urllib.error.URLError, ValueError):
            continue
        number += 1


def settle(server: Server, ids: list[str]) -> dict[str, dict]:
    """Waits until all three states of every video are final."""
    final: dict[str, dict] = {}
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end and len(final) < len(ids):
        for video in ids:
            if video in final:
                continue
            row = server.call(f"/vod/{video}/metadata")
            if row["status"] in ("ready", "failed") and row["analysis"] in ("done", "partial", "failed") and row["decision"] != "pending":
                final[video] = row
        print(f"  settled {len(final)} of {len(ids)}", end="\r", flush=True)
        time.sleep(2)
    print()
    return final


def left_processes(data: Path) -> list[str]:
    """Processes that name the data folder and are not zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = next(line for line in (entry / "status").read_text().splitlines() if line.startswith("State:"))
            folder = os.readlink(entry / "cwd")
        except (OSError, StopIteration):
            continue
        if (str(data) in command or folder.startswith(str(data))) and "Z" not in state.split()[1]:
            found.append(command)
    return found


def stray_files(data: Path) -> list[str]:
    """Files under the blobs and the scratch folder that no row names."""
    database = sqlite3.connect(f"file:{data}/weir.db?mode=ro", uri=True)
    names, folders = set(), set()
    names.update(row[0] for row in database.execute("SELECT key FROM contents"))
    names.update(row[0] for row in database.execute("SELECT findings_key FROM analyser_results WHERE findings_key IS NOT NULL"))
    for variants, manifests in database.execute("SELECT variants, manifests FROM videos WHERE deleted_at IS NULL"):
        folders.update(folder for folder in (variants, manifests) if folder)
    blobs = data / "blobs"
    stray = []
    for path in blobs.rglob("*"):
        key = str(path.relative_to(blobs))
        if path.is_file() and key not in names and not any(key.startswith(folder + "/") for folder in folders):
            stray.append(key)
    scratch = data / "scratch"
    stray += [str(path) for path in scratch.rglob("*") if path.is_file()] if scratch.is_dir() else []
    return stray


def wrong_results(data: Path) -> list[str]:
    """Ready videos that have not exactly one result of each analyser, each of the video's own content."""
    database = sqlite3.connect(f"file:{data}/weir.db?mode=ro", uri=True)
    rows = database.execute(
        "SELECT v.id, COUNT(r.key), COUNT(DISTINCT r.analyser) FROM videos v LEFT JOIN video_results l ON l.video = v.id"
        " LEFT JOIN analyser_results r ON r.key = l.result WHERE v.status = 'ready' AND v.deleted_at IS NULL GROUP BY v.id").fetchall()
    return [f"{video}: {count} results of {kinds} analysers" for video, count, kinds in rows if (count, kinds) != (len(ANALYSERS), len(ANALYSERS))]


def main() -> int:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    seed = random.randrange(1 << 30)
    random.seed(seed)
    print(f"{kills} kills, seed {seed}")
    with tempfile.TemporaryDirectory(prefix="weir-campaign-") as name:
        work, data = Path(name), Path(name) / "data"
        files = clips(work)
        server, stop, acknowledged = Server(data), threading.Event(), []
        server.start()
        uploads = threading.Thread(target=flow, args=(server, files, stop, acknowledged))
        uploads.start()
        for number in range(kills):
            time.sleep(random.uniform(*UP_SECONDS))
            server.kill()
            server.start()
            print(f"  kill {number + 1}: {len(acknowledged)} acknowledged", end="\r", flush=True)
        print()
        stop.set()
        uploads.join()
        final = settle(server, acknowledged)
        server.stop()
        cleaner = Server(data, "gc.interval=1s", "gc.after=0s")
        cleaner.start()
        time.sleep(15)
        cleaner.stop()
        return report(data, acknowledged, final)


def report(data: Path, acknowledged: list[str], final: dict[str, dict]) -> int:
    ready = sum(row["status"] == "ready" for row in final.values())
    unexplained = [video for video, row in final.items() if row["status"] == "failed" and not row.get("reason")]
    failed = {video: row["reason"] for video, row in final.items() if row["status"] == "failed"}
    checks = {
        "acknowledged uploads that never became final": [video for video in acknowledged if video not in final],
        "failed without a reason": unexplained,
        "videos without exactly one result per analyser": wrong_results(data),
        "processes left": left_processes(data),
        "stray files after the clean-up": stray_files(data),
    }
    print(f"acknowledged {len(acknowledged)}, ready {ready}, failed with a reason {len(failed)}: {sorted(set(failed.values()))}")
    for what, found in checks.items():
        print(f"{what}: {found or 'none'}")
    return 1 if any(checks.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
