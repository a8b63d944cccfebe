"""How surely a partial transcript is a whole sentence or command: one signal of the end of a turn.

A pure function of the text, some microseconds a call, because the turn detector asks it on every partial.
It looks at how the text ends, since that is where an unfinished sentence shows, and at what the opening
verb still needs ("set a timer" wants a time, "play" wants something to play).
"""

from __future__ import annotations

import re

from models.planner.vocabulary import word_set

_WORD = re.compile(r"[\w'’%+*/=-]+")
_UNDECIDED = 0.6  # a plain sentence, neither plainly finished nor plainly not

# A sentence that ends on one of these goes on.
_DANGLING = {
    **dict.fromkeys(word_set("um uh uhm umm er erm err hmm hm"), 0.03),
    "'em": 0.15,  # what recognisers make of "um"
    **dict.fromkeys(
        word_set("and or but because if when while although unless since so then plus than as"), 0.05
    ),
    **dict.fromkeys(
        word_set(
            "a an the my your his her its our their some any every each this these very"
            " really quite for to of with without by from into at about between through"
            " during towards until and like as minus times divided multiplied square"
            " percent of over"
        ),
        0.08,
    ),
    **dict.fromkeys(
        word_set("please also maybe actually well like just i you we they he she is are was were be am"), 0.2
    ),
    **dict.fromkeys(word_set("in on up down off"), 0.35),  # "turn it up" ends, "remind me in" does not
    **dict.fromkeys(
        word_set("can could would will should do does did what's let's i'd i'll i'm want would"), 0.1
    ),
    **dict.fromkeys(
        word_set(
            "play set make put add say repeat remind tell give start sing create generate"
            " transcribe write show"
        ),
        0.15,
    ),
    **dict.fromkeys(  # verbs that want an object or an adverb, and adjectives that want their noun
        word_set(
            "need needs needed get got buy bought take took wrote write said says told think"
            " thought put see saw use used find found keep kept bring brought has had have been"
            " going trying looking talking thinking i've we've you've there's it's that's"
        ),
        0.25,
    ),
    **dict.fromkeys(word_set("me us"), 0.4),
    **dict.fromkeys(word_set("sharp flat major minor"), 0.85),
}
_WHOLE = frozenset(
    [
        "stop",
        "stop it",
        "stop that",
        "quiet",
        "be quiet",
        "silence",
        "enough",
        "that's enough",
        "pause",
        "go on",
        "continue",
        "carry on",
        "keep going",
        "louder",
        "softer",
        "quieter",
        "slower",
        "faster",
        "mute",
        "unmute",
        "yes",
        "no",
        "yeah",
        "nope",
        "yep",
        "okay",
        "ok",
        "sure",
        "thanks",
        "thank you",
        "hello",
        "hi",
        "hey",
        "good morning",
        "good night",
        "goodbye",
        "bye",
        "help",
        "help me",
        "again",
        "say that again",
        "repeat that",
        "pardon",
        "what",
        "shut up",
        "resume",
        "never mind",
        "nevermind",
        "stop the music",
        "thank you very much",
        "what time is it",
        "what's the time",
        "what day is it",
        "who are you",
        "what can you do",
        "how are you",
        "turn it up",
        "turn it down",
        "speak up",
        "slow down",
        "speed up",
        "another one",
        "next",
        "cancel",
        "darker",
        "brighter",
        "calmer",
        "minor",
        "in minor",
        "in major",
        "no drums",
        "tell me more",
        "wake up",
        "that's it",
        "uh huh",
        "uh-huh",
        "mm hmm",
        "mm-hmm",
        "mhm",
        "mm",
        "hmm hmm",
        "right",
        "i see",
        "got it",
        "alright",
        "all right",
        "i don't know",
        "start over",
        "what's playing",
        "come on",
    ]
)
_UNIT = r"(?:seconds?|minutes?|hours?|days?|percent|bars?|beats?|bpm|o'clock|am|pm)"
_NUMBER_END = re.compile(
    r"(?:^|\s)(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred"
    r"|thousand)$"
)
# Commands whose object is still to come, and those that are complete with it.
_NEEDS = (
    (
        re.compile(r"(?:set|start|make|put on|create|give me)(?: \w+)* (?:timer|alarm|countdown)(?: \w+)?$"),
        0.3,
    ),
    (re.compile(r"(?:remind|wake) me(?: up)?(?: to \w+)?(?: the)?(?: \w+)?$"), 0.35),
    (re.compile(rf"(?:timer|alarm|countdown|remind me)\b.*\b{_UNIT}$"), 0.95),
    (re.compile(rf"remind me in .*{_UNIT}$"), 0.7),
    (
        re.compile(
            r"(?:play|put on|make|create|compose)(?: me| us)? (?:some|a|an|the|something)(?:"
            r" (?:very|really|calm|slow|fast|sad|happy|dark|quiet|soft|loud|nice))*$"
        ),
        0.12,
    ),
    (re.compile(r"(?:play|put on|make)(?: me| us)? something$"), 0.25),
    (re.compile(r"\b(?:make|turn|put|set|move|give|bring) (?:it|that|them)$"), 0.2),
    (re.compile(r"\b(?:the|a) (?:sound|noise|piece)$"), 0.3),
    (re.compile(r"^(?:can|could|would|will) you (?:please )?(?!stop|continue|pause|help|wait)\w+$"), 0.3),
    (re.compile(r"^(?:say|repeat after me|repeat)$"), 0.1),
    # What is to be captured may be all of it, or have its purpose still to come ("record me, clean it ...").
    (re.compile(r"\b(?:write|note|jot|take) (?:this|that|it) down$|\b(?:take|make) a (?:note|memo)$"), 0.75),
    (re.compile(r"\brecord (?:me|this|that|my voice)$|\bi'll (?:hum|sing|whistle) (?:a|you a) \w+$"), 0.6),
    (re.compile(r"\b(?:write|note|jot) down(?: that)?$"), 0.15),
    (re.compile(r"\bwhat (?:i just|did i(?: just)?) sa(?:id|y)$|\bplay (?:number|recording) \w+$"), 0.85),
    (
        re.compile(
            r"^(?:no|wait|no wait|well|so|okay so|hold on|let me (?:think|see)|i think|i"
            r" mean|you know|actually|hmm)$"
        ),
        0.15,
    ),
    (
        re.compile(
            r"^(?:what|what's|what is|how|who|when|where|why|which|how much|how many|how"
            r" much is|what are|who is|tell me)$"
        ),
        0.15,
    ),
)
# Longer texts without one of these need nothing of the above.
_NEEDY = word_set(
    "set start make put create give remind wake timer alarm countdown play compose turn move bring sound"
    " noise piece"
)
_COMMAND = re.compile(
    r"^(?:please |now |and |okay |hey )*(?:(?:can|could|would|will) you (?:please"
    r" )?)?(?:play|stop|turn|add|make|put|set|cancel|say|what|who|how|when|tell|give"
    r"|start|speak|use|switch|change|remove|drop|lower|raise|keep|repeat|remind"
    r"|calculate|mute|no|generate)\b"
)
_GREETING = re.compile(r"^(?:hello|hi|hey|okay|ok|oh|well|yes|yeah|no|so|and|now|please|sorry|thanks)\s+")
# Questions by their word order: whole with their last noun, unless an adjunct follows ("... tomorrow").
_QUESTION = re.compile(
    r"^(?:is|are|was|were|do|does|did|have|has|had|should|shall|may|might|am|isn't|don't|didn't|where|why"
    r"|which|whose|when)(?: \S+){3}"
)
# An article and an adjective: the noun is still to come.
_NO_NOUN = re.compile(
    r"\b(?:a|an|the|my|your|his|her|its|our|their|some|very|really|so|more) (?:\w+ly )?(?:small|little|big"
    r"|large|great|good|bad|nice|new|old|young|long|short|slow|fast|quick|quiet|loud|soft|happy|sad|dark"
    r"|bright|calm|simple|deep|high|low|hot|cold|warm|same|other|next|last|first|second|third|whole|most"
    r"|best|different|certain|solo)$"
)
_STRANDED = re.compile(r"\b(?:what|who|where|which)\b.* (?:listen to|talk about|wait for|look at|from|for)$")
_UNITS = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_GROWN = re.compile(rf"\b(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety) {_UNITS}$")
_SUM_END = re.compile(
    r"\b(?:plus|minus|times|divided by|multiplied by|over|root of|percent of|to the"
    r" power of) (?:(?:a|one|two|three|four|five|six|seven|eight|nine) (?:hundred"
    r"|thousand)|\S+)$"
)


