"""Real-time factor per analyser, cold (a new process) and warm (a pool that has seen a video before), and memory as PSS of the process tree."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import peer
from measure import WEIR, Run, Tree, analysers, folder, median, table
from scene import scene

ANALYSERS = analysers()
WARM_RUNS = 3
SECONDS = 60


def variant(file: Path, number: int) -> Path:
    """The same pictures and sound in other bytes, so that no stored result is reused."""
    out = file.with_name(f"variant-{number}.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(file), "-c", "copy", "-metadata", f"comment={number}", str(out)], check=True)
    return out


def cold(file: Path) -> list[list[object]]:
    rows = []
    for name in [*ANALYSERS, "all"]:
        chosen = [] if name == "all" else ["--analysers", name]
        run = Run([WEIR, "analyse", str(file), *chosen, "--json", "-"])
        rows.append([name, run.wall, run.wall / SECONDS, run.cpu, run.cpu / SECONDS, f"{run.peak_mib:.0f}"])
    return rows


class Server:
    """A weir of its own on a free port."""

    def __init__(self, data: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.data = data
        self.process = subprocess.Popen([WEIR, "serve", "--data", str(data), "--set", f"http.listen=127.0.0.1:{port}", "--set", "metrics.listen="],
                                        stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{self.url}/health/live", timeout=1)
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("weir did not start")

    def get(self, path: str) -> dict:
        key = json.loads((self.data / "first-login.json").read_text())["api_key"]
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {key}"})
        return json.load(urllib.request.urlopen(request, timeout=30))

    def ingest(self, file: Path) -> str:
        run = subprocess.run([WEIR, "ingest", str(file), "--data", str(self.data), "--wait", "--json"], check=True, capture_output=True)
        return json.loads(run.stdout)["stream_id"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


def warm(file: Path, data: Path) -> tuple[list[list[object]], float]:
    server = Server(data)
    taken: dict[str, list[float]] = {name: [] for name in ANALYSERS}
    with Tree(server.process.pid) as memory:
        for number in range(WARM_RUNS + 1):
            video = server.ingest(variant(file, number))
            results = server.get(f"/videos/{video}/analysis")["analysers"]
            for name in ANALYSERS:
                if number > 0:
                    taken[name].append(results[name]["ms"] / 1000)
    server.stop()
    return [[name, median(values), median(values) / SECONDS] for name, values in taken.items()], memory.peak_mib


def main() -> None:
    with folder() as name:
        work = Path(name)
        file = scene(work, SECONDS)
        table(f"`weir analyse`, cold: process start, model loading and decode included; {SECONDS} s of 1080p30",
              ["analyser", "wall s", "wall RTF", "CPU s", "CPU RTF", "peak PSS MiB"], cold(file))
        rows, peak = warm(file, work / "data")
        table(f"Inside a warm pool, medians of {WARM_RUNS} videos after the first (analysers share two cores and run side by side with packaging)",
              ["analyser", "work s", "RTF"], rows)
        print(f"\n  server, pool and ffmpeg together: peak PSS {peak:.0f} MiB")
        peer.show(file, SECONDS)
        shutil.rmtree(work / "data", ignore_errors=True)


if __name__ == "__main__":
    main()
