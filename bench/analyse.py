"""Real-time factor per analyser, cold (a new process) and warm (a pool that has seen a video before), and memory as PSS of the process tree."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import peer
from measure import WEIR, Run, Tree, analysers, folder, median, table
from scene import scene

ANALYSERS = analysers()
WHISPERS = ("whisper_tiny_en", "whisper_base")
WARM_RUNS = 3
SECONDS = 60


def cold(file: Path) -> list[list[object]]:
    """Each analyser in a process of its own, and all of them, with either Whisper."""
    runs = [(name, ["--analysers", name]) for name in ANALYSERS]
    runs += [(f"all, {model}", whisper(model)) for model in WHISPERS]
    rows = []
    for name, chosen in runs:
        print(f"bench: {name}", file=sys.stderr, flush=True)
        run = Run([WEIR, "analyse", str(file), *chosen, "--json", "-"])
        rows.append([name, run.wall, run.wall / SECONDS, run.cpu, run.cpu / SECONDS, run.ffmpeg_cpu / run.cpu, f"{run.peak_mib:.0f}"])
    return rows


def whisper(model: str) -> list[str]:
    return ["--set", f"analyser.speech_transcription.model={model}"]


def warm(file: Path) -> None:
    """One process looks at the film again and again; what it does after the first is warm. No result is kept between them."""
    for model in WHISPERS:
        print(f"bench: warm, {model}", file=sys.stderr, flush=True)
        run = Run([WEIR, "analyse", *[str(file)] * (WARM_RUNS + 1), *whisper(model), "--json", "-"])
        first, *reports = [json.loads(line) for line in run.out.splitlines()]
        taken = {name: median([report["analysers"][name]["ms"] / 1000 for report in reports]) for name in ANALYSERS}
        table(f"All nineteen in a warm pool, {model}: medians of {WARM_RUNS} after the first. They share the cores, so `work` is time on the clock",
              ["analyser", "work s", "RTF"], [[name, value, value / SECONDS] for name, value in taken.items()])
        wall = median([report["wall_ms"] / 1000 for report in reports])
        print(f"\n  all: {wall:.1f} s, RTF {wall / SECONDS:.2f}; cold {first['wall_ms'] / 1000 - wall:+.1f} s; {run.cpu / (WARM_RUNS + 1):.1f} CPU s a film, "
              f"{run.ffmpeg_cpu / run.cpu:.0%} of them decoding; peak PSS {run.peak_mib:.0f} MiB")


def transnet(rows: list[list[object]]) -> float:
    """TransNetV2's share of the CPU seconds of all, at most: what `cut_analysis` takes more than an analyser that decodes the same and does little."""
    cpu = {name: seconds for name, _, _, seconds, *_ in rows}
    return (cpu["cut_analysis"] - cpu["color_analysis"]) / cpu[f"all, {WHISPERS[0]}"]


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


def served(file: Path, data: Path) -> None:
    """The film uploaded twice: packaged and analysed, then found."""
    server = Server(data)
    with Tree(server.process.pid) as memory:
        took = []
        for _ in range(2):
            begin = time.monotonic()
            server.ingest(file)
            took.append(time.monotonic() - begin)
    found = server.get("/models")["results"]
    server.stop()
    print(f"\n  In a server, packaged beside: {took[0]:.1f} s, peak PSS {memory.peak_mib:.0f} MiB. Uploaded again: {took[1]:.1f} s, "
          f"{found['hits']} results found, {found['misses']} made.")


def main() -> None:
    with folder() as name:
        work = Path(name)
        file = scene(work, SECONDS)
        rows = cold(file)
        table(f"`weir analyse`, cold: process start, model loading and decode included; {SECONDS} s of 1080p30",
              ["analyser", "wall s", "wall RTF", "CPU s", "CPU RTF", "decode share", "peak PSS MiB"], rows)
        print(f"\n  TransNetV2: at most {transnet(rows):.0%} of the CPU seconds of all")
        warm(file)
        served(file, work / "data")
        plain, ours = peer.show(file, SECONDS), rows[-len(WHISPERS)]
        print(f"\n  The plain pipeline against weir, cold, the same models: {plain[1] / ours[1]:.1f} times the wall time, {plain[3] / ours[3]:.1f} times "
              f"the CPU seconds, {int(plain[5]) / int(ours[6]):.2f} times the memory.")


if __name__ == "__main__":
    main()
