"""Upload throughput and memory, beside what coreutils need to copy, sync and hash the same bytes on the same disk."""

import json
import os
import subprocess
import time
from pathlib import Path

from analyse import Server
from measure import Tree, Run, folder, median, pss_mib, table

MIB = 512
PAIRS = 3


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    with folder() as name:
        work = Path(name)
        file = work / "bytes"
        with file.open("wb") as out:
            for _ in range(MIB):
                out.write(os.urandom(1 << 20))
        server = Server(work / "data")
        key = json.loads((work / "data" / "first-login.json").read_text())["api_key"]
        idle = pss_mib(server.process.pid)
        peer, wall, cpu = [], [], []
        with Tree(server.process.pid) as memory:
            for number in range(PAIRS):
                peer.append(Run(["sh", "-c", f"cp '{file}' '{work}/copy' && sync '{work}/copy' && sha256sum '{work}/copy' && rm '{work}/copy'"]))
                with file.open("r+b") as out:
                    out.write(number.to_bytes(8, "big"))
                before, begin = cpu_seconds(server.process.pid), time.monotonic()
                subprocess.run(["curl", "-fsS", "-T", str(file), "-X", "POST", "-H", f"Authorization: Bearer {key}", "-H",
                                "Content-Type: application/octet-stream", f"{server.url}/vod/upload"], check=True, stdout=subprocess.DEVNULL)
                wall.append(time.monotonic() - begin)
                cpu.append(cpu_seconds(server.process.pid) - before)
        server.stop()
        rows = [["cp + sync + sha256sum", MIB / median([r.wall for r in peer]), median([r.cpu for r in peer]), 1.0, ""],
                ["weir upload (curl)", MIB / median(wall), median(cpu), median([c / p.cpu for c, p in zip(cpu, peer)]), f"{memory.peak_mib - idle:.0f}"]]
    table(f"Upload of {MIB} MiB over loopback, medians of {PAIRS} pairs", ["way", "MiB/s", "CPU s", "CPU ratio", "memory above idle, MiB"], rows)


if __name__ == "__main__":
    main()
