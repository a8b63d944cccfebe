"""The tools, with real players and a real mixer, and an engine that is a fake."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from models import api
from models.api import MusicState
from models.plan import STEPS, MusicBrief
from realtime.artefacts import Artefacts, Said, Sound
from realtime.protocol import Outbox
from realtime.speaking.mixer import Mixer
from realtime.speaking.player import Player, Steered
from realtime.speaking.speaker import Speaker
from realtime.speaking.speech import VoiceSettings
from realtime.telemetry import Metrics
from realtime.thinking.capture import Capture
from realtime.thinking.music_edits import begun_anew, changed
from realtime.thinking.timers import MOST_TIMERS, Timers
from realtime.thinking.tools import PACE_RANGE, VOLUME_RANGE, Toolbox, music_name, tool_schemas
from tests.fakes import FakeLink, Words
from tests.music import UNPLAYABLE, MusicEngine
from tests.virtual_clock import play


class Room:
    """A toolbox, and what it works on."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.engine = MusicEngine(Words(), lambda _: [])
        self.link = FakeLink(self.engine.words)
        self.mixer = Mixer()
        self.voice = VoiceSettings()
        outbox = Outbox(self.link)
        self.speaker = Speaker(self.link, self.mixer, Metrics())
        self.artefacts = Artefacts()
        self.music, self.sound = (
            Player(
                self.engine,  # type: ignore[arg-type]
                self.speaker,
                lane,
                outbox,
                group,
                self.artefacts,
                buffered=lambda: True,
                changed=lambda: None,
            )
            for lane in (self.mixer.music, self.mixer.sound)
        )
        self.speaker.owner = lambda: self.music.owner or self.sound.owner
        self.capture = Capture(self.artefacts, outbox, lambda collected: None)
        self.said: Said | None = None
        self.over: list[str] = []
        self.timers = Timers(group, lambda timer: self.over.append(timer.label))
        self.tools = Toolbox(
            engine=self.engine,  # type: ignore[arg-type]
            music=self.music,
            sound=self.sound,
            mixer=self.mixer,
            voice=self.voice,
            timers=self.timers,
            outbox=outbox,
            capture=self.capture,
            artefacts=self.artefacts,
            said=lambda: self.said,
            seed=lambda: 7,
        )

    async def call(self, tool: str, text: str | None = None, **arguments: Any) -> dict[str, Any]:
        shown = json.dumps(arguments) if text is None else text
        observed = json.loads(await self.tools.run(api.ToolCall("call_1", tool, shown)))
        assert isinstance(observed, dict)
        assert observed["ok"] or observed["error"]
        return observed


def in_a_room(visit: Callable[[Room], Awaitable[None]]) -> None:
    async def dialogue() -> None:
        async with asyncio.TaskGroup() as group:
            room = Room(group)
            speaking = group.create_task(room.speaker.run())
            await visit(room)
            await room.music.stop()
            await room.sound.stop()
            room.timers.cancel("")
            speaking.cancel()

    play(dialogue())


def test_the_schemas_are_those_of_the_steps() -> None:
    schemas = tool_schemas()
    assert [schema.name for schema in schemas] == [step.tool for step in STEPS]
    for schema in schemas:
        assert schema.description
        assert "\n    " not in schema.description
        json.dumps(schema.parameters)
        assert schema.parameters["type"] == "object"
        assert schema.parameters["additionalProperties"] is False
        assert set(schema.parameters.get("required", [])) <= set(schema.parameters["properties"])
        assert resolved(schema.parameters, schema.parameters.get("$defs", {}))


def resolved(schema: Any, definitions: dict[str, Any]) -> bool:
    """Whether every reference inside points at a definition."""
    if isinstance(schema, dict):
        there = "$ref" not in schema or schema["$ref"].removeprefix("#/$defs/") in definitions
        return there and all(resolved(value, definitions) for value in schema.values())
    return not isinstance(schema, list) or all(resolved(value, definitions) for value in schema)


def test_every_step_has_an_action() -> None:
    async def visit(room: Room) -> None:
        for step in STEPS:
            assert issubclass(step, BaseModel)
            observed = await room.call(step.tool, "[]")
            assert not observed["ok"]
            assert observed["error"].startswith(f"{step.tool}: ")

    in_a_room(visit)


