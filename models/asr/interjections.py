"""The short things people say while somebody else talks, and which of them only mean "I'm listening".

An open recogniser mishears every second of them: they are as short as a syllable, and hold no context. Told
apart among these alone (a grammar of phrases, one pass over half a second of audio), 46 of 53 backchannels
and 33 of 33 requests of voices held in for `python -m benchmarks bargein` fell on the right side; the open
recogniser had 28 and 18 of them right. Left out are words as near to the others as "but" to "uh-huh".
"""

from __future__ import annotations

from collections.abc import Collection

_LISTENING = """
uh-huh|mhm|mm|hm|yeah|yeah yeah|yes|yep|okay|right|sure|i see|aha|oh okay|oh really|really|wow|of course
alright|ah i see|oh i see|cool|got it|that's right|ha ha|ha ha ha|ha ha ha ha|nice|great|oh wow|yeah right|huh
"""

_REQUESTS = """
stop|stop it|stop that|stop the music|stop talking|wait|no|no wait|hold on|hang on|pause|be quiet|quiet
shut up|enough|that's enough|louder|quieter|softer|slower|faster|what|why|when|where|how|pardon|sorry
who are you|what time is it|what was that|what did you say|never mind|turn it down|turn it up|slower please
louder please|speak up|hey|hello|listen|play|say that again|repeat that|next|skip|cancel|go on|help
thanks|thank you|actually|nope|not that|excuse me|one moment|just a second|hush|go back|what is that
really why|play it again|no thanks|jazz|softly|darker|yes please
"""


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase for line in text.strip().splitlines() for phrase in line.split("|"))


LISTENING = _phrases(_LISTENING)
REQUESTS = _phrases(_REQUESTS)


def grammar(phrases: Collection[str] = (*LISTENING, *REQUESTS)) -> str:
    """One of the phrases, all equally likely, in the Java Speech Grammar Format (JSGF)."""
    return f"#JSGF V1.0;\ngrammar interjections;\npublic <said> = {' | '.join(phrases)};\n"
