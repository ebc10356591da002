"""The film of `make bench-analyse`: 1080p30 with people, text and speech, made of the test media."""

import subprocess
from pathlib import Path

from measure import TESTDATA, clip

PART_SECONDS = 10
_SIZE, _RATE = "1920:1080", 30
_FIT = f"scale={_SIZE}:force_original_aspect_ratio=decrease,pad={_SIZE}:-1:-1,setsar=1,fps={_RATE},format=yuv420p"
_ZOOM = "zoompan=z='1+0.0005*on':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d=1:s=1920x1080:fps=30"
_STILLS = ("clips/zidane.jpg", "clips/bus.jpg")
_FILMS = ("clips/bikes.mp4", "clips/carphone_pristine.mp4", "clips/bigbuckbunny.mp4")
_LINES = "ocr/sample_overlay_text.png"
_SPEECH = ("speech/two_cities.wav", "speech/jfk.flac", "clips/bigbuckbunny.mp4")


def scene(folder: Path, seconds: int) -> Path:
    """Six shots of ten seconds, again and again: two photographs that are zoomed into, three films, and one of these with lines of text over
    it; speech and a little music. Without the test media the sample takes its place."""
    if not (TESTDATA / _LINES).is_file():
        return clip(folder, "scene.mp4", seconds, 1080, _RATE)
    shots = [_still(folder, name) for name in _STILLS] + [_film(folder, name) for name in _FILMS] + [_lines(folder)]
    pictures, sound = folder / "pictures.txt", folder / "sound.wav"
    repeats = -(-seconds // (PART_SECONDS * len(shots)))
    pictures.write_text("".join(f"file '{shot}'\n" for shot in shots * repeats), encoding="utf-8")
    _ffmpeg([part for name in _SPEECH for part in ("-i", str(TESTDATA / name))],
            ["-filter_complex", "[0:a]aresample=16000[a];[1:a]aresample=16000[b];[2:a]aresample=16000[c];[a][b][c]concat=n=3:v=0:a=1",
             "-ac", "1"], sound)
    out = folder / "scene.mp4"
    _ffmpeg(["-f", "concat", "-safe", "0", "-i", str(pictures), "-stream_loop", "-1", "-i", str(sound)],
            ["-map", "0:v", "-map", "1:a", "-t", str(seconds), "-c:v", "copy", "-c:a", "aac", "-b:a", "128k"], out)
    return out


def _still(folder: Path, name: str) -> Path:
    out = folder / f"{Path(name).stem}.mp4"
    _ffmpeg(["-loop", "1", "-framerate", str(_RATE), "-i", str(TESTDATA / name)], _encoded(f"{_FIT},{_ZOOM}"), out)
    return out


def _film(folder: Path, name: str) -> Path:
    out = folder / f"{Path(name).stem}.mp4"
    _ffmpeg(["-stream_loop", "-1", "-i", str(TESTDATA / name)], _encoded(_FIT), out)
    return out


def _lines(folder: Path) -> Path:
    out = folder / "lines.mp4"
    over = f"[0:v]{_FIT}[film];[1:v]scale=-2:1080[lines];[film][lines]overlay=x=W-w"
    inputs = ["-stream_loop", "-1", "-i", str(TESTDATA / _FILMS[0]), "-loop", "1", "-i", str(TESTDATA / _LINES)]
    _ffmpeg(inputs, ["-filter_complex", over, *_encoded(None)], out)
    return out


def _encoded(filters: str | None) -> list[str]:
    chosen = ["-vf", filters] if filters else []
    return [*chosen, "-an", "-t", str(PART_SECONDS), "-c:v", "libx264", "-preset", "veryfast", "-b:v", "6M", "-g", "60", "-pix_fmt", "yuv420p",
            "-video_track_timescale", "30000"]


def _ffmpeg(inputs: list[str], options: list[str], out: Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *options, str(out)], check=True)