def test_music_plays_is_held_resumed_and_stopped() -> None:
    async def visit(room: Room) -> None:
        assert not (await room.call("resume_playing"))["ok"]
        assert await room.call("stop_playing") == {"ok": True, "stopped": []}
        played = await room.call("play_music", brief={"style": "waltz", "mood": ["calm"], "tempo": 90})
        assert played == {"ok": True, "playing": "calm waltz in C major, 90 beats a minute"}
        room.music.hold()
        assert await room.call("resume_playing") == {"ok": True, "playing": [played["playing"]]}
        assert not room.music.held
        assert await room.call("resume_playing") == {"ok": True, "playing": [played["playing"]]}
        assert await room.call("stop_playing") == {"ok": True, "stopped": [played["playing"]]}
        assert room.music.playing is None
        (request,) = [request for request in room.engine.requests if isinstance(request, api.MusicRequest)]
        assert request.seed == 7

    in_a_room(visit)


PIANO = {"style": "solo piano", "tonic": "A", "mode": "major", "tempo": 70, "mood": ["calm"]}


def asked(room: Room) -> list[api.MusicRequest]:
    return [request for request in room.engine.requests if isinstance(request, api.MusicRequest)]


def test_an_edit_changes_the_piece_that_plays() -> None:
    async def visit(room: Room) -> None:
        await room.call("play_music", brief=PIANO)
        assert await room.call("play_music", change="edit", brief={**PIANO, "mode": "minor"}) == {
            "ok": True,
            "playing": "calm solo piano in A minor, 70 beats a minute",
            "changed": {"key": "A minor"},
        }
        edited = {**PIANO, "mode": "minor", "without": ["drums"], "instruments": ["cello"], "tempo": 58}
        observed = await room.call("play_music", change="edit", brief=edited)
        assert observed["changed"] == {"tempo": 58, "with": ["cello"], "without": ["drums"]}
        assert await room.call("play_music", change="edit", brief={**edited, "description": "minor"}) == {
            "ok": True,
            "playing": "calm solo piano in A minor, 58 beats a minute",
            "changed": {},
        }
        assert len(asked(room)) == 1
        assert len(room.engine.played[0].steered) == 3

    in_a_room(visit)


def test_an_edit_that_cannot_be_played_leaves_the_piece_and_its_brief() -> None:
    async def visit(room: Room) -> None:
        await room.call("play_music", brief=PIANO)
        refused = await room.call("play_music", change="edit", brief={**PIANO, "instruments": [UNPLAYABLE]})
        assert refused == {"ok": False, "error": f"no instrument is called '{UNPLAYABLE}'"}
        assert room.music.playing
        assert not room.engine.played[0].closed
        observed = await room.call("play_music", change="edit", brief={**PIANO, "instruments": ["cello"]})
        assert observed["changed"] == {"with": ["cello"]}

    in_a_room(visit)


def test_an_edit_of_what_is_over_begins_the_same_tune_changed() -> None:
    async def visit(room: Room) -> None:
        seeds = iter(range(100))
        room.tools._seed = lambda: next(seeds)
        await room.call("play_music", brief={"style": "lo-fi", "mood": ["calm"]})
        await room.call("stop_playing")
        observed = await room.call(
            "play_music", change="edit", brief={"style": "lo-fi", "mood": ["calm"], "without": ["drums"]}
        )
        assert observed == {"ok": True, "playing": "calm lo-fi in C major, 100 beats a minute"}
        first, second = asked(room)
        assert (first.seed, second.seed) == (0, 0)
        # In the key and at the tempo that the composer had chosen.
        assert (second.brief.tonic, second.brief.mode, second.brief.tempo) == ("C", "major", 100)
        assert second.brief.without == ("drums",)
        await room.call("play_music", brief={"style": "lo-fi"})
        assert asked(room)[-1] == api.MusicRequest(MusicBrief(style="lo-fi"), 1)

    in_a_room(visit)


def test_an_unchanged_edit_is_the_piece_from_its_beginning() -> None:
    async def visit(room: Room) -> None:
        await room.call("play_music", brief=PIANO)
        await asyncio.sleep(5)
        await room.call("play_music", change="edit", brief=PIANO)
        first, second = asked(room)
        assert first == second
        assert room.engine.played[0].closed

    in_a_room(visit)


