"""Wordings the rules were not written from: each must give the plan, not the sentence it was listed with."""

from __future__ import annotations

from typing import Any

import pytest

# What was said, the tools called, and fields of the (only) step or its brief.
COMMANDS: list[tuple[str, list[str], dict[str, Any]]] = [
    ("I'd like a countdown of forty five seconds", ["set_timer"], {"seconds": 45}),
    ("could you time three and a half minutes with a timer", ["set_timer"], {"seconds": 210}),
    ("start a twenty minute timer for the laundry", ["set_timer"], {"seconds": 1200, "label": "laundry"}),
    ("remind me to call mum in an hour and a quarter", ["set_timer"], {"seconds": 4500, "label": "call mum"}),
    (
        "in ninety seconds remind me to flip the pancakes",
        ["set_timer"],
        {"seconds": 90, "label": "flip the pancakes"},
    ),
    ("let me know when half an hour has passed", ["set_timer"], {"seconds": 1800}),
    ("wake me up at half past five", ["set_timer"], {"seconds": 4980}),
    ("alarm in two hours and ten minutes please", ["set_timer"], {"seconds": 7800}),
    ("set an egg timer for a couple of minutes", ["set_timer"], {"seconds": 120}),
    ("pasta timer eleven minutes", ["set_timer"], {"seconds": 660}),
    ("put a timer on for 5 min", ["set_timer"], {"seconds": 300}),
    ("hey set the timer to a quarter of an hour", ["set_timer"], {"seconds": 900}),
    (
        "I would love to hear some bossa nova with flute",
        ["play_music"],
        {"style": "bossa nova", "instruments": ("flute",)},
    ),
    (
        "could we have a slow waltz in E flat major",
        ["play_music"],
        {"style": "waltz", "tonic": "Eb", "mode": "major"},
    ),
    ("compose me a sad string quartet", ["play_music"], {"style": "string quartet", "mood": ("sad",)}),
    (
        "put some lofi beats on, but leave out the piano",
        ["play_music"],
        {"style": "lo-fi", "without": ("piano",)},
    ),
    ("play techno at one thirty five beats per minute", ["play_music"], {"style": "techno", "tempo": 135}),
    (
        "give me eight bars of funk in three four time",
        ["play_music"],
        {"style": "funk", "bars": 8, "metre": "3/4"},
    ),
    ("how about some reggae", ["play_music"], {"style": "reggae"}),
    (
        "I'm in the mood for something mysterious in d dorian",
        ["play_music"],
        {"mood": ("mysterious",), "tonic": "D", "mode": "dorian"},
    ),
    (
        "improvise a cheerful tune on the harmonica",
        ["play_music"],
        {"mood": ("happy",), "instruments": ("harmonica",)},
    ),
    ("play jazz without drums or bass", ["play_music"], {"style": "jazz", "without": ("drums", "bass")}),
    ("some ambient music for sleeping please", ["play_music"], {"style": "ambient"}),
    (
        "make a folk song with banjo and fiddle, no drums",
        ["play_music"],
        {"style": "folk", "instruments": ("banjo", "violin"), "without": ("drums",)},
    ),
    (
        "write a march in B flat at a hundred and twelve",
        ["play_music"],
        {"style": "march", "tonic": "Bb", "tempo": 112},
    ),
    ("play music", ["play_music"], {}),
    ("let's hear something wistful", ["play_music"], {"mood": ("nostalgic",)}),
    ("could you play some pensive music", ["play_music"], {"mood": ("pensive",)}),
    ("I want to hear ocean waves", ["play_sound"], {}),
    ("make the noise of a creaky wooden door", ["play_sound"], {}),
    ("simulate a thunderstorm for ten minutes", ["play_sound"], {"seconds": 600}),
    ("give me birdsong in a quiet forest", ["play_sound"], {}),
    ("play the sound of a steam train passing by", ["play_sound"], {"description": "steam train passing by"}),
    ("generate twenty seconds of applause", ["play_sound"], {"description": "applause", "seconds": 20}),
    ("can I hear a crackling fire", ["play_sound"], {"description": "crackling fire"}),
    ("crank it up", ["set_volume"], {"change": "louder"}),
    ("that's way too loud", ["set_volume"], {"change": "softer"}),
    ("could you turn the volume down a little", ["set_volume"], {"change": "softer"}),
    ("I can hardly hear you", ["set_volume"], {"change": "louder", "target": "voice"}),
    ("speak more quietly please", ["set_volume"], {"change": "softer", "target": "voice"}),
    ("mute", ["set_volume"], {"change": "mute"}),
    ("unmute the music", ["set_volume"], {"change": "normal", "target": "music"}),
    ("you're talking too fast", ["set_pace"], {"change": "slower"}),
    ("could you speak a bit quicker", ["set_pace"], {"change": "faster"}),
    ("talk at a normal speed again", ["set_pace"], {"change": "normal"}),
    ("from now on answer in Spanish", ["set_voice"], {"language": "es"}),
    ("please switch your language to Dutch", ["set_voice"], {"language": "nl"}),
    ("try a different voice", ["set_voice"], {"voice": "other"}),
    ("sound like a woman", ["set_voice"], {"voice": "female"}),
    ("change your voice", ["set_voice"], {"voice": "other"}),
]

