"""Spectrum, tempo and key by librosa; speech, music and noise by inaSpeechSegmenter's network."""

import numpy as np

from . import models
from .media import RATE

_WINDOW, _HOP = 512, 160
_SILENCE = 0.1


def timbre(samples: np.ndarray) -> dict[str, list[float]]:
    """For each second means of centroid, flatness and 85 % rolloff over the windows of 32 ms, 10 ms apart, that end in it and are not
    silent (sum of magnitudes)."""
    import librosa

    magnitude = np.abs(librosa.stft(samples, n_fft=_WINDOW, hop_length=_HOP, center=False))
    second = (np.arange(magnitude.shape[1]) * _HOP + _WINDOW - 1) // RATE
    loud = magnitude.sum(axis=0) >= _SILENCE
    values = {
        "centroid_hz": librosa.feature.spectral_centroid(S=magnitude, sr=RATE, n_fft=_WINDOW)[0],
        "flatness": librosa.feature.spectral_flatness(S=magnitude)[0],
        "rolloff_hz": librosa.feature.spectral_rolloff(S=magnitude, sr=RATE, n_fft=_WINDOW, roll_percent=0.85)[0],
    }
    seconds = [chosen for chosen in (loud & (second == at) for at in range(second[-1] + 1)) if chosen.any()]
    return {name: [float(value[chosen].mean()) for chosen in seconds] for name, value in values.items()}


def tempo(samples: np.ndarray) -> float:
    """Beats per minute."""
    import librosa

    return float(np.atleast_1d(librosa.beat.beat_track(y=samples, sr=RATE)[0])[0])


def chroma(samples: np.ndarray) -> list[float]:
    """How strong each of the twelve notes is, from C, of sum 1."""
    import librosa

    total = librosa.feature.chroma_stft(y=samples, sr=RATE, n_fft=8192, hop_length=2048, norm=None, tuning=0.0).sum(axis=1)
    return (total / total.sum()).tolist()


def pitch(samples: np.ndarray) -> np.ndarray:
    """The fundamental of each frame, Hz."""
    import librosa

    return librosa.yin(samples, fmin=60, fmax=500, sr=RATE)


def environment(samples: np.ndarray) -> np.ndarray:
    """Speech, music, noise: a row every 20 ms."""
    bands = _log_mel(samples)[:, :21]
    if len(bands) < 68:
        return np.zeros((0, 3))
    patches = np.lib.stride_tricks.sliding_window_view(bands, 68, axis=0)[::2].transpose(0, 2, 1)
    flat = patches.reshape(len(patches), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        normal = (flat - flat.mean(axis=1, keepdims=True)) / flat.std(axis=1, keepdims=True)
    values = np.nan_to_num(normal).reshape(patches.shape).astype(np.float32)
    parts = [values[at : at + 256] for at in range(0, len(values), 256)]
    return np.concatenate([models.run("ina", {"mel": part}, "speech_music_noise.onnx")["probs"] for part in parts])


def _log_mel(samples: np.ndarray) -> np.ndarray:
    """The 24 bands that the network was trained on: see `ina` in models/registry.toml."""
    if len(samples) < 400:
        return np.zeros((0, 24))
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160].astype(np.float64)
    emphasised = frames - 0.97 * np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    power = np.abs(np.fft.rfft(emphasised * np.hanning(400), 512)) ** 2
    with np.errstate(divide="ignore"):
        return np.log(power @ _triangles().T)


def _triangles() -> np.ndarray:
    mel = np.linspace(2595 * np.log10(1 + 100 / 700), 2595 * np.log10(1 + 8000 / 700), 26)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(512) * RATE / 512
    filters = np.zeros((24, 257))
    for band, (left, centre, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        height = 2 / (right - left)
        first, middle, last = (int(edge * 512 / RATE) + 1 for edge in (left, centre, right))
        filters[band, first:middle] = height / (centre - left) * (bins[first:middle] - left)
        filters[band, middle : last - 1] = height / (right - centre) * (right - bins[middle : last - 1])
    return filters
