"""What the benchmarks share: clips, CPU seconds and memory of a process tree, tables."""

import os
import statistics
import subprocess
import tempfile
import threading
import time
import tomllib
from pathlib import Path

WEIR = os.environ.get("WEIR_BIN", "target/release/weir")
TESTDATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "testdata"


def sample() -> Path:
    """The sample clip with sound (1280x720, 25 frames per second, 5.3 s)."""
    return Path(subprocess.run([WEIR, "models", "path", "sample_video"], check=True, capture_output=True, text=True).stdout.strip())


def analysers() -> list[str]:
    """The names of all analysers: the manual of the configuration has a table for each."""
    manual = Path(__file__).resolve().parents[1] / "config.default.toml"
    return list(tomllib.loads(manual.read_text())["analyser"])


def clip(folder: Path, name: str, seconds: int, height: int, rate: int) -> Path:
    """The sample looped and scaled: real pictures, any length."""
    out = folder / name
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", str(sample()), "-t", str(seconds),
         "-vf", f"scale=-2:{height},fps={rate}", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "6M", "-c:a", "aac", "-b:a", "128k", str(out)],
        check=True,
    )
    return out


class Run:
    """One run of a command: wall seconds, and CPU seconds and peak memory (PSS) of its process tree."""

    def __init__(self, command: list[str], **options: object) -> None:
        begin = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        with Tree(process.pid) as tree:
            out, err = process.communicate()
        self.wall = time.monotonic() - begin
        self.cpu = tree.cpu
        self.ffmpeg_cpu = tree.cpu_of("ffmpeg")
        self.peak_mib = tree.peak_mib
        self.out = out
        if process.returncode:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {err.decode(errors='replace')[-2000:]}")


class Tree:
    """Samples a process and its descendants until the block ends: the peak of their summed PSS, and the CPU seconds that they took.

    Nobody waits for a pool's process, so what a parent knows of its children's CPU seconds does not do; what a process took in its last
    tenth of a second is missed.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.peak_mib = 0.0
        self._ticks: dict[tuple[int, str], int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    @property
    def cpu(self) -> float:
        return self.cpu_of("")

    def cpu_of(self, name: str) -> float:
        """Of the programs whose names begin with this."""
        return sum(ticks for (_, own), ticks in self._ticks.items() if own.startswith(name)) / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> "Tree":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(0.1):
            pids = tree(self.pid)
            self.peak_mib = max(self.peak_mib, sum(pss_mib(pid) for pid in pids))
            for pid in pids:
                name, taken = ticks(pid)
                self._ticks[pid, name] = max(self._ticks.get((pid, name), 0), taken)


def tree(root: int) -> list[int]:
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found


def ticks(pid: int) -> tuple[str, int]:
    """The name of a process's program, and the clock ticks that it took itself."""
    try:
        head, _, tail = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return "", 0
    fields = tail.split()
    return head.partition("(")[2], int(fields[11]) + int(fields[12])


def pss_mib(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def median(values: list[float]) -> float:
    return statistics.median(values)


def table(title: str, head: list[str], rows: list[list[object]]) -> None:
    texts = [head] + [[f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    print(f"\n{title}\n")
    for number, row in enumerate(texts):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))


def folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="weir-bench-")
