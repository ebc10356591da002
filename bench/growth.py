"""Whether the analysis of a longer video costs more per minute, or more memory: the film of `bench-analyse`, 1, 5 and 25 minutes long."""

import sys
from pathlib import Path

from measure import WEIR, Run, folder, table
from scene import scene

MINUTES = [1, 5, 25]


def main() -> None:
    rows = []
    with folder() as name:
        for minutes in MINUTES:
            print(f"bench: {minutes} min", file=sys.stderr, flush=True)
            work = Path(name) / str(minutes)
            work.mkdir()
            run = Run([WEIR, "analyse", str(scene(work, minutes * 60)), "--json", str(work / "out.json")])
            rows.append([minutes, run.wall, run.wall / minutes / 60, run.cpu, run.cpu / minutes, f"{run.peak_mib:.0f}"])
    table("All nineteen analysers in a new process, by length of the video; 1080p30",
          ["minutes", "wall s", "wall RTF", "CPU s", "CPU s a minute", "peak PSS MiB"], rows)


if __name__ == "__main__":
    main()
