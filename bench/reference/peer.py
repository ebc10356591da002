"""`python -m reference.peer ANALYSER FILE`: one analyser as a plain pipeline runs it, from the file to its result; prints the result's size.

`python -m reference.peer ANALYSER,ANALYSER… FILE` runs several in one process, one after the other, each opening the file for itself. The
rates are weir's. Nothing is saved up: a picture that three analysers want is decoded and scaled three times.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from . import faces, film, objects, pictures, sound, speech, text
from .media import every_frame, sampled
from .media import sound as sound_of

_WHISPER = os.environ.get("REFERENCE_WHISPER", "whisper_tiny_en")
_CUT, _CANDIDATE = 27.0, 13.5


def object_detection(file: Path) -> list:
    return [objects.detect(picture) for _, picture in sampled(file, 2)]


def text_overlay(file: Path) -> list:
    return [text.read(picture) for _, picture in sampled(file, 1)]


def background_segmentation(file: Path) -> list:
    return [pictures.people(picture) for _, picture in sampled(file, 1)]


def scene_segmentation(file: Path) -> list:
    return [int(pictures.tags(picture)[0].argmax()) for _, picture in sampled(file, 1)]


def camera_analysis(file: Path) -> list:
    found, last = [], None
    for _, picture in every_frame(file):
        small = cv2.resize(picture, (256, 144), interpolation=cv2.INTER_AREA)
        if last is not None:
            transform = film.motion(last, small)
            found.append(None if transform is None else transform.tolist())
        last = small
    return found


def color_analysis(file: Path) -> list:
    return [pictures.palette(picture).tolist() for _, picture in sampled(file, 2)]


def cut_analysis(file: Path) -> list:
    """TransNetV2 is asked where colours change much, as in weir, and not about the whole film."""
    large = [cv2.resize(picture, (256, 144), interpolation=cv2.INTER_AREA) for _, picture in every_frame(file)]
    changes = film.content(large)
    frames = np.stack([cv2.resize(picture, (48, 27), interpolation=cv2.INTER_AREA) for picture in large])
    cuts = []
    for place in np.flatnonzero(changes > _CANDIDATE):
        if changes[place] > _CUT:
            cuts.append(int(place))
            continue
        around = frames[np.clip(np.arange(place - 50, place + 50), 0, len(frames) - 1)].astype(np.float32)
        if film.window(around)[48:51].max() > 0.5:
            cuts.append(int(place))
    return cuts


def body_pose(file: Path) -> list:
    return [objects.poses(picture) for _, picture in sampled(file, 1)]


def age_estimation(file: Path) -> list:
    result = []
    for _, picture in sampled(file, 1):
        boxes = [face["box"] for face in faces.detect(picture)]
        result.append([(faces.age(picture, box), faces.expression(picture, box)) for box in boxes])
    return result


def eye_tracking(file: Path) -> list:
    return [[faces.gaze(picture, face["box"]) for face in faces.detect(picture)] for _, picture in sampled(file, 1)]


def content_quality(file: Path) -> list:
    """The middle of the picture in its own pixels, as in weir."""
    result = []
    for _, picture in sampled(file, 0.5):
        height, width = picture.shape[:2]
        top, left = max(0, (height - 544) // 2), max(0, (width - 960) // 2)
        middle = picture[top : top + 544, left : left + 960]
        result.append((pictures.brisque(middle), pictures.sharpness(middle)))
    return result


def sensitive_content(file: Path) -> list:
    return [(pictures.open_nsfw(picture), pictures.nsfwjs(picture)) for _, picture in sampled(file, 1)]


def speech_transcription(file: Path) -> list:
    samples = sound_of(file)
    spoken = np.repeat(speech.voice(samples) > 0.5, speech.VAD_WINDOW)
    return [speech.transcribe(samples, _WHISPER)] if spoken.any() else []


def speech_flow(file: Path) -> list:
    samples = sound_of(file)
    spoken = np.repeat(speech.voice(samples) > 0.5, speech.VAD_WINDOW)
    vectors = speech.voices(samples[: len(spoken)][spoken])
    return (vectors @ vectors.T > 0.75).sum(axis=1).tolist() if len(vectors) else []


def speech_emotion(file: Path) -> list:
    samples = sound_of(file)
    return sound.pitch(samples).tolist() if len(samples) else []


def audio_analysis(file: Path) -> list:
    samples = sound_of(file)
    if not len(samples):
        return []
    command = ["ffmpeg", "-nostats", "-i", str(file), "-map", "0:a:0", "-af", "ebur128=peak=true", "-f", "null", "-"]
    loudness = subprocess.run(command, check=True, capture_output=True, text=True).stderr[-600:]
    return [loudness, sound.timbre(samples), sound.tempo(samples), sound.chroma(samples)]


def audio_environment(file: Path) -> list:
    return sound.environment(sound_of(file)).argmax(axis=1).tolist()


def temporal_flow(file: Path) -> list:
    """How much changes in each second, and which seconds look alike."""
    signs, last, pace = [], None, []
    for _, picture in sampled(file, 2):
        small = cv2.resize(picture, (32, 18), interpolation=cv2.INTER_AREA).astype(np.float32)
        pace.append(0.0 if last is None else float(np.abs(small - last).mean()))
        signs.append((small - small.mean()).ravel() / (small.std() * small.size**0.5 + 1e-6))
        last = small
    likeness = np.stack(signs) @ np.stack(signs).T
    return [pace, (likeness > 0.95).sum(axis=1).tolist()]


def temporal_description(file: Path) -> list:
    """No vision model is at hand: sixteen key frames, and nobody to ask."""
    return [picture.shape for _, picture in list(sampled(file, 1))[:16]]


ANALYSERS = {
    name: globals()[name]
    for name in (
        "age_estimation",
        "audio_analysis",
        "audio_environment",
        "background_segmentation",
        "body_pose",
        "camera_analysis",
        "color_analysis",
        "content_quality",
        "cut_analysis",
        "eye_tracking",
        "object_detection",
        "scene_segmentation",
        "sensitive_content",
        "speech_emotion",
        "speech_flow",
        "speech_transcription",
        "temporal_description",
        "temporal_flow",
        "text_overlay",
    )
}


def main() -> None:
    names, file = sys.argv[1].split(","), Path(sys.argv[2])
    for name in names:
        result = ANALYSERS[name](file)
        print(json.dumps({"analyser": name, "results": len(result)}), flush=True)


if __name__ == "__main__":
    main()
