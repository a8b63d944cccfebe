"""Keeping what the person gives: wordings, near misses, and what is said and done about what was kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.api import ChatMessage, PlanRequest, Situation, TextDelta, ToolCall, ToolSchema
from models.plan import Capture, KeepText, PlayArtefact, Step
from models.planner.intent import IntentPlanner
from tests.models.planner.conftest import NOW, Ask, Planned, outcome

DICTATION = [
    ("Write down what I say next.", ""),
    ("Transcribe what I say, then sing it.", "sing it"),
    ("take a note", ""),
    ("could you take a note please", ""),
    ("write this down", ""),
    ("jot down what I tell you", ""),
    ("note down what I'm about to say", ""),
    ("take down everything I say", ""),
    ("I'd like to dictate a letter", ""),
    ("start dictation", ""),
    ("could you jot something down for me", ""),
    ("I want you to write down everything I tell you", ""),
    ("I want to leave myself a note", ""),
    ("type what I say and read it back", "read it back"),
    ("turn my speech into text", ""),
    ("take a memo and then translate it into German", "translate it into German"),
    ("sing what I say next", "sing it"),
]
MELODY = [
    ("I'll hum a tune, make it a jazz trio.", "make it a jazz trio"),
    ("i will hum a tune make it a jazz trio", "make it a jazz trio"),
    ("I'm going to sing", ""),
    ("I'm gonna whistle something for you", ""),
    ("let me hum you a melody and turn it into a waltz", "turn it into a waltz"),
    ("listen to this melody", ""),
    ("listen to my humming", ""),
    ("record my singing", ""),
    ("take what I hum and make it a march", "make it a march"),
    ("here's a tune", ""),
    ("make a string quartet out of it from what I sing", "make a string quartet out of it from it"),
    ("turn my humming into a lullaby", "turn it into a lullaby"),
]
RECORDING = [
    ("record me", ""),
    ("please record my voice", ""),
    ("Record this, clean it and play it back.", "clean it and play it back"),
    ("start recording", ""),
    ("make an audio recording", ""),
    ("I'd like to record a short clip of my voice", ""),
    ("can you make a recording of me", ""),
    ("record a voice message", ""),
    ("I want to record something", ""),
    ("record my voice for a minute", ""),
    ("record the rain outside", ""),
    ("tape this conversation", ""),
    (
        "Record me, clean it, put it over a lo-fi beat at eighty, pan me left, and play the result.",
        "clean it, put it over a lo-fi beat at eighty, pan me left, and play the result",
    ),
]


@pytest.mark.parametrize(
    ("said", "kind", "then"),
    [
        *((said, "dictation", then) for said, then in DICTATION),
        *((said, "melody", then) for said, then in MELODY),
        *((said, "recording", then) for said, then in RECORDING),
    ],
)
def test_what_comes_next_is_material(ask: Ask, said: str, kind: Any, then: str) -> None:
    planned = ask(said)
    assert planned == Planned("", (Capture(kind=kind, then=then),))


def test_a_capture_may_follow_something_else(ask: Ask) -> None:
    assert ask("stop the music and record me", playing="a waltz").tools == ["stop_playing", "capture"]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("write down: buy milk", "buy milk"),
        ("Write down that the meeting is at nine.", "the meeting is at nine"),
        ("write this down: play some jazz and stop", "play some jazz and stop"),
        ("take a note buy milk and set a timer", "buy milk and set a timer"),
        ("make a note to call Mum", "call Mum"),
        ("note to self: feed the cat", "feed the cat"),
        ("remember that I parked on level three", "I parked on level three"),
        ("note that the rent is due", "the rent is due"),
    ],
)
def test_what_comes_along_is_written_down_at_once(ask: Ask, said: str, text: str) -> None:
    assert ask(said) == Planned("", (KeepText(text=text),))


@pytest.mark.parametrize(
    "said",
    [
        "save what I just said",
        "keep that recording of me",
        "remember what I just said",
        "write that down",
        "write down what I said",
        "make a note of that",
        "transcribe what I just said",
        "record that",
    ],
)
def test_what_was_said_before_is_kept(ask: Ask, said: str) -> None:
    assert ask(said).tools == ["keep_said"]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("play it back", ""),
        ("play that back to me", ""),
        ("play my recording", "my recording"),
        ("play my last recording again", "my last recording"),
        ("play number two", "number two"),
        ("play recording three", "recording three"),
        ("let me hear my voice", "my voice"),
        ("play back my tune", "my tune"),
        ("let me hear what I hummed", "what i hummed"),
    ],
)
def test_what_was_kept_is_played(ask: Ask, said: str, name: str) -> None:
    assert ask(said).steps == (PlayArtefact(name=name),)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("play number two again", "number two"),
        ("can you play number one again for me", "number one"),
        ("repeat number two", "number two"),
        ("listen to number four", "number four"),
        ("go back to number one", "number one"),
        ("play number three from the beginning", "number three"),
        ("play number two on the shelf", "number two"),
        ("play recording number two", "recording number two"),
        ("play number one instead", "number one"),
        ("play me number twelve", "number twelve"),
    ],
)
def test_what_is_on_the_shelf_goes_by_its_number(ask: Ask, said: str, name: str) -> None:
    assert ask(said).steps == (PlayArtefact(name=name),)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("play the second one again", "the second one"),
        ("let me hear the third one once more", "the third one"),
        ("play the first piece again", "the first piece"),
        ("play piece two", "piece two"),
        ("play the third sound", "the third sound"),
        ("play the fourth item on the shelf", "the fourth item"),
        ("play track one", "track one"),
    ],
)
def test_what_was_played_before_goes_by_its_order(
    ask: Ask, piano: dict[str, Any], said: str, name: str
) -> None:
    assert ask(said, history=piano["history"]).steps == (PlayArtefact(name=name),)
    assert "play_artefact" not in ask(said).tools, "nothing was: it is one to make"


@pytest.mark.parametrize(
    "said", ["play another one", "play two minutes of jazz", "play a second piece", "play the first movement"]
)
def test_other_numbers_are_no_place_on_the_shelf(ask: Ask, piano: dict[str, Any], said: str) -> None:
    assert "play_artefact" not in ask(said, history=piano["history"]).tools


def test_what_was_just_said_is_kept_to_be_played(ask: Ask) -> None:
    assert ask("play what I just said").tools == ["keep_said", "play_artefact"]


@pytest.mark.parametrize(
    "said",
    [
        "play me a record",
        "what's the world record",
        "note that in a minor",
        "play a song about a record store",
        "hum",
        "can you hum a tune",
        "could you sing me a song",
        "sing happy birthday",
        "play some music with humming",
        "what note is that",
        "play take five",
        "write a song about rain",
        "remove the hum",
        "play a tune",
        "what is a melody",
        "break the record",
        "that melody is nice",
        "I'm going to sing in the choir tomorrow",
        "listen to me",
        "keep it going until I say stop",
        "save it as a midi file",
        "take it down a notch",
        "stop the record",
        "what did I just say",
        "say write down what I say",
    ],
)
def test_near_misses_capture_nothing(ask: Ask, said: str) -> None:
    kept = {"capture", "keep_said", "keep_text", "play_artefact"}
    assert kept.isdisjoint(ask(said).tools)


# -- afterwards ------------------------------------------------------------------------------------------


def captured(kind: str, **fields: Any) -> ChatMessage:
    """The event that tells of a capture."""
    event = {"event": "captured", "state": "done", "kind": kind, "artefact": "art_1", "name": f"{kind} 1"}
    return ChatMessage(role="system", content=json.dumps(event | {"text": "", "seconds": 4.2} | fields))


def told(planner: IntentPlanner, event: ChatMessage) -> Planned:
    messages = (ChatMessage(role="user", content="do"), event)
    return outcome(planner.plan(PlanRequest(messages=messages, situation=Situation(now=NOW))))


@pytest.mark.parametrize(
    ("event", "words", "tools"),
    [
        (captured("dictation", text="buy milk and eggs"), "I wrote down: buy milk and eggs.", []),
        (captured("dictation", text="Buy milk.", then="read it back"), "I wrote down: Buy milk.", []),
        (
            captured("dictation", text="here we go", then="sing it"),
            "I wrote down: here we go. I can't sing it yet; I can say it or play it back.",
            [],
        ),
        (
            captured("dictation", text="tea", then="set a timer for two minutes"),
            "I wrote down: tea.",
            ["set_timer"],
        ),
        (captured("melody"), "I have your tune, four seconds.", []),
        (
            captured("melody", then="make it a jazz trio"),
            "I have your tune, four seconds. I can't make music of it yet; I can play it back as you gave"
            " it.",
            [],
        ),
        (captured("melody", then="then play it back"), "", ["play_artefact"]),
        (captured("melody", then="play a waltz"), "I have your tune, four seconds.", ["play_music"]),
        (
            captured(
                "recording",
                then="clean it, put it over a lo-fi beat at eighty, pan me left, and play the result",
            ),
            "I have your recording, four seconds. I can't clean it up, put it over a beat or move it in space"
            " yet; I can play it back as it is.",
            [],
        ),
        (
            captured("recording", then="clean it and set a timer for five minutes"),
            "I have your recording, four seconds. I can't clean it up yet; I can play it back as it is.",
            ["set_timer"],
        ),
        (captured("recording", state="empty"), "I heard nothing to keep.", []),
        (captured("dictation", state="empty"), "I understood no words, so I wrote nothing down.", []),
        (captured("dictation", state="cancelled", then="sing it"), "Okay, I kept nothing.", []),
    ],
)
def test_what_is_said_and_done_about_it(
    planner: IntentPlanner, event: ChatMessage, words: str, tools: list[str]
) -> None:
    planned = told(planner, event)
    assert (planned.text, planned.tools) == (words, tools)


def test_exactly_what_was_captured_is_played(planner: IntentPlanner) -> None:
    (step,) = told(planner, captured("recording", then="play it")).steps
    assert step == PlayArtefact(name="art_1")


NOTE = [
    ChatMessage(role="user", content="write down what I say"),
    ChatMessage(role="assistant", content="Go ahead."),
    captured("dictation", text="buy milk", name="note 1"),
    ChatMessage(role="assistant", content="I wrote down: buy milk."),
]
HUM = [
    ChatMessage(role="user", content="I'll hum a tune"),
    ChatMessage(role="assistant", content="Go ahead."),
    captured("melody", name="tune 1"),
    ChatMessage(role="assistant", content="I have your tune, four seconds."),
]


@pytest.mark.parametrize(
    ("said", "history", "words"),
    [
        ("what did I just say", NOTE, "You said: buy milk"),
        ("read it back", NOTE, "Note 1 says: buy milk"),
        ("what does my note say", NOTE, "Note 1 says: buy milk"),
        ("say that again", NOTE, "I wrote down: buy milk."),
        ("sing it", NOTE, "I can't sing it yet; I can say it or play it back."),
        ("keep that", NOTE, "It is kept already, as note 1."),
        ("read my note", HUM, "I understood no words in tune 1, but I can play it back."),
        ("make it a jazz trio", HUM, "I can't make music of it yet; I can play it back as you gave it."),
        ("read my note", [], "There is nothing written down yet; say: take a note."),
        ("read it back", [], "There is nothing written down yet; say: take a note."),
        ("stop recording", [], "I'm not recording anything."),
        ("are you recording me", [], "I keep a recording or a note only when you ask me to."),
        ("don't record this", [], "I keep a recording or a note only when you ask me to."),
        ("how do I record something", [], "Say: record me; or: take a note; or: I'll hum a tune."),
    ],
)
def test_later_words_about_it(ask: Ask, said: str, history: list[ChatMessage], words: str) -> None:
    assert ask(said, history=history) == Planned(words, ())


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("play it again", PlayArtefact()),
        ("play that", PlayArtefact()),
        ("play the song again", PlayArtefact(name="the song")),
        ("play what I just said", PlayArtefact(name="what i just said")),
        ("write that down", KeepText(text="buy milk")),
    ],
)
def test_later_requests_mean_what_was_kept(ask: Ask, said: str, step: Step) -> None:
    assert ask(said, history=NOTE).steps == (step,)


def test_a_download_is_the_pages_matter(ask: Ask) -> None:
    for said in ("download it", "export my note", "save it as a file", "give me that as a wav"):
        planned = ask(said, history=NOTE)
        assert planned == Planned("It is on the shelf of the page, which can download it.", ()), said
    assert "can't save it in that form" in ask("export it as midi", history=NOTE).text


def test_a_newer_piece_is_what_it_means(ask: Ask, piano: dict[str, Any]) -> None:
    history = [*NOTE, *piano["history"]]
    assert ask("play it again", history=history).tools == ["play_music"]
    assert ask("make it a waltz", history=history, playing=piano["playing"]).tools == ["play_music"]
    assert ask("play my recording", history=history).tools == ["play_artefact"]


def after_calls(planner: IntentPlanner, *calls: tuple[str, dict[str, Any]]) -> str:
    made = tuple(ToolCall(call_id=f"c{n}", name=name, arguments="{}") for n, (name, _) in enumerate(calls))
    messages = (
        ChatMessage(role="user", content="do"),
        ChatMessage(role="assistant", content="", calls=made),
        *(
            ChatMessage(role="tool", content=json.dumps(facts), call_id=f"c{n}")
            for n, (_, facts) in enumerate(calls)
        ),
    )
    return outcome(planner.plan(PlanRequest(messages=messages, situation=Situation(now=NOW)))).text


def test_what_came_of_the_tools_is_said(planner: IntentPlanner) -> None:
    kept = {"ok": True, "artefact": "art_1", "name": "recording 1", "text": "hello there"}
    played = {"ok": True, "artefact": "art_1", "playing": "recording 1"}
    assert after_calls(planner, ("capture", {"ok": True, "capturing": "melody"})) == "Go ahead."
    assert after_calls(planner, ("keep_said", kept)) == "I kept it as recording 1: hello there."
    assert after_calls(planner, ("keep_text", kept | {"text": "buy milk"})) == "I wrote down: buy milk."
    assert after_calls(planner, ("play_artefact", played)) == ""
    assert after_calls(planner, ("keep_said", kept), ("play_artefact", played)) == ""
    assert after_calls(planner, ("play_artefact", {"ok": True, "say": "buy milk"})) == "Buy milk."
    failed = {"ok": False, "error": "there is no recording here yet; to make one say: record me"}
    assert after_calls(planner, ("play_artefact", failed)).startswith("There is no recording here yet")


def test_where_there_is_no_capture_it_is_not_promised(planner: IntentPlanner) -> None:
    request = PlanRequest(
        messages=(ChatMessage(role="user", content="record me"),),
        situation=Situation(now=NOW),
        tools=(ToolSchema("play_music", "", {}),),
    )
    outputs = planner.plan(request)
    assert [output.text for output in outputs if isinstance(output, TextDelta)] == ["I can't capture here."]
    assert outcome(outputs).steps == ()


def test_words_heard_wrongly_are_taken_for_their_like(ask: Ask) -> None:
    assert ask("wright down what i say next").tools == ["capture"]
    assert ask("record my boys").tools == ["capture"]
