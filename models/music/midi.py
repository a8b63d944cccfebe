"""A composed piece as a standard MIDI file, played just as it sounds."""

from __future__ import annotations

import io
from collections.abc import Iterable

import mido

from models.music.instruments import Instrument
from models.music.perform import perform
from models.music.score import Bar, Plan
from models.music.theory import PITCH_CLASS, Key

_TICKS = 480  # a quarter note
_DRUM_CHANNEL = 9
_MAJOR = {0: "C", 1: "G", 2: "D", 3: "A", 4: "E", 5: "B", 6: "F#", 7: "C#", -1: "F", -2: "Bb", -3: "Eb",
          -4: "Ab", -5: "Db", -6: "Gb", -7: "Cb"}  # fmt: skip
_MINOR = {0: "Am", 1: "Em", 2: "Bm", 3: "F#m", 4: "C#m", 5: "G#m", 6: "D#m", 7: "A#m", -1: "Dm", -2: "Gm",
          -3: "Cm", -4: "Fm", -5: "Bbm", -6: "Ebm", -7: "Abm"}  # fmt: skip


def _signature(key: Key) -> str:
    """The MIDI key signature: the tonic is kept for major and minor, the accidentals for every mode."""
    fifths = key.fifths
    while fifths > 7:  # D sharp major and such are written as their flat twins
        fifths -= 12
    while fifths < -7:
        fifths += 12
    table = _MINOR if key.is_minor and key.mode == "minor" else _MAJOR
    name = table[fifths]
    assert key.mode not in ("major", "minor") or PITCH_CLASS.get(name.rstrip("m"), key.pc) == key.pc
    return name


def _headings(plan: Plan, before: Plan | None) -> list[mido.MetaMessage]:
    messages = []
    if before is None or before.tempo != plan.tempo:
        messages.append(mido.MetaMessage("set_tempo", tempo=round(60_000_000 / plan.tempo)))
    if before is None or before.metre != plan.metre:
        top, bottom = plan.metre.split("/")
        messages.append(mido.MetaMessage("time_signature", numerator=int(top), denominator=int(bottom)))
    if before is None or before.key != plan.key:
        messages.append(mido.MetaMessage("key_signature", key=_signature(plan.key)))
    return messages


def _track(events: list[tuple[int, int, mido.Message]]) -> mido.MidiTrack:
    track = mido.MidiTrack()
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    return track


def to_midi(bars: Iterable[Bar], title: str = "") -> bytes:
    """Write bars (of `models.music.piece.compose`) as a type 1 MIDI file, one track an instrument.

    Tempo, metre and key are written where they change, sections as markers.
    """
    heading: list[tuple[int, int, mido.Message]] = [
        (0, 0, mido.MetaMessage("track_name", name=title or "AudioGPT Live"))
    ]
    tracks: dict[Instrument, list[tuple[int, int, mido.Message]]] = {}
    melodic = [channel for channel in range(16) if channel != _DRUM_CHANNEL]
    before: Plan | None = None
    section = ""
    at = 0
    for bar in bars:
        heading += [(at, 1, message) for message in _headings(bar.plan, before)]
        if bar.section != section:
            heading.append((at, 2, mido.MetaMessage("marker", text=bar.section)))
            section = bar.section
        before = bar.plan
        per_second = bar.plan.tempo / 60 * _TICKS
        for note in perform(bar):
            new = note.instrument not in tracks
            events = tracks.setdefault(note.instrument, [])
            channel = _DRUM_CHANNEL
            if not note.instrument.is_drums:
                place = [i for i in tracks if not i.is_drums].index(note.instrument)
                channel = melodic[place % len(melodic)]
            if new:
                events.append((0, 0, mido.MetaMessage("track_name", name=note.instrument.name)))
                events.append(
                    (0, 1, mido.Message("program_change", channel=channel, program=note.instrument.program))
                )
            on, off = at + round(note.start * per_second), at + round(note.end * per_second)
            events.append(
                (on, 3, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity))
            )
            events.append((max(off, on + 1), 2, mido.Message("note_off", channel=channel, note=note.pitch)))
        at += bar.plan.beats * _TICKS
    file = mido.MidiFile(type=1, ticks_per_beat=_TICKS)
    file.tracks.append(_track(heading))
    file.tracks += [_track(events) for events in tracks.values()]
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()
