"""What is heard: loudness, borders, bar lines, tempo, endings."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.api import (
    SPEAKING_RATE,
    Backend,
    BackendError,
    BackendUnavailableError,
    MusicChunk,
    MusicRequest,
    MusicState,
    SoundRequest,
)
from models.music.composer import CHUNK, ComposerJob, ComposerMusic
from models.music.render import limited
from models.music.styles import STYLES
from models.plan import MusicBrief, SoundBrief

Played = tuple[NDArray[np.int16], list[tuple[int, MusicState]]]
Play = Callable[..., Played]


def db(samples: NDArray[np.int16]) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(samples / 32768.0))) + 1e-9))


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_sounds(play: Play, style: str) -> None:
    samples, states = play(MusicBrief(style=style), seed=2, steps=150)
    assert np.abs(samples.astype(int)).max() < 32767  # never clips
    assert -26.0 < db(samples) < -19.0  # RMS; some 2.5 dB below the loudness in LUFS
    assert db(samples[:CHUNK]) > -45.0  # at once
    # A click would be a larger step between two samples at a border than music makes anywhere.
    steps = np.abs(np.diff(samples.astype(int), axis=0)).max(axis=1)
    borders = np.arange(CHUNK, len(samples), CHUNK) - 1
    assert steps[borders].max() <= np.delete(steps, borders).max()
    assert np.percentile(steps[borders], 50) <= 3 * np.percentile(steps, 50) + 4
    assert np.abs(samples[:2].astype(int)).max() < 200  # it begins from silence
    assert states[0][0] == 0


@pytest.mark.parametrize(("metre", "beats"), [("4/4", 4), ("3/4", 3), ("6/8", 3), ("5/4", 5), ("2/4", 2)])
def test_bar_lines_are_exact(play: Play, metre: str, beats: int) -> None:
    tempo = 187.3
    samples, states = play(
        MusicBrief(style="folk", metre=metre, tempo=tempo, tonic="Bb", mode="dorian"), steps=120
    )  # type: ignore[arg-type]
    bar = beats * 60 / tempo * SPEAKING_RATE
    for i, (frame, state) in enumerate(states):
        assert frame == round(i * bar)
        assert (state.bar, state.beats, state.tempo, state.key) == (i + 1, beats, tempo, "Bb dorian")
        assert state.chords
        assert "fiddle" in state.instruments or state.section == "intro"
    assert len(states) == int(np.ceil(len(samples) / bar))


@pytest.mark.parametrize(("style", "tempo"), [("techno", 128), ("march", 96), ("rock", 140)])
def test_the_tempo_is_heard(play: Play, style: str, tempo: int) -> None:
    samples, _ = play(MusicBrief(style=style, tempo=tempo, density=1.0), seed=1, steps=200)
    hop = 480  # 10 ms
    mono = samples.mean(axis=1)[: len(samples) // hop * hop]
    energy = np.log1p(np.square(np.diff(mono, prepend=0.0)).reshape(-1, hop).sum(axis=1))
    onsets = np.maximum(np.diff(energy), 0.0)
    onsets -= onsets.mean()
    # Sixteen beats are long enough for 10 ms frames to resolve 3 % (a lag of 16 beats is about 700 frames).
    strength = np.correlate(onsets, onsets, "full")[len(onsets) :]
    expected = 16 * 60 / tempo * 100
    window = np.arange(int(expected * 0.95), int(expected * 1.05))
    found = window[np.argmax(strength[window - 1])]
    assert abs(found - expected) <= 0.03 * expected
    assert strength[found - 1] > 0.2 * strength.max()


def test_a_piece_ends_by_itself_in_silence(play: Play) -> None:
    samples, states = play(MusicBrief(style="solo piano", bars=3, tempo=120))
    assert [state.section for _, state in states][-1] == "ending"
    assert len(states) == 3
    assert 6.0 < len(samples) / SPEAKING_RATE <= 9.2
    assert not samples[-48:].any()
    assert db(samples[-CHUNK * 3 : -CHUNK]) < -40


def test_the_same_request_is_the_same_sound(play: Play) -> None:
    brief = MusicBrief(style="jazz trio")
    first, _ = play(brief, seed=8, steps=30)
    second, _ = play(brief, seed=8, steps=30)
    other, _ = play(brief, seed=9, steps=30)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_streams_do_not_hear_each_other(open_job: Callable[..., ComposerJob], play: Play) -> None:
    brief = MusicBrief(style="solo piano")
    alone, _ = play(brief, seed=1, steps=20)
    one, two = open_job(brief, 1), open_job(MusicBrief(style="rock"), 2)
    chunks: list[MusicChunk] = []
    for _ in range(20):
        one.step(chunks.append)
        two.step(lambda chunk: None)
    assert np.array_equal(alone, np.frombuffer(b"".join(c.pcm for c in chunks), "<i2").reshape(-1, 2))


def test_the_limiter_bends_and_never_clips() -> None:
    ramp = np.linspace(-4, 4, 4001, dtype=np.float32)[:, None].repeat(2, axis=1)
    bent = limited(ramp)
    assert np.abs(bent).max() < 1.0
    assert (np.diff(bent[:, 0]) >= 0).all()
    quiet = np.abs(ramp) < 0.7
    assert np.array_equal(bent[quiet], ramp[quiet])


def test_chunks_are_short(open_job: Callable[..., ComposerJob]) -> None:
    chunks: list[MusicChunk] = []
    assert open_job(MusicBrief()).step(chunks.append) is True
    assert [len(chunk.pcm) for chunk in chunks] == [CHUNK * 4]
    assert CHUNK <= SPEAKING_RATE // 5


def test_it_is_a_backend_and_refuses_what_is_not_music(composer: ComposerMusic) -> None:
    assert isinstance(composer, Backend)
    assert composer.produces
    with pytest.raises(BackendError, match="MusicRequest, not SoundRequest"):
        composer.open(SoundRequest(brief=SoundBrief(description="rain")))
    with pytest.raises(BackendError, match="no style"):
        composer.open(MusicRequest(brief=MusicBrief(style="xyzzy")))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailableError, match="apt install timgm6mb-soundfont"):
        ComposerMusic(soundfont=str(tmp_path / "none.sf2"))
    broken = tmp_path / "broken.sf2"
    broken.write_bytes(b"not a font")
    with pytest.raises(BackendUnavailableError, match="no SoundFont that FluidSynth can read"):
        ComposerMusic(soundfont=str(broken))


def test_a_missing_library_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError("Couldn't find the FluidSynth library.")

    monkeypatch.setattr("models.music.render.importlib.import_module", missing)
    with pytest.raises(BackendUnavailableError, match="apt install libfluidsynth3"):
        ComposerMusic()
