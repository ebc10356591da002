"""What the plain Python pipeline (`reference/`) needs for the same film: each analyser alone, and all of them in two processes, one for each core.

`python bench/peer.py [FILE]` prints the table by itself, without weir.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from measure import Run, folder, table
from scene import scene

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "reference" / "requirements.txt"
PICTURES = ("age_estimation", "background_segmentation", "body_pose", "camera_analysis", "color_analysis", "content_quality", "cut_analysis",
            "eye_tracking", "object_detection", "scene_segmentation", "sensitive_content", "temporal_description", "temporal_flow",
            "text_overlay")
SOUND = ("audio_analysis", "audio_environment", "speech_emotion", "speech_flow", "speech_transcription")
SECONDS = 60


def environment() -> Path:
    """The Python of an environment with the pinned tools, made in the cache when it is not there."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weir"
    name = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = base / f"reference-venv-{name}"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        print(f"bench: installing the plain pipeline's tools into {home} (about 250 MiB to download)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)]
        subprocess.run([str(python), *install], check=True)
        (home / "ready").touch()
    return python


def alone(python: Path, name: str, file: Path) -> Run:
    """One analyser in a process of its own, with both cores."""
    return Run(_command(python, [name], file), cwd=HERE, env=_environment(2))


def together(python: Path, file: Path) -> Run:
    """All of them: pictures in one process, sound in the other, as the seed's groups."""
    commands = [" ".join(_command(python, names, file)) for names in (PICTURES, SOUND)]
    return Run(["sh", "-c", f"{commands[0]} & {commands[1]} & wait"], cwd=HERE, env=_environment(1))


def _command(python: Path, names, file: Path) -> list[str]:
    return [str(python), "-W", "ignore", "-m", "reference.peer", ",".join(names), str(file)]


def _environment(threads: int) -> dict[str, str]:
    """OpenCV, BLAS and numba take as many threads as the models."""
    number = str(threads)
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "REFERENCE_THREADS"), number)
    return {**os.environ, **limits, "OPENCV_FFMPEG_THREADS": number}


def rows(file: Path, seconds: int) -> list[list[object]]:
    """Wall, real-time factor, CPU and peak memory of each analyser and of all."""
    python = environment()
    runs = {}
    for name in sorted(PICTURES + SOUND):
        print(f"bench: {name}", file=sys.stderr, flush=True)
        runs[name] = alone(python, name, file)
    runs["all, two processes"] = together(python, file)
    return [[name, run.wall, run.wall / seconds, run.cpu, run.cpu / seconds, f"{run.peak_mib:.0f}"] for name, run in runs.items()]


def show(file: Path, seconds: int) -> list[object]:
    """Prints the table; answers its last row, of all analysers together."""
    every = rows(file, seconds)
    table(f"The plain Python pipeline, each analyser opening the file for itself; process start included; {seconds} s of 1080p30",
          ["analyser", "wall s", "wall RTF", "CPU s", "CPU RTF", "peak PSS MiB"], every)
    return every[-1]


def main() -> None:
    if len(sys.argv) > 1:
        file = Path(sys.argv[1]).resolve()
        command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(file)]
        show(file, round(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)))
        return
    with folder() as name:
        show(scene(Path(name), SECONDS), SECONDS)


if __name__ == "__main__":
    main()
