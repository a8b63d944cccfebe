"""The MIDI file says what was composed."""

import io
from typing import Any

import mido
import pytest

from models.music.midi import to_midi
from models.music.piece import compose
from models.music.theory import PITCH_CLASS, SCALES
from models.plan import MusicBrief


def read(**fields: Any) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(to_midi(compose(MusicBrief(**fields), 5, 8))))


def test_key_tempo_and_metre() -> None:
    file = read(description="a calm piano piece in A minor at seventy")
    heading = {message.type: message for message in file.tracks[0]}
    assert heading["key_signature"].key == "Am"
    assert mido.tempo2bpm(heading["set_tempo"].tempo) == pytest.approx(70, abs=1e-3)
    assert (heading["time_signature"].numerator, heading["time_signature"].denominator) == (4, 4)
    assert [track.name for track in file.tracks[1:]] == ["piano"]
    assert pytest.approx(file.length, abs=1.0) == 8 * 4 * 60 / 70


def test_instruments_have_their_tracks_and_drums_their_channel() -> None:
    file = read(style="jazz trio", instruments=("cello",), bars=8)
    programs = {
        m.program for track in file.tracks for m in track if m.type == "program_change" and m.channel != 9
    }
    assert programs == {0, 32, 42}
    drums = next(track for track in file.tracks if track.name == "brushed drums")
    assert {m.channel for m in drums if m.type == "note_on"} == {9}
    for track in file.tracks:
        on = sum(m.type == "note_on" for m in track)
        assert on == sum(m.type == "note_off" for m in track)
        assert all(m.time >= 0 for m in track)


@pytest.mark.parametrize("tonic", sorted(PITCH_CLASS))
@pytest.mark.parametrize("mode", sorted(SCALES))
def test_every_key_can_be_written(tonic: str, mode: str) -> None:
    file = read(style="music box", tonic=tonic, mode=mode, bars=1)
    key = next(m.key for m in file.tracks[0] if m.type == "key_signature")
    if mode in ("major", "minor"):
        assert PITCH_CLASS.get(key.rstrip("m"), PITCH_CLASS[tonic]) == PITCH_CLASS[tonic]


def test_steering_is_written_where_it_happened() -> None:
    bars = compose(
        MusicBrief(style="folk", tempo=120), 1, 6, [(3, MusicBrief(tempo=90, metre="3/4", mode="minor"))]
    )
    file = mido.MidiFile(file=io.BytesIO(to_midi(bars)))
    at, tempi = 0, []
    for message in file.tracks[0]:
        at += message.time
        if message.type == "set_tempo":
            tempi.append((at, round(mido.tempo2bpm(message.tempo))))
    assert tempi == [(0, 120), (3 * 4 * 480, 90)]
