"""Who says what in `benchmarks.bargein_set`: voices, wordings, noises and styles, by part.

Of three parts, in this order: held in, to choose thresholds by; held out, whose figures are known since
2026-11-22 and may have guided a choice; fresh, looked at once, with the weights that `manner.npz` now has. An
earlier fresh set was looked at before those were made: its wordings are learned from now
(`benchmarks.yield_set`), its voices are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Voice:
    """A synthesiser's voice; `throat` scales all frequencies (another speaker's size), `speed` the tempo."""

    program: Literal["flite", "espeak-ng"]
    name: str
    throat: float = 1.0
    speed: float = 1.0

    def __str__(self) -> str:
        """Its name, for the clip's."""
        return f"{self.name}*{self.throat:g}"


IN, OUT, FRESH = range(3)  # the parts

OUR_VOICE = Voice("flite", "slt")
VOICES = (
    (
        Voice("flite", "slt"),
        Voice("flite", "rms"),
        Voice("flite", "kal16", 1.05, 1.1),
        Voice("flite", "awb"),
        Voice("flite", "slt", 0.93, 0.9),
        Voice("espeak-ng", "en-us+m3"),
        Voice("espeak-ng", "en-gb+f2"),
        Voice("espeak-ng", "en-us+f4"),
    ),
    (
        Voice("flite", "awb", 1.07, 1.05),
        Voice("flite", "rms", 0.93, 0.95),
        Voice("flite", "kal16", 1.1),
        Voice("flite", "slt", 1.15, 1.05),
        Voice("espeak-ng", "en-us+f3"),
        Voice("espeak-ng", "en-gb-x-rp+m7"),
    ),
    (
        Voice("flite", "awb", 0.97, 1.05),
        Voice("flite", "awb", 1.16),
        Voice("flite", "slt", 1.04, 0.9),
        Voice("flite", "rms", 1.14),
        Voice("espeak-ng", "en-us+Andrea"),
        Voice("espeak-ng", "en-gb-scotland+adam"),
        Voice("espeak-ng", "en-us+f1"),
    ),
)
SEEDS = (1, 2, 4)  # of the noises, rooms and styles; 3 was the earlier fresh set's
# A few words that everybody says are in the first two parts; no wording of the fresh one was learned from.
BACKCHANNELS = (
    "uh huh|mm hmm|yeah|okay|right|mm|yes|sure|oh|really|hm|alright|of course|that's right",
    "uh huh|mm hmm|yeah|okay|right|yep|i see|oh i see|aha|got it|sure",
    "good point|i know|you bet|no kidding|absolutely|amazing|that's nice|yup|i hear you|oh dear|sounds good|"
    "very true",
)
COMMANDS = (
    "stop|wait|no|hold on|hang on|louder|pause|be quiet|stop the music|actually play jazz|turn it down|"
    "set a timer for five minutes|slower please|never mind|play something else|no wait|shut up|enough|"
    "cancel that|skip this|add some drums",
    "stop|stop it|wait a minute|no|hold on|that's enough|quiet please|mute|louder please|play some blues|"
    "add a flute|set a timer for one minute|go back|forget it|start again|turn it off",
    "stop right there|just stop|one moment|cut it out|turn the volume down|play a tango|a little slower|"
    "next track please|cancel the alarm|do that again|the other one|let me talk|that's not right|"
    "yeah but wait|okay next|right stop there|oh never mind|no leave that",
)
QUESTIONS = (
    "what|what time is it|how much is seven times six|what is playing|why|who are you|can you hear me|pardon",
    "what did you say|what's the time|what day is it|how many is twelve plus nine|really why is that|"
    "what was that|what key is it in|how do you know",
    "who said that|where was it|what do you mean|how far is that|when is it|come again|is it true|"
    "can you say that slowly",
)
FREE = (
    "i don't think that is true at all|my brother told me something else about it|"
    "that reminds me of the house by the lake|we should talk about dinner",
    "sorry i meant the other one|i have heard this story before|let me tell you what happened yesterday|"
    "that was not what i asked for|my sister is coming home tomorrow|i want to hear about the sea",
    "i saw a film about that|my uncle lives in the mountains|we never got an answer|you told me that already",
)
EARLIER = (  # our last reply, from which the echo canceller has learnt the room
    "I can play music and sounds, set timers, do sums and tell the time. Music you can describe as you like."
)
REPLIES = (
    (
        "Once upon a time there was an old house by the sea, where nobody had lived for many years.",
        "A tritone is the distance of three whole tones. It sounds restless, and wants to go on.",
    ),
    (
        "The timer is set for ten minutes. I will tell you when it is over.",
        "Here is a slow waltz in A minor, for piano and cello.",
    ),
    (
        "The highest mountain of Africa is an old volcano. There is snow on it all the year round.",
        "That was a polka in G major. Shall I play another dance, or something slower?",
    ),
)
STYLES = (
    ("solo piano", "jazz trio", "string quartet", "rock", "waltz", "techno", "folk", "lullaby"),
    ("solo piano", "orchestra", "bossa nova", "blues", "march", "ambient", "country", "guitar duo"),
    ("solo cello", "samba", "bluegrass", "soul", "baroque", "drum and bass", "film score", "lo-fi"),
)
HOUSE = (
    ("door slam", "three knocks on the door", "keyboard typing", "footsteps", "breaking glass", "telephone"),
    ("a door slams", "knock on glass", "typing", "creaky door", "footsteps on gravel", "doorbell", "dog",
     "applause", "vacuum cleaner"),
    ("door close", "knock at the door", "typewriter", "door hinge", "walking on wood", "church bell", "puppy",
     "hand clap", "blender"),
)  # fmt: skip
READERS_IN = ("goforward", "libri-0870", "libri-0880", "numbers")  # the other recordings are held out
