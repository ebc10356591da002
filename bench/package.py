"""Packaging against the bare ffmpeg ladder of the same rungs on the same file: CPU seconds, medians of pairs. Goal: ratio <= 1.05."""

import json
from pathlib import Path

from measure import WEIR, Run, analysers, clip, folder, median, table

PAIRS = 3
RUNGS = [("1080p", 1080, 5000), ("720p", 720, 2800), ("480p", 480, 1400), ("360p", 360, 800)]
NO_ANALYSIS = [part for name in analysers() for part in ["--set", f"analyser.{name}.enabled=false"]]


def ladder(source: Path, out: Path, height: int) -> list[str]:
    """The same rungs, rates and GOP as weir's, written by ffmpeg's own HLS muxer."""
    rungs = [rung for rung in RUNGS if rung[1] <= height]
    split = f"[0:v]split={len(rungs)}" + "".join(f"[s{n}]" for n in range(len(rungs)))
    scale = [f"[s{n}]scale=-2:{rung[1]}[v{n}]" for n, rung in enumerate(rungs)]
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), "-filter_complex", ";".join([split, *scale])]
    for number, (name, _, kbps) in enumerate(rungs):
        (out / name).mkdir(parents=True)
        command += ["-map", f"[v{number}]", "-map", "0:a", "-c:v", "libx264", "-preset", "veryfast", "-b:v", f"{kbps}k",
                    "-maxrate", f"{kbps}k", "-bufsize", f"{2 * kbps}k", "-sc_threshold", "0",
                    "-force_key_frames", "expr:gte(t,n_forced*2)", "-c:a", "aac", "-b:a", "128k",
                    "-f", "hls", "-hls_time", "6", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", str(out / name / "index.m3u8")]
    return command


def main() -> None:
    rows = []
    with folder() as name:
        work = Path(name)
        for label, seconds, height in [("1080p30, 20 s", 20, 1080), ("720p30, 20 s", 20, 720)]:
            source = clip(work, f"{height}.mp4", seconds, height, 30)
            bare, ours = [], []
            for number in range(PAIRS):
                bare.append(Run(ladder(source, work / f"bare-{height}-{number}", height)))
                run = Run([WEIR, "ingest", str(source), "--data", str(work / f"weir-{height}-{number}"), "--wait", "--json",
                           "--set", "metrics.listen=", *NO_ANALYSIS])
                assert json.loads(run.out)["status"] == "ready", run.out
                ours.append(run)
            ratio = median([b.cpu / a.cpu for a, b in zip(bare, ours)])
            rows.append([label, median([r.cpu for r in bare]), median([r.cpu for r in ours]), ratio,
                         median([r.wall for r in bare]), median([r.wall for r in ours]),
                         f"{median([r.peak_mib for r in bare]):.0f}", f"{median([r.peak_mib for r in ours]):.0f}"])
    table(f"Packaging (whole `weir ingest --wait`: store, probe, package, poster, audio) against the bare ffmpeg ladder, medians of {PAIRS} pairs; goal: CPU ratio <= 1.05",
          ["source", "ffmpeg CPU s", "weir CPU s", "CPU ratio", "ffmpeg wall s", "weir wall s", "ffmpeg MiB", "weir MiB"], rows)


if __name__ == "__main__":
    main()
