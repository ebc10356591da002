"""`python -m reference.write TESTDATA`: writes outputs/*.json, the answers that tests/it/parity.rs compares weir's with.

Each case says where its pictures or its sound came from, so that the same can be taken again: `media` (below TESTDATA) or `lavfi` (a source that ffmpeg
makes), and `ffmpeg`, the arguments between input and output; pictures are taken as RGB24, sound as 16 kHz mono 32-bit floats.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from . import faces, film, media, objects, pictures, sound, speech, text

OUTPUTS = Path(__file__).with_name("outputs")
_STILLS = {"clips/bus.jpg": (810, 1080), "clips/zidane.jpg": (1280, 720)}
_FILMS = {"clips/bikes.mp4": (640, 272), "clips/bigbuckbunny.mp4": (1280, 720), "clips/carphone_pristine.mp4": (176, 144)}
_QUALITY = {**_STILLS, **_FILMS, "clips/carphone_distorted.mp4": (176, 144)}
_SPEECH = ("speech/jfk.flac", "speech/two_cities.wav", "vad/silero_test.wav")
_NOISE = "anoisesrc=r=16000:a=0.3:d=6:seed=7"
_TONES = "aevalsrc=0.2*sin(2*PI*440*t)+0.1*sin(2*PI*880*t)+0.05*sin(2*PI*1320*t):s=16000:d=6"
_CHORDS = (
    "aevalsrc=0.1*sin(2*PI*261.63*t)+0.1*sin(2*PI*329.63*t)+0.1*sin(2*PI*392*t):s=16000:d=8",
    "aevalsrc=0.1*sin(2*PI*220*t)+0.1*sin(2*PI*261.63*t)+0.1*sin(2*PI*329.63*t):s=16000:d=8",
    "aevalsrc=0.1*sin(2*PI*196*t)+0.1*sin(2*PI*246.94*t)+0.1*sin(2*PI*293.66*t):s=16000:d=8",
)
_CLICKS = {bpm: f"aevalsrc=if(lt(mod(t\\,60/{bpm})\\,0.02)\\,0.7*sin(2*PI*1500*t)\\,0):s=16000:d=20" for bpm in (90, 120, 150)}


class Writer:
    """Takes pictures and sound of the test media, and writes one file for each kind of answer."""

    def __init__(self, testdata: Path) -> None:
        self._testdata = testdata

    def stills(self, sizes: dict, answer) -> list[dict]:
        """One picture of each file."""
        return [self._pictures(name, ["-frames:v", "1"], size, answer) for name, size in sizes.items()]

    def films(self, sizes: dict, per_second: float, answer) -> list[dict]:
        """Some pictures of each second."""
        return [self._pictures(name, ["-vf", f"fps={per_second}"], size, answer) for name, size in sizes.items()]

    def _pictures(self, name: str, arguments: list[str], size: tuple | None, answer) -> dict:
        file = self._testdata / name
        width, height = size or _size(file)
        shown = media.pictures(file, arguments, width, height)
        frames = [answer(picture) for picture in shown]
        return {"media": name, "ffmpeg": arguments, "width": width, "height": height, "frames": frames}

    def sounds(self, names, answer) -> list[dict]:
        """What is said of a file's sound."""
        return [{"media": name, "answer": answer(media.sound(self._testdata / name))} for name in names]

    def film_at(self, name: str, arguments: list[str], width: int, height: int) -> np.ndarray:
        """Pictures of another size."""
        return media.pictures(self._testdata / name, arguments, width, height)


def _size(file: Path) -> tuple[int, int]:
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "csv=p=0", str(file)]
    width, height = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().split(",")
    return int(width), int(height)


def _made(source: str) -> np.ndarray:
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)


def _write(name: str, model: str, cases: list[dict]) -> None:
    text_of = json.dumps({"answers": model, "cases": _rounded(cases)}, ensure_ascii=False, indent=1)
    (OUTPUTS / f"{name}.json").write_text(text_of + "\n", encoding="utf-8")
    print(f"{name}: {len(cases)} cases, {len(text_of)} bytes", flush=True)


def _rounded(value):
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value


def _faces(picture: np.ndarray) -> list[dict]:
    found = faces.detect(picture, 0.45)
    return [{**face, "age": faces.age(picture, face["box"])} for face in found]


def _sensitive(picture: np.ndarray) -> dict:
    return {"open_nsfw": pictures.open_nsfw(picture), **pictures.nsfwjs(picture)}


def _cuts(writer: Writer) -> list[dict]:
    name, arguments = "cuts/testvideo.mp4", ["-frames:v", "240", "-vf", "scale=48:27"]
    frames = writer.film_at(name, arguments, 48, 27)
    return [{"media": name, "ffmpeg": arguments, "width": 48, "height": 27, "frames": film.transnet(frames).tolist()}]


def _speech_spans(samples: np.ndarray) -> list[tuple[int, int]]:
    return speech.spans(speech.voice(samples), len(samples))


def _made_sounds() -> list[dict]:
    cases = [{"lavfi": source, "timbre": sound.timbre(_made(source))} for source in (_NOISE, _TONES)]
    cases += [{"lavfi": source, "chroma": sound.chroma(_made(source))} for source in _CHORDS]
    return cases + [{"lavfi": source, "tempo": sound.tempo(_made(source))} for source in _CLICKS.values()]


def main() -> None:
    writer = Writer(Path(sys.argv[1]))
    OUTPUTS.mkdir(exist_ok=True)
    found = writer.stills(_STILLS, lambda p: objects.detect(p, 0.25)) + writer.films(_FILMS, 2, lambda p: objects.detect(p, 0.25))
    _write("objects", "nanodet: class, score, box of each object from 0.25 on", found)
    _write("faces", "blazeface: score, box of each face from 0.45 on; faceres: age", writer.stills(_STILLS, _faces))
    _write("text", "ppocr_det, ppocr_rec, trueocr: lines", writer.stills({"ocr/sample_overlay_text.png": None}, text.read))
    sensitive = writer.stills(_STILLS, _sensitive) + writer.films({"clips/bikes.mp4": (640, 272)}, 1, _sensitive)
    _write("sensitive", "open_nsfw, nsfwjs", sensitive)
    _write("transnet", "transnetv2: that a shot ends with the frame", _cuts(writer))
    _write("brisque", "the package brisque 0.2.0", writer.stills(_QUALITY, pictures.brisque))
    _write("voice", "silero_vad: spans of speech, in samples", writer.sounds(_SPEECH, _speech_spans))
    said = writer.sounds(_SPEECH[:2], lambda samples: {name: speech.transcribe(samples, name) for name in ("whisper_base", "whisper_tiny_en")})
    _write("said", "whisper: text", said)
    heard = writer.sounds(("speech/jfk.flac", "clips/bigbuckbunny.mp4"), lambda samples: {"timbre": sound.timbre(samples)})
    cases = [{"media": case["media"], **case["answer"]} for case in heard] + _made_sounds()
    _write("sound", "librosa 0.11.0: timbre, tempo, chroma", cases)


if __name__ == "__main__":
    main()