# What was said, and a part of the answer; nothing is called.
ANSWERS: list[tuple[str, str]] = [
    ("good evening", "evening"),
    ("hi there computer", "Hello"),
    ("thank you so much", "welcome"),
    ("cheers mate", "welcome"),
    ("okay bye bye", "Goodbye"),
    ("see you tomorrow", "Goodbye"),
    ("and who might you be? what's your name?", "voice assistant"),
    ("are you a robot", "voice assistant"),
    ("what sort of things can you do", "music"),
    ("help", "music"),
    ("what can I ask you", "music"),
    ("do you have the time", "seven minutes past four"),
    ("could you tell me what time it is", "seven minutes past four"),
    ("what's the time in Tokyo", "only know the time here"),
    ("what's today's date", "Sunday"),
    ("which day of the week is it", "Sunday"),
    ("what was the date yesterday", "Saturday"),
    ("how much is seventeen plus twenty six", "43"),
    ("what do you get when you multiply fourteen by six", "84"),
    ("seven squared", "49"),
    ("two to the power of ten", "1024"),
    ("a hundred minus thirty seven point five", "62.5"),
    ("half of three hundred and ten", "155"),
    ("what is thirty percent of two hundred and fifty", "75"),
    ("subtract nine from a hundred", "91"),
    ("five plus six times two", "17"),
    ("what's the cube root of twenty seven", "3"),
    ("divide eighty four by seven please", "12"),
    ("can you work out nine hundred divided by zero", "divide by zero"),
    ("twenty percent off sixty", "48"),
    ("what's three quarters of sixteen", "12"),
    ("what's 12.5 * 8", "100"),
    ("repeat after me: the quick brown fox", "The quick brown fox"),
    ("please say good morning everyone", "Good morning everyone"),
    ("could you say stop the music out loud", "top the music"),
    ("what's the temperature outside", "weather"),
    ("any news today", "news"),
    ("order a large pizza", "order"),
    ("call my brother", "call"),
    ("send an email to Anna", "write"),
    ("switch the kitchen lights off", "devices"),
    ("put milk on my shopping list", "list"),
    ("translate good morning into French", "translate"),
    ("sing me a lullaby", "sing"),
    ("please remove the background noise from the clip", "no recording"),
    ("draw me a cat", "pictures"),
    ("what does dorian mean", "sixth"),
    ("explain what an arpeggio is", "one note after the other"),
    ("how long does my timer have left", "No timer"),
    ("play hotel california by the eagles", "no recordings"),
    ("set a timer", "how long"),
    ("who painted the mona lisa", "I can"),
    ("why is the sky blue", "I can"),
    ("brrgl fnord", "again"),
    ("", "again"),
    ("umm", "again"),
    ("how do you feel today", "I can"),
]