def test_an_edit_before_any_music_is_a_new_piece() -> None:
    async def visit(room: Room) -> None:
        assert (await room.call("play_music", change="edit", brief=PIANO))["playing"]
        assert asked(room)[0].seed == 7

    in_a_room(visit)


def test_what_an_edit_changed_is_told_in_facts() -> None:
    state = api.MusicState(0, 1, 4, 100.0, "C major", "a", ("C",), ("piano",))
    old = MusicBrief(style="jazz", mood=("calm",), bars=8, density=0.5, metre="4/4")
    new = MusicBrief(style="waltz", mood=("calm", "dark"), density=0.75, metre="3/4")
    assert changed(old, new, Steered("", state, state)) == {
        "style": "waltz",
        "metre": "3/4",
        "density": "busier",
        "length": "until you say stop",
        "mood": ["dark"],
    }
    other = MusicState(
        offset=0, bar=1, beats=4, tempo=90.2, key="D dorian", section="", chords=(), instruments=()
    )
    assert changed(old, old, Steered("", state, other)) == {"key": "D dorian", "tempo": 90}
    assert changed(old, old, Steered("", None, state)) == {"key": "C major", "tempo": 100}
    odd = MusicState(offset=0, bar=1, beats=4, tempo=90.2, key="none", section="", chords=(), instruments=())
    assert begun_anew(old, new, odd) == new
    assert begun_anew(old, new, None) == new


def test_a_sound_plays_to_its_end() -> None:
    async def visit(room: Room) -> None:
        assert await room.call("play_sound", brief={"description": "rain", "seconds": 1}) == {
            "ok": True,
            "playing": "rain",
        }
        created = [event for event in room.link.log if event["type"] == "audiogpt.artefact.created"]
        assert [(event["name"], event["duration_ms"]) for event in created] == [("rain", 1_000)]
        await asyncio.sleep(3)
        assert room.sound.playing is None
        assert room.link.types()[-1] == "output_audio_buffer.stopped"

    in_a_room(visit)


def test_what_cannot_be_played_is_said() -> None:
    async def visit(room: Room) -> None:
        room.engine.fail["music"] = "no soundfont; install timgm6mb-soundfont"
        observed = await room.call("play_music", brief={})
        assert observed == {"ok": False, "error": "no soundfont; install timgm6mb-soundfont"}
        assert room.music.playing is None

    in_a_room(visit)


@pytest.mark.parametrize(
    ("tool", "text", "error"),
    [
        ("fly", "{}", "there is no tool 'fly'; there are: play_music"),
        ("set_timer", "{", "set_timer: arguments: Invalid JSON"),
        ("set_timer", "", "set_timer: seconds: Field required"),
        ("set_timer", '{"seconds": -1}', "set_timer: seconds: Input should be greater than 0"),
        ("set_timer", '{"seconds": 1, "colour": 2}', "set_timer: colour: Extra inputs"),
        ("play_music", '{"brief": {"tempo": 1000}}', "play_music: brief.tempo: Input should be less"),
        ("set_voice", "{}", "set_voice needs a voice or a language"),
        ("cancel_timer", '{"label": "tea"}', "there is no timer called 'tea'; running: none"),
    ],
)
def test_bad_arguments_say_what_is_wrong(tool: str, text: str, error: str) -> None:
    async def visit(room: Room) -> None:
        observed = await room.call(tool, text)
        assert not observed["ok"]
        assert observed["error"].startswith(error)

    in_a_room(visit)


def test_a_tool_that_breaks_is_an_observation(monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: object) -> str:
        raise ZeroDivisionError("division by zero")

    async def visit(room: Room) -> None:
        monkeypatch.setattr(room.music, "start", breaks)
        observed = await room.call("play_music", brief={})
        assert observed == {"ok": False, "error": "play_music failed: ZeroDivisionError: division by zero"}

    in_a_room(visit)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["louder", "softer", "mute", "normal"]),
            st.sampled_from(["all", "music", "voice"]),
        )
    )
)
def test_volumes_stay_in_bounds_and_move_the_right_way(changes: list[tuple[str, str]]) -> None:
    async def visit(room: Room) -> None:
        for change, target in changes:
            before = {"voice": room.mixer.speech_volume, "music": room.mixer.music_volume}
            assert (await room.call("set_volume", change=change, target=target))["ok"]
            after = {"voice": room.mixer.speech_volume, "music": room.mixer.music_volume}
            for lane in before:
                old, new = before[lane], after[lane]
                if target not in ("all", lane):
                    assert new == old
                    continue
                assert new == 0 or VOLUME_RANGE[0] <= new <= VOLUME_RANGE[1]
                match change:
                    case "louder":
                        assert new > old or old == VOLUME_RANGE[1]
                    case "softer":
                        assert new < old or old in (0, VOLUME_RANGE[0])
                    case "mute":
                        assert new == 0
                    case _:
                        assert new == 1

    in_a_room(visit)


