"""What every stream keeps, whatever sounds in it: seamless, bounded, repeatable, steady."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from models.api import Backend, BackendError, SoundRequest
from models.plan import SoundBrief
from models.sound.catalogue import KINDS
from models.sound.procedural import ProceduralSound
from models.sound.space import limited

Chunks = Callable[..., list[bytes]]
Sound = Callable[..., NDArray[np.float64]]

CHUNK = 9_600  # frames: the 200 ms of the contract
TEXTURES = [kind.name for kind in KINDS.values() if kind.texture]
EVENTS = [kind.name for kind in KINDS.values() if not kind.texture]


def _db(power: float) -> float:
    return float(10 * np.log10(power + 1e-12))


def test_is_a_backend_that_produces() -> None:
    assert isinstance(ProceduralSound(), Backend)
    assert ProceduralSound.produces


def test_a_request_it_cannot_meet_fails_at_once() -> None:
    with pytest.raises(BackendError, match="unicorn"):
        ProceduralSound().open(SoundRequest(brief=SoundBrief(description="a unicorn")))


def test_a_closed_job_gives_nothing_more() -> None:
    job = ProceduralSound().open(SoundRequest(brief=SoundBrief(description="rain")))
    job.close()
    assert not job.step(lambda _: pytest.fail("it emitted"))


def test_a_job_takes_no_messages() -> None:
    job = ProceduralSound().open(SoundRequest(brief=SoundBrief(description="rain")))
    with pytest.raises(TypeError):
        job.feed(object(), lambda _: None)


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_are_short_and_not_clipped_and_begin_softly(kind: str, chunks: Chunks, sound: Sound) -> None:
    assert max(len(pcm) for pcm in chunks(kind)) <= CHUNK * 4
    x = sound(kind)
    assert 0.02 < np.abs(x).max() < 0.99
    assert (
        np.abs(x[:, :5]).max() < 0.02
    )  # faded in over 5 ms: the first tenth of a millisecond is hardly there


@pytest.mark.parametrize("kind", TEXTURES)
def test_a_texture_goes_on_and_keeps_its_loudness(kind: str, sound: Sound) -> None:
    x = sound(kind, limit=15.0)
    assert x.shape[1] >= 15 * 48_000
    thirds = [_db((part**2).mean()) for part in np.split(x[:, : 15 * 48_000], 3, axis=1)]
    assert max(thirds) - min(thirds) < 6.0
    sparse = kind in {"clock", "typing"}  # all peaks: see `calibrate.PEAK`
    assert -32 < np.mean(thirds) < -17 if sparse else abs(np.mean(thirds) + 20) < 5


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_ends_by_itself_in_silence(kind: str, sound: Sound) -> None:
    x = sound(kind, limit=20.0)
    assert 0.2 * 48_000 < x.shape[1] < 15 * 48_000
    assert np.abs(x[:, -48:]).max() < 0.01


@pytest.mark.parametrize("description", ["rain", "rain with thunder", "bell", "laser", "sea then a foghorn"])
@pytest.mark.parametrize("seconds", [0.01, 0.55, 2.0, 4.25])
def test_lasts_exactly_as_long_as_asked(description: str, seconds: float, sound: Sound) -> None:
    x = sound(description, seconds=seconds, limit=99.0)
    assert x.shape[1] == round(seconds * 48_000)
    assert np.abs(x[:, -1]).max() < 0.001


def test_an_event_comes_again_when_more_seconds_are_asked_for_than_it_has(sound: Sound) -> None:
    x = sound("dog", seconds=12.0, limit=99.0)
    assert _db((x[:, 6 * 48_000 :] ** 2).mean()) > -45


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_samples_other_seed_others(kind: str, chunks: Chunks) -> None:
    fresh = ProceduralSound().open(SoundRequest(brief=SoundBrief(description=kind), seed=0))
    again: list[bytes] = []
    for _ in range(5):
        fresh.step(lambda chunk: again.append(chunk.pcm))
    assert again == chunks(kind)[: len(again)]
    if kind != "beep":  # a plain tone has nothing to vary
        assert chunks(kind, seed=1) != chunks(kind)


@pytest.mark.parametrize("kind", ["rain", "wind", "sea", "stream", "fire", "engine", "hum", "siren", "bees"])
def test_nothing_jumps_where_chunks_join(kind: str, sound: Sound) -> None:
    """A seam would stand out in the second difference."""
    x = sound(kind, limit=12.0)
    bend = np.abs(np.diff(x, 2, axis=1)).max(axis=0)
    joints = np.arange(4_800, x.shape[1] - 10, 4_800)
    at = np.stack([bend[joint - 3 : joint + 2].max() for joint in joints])
    elsewhere = np.stack([bend[joint - 2_403 : joint - 2_398].max() for joint in joints])
    assert np.quantile(at, 0.9) < 2.0 * np.quantile(elsewhere, 0.9) + 1e-3


@pytest.mark.parametrize("kind", ["rain", "sea", "fire", "birds", "crowd", "stream", "wind"])
def test_does_not_repeat(kind: str, sound: Sound) -> None:
    x = sound(kind, limit=15.0)[0]
    spectrum = np.fft.rfft(x, 2 * len(x))
    echo = np.fft.irfft(np.abs(spectrum) ** 2)[: len(x)]
    assert np.abs(echo[24_000 : 13 * 48_000]).max() < 0.35 * echo[0]


def test_layers_are_heard_together(sound: Sound) -> None:
    both = sound("hum and crickets")
    level = np.abs(np.fft.rfft(both[0]))
    hz = np.fft.rfftfreq(both.shape[1], 1 / 48_000)
    low, high, none = (level[(hz > a) & (hz < b)].max() for a, b in ((90, 110), (4000, 5200), (9900, 11_000)))
    assert min(low, high) > 10 * none


def test_six_layers_still_fit(sound: Sound) -> None:
    x = sound("very heavy rain, wind, sea, loud thunder, siren and a loud explosion", limit=8.0)
    assert np.abs(x).max() < 0.99


def test_stages_follow_each_other(sound: Sound) -> None:
    alone, after = sound("knock", limit=20.0), sound("knock then a beep", limit=20.0)
    assert after.shape[1] > alone.shape[1]
    tail = after[0, alone.shape[1] :]
    assert abs(np.fft.rfftfreq(len(tail), 1 / 48_000)[np.abs(np.fft.rfft(tail)).argmax()] - 1000) < 20


def test_the_limiter_leaves_quiet_sound_alone_and_bounds_loud() -> None:
    quiet, loud = np.linspace(-0.7, 0.7, 101), np.linspace(-9, 9, 1001)
    assert np.array_equal(limited(quiet), quiet)
    bent = limited(loud)
    assert np.abs(bent).max() <= 0.98
    assert (np.diff(bent) >= 0).all()
