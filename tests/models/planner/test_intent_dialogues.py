"""What the planner says and does over several rounds: observations, history, situation, questions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.api import ChatMessage, PlanDone, PlanRequest, Situation, TextDelta, ToolCall, ToolSchema
from models.plan import STEPS
from models.planner.grammar import RULES, VOCABULARY
from models.planner.intent import IntentPlanner

NOW = "2026-11-22T16:07:00+00:00"
_STEPS = {step.tool: step for step in STEPS}


def after(
    planner: IntentPlanner, name: str, arguments: dict[str, Any], observed: dict[str, Any] | str
) -> str:
    """What is said once the call has been answered."""
    content = observed if isinstance(observed, str) else json.dumps(observed)
    messages = (
        ChatMessage(role="user", content="do it"),
        ChatMessage(
            role="assistant",
            content="",
            calls=(ToolCall(call_id="c", name=name, arguments=json.dumps(arguments)),),
        ),
        ChatMessage(role="tool", content=content, call_id="c"),
    )
    return said(planner, messages)


def said(planner: IntentPlanner, messages: tuple[ChatMessage, ...]) -> str:
    outputs = planner.plan(PlanRequest(messages=messages, situation=Situation(now=NOW)))
    assert isinstance(outputs[-1], PlanDone)
    return "".join(output.text for output in outputs if isinstance(output, TextDelta))


@pytest.mark.parametrize(
    ("name", "arguments", "observed", "words"),
    [
        (
            "set_timer",
            {"seconds": 10},
            {"ok": True, "timer": "", "seconds": 10},
            "Ten seconds, starting now.",
        ),
        (
            "set_timer",
            {"seconds": 10},
            {"ok": True, "timer": "tea", "seconds": 10},
            "Tea: ten seconds, starting now.",
        ),
        ("play_music", {"brief": {}}, {"ok": True, "playing": "a waltz in D major"}, "A waltz in D major."),
        (
            "play_music",
            {"brief": {}},
            {"ok": False, "error": "no sound font; install one"},
            "No sound font; install one.",
        ),
        (
            "play_music",
            {"brief": {}},
            {"ok": True, "playing": "jazz in A minor, 70 beats a minute", "changed": {"key": "A minor"}},
            "Now in A minor.",
        ),
        (
            "play_music",
            {"brief": {}},
            {
                "ok": True,
                "playing": "dark waltz",
                "changed": {
                    "without": ["drums"],
                    "with": ["cello", "flute", "harp"],
                    "tempo": 58,
                    "style": "waltz",
                    "mood": ["dark"],
                    "metre": "3/4",
                    "density": "busier",
                    "length": "8 bars long",
                },
            },
            "Now dark, as waltz, at 58 beats a minute, in three four, busier, with cello, flute and harp,"
            " without drums, 8 bars long.",
        ),
        (
            "play_music",
            {"brief": {}},
            {"ok": True, "playing": "jazz in A minor", "changed": {}},
            "It is so already: jazz in A minor.",
        ),
        ("play_music", {"brief": {}}, {"ok": False}, "Play music failed, and I was not told why."),
        ("stop_playing", {}, {"ok": True}, ""),
        ("set_pace", {"change": "slower"}, {"ok": True}, "I'll speak slower."),
        ("unheard_of", {}, {"ok": True}, "Done."),
        ("unheard_of", {}, "plain words", "plain words"),
    ],
)
def test_observations_are_put_into_words(
    planner: IntentPlanner, name: str, arguments: dict[str, Any], observed: dict[str, Any] | str, words: str
) -> None:
    assert after(planner, name, arguments, observed) == words


def test_nothing_is_claimed_before_it_is_done(ask: Any) -> None:
    assert ask("set a timer for ten seconds").text == ""
    assert ask("play a waltz").text == ""


def test_a_timer_that_is_over_is_announced(planner: IntentPlanner) -> None:
    for event, words in (
        ({"event": "timer_over", "label": "tea", "seconds": 10}, "Time's up: tea."),
        ({"event": "timer_over", "label": "", "seconds": 90}, "Time's up: one minute and thirty seconds."),
    ):
        assert said(planner, (ChatMessage(role="system", content=json.dumps(event)),)) == words


def test_repeat_says_only_what_was_heard(ask: Any) -> None:
    heard = ChatMessage(role="assistant", content="It's seven minutes", interrupted=True)
    history = [ChatMessage(role="user", content="what time is it"), heard]
    planned = ask("what was the last thing you said?", history=history)
    assert planned.text == "I said: It's seven minutes. Then you interrupted me."
    assert ask("say that again").text == "I haven't said anything yet."
    whole = [ChatMessage(role="user", content="hi"), ChatMessage(role="assistant", content="Hello.")]
    assert ask("come again", history=whole).text == "Hello."


def test_go_on_says_the_rest(ask: Any) -> None:
    heard = ChatMessage(role="assistant", content="It's seven minutes", interrupted=True)
    history = [ChatMessage(role="user", content="what time is it"), heard]
    assert ask("go on", history=history).text == "past four in the afternoon."


def test_going_on_resumes_what_plays(ask: Any, piano: dict[str, Any]) -> None:
    for words in ("carry on", "keep going", "resume the music", "continue please"):
        assert ask(words, **piano).tools == ["resume_playing"]
    assert ask("carry on").tools == []


@pytest.mark.parametrize(
    "words", ["stop", "stop the music", "that's enough", "be quiet please", "shut up", "turn it off"]
)
def test_stop(ask: Any, piano: dict[str, Any], words: str) -> None:
    assert ask(words, **piano).tools == ["stop_playing"]
    assert ask(words).tools == []


def test_stop_alone_is_answered_by_silence(ask: Any) -> None:
    assert ask("stop").text == ""


def test_slower_means_the_music_while_it_plays_and_else_the_voice(ask: Any, piano: dict[str, Any]) -> None:
    assert ask("slower", **piano).tools == ["play_music"]
    assert ask("slower").tools == ["set_pace"]
    assert ask("speak slower", **piano).tools == ["set_pace"]


def test_what_plays_is_told_from_what_the_player_reported(ask: Any, piano: dict[str, Any]) -> None:
    assert ask("what key and tempo is it?", **piano).text == "It's in A minor, at 70 beats a minute."
    assert "calm solo piano" in ask("what's playing", **piano).text
    assert ask("what's playing").text == "Nothing is playing."


def test_an_edit_without_a_piece_says_so(ask: Any) -> None:
    planned = ask("add a cello")
    assert planned.tools == []
    assert "no music" in planned.text


def test_an_earlier_piece_is_found_again(ask: Any, played: Any, piano: dict[str, Any]) -> None:
    other = played("play techno", "play_music", {"style": "techno"}, "techno in C minor, 130 beats a minute")
    planned = ask("OK, back to the piano piece, and add bass", history=[*piano["history"], *other])
    assert planned.brief.style == "solo piano"
    assert planned.brief.instruments == ("piano", "bass")
    assert planned.change == "new", "not what plays"


def test_back_to_what_plays_is_no_new_beginning(ask: Any, piano: dict[str, Any]) -> None:
    assert ask("back to the piano piece", **piano).tools == ["resume_playing"]
    assert ask("back to the piano piece", history=piano["history"]).change == "edit"


def test_edits_in_one_breath_are_one_edit(ask: Any, piano: dict[str, Any]) -> None:
    planned = ask("no drums, and then up a tone, and add a cello", **piano)
    assert planned.tools == ["play_music"]
    assert planned.change == "edit"
    assert planned.brief.tonic == "B"
    assert planned.brief.instruments == ("piano", "cello")
    assert planned.brief.without == ("bass", "drums")


def test_an_edit_follows_an_edit(ask: Any, piano: dict[str, Any]) -> None:
    first = ask("no, wait, major", **piano)
    call = ToolCall("edit", "play_music", first.steps[0].model_dump_json())
    reported = "calm solo piano in A major, 70 beats a minute"
    history = [
        *piano["history"],
        ChatMessage(role="user", content="no, wait, major"),
        ChatMessage(role="assistant", content="", calls=(call,)),
        ChatMessage(role="tool", content=json.dumps({"ok": True, "playing": reported}), call_id="edit"),
    ]
    second = ask("up a third", history=history, playing=piano["playing"])  # its bar does not sound yet
    assert (second.change, second.brief.tonic, second.brief.mode) == ("edit", "Db", "major")


def test_kept_going_it_forgets_its_length(ask: Any, played: Any) -> None:
    history = played(
        "play jazz for eight bars",
        "play_music",
        {"description": "jazz for eight bars, then calm after four bars", "style": "jazz", "bars": 8},
        "jazz in C major, 120 beats a minute",
    )
    planned = ask("keep it going until I say stop", history=history, playing="jazz in C major")
    assert planned.brief.bars is None
    assert "eight bars" not in planned.brief.description
    assert "after four bars" in planned.brief.description


def test_a_failed_piece_is_no_piece(ask: Any, piano: dict[str, Any]) -> None:
    failed = [*piano["history"]]
    failed[2] = ChatMessage(role="tool", content='{"ok": false, "error": "no"}', call_id=failed[2].call_id)
    assert ask("add a cello", history=failed).tools == []


def test_a_sound_is_changed(ask: Any, played: Any) -> None:
    history = played("make rain", "play_sound", {"description": "heavy rain"}, "heavy rain")
    planned = ask("add some distant thunder", history=history, playing="heavy rain")
    assert planned.brief.description == "heavy rain, with some distant thunder"


def test_music_asked_for_and_changed_in_one_breath_is_one_piece(ask: Any) -> None:
    planned = ask("play some jazz and then add a cello")
    assert planned.tools == ["play_music"]
    assert planned.change == "new"
    assert planned.brief.instruments == ("cello",)


def test_timers_are_told_and_cancelled_by_name(ask: Any) -> None:
    timers = ["tea, 42 seconds left", "pasta, 5 minutes left"]
    assert ask("how long is left on the pasta timer", timers=timers).text == "Pasta, 5 minutes left."
    cancelled = ask("cancel the tea timer", timers=timers)
    assert cancelled.tools == ["cancel_timer"]
    assert cancelled.steps[0].label == "tea"
    assert ask("cancel all my timers", timers=timers).steps[0].label == ""
    assert ask("cancel the laundry timer", timers=timers).tools == []
    assert ask("stop the timer").text == "There is no timer running."


def test_the_timers_question_is_answered_by_a_duration(ask: Any) -> None:
    asked = ask("set a timer")
    history = [
        ChatMessage(role="user", content="set a timer"),
        ChatMessage(role="assistant", content=asked.text),
    ]
    assert ask("ten minutes", history=history).steps[0].seconds == 600


def test_two_readings_are_a_question_and_its_answer_decides(ask: Any) -> None:
    asked = ask("play me something by the sea")
    assert asked.tools == []
    assert asked.text.startswith("Shall I")
    assert ", or " in asked.text
    history = [ChatMessage(role="user", content="x"), ChatMessage(role="assistant", content=asked.text)]
    chosen = [ask(words, history=history).tools for words in ("the first one", "the second one", "no")]
    assert sorted(chosen[:2]) == [["play_music"], ["play_sound"]]
    assert chosen[2] == []
    assert ask("the sound", history=history).tools == ["play_sound"]


def test_only_offered_tools_are_called(planner: IntentPlanner) -> None:
    offered = (ToolSchema(name="stop_playing", description="", parameters={}),)
    messages = (ChatMessage(role="user", content="play a waltz"),)
    outputs = planner.plan(PlanRequest(messages=messages, situation=Situation(now=NOW), tools=offered))
    assert [output for output in outputs if isinstance(output, ToolCall)] == []
    assert "can't play music here" in outputs[0].text


def test_the_stream_is_the_plan(planner: IntentPlanner) -> None:
    request = PlanRequest(messages=(ChatMessage(role="user", content="hello"),), situation=Situation(now=NOW))
    outputs: list[object] = []
    job = planner.open(request)
    assert not job.step(outputs.append)
    job.close()
    assert outputs == [TextDelta(text="Hello."), PlanDone(input_tokens=1, output_tokens=2, fit=1.0)]


FILLERS = [
    "um ",
    "okay ",
    "hey, ",
    "well uh ",
    "so ",
    "could you ",
    "please ",
    "can you please ",
    "I'd like you to ",
    "",
]
TAILS = [" please", " for me", " now", " thanks", "", ".", "!", " if you can"]
STABLE = [
    "set a timer for ten minutes",
    "play a calm piano piece in a minor",
    "make the sound of heavy rain",
    "stop the music",
    "turn up the volume",
    "speak slower",
    "speak German",
    "add a cello",
    "tell me the time",
    "remind me in five minutes to stretch",
]


@given(st.sampled_from(FILLERS), st.sampled_from(STABLE), st.sampled_from(TAILS), st.booleans())
def test_politeness_changes_nothing(
    planner: IntentPlanner, filler: str, command: str, tail: str, shout: bool
) -> None:
    def acts(text: str) -> list[Any]:
        request = PlanRequest(
            messages=(ChatMessage(role="user", content=text),),
            situation=Situation(now=NOW, playing="a waltz"),
        )
        return [
            (o.name, {**json.loads(o.arguments), "brief": None} if o.name == "play_sound" else o.name)
            if isinstance(o, ToolCall)
            else (o.fit if isinstance(o, PlanDone) else o)
            for o in planner.plan(request)
        ]

    noisy = f"{filler}{command}{tail}"
    assert acts(noisy.upper() if shout else noisy) == acts(command)


def check(planner: IntentPlanner, text: str, playing: str | None = None) -> None:
    """Any text gives a round that ends, with calls whose arguments validate."""
    outputs = planner.plan(
        PlanRequest(
            messages=(ChatMessage(role="user", content=text),), situation=Situation(now=NOW, playing=playing)
        )
    )
    assert isinstance(outputs[-1], PlanDone)
    for output in outputs:
        if isinstance(output, ToolCall):
            _STEPS[output.name].model_validate_json(output.arguments)


@settings(deadline=None)
@given(st.text(max_size=200))
@example("İ'm 1,2,3.4.5 ½ ² ٣ seconds")
@example("minus " * 300)
@example("timer for 99999999999999999999 hours")
def test_any_text_gives_a_valid_plan(planner: IntentPlanner, text: str) -> None:
    check(planner, text)


_WORDS = sorted(
    VOCABULARY | {"a", "the", "of", "and", "in", "for", "to", "without", "zero", "percent", "9", "3.5"}
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=12), st.sampled_from([None, "a waltz"]))
def test_any_known_words_give_a_valid_plan(
    planner: IntentPlanner, words: list[str], playing: str | None
) -> None:
    check(planner, " ".join(words), playing)


def test_rules_have_names_of_their_own() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