def completeness(text: str) -> float:
    """How surely `text` (a partial transcript) is complete: 0 certainly goes on, 1 certainly done. Pure.

    Nothing said yet is 0. Punctuation of a recogniser that writes it counts: "?" and "." as ends, "," as
    none.
    """
    words = _WORD.findall(text.lower().replace("’", "'"))
    if not words:
        return 0.0
    plain = " ".join(words)
    while words and words[-1] in {"please", "thanks"} and len(words) > 1:
        words.pop()
        plain = " ".join(words)
    ending = text.rstrip()[-1:]
    if ending == "," or text.rstrip().endswith(("...", "…", "-", "–", "—")):
        return 0.1
    if plain in _WHOLE:
        return 1.0
    if ending in {"?", "!"}:
        return 0.95
    if _GREETING.sub("", plain) in _WHOLE:
        return 0.9  # "hello how are you"
    if text.count(",") > 1 and not {"and", "or"} & set(words[-3:]):
        return 0.45  # a list whose last item has not been announced: "milk, eggs, bread"
    score = _by_ending(words, plain)
    return max(score, 0.8) if ending == "." and score > 0.3 else score


def _by_ending(words: list[str], plain: str) -> float:
    last = words[-1]
    if len(words) <= 5 or not _NEEDY.isdisjoint(words):
        for pattern, score in _NEEDS:
            if pattern.search(plain):
                return score
    if _NO_NOUN.search(plain):
        return 0.2
    if last in _DANGLING:
        if _STRANDED.search(plain):
            return 0.6  # "i don't know what to listen to"
        if last in {"up", "down", "off", "on"} and words[0] in {
            "turn",
            "switch",
            "speed",
            "slow",
            "shut",
            "carry",
            "keep",
            "go",
            "come",
        }:
            return 0.95
        if last in {"is", "are", "do"} and words[0] in {"what", "who", "how", "where"} and len(words) > 3:
            return 0.75  # "what time it is", "what can you do"
        if last in {"me", "us"} and words[-2:-1] and words[-2] in {"for", "to", "with", "about", "from"}:
            return 0.85
        if (
            last in {"me", "us", "you"}
            and len(words) > 2
            and words[0]
            not in {
                "play",
                "tell",
                "give",
                "remind",
                "show",
                "make",
                "sing",
            }
        ):
            return 0.75
        return _DANGLING[last]
    if _SUM_END.search(plain):
        return 0.85
    if _NUMBER_END.search(plain):
        # A number may grow ("twenty ... five") or still need its unit; "at seventy" is a tempo and done.
        asked = words[0] in {"what", "what's"}
        if asked and _GROWN.search(plain):
            return 0.85
        return 0.7 if asked or words[-2:-1] in (["at"], ["is"]) else 0.4
    if len(words) == 1:
        return 0.45
    if _COMMAND.match(plain):
        return 0.88
    return 0.75 if _QUESTION.match(plain) else _UNDECIDED
