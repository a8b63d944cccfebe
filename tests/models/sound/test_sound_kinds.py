"""Each kind sounds like itself: centroid, flatness, modulation and onsets are where that sound has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.sound.catalogue import KINDS

Samples = NDArray[np.float64]
Sound = Callable[..., Samples]
INF = float("inf")


@dataclass(frozen=True)
class Features:
    centroid: float  # Hz, of the louder frames
    spread: float  # Hz
    flatness: float  # 0 a tone, 1 white noise; 50 Hz to 12 kHz
    depth: float  # standard deviation of the envelope over its mean
    rate: float  # Hz, the strongest modulation of the envelope
    onsets: float  # a second


def features(x: Samples) -> Features:
    mono = x.mean(axis=0)
    frames = mono[: len(mono) // 2048 * 2048].reshape(-1, 2048) * np.hanning(2048)
    power = np.abs(np.fft.rfft(frames)) ** 2
    loud = power.sum(axis=1)
    power = power[loud > loud.max() * 1e-4].mean(axis=0) + 1e-12
    hz = np.fft.rfftfreq(2048, 1 / 48_000)
    centroid = (power * hz).sum() / power.sum()
    spread = np.sqrt((power * (hz - centroid) ** 2).sum() / power.sum())
    audible = power[2:512]
    envelope = np.sqrt((mono[: len(mono) // 240 * 240].reshape(-1, 240) ** 2).mean(axis=1))  # each 5 ms
    swing = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(envelope))))
    rates = np.fft.rfftfreq(len(envelope), 0.005)
    return Features(
        centroid=float(centroid),
        spread=float(spread),
        flatness=float(np.exp(np.log(audible).mean()) / audible.mean()),
        depth=float(envelope.std() / envelope.mean()),
        rate=float(rates[1:][swing[1:].argmax()]),
        onsets=float((envelope[1:] > 2 * envelope[:-1] + 0.02).sum() / (len(mono) / 48_000)),
    )


@pytest.mark.parametrize(
    ("description", "feature", "low", "high"),
    [
        ("white noise", "flatness", 0.95, 1.0),
        ("rain", "centroid", 3500, 9000),
        ("rain", "flatness", 0.4, 1.0),
        ("rain", "depth", 0, 0.5),
        ("wind", "centroid", 200, 1200),
        ("sea", "depth", 0.4, 1.5),
        ("sea", "rate", 0.05, 0.4),
        ("thunder", "centroid", 80, 1500),
        ("fan", "rate", 13.5, 14.5),
        ("stream", "centroid", 600, 2500),
        ("drip", "onsets", 0.8, 6),
        ("fire", "onsets", 1, 40),
        ("birds", "centroid", 2300, 5500),
        ("crickets", "centroid", 4200, 5000),
        ("crickets", "flatness", 0, 0.01),
        ("owl", "centroid", 300, 450),
        ("cuckoo", "centroid", 500, 720),
        ("gulls", "centroid", 1200, 2800),
        ("crowd", "centroid", 300, 1200),
        ("applause", "centroid", 1800, 4500),
        ("applause", "onsets", 8, INF),
        ("steps", "rate", 1.6, 2.1),
        ("heartbeat", "centroid", 40, 160),
        ("engine", "rate", 25, 30),
        ("helicopter", "rate", 10, 12),
        ("clock", "rate", 1.9, 2.1),
        ("clock", "onsets", 1.8, 2.2),
        ("hum", "centroid", 80, 200),
        ("siren", "flatness", 0, 0.001),
        ("siren", "centroid", 800, 2200),
        ("ambulance", "rate", 0.7, 1.0),
        ("foghorn", "centroid", 80, 300),
        ("whistle", "centroid", 2700, 3300),
        ("smoke alarm", "centroid", 3000, 4800),
        ("beep", "centroid", 980, 1020),
        ("laser", "spread", 1500, INF),
        ("breaking glass", "centroid", 4500, 9000),
        ("explosion", "centroid", 60, 600),
        ("church bell", "flatness", 0, 0.001),
    ],
)
def test_sounds_like_itself(description: str, feature: str, low: float, high: float, sound: Sound) -> None:
    assert low <= getattr(features(sound(description)), feature) <= high


def test_no_two_kinds_sound_the_same(sound: Sound) -> None:
    vectors = {}
    for kind in KINDS:
        f = features(sound(kind))
        # In octaves where the ear hears ratios; a flatness factor of ten counts as one.
        vectors[kind] = np.array(
            [
                np.log2(f.centroid),
                np.log2(f.spread),
                np.log10(f.flatness + 1e-6),
                2 * f.depth,
                0.5 * np.log2(f.rate),
                np.log2(1 + f.onsets) / 2,
            ]
        )
    apart = {(a, b): float(np.linalg.norm(vectors[a] - vectors[b])) for a, b in combinations(KINDS, 2)}
    nearest = min(apart, key=apart.__getitem__)
    assert apart[nearest] > 0.3, nearest


@pytest.mark.parametrize(
    ("less", "more", "feature"),
    [
        ("slow clock", "fast clock", "onsets"),
        ("slow engine", "fast engine", "rate"),
        ("distant dog", "dog", "centroid"),
        ("thunder far away", "thunder", "centroid"),
        ("rain on a tin roof", "rain", "flatness"),
        ("rain on a tent", "rain on the leaves", "centroid"),
        ("steps on wood", "steps on snow", "centroid"),
        ("heavy applause", "light applause", "depth"),
    ],
)
def test_a_modifier_is_heard(less: str, more: str, feature: str, sound: Sound) -> None:
    assert getattr(features(sound(less)), feature) < 0.85 * getattr(features(sound(more)), feature)


@pytest.mark.parametrize("kind", ["rain", "sea", "fire", "applause", "birds", "dog"])
def test_heavy_is_louder_than_light_and_near_than_far(kind: str, sound: Sound) -> None:
    level = {
        how: float((sound(f"{how} {kind}") ** 2).mean()) for how in ("heavy", "light", "nearby", "distant")
    }
    assert level["heavy"] > 1.5 * level["light"]
    assert level["nearby"] > 2 * level["distant"]


@pytest.mark.parametrize("kind", ["rain", "bell", "engine", "whistle"])
def test_left_and_right_are_left_and_right(kind: str, sound: Sound) -> None:
    for side, louder in (("left", 0), ("right", 1)):
        power = (sound(f"{kind} on the {side}") ** 2).mean(axis=1)
        assert power[louder] > 4 * power[1 - louder]


@pytest.mark.parametrize(
    ("description", "strokes"),
    [("four knocks", 4), ("five hammer", 5), ("three beeps", 3), ("six footsteps", 6)],
)
def test_an_event_happens_as_often_as_asked(description: str, strokes: int, sound: Sound) -> None:
    mono = np.abs(sound(description, limit=20.0).mean(axis=0))
    envelope = mono[: len(mono) // 2400 * 2400].reshape(-1, 2400).max(axis=1)  # each 50 ms
    loud = envelope > 0.3 * envelope.max()
    assert int((loud[1:] & ~loud[:-1]).sum() + loud[0]) == strokes