EDITS: list[tuple[str, dict[str, Any]]] = [
    ("a bit slower please", {"tempo": 65}),
    ("twice as fast", {"tempo": 140}),
    ("lose the piano", {"instruments": (), "without": ("bass", "piano")}),
    ("could you bring in a violin", {"instruments": ("piano", "violin")}),
    ("add bass", {"instruments": ("piano", "bass"), "without": ()}),
    ("can you make it happier", {"mode": "major", "mood": ("calm", "happy")}),
    ("switch to major", {"mode": "major", "tonic": "A"}),
    ("put it in G minor", {"tonic": "G", "mode": "minor"}),
    ("take it up a fourth", {"tonic": "D"}),
    ("two semitones lower", {"tonic": "G"}),
    ("turn it into a bossa nova", {"style": "bossa nova"}),
    ("change to techno", {"style": "techno"}),
    (
        "the same piece but with a flute and no drums",
        {"instruments": ("piano", "flute"), "without": ("bass", "drums")},
    ),
    ("make it more dramatic", {"mood": ("calm", "dramatic")}),
    ("try it at ninety", {"tempo": 90}),
    ("a little busier", {"density": 0.75}),
    ("play it again", {"tempo": 70, "style": "solo piano"}),
    ("no wait, in major", {"mode": "major"}),
    ("take the piano out", {"instruments": (), "without": ("bass", "piano")}),
    ("can you add drums and take the piano out", {"instruments": ("drums",), "without": ("bass", "piano")}),
    ("change the metre to three four", {"metre": "3/4"}),
    ("a bit jazzier", {"style": "jazz"}),
    ("something happier", {"mood": ("calm", "happy")}),
    ("turn up the tempo", {"tempo": 84}),
    ("play it in major", {"mode": "major"}),
    ("OK, back to the piano piece, add bass", {"instruments": ("piano", "bass")}),
]

# Each is the piece that plays with this changed, and nothing else.
ALONE: list[tuple[str, dict[str, Any]]] = [
    ("make it major", {"mode": "major"}),
    ("no drums", {"without": ("bass", "drums")}),
    ("add a cello", {"instruments": ("piano", "cello")}),
    ("slower", {"tempo": 58}),
    ("up a tone", {"tonic": "B"}),
    ("darker", {"mood": ("calm", "dark")}),
    ("jazzier", {"style": "jazz"}),
    ("change to jazz", {"style": "jazz"}),
    ("jazz", {"style": "jazz"}),
    ("major", {"mode": "major"}),
    ("minor", {"mode": "minor"}),
    (
        "same thing but no drums and add a cello",
        {"without": ("bass", "drums"), "instruments": ("piano", "cello")},
    ),
    ("no drums and up a tone", {"without": ("bass", "drums"), "tonic": "B"}),
    ("slower, in major, with a flute", {"tempo": 58, "mode": "major", "instruments": ("piano", "flute")}),
]
CORRECTIONS = [
    "",
    "No, wait, ",
    "Wait, ",
    "actually ",
    "I mean ",
    "sorry, I meant ",
    "no wait, I mean ",
    "hang on, ",
]

# Each is a piece of its own, though one plays.
NEW = [
    "something else",
    "play something else",
    "another one",
    "give me another version",
    "play jazz",
    "play some jazz",
    "play jazz instead",
    "some jazz please",
    "a waltz please",
    "make a waltz",
    "play a sad song",
    "put on some ambient",
    "next song",
]


def _fields(step: Any) -> Any:
    return getattr(step, "brief", step)