@given(st.floats(0.25, 4), st.lists(st.sampled_from(["slower", "faster", "normal"]), max_size=12))
def test_the_pace_stays_in_bounds_and_moves_the_right_way(speed: float, changes: list[str]) -> None:
    async def visit(room: Room) -> None:
        room.voice.speed = speed
        for change in changes:
            before = room.voice.speed
            observed = await room.call("set_pace", change=change)
            assert observed["pace"] == round(room.voice.speed, 2)
            assert min(PACE_RANGE[0], speed) <= room.voice.speed <= max(PACE_RANGE[1], speed)
            if change == "slower":
                assert room.voice.speed <= before
            elif change == "faster":
                assert room.voice.speed >= before
            else:
                assert room.voice.speed == 1

    in_a_room(visit)


def test_timers_are_set_told_and_cancelled() -> None:
    async def visit(room: Room) -> None:
        await room.call("set_timer", seconds=60, label="Tea")
        await room.call("set_timer", seconds=30)
        await room.call("set_timer", seconds=30)
        assert room.timers.describe() == (
            "timer, 30 seconds left",
            "timer, 30 seconds left",
            "Tea, 60 seconds left",
        )
        assert await room.call("cancel_timer", label="tea") == {"ok": True, "cancelled": ["Tea"]}
        await asyncio.sleep(31)
        assert room.over == ["", ""]
        for _ in range(MOST_TIMERS):
            assert (await room.call("set_timer", seconds=5))["ok"]
        refused = await room.call("set_timer", seconds=5)
        assert refused == {"ok": False, "error": f"there are already {MOST_TIMERS} timers; cancel one first"}
        assert len((await room.call("cancel_timer"))["cancelled"]) == MOST_TIMERS
        await asyncio.sleep(10)
        assert room.over == ["", ""]
        states = [event["state"] for event in room.link.log if event["type"] == "audiogpt.timer"]
        assert states == ["set"] * 3 + ["cancelled"] + ["set"] * MOST_TIMERS + ["cancelled"] * MOST_TIMERS

    in_a_room(visit)


def test_capture_begins_and_what_plays_is_held() -> None:
    async def visit(room: Room) -> None:
        await room.call("play_sound", brief={"description": "rain"})
        observed = await room.call("capture", kind="melody", then="make it a waltz")
        assert observed == {"ok": True, "capturing": "melody"}
        assert room.capture.kind == "melody"
        assert room.sound.held

    in_a_room(visit)


SPOKEN = (np.sin(np.arange(16_000) / 10) * 8_000).astype(np.int16).tobytes()  # 1 s


def test_what_was_said_is_kept_shown_and_played() -> None:
    async def visit(room: Room) -> None:
        assert not (await room.call("keep_said"))["ok"]
        room.said = Said("hello there", SPOKEN)
        kept = await room.call("keep_said")
        assert (kept["name"], kept["text"]) == ("recording 1", "hello there")
        shown = [event for event in room.link.log if event["type"] == "audiogpt.capture"]
        assert [(event["artefact_id"], event["text"]) for event in shown] == [
            (kept["artefact"], "hello there")
        ]
        room.link.log.clear()
        played = await room.call("play_artefact", name="what I just said")
        assert played == {"ok": True, "artefact": kept["artefact"], "playing": "recording 1"}
        await asyncio.sleep(3)
        assert room.sound.playing is None
        assert room.link.types()[-1] == "output_audio_buffer.stopped"
        assert "audiogpt.artefact.created" not in room.link.types()  # it was there already
        heard = np.concatenate([frame for _, frame in room.link.recording])
        loud = np.flatnonzero(np.abs(heard[:, 0]) > 0)
        assert (loud[-1] - loud[0]) / 48_000 == pytest.approx(1.0, abs=0.02)

    in_a_room(visit)


