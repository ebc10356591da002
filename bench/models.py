"""What each model costs here: opening it, running it by batch, memory. The figures go into `models/measured.json`, which the model cards show."""

import json
import subprocess
from pathlib import Path

from measure import WEIR, table

FILE = Path(__file__).resolve().parents[1] / "models" / "measured.json"


def names() -> list[str]:
    """The models that are here, one process for each."""
    listed = subprocess.run([WEIR, "models", "list"], check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [line.split() for line in listed[1:]]
    return [row[0] for row in rows if len(row) > 2 and row[1] == "here" and row[0] != "onnxruntime"]


def main() -> None:
    FILE.write_text("{}\n", encoding="utf-8")
    for name in names():
        subprocess.run([WEIR, "models", "measure", name, "--into", str(FILE)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rows = []
    for name, found in json.loads(FILE.read_text(encoding="utf-8")).items():
        by_batch = {entry["batch"]: entry["ms"] for entry in found["latency"]}
        each = [by_batch[batch] / batch if batch in by_batch else "" for batch in (1, 2, 4, 8)]
        rows.append([name, found["load_ms"], f"{found['memory_bytes'] / 2**20:.0f}", *each])
    table("Models: opening (with the digest), memory, and milliseconds an item by batch; 2 threads", ["model", "load ms", "MiB", "1", "2", "4", "8"], rows)


if __name__ == "__main__":
    main()