@pytest.mark.parametrize(("said", "tools", "fields"), COMMANDS)
def test_command(ask: Any, said: str, tools: list[str], fields: dict[str, Any]) -> None:
    planned = ask(said)
    assert planned.tools == tools, planned
    for name, value in fields.items():
        assert getattr(_fields(planned.steps[0]), name) == value


@pytest.mark.parametrize(("said", "part"), ANSWERS)
def test_answer(ask: Any, said: str, part: str) -> None:
    planned = ask(said)
    assert planned.tools == [], planned
    assert part.lower() in planned.text.lower()


@pytest.mark.parametrize(("said", "fields"), EDITS)
def test_edit_of_the_piece_that_plays(
    ask: Any, piano: dict[str, Any], said: str, fields: dict[str, Any]
) -> None:
    planned = ask(said, **piano)
    assert planned.tools == ["play_music"], planned
    for name, value in fields.items():
        assert getattr(planned.brief, name) == value


@pytest.mark.parametrize(("said", "fields"), EDITS)
def test_edits_are_edits(ask: Any, piano: dict[str, Any], said: str, fields: dict[str, Any]) -> None:
    assert ask(said, **piano).change == "edit"


@pytest.mark.parametrize("correction", CORRECTIONS)
@pytest.mark.parametrize(("said", "fields"), ALONE)
def test_an_edit_changes_what_was_said_and_nothing_else(
    ask: Any, piano: dict[str, Any], correction: str, said: str, fields: dict[str, Any]
) -> None:
    before = ask("same thing", **piano).brief
    planned = ask(f"{correction}{said}", **piano)
    assert planned.change == "edit"
    expected = before.model_copy(update={**fields, "description": planned.brief.description})
    assert planned.brief == expected
    assert planned.brief.description.startswith(before.description)


@pytest.mark.parametrize("said", NEW)
def test_a_piece_of_its_own(ask: Any, piano: dict[str, Any], said: str) -> None:
    planned = ask(said, **piano)
    assert planned.change == "new"
    if said.startswith(("play", "put", "some", "a ", "make")):
        assert planned.brief.instruments == (), "nothing of the piece before stays"


@pytest.mark.parametrize(
    "said", ["no, wait, minor", "same thing but no drums and add a cello", "play it again"]
)
def test_what_played_last_is_edited_too(ask: Any, piano: dict[str, Any], said: str) -> None:
    assert ask(said, history=piano["history"]).change == "edit"


MISHEARD: list[tuple[str, list[str]]] = [
    ("sat a timer for ten minutes", ["set_timer"]),
    ("set a tamer for too minutes", ["set_timer"]),
    ("pleigh some jass", ["play_music"]),
    ("play a come piano piece in a miner", ["play_music"]),
    ("stopped the music", []),
    ("make the sound of reign on a roof", ["play_sound"]),
    ("play sum blues with saxofone", ["play_music"]),
    ("cancel the time are", []),
    ("play some chez with a double base", ["play_music"]),
    ("turn the valium up", ["set_volume"]),
    ("said a timer for seven tea seconds", ["set_timer"]),
]


@pytest.mark.parametrize(("said", "tools"), MISHEARD)
def test_misheard_words_are_taken_for_what_they_sound_like(ask: Any, said: str, tools: list[str]) -> None:
    assert ask(said).tools == tools


SEQUENCES: list[tuple[str, list[str]]] = [
    ("play some ambient and set a timer for twenty minutes", ["play_music", "set_timer"]),
    ("make the sound of the sea, then speak slower", ["play_sound", "set_pace"]),
    ("set a timer for five minutes and another timer for ten minutes", ["set_timer", "set_timer"]),
    ("turn it down and use another voice", ["set_volume", "set_voice"]),
    ("what time is it and play some jazz", ["play_music"]),
    ("book me a taxi and play some jazz", ["play_music"]),
]


@pytest.mark.parametrize(("said", "tools"), SEQUENCES)
def test_sequence(ask: Any, said: str, tools: list[str]) -> None:
    assert ask(said).tools == tools