def test_a_note_without_sound_is_read() -> None:
    async def visit(room: Room) -> None:
        kept = await room.call("keep_text", '{"text": "buy milk"}')
        assert (kept["name"], kept["text"]) == ("note 1", "buy milk")
        played = await room.call("play_artefact", name="my note")
        assert (played["ok"], played["say"]) == (True, "buy milk")
        assert room.sound.playing is None

    in_a_room(visit)


def test_what_is_not_there_is_not_played() -> None:
    async def visit(room: Room) -> None:
        assert "record me" in (await room.call("play_artefact"))["error"]
        room.artefacts.add("music", origin="made", name="a waltz")
        missing = await room.call("play_artefact", name="number nine")
        assert missing["error"] == "there is no 'number nine' here; there is: a waltz"
        made = await room.call("play_artefact", name="the waltz")
        assert made["error"] == "I did not keep the sound of a waltz; ask me to make it again"

    in_a_room(visit)


CALM = '{"brief": {"style": "solo piano", "tempo": 120, "bars": 1}}'


def test_a_made_piece_is_played_again_by_its_number() -> None:
    """Without a shelf its sound is not kept: the same piece begins anew, under the same number."""

    async def visit(room: Room) -> None:
        await room.call("play_sound", '{"brief": {"description": "rain"}}')
        await room.call("play_music", CALM)
        [rain, piano] = [e for e in room.link.log if e["type"] == "audiogpt.artefact.created"]
        assert (rain["number"], piano["number"]) == (1, 2)
        await room.sound.stop()
        await asyncio.sleep(10)
        assert room.music.playing is None
        played = await room.call("play_artefact", name="number two")
        assert played["artefact"] == piano["id"]
        assert room.music.playing
        first, again = room.engine.played
        assert again.request == first.request
        await asyncio.sleep(0.5)
        anew = await room.call("play_artefact", name="the second one")  # it plays: from its beginning
        assert anew["artefact"] == piano["id"]
        assert (await room.call("play_artefact", name="number one"))["artefact"] == rain["id"]
        assert room.sound.playing
        assert room.link.types().count("audiogpt.artefact.created") == 2

    in_a_room(visit)


def test_a_made_piece_that_was_recorded_is_played_from_its_recording() -> None:
    async def visit(room: Room) -> None:
        request = api.MusicRequest(MusicBrief(style="waltz"), 3)
        sound = Sound(SPOKEN, 16_000)
        kept = room.artefacts.add("music", origin="made", name="a waltz", sound=sound, request=request)
        played = await room.call("play_artefact", name="number one")
        assert played == {"ok": True, "artefact": kept.id, "playing": "a waltz"}
        assert room.music.playing == "a waltz"
        assert not room.engine.played, "nothing was made"
        await asyncio.sleep(3)
        assert room.music.playing is None
        edited = await room.call("play_music", '{"brief": {"style": "waltz", "tempo": 90}, "change": "edit"}')
        assert edited["ok"]
        assert [stream.request.seed for stream in room.engine.played] == [3], (
            "it is that piece which is edited"
        )

    in_a_room(visit)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("capture", '{"kind": "melody"}'),
        ("keep_said", "{}"),
        ("keep_text", '{"text": "x"}'),
        ("play_artefact", "{}"),
    ],
)
def test_what_is_not_offered_here_says_so(tool: str, arguments: str) -> None:
    async def visit(room: Room) -> None:
        room.tools = Toolbox(
            engine=room.engine,  # type: ignore[arg-type]
            music=room.music,
            sound=room.sound,
            mixer=room.mixer,
            voice=room.voice,
            timers=room.timers,
            outbox=Outbox(room.link),
        )
        observed = await room.call(tool, arguments)
        assert "not offered here" in observed["error"]

    in_a_room(visit)


@pytest.mark.parametrize(
    ("brief", "name"),
    [
        (MusicBrief(), "music"),
        (MusicBrief(mood=("calm", "dark"), style="ambient"), "calm dark ambient"),
        (MusicBrief(instruments=("flute", "harp")), "flute and harp"),
    ],
)
def test_a_piece_has_a_name_before_it_is_heard(brief: MusicBrief, name: str) -> None:
    assert music_name(brief) == name
