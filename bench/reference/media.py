"""Pictures and sound of a file."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

RATE = 16_000


def every_frame(file: Path) -> Iterator[tuple[float, np.ndarray]]:
    """Time in seconds and picture of every frame."""
    video = cv2.VideoCapture(str(file))
    while True:
        seconds = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        there, picture = video.read()
        if not there:
            return
        yield seconds, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def sampled(file: Path, per_second: float) -> Iterator[tuple[float, np.ndarray]]:
    """Time and picture of the first frame of each interval; the frames between are decoded but not converted."""
    video = cv2.VideoCapture(str(file))
    wanted = 0
    while video.grab():
        seconds = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if seconds + 1e-6 < wanted / per_second:
            continue
        wanted = int(seconds * per_second) + 1
        _, picture = video.retrieve()
        yield seconds, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def pictures(file: Path, arguments: list[str], width: int, height: int) -> np.ndarray:
    """[count, height, width, 3]: what ffmpeg gives with these arguments between input and output."""
    command = ["ffmpeg", "-v", "error", "-i", str(file), *arguments, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def sound(file: Path) -> np.ndarray:
    """The sound; empty where there is none."""
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-map", "0:a:0?", "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, check=False, capture_output=True).stdout, np.float32)
