"""What people ask for and this assistant cannot do (yet): one honest sentence with the nearest thing it can.

A row goes when a tool for it comes.
"""

from __future__ import annotations

import re

from models.planner.rules import Candidate, Context, Rule, clause, search
from models.planner.words import Reading

_DETERMINED = (
    r"(?:a|an|the|my|me|us|some|any|that|this|his|her|your|our|up|all|last|first|new|out|of|from|in)"
)
_AUDIO = (
    r"(?:clip|recording|recordings|audio|file|voice|voices|speech|song|sound|sounds"
    r"|sample|samples|track|noise|signal|background|hiss|hum|take|it|that|this)"
)

_ROWS: tuple[tuple[str, str], ...] = (
    (
        (
            r"(?:book|order|reserve|hail|call|get|buy|rent|find|arrange|need|want|fetch"
            r"|bring)(?: \w+){0,3} (?:taxi|cab|uber|lift|ride|flight|flights|hotel|room"
            r"|table|restaurant|ticket|tickets|pizza|food|groceries|coffee|tea|dinner|lunch"
            r"|sandwich|milk|beer|train ticket|appointment|car)"
        ),
        "I can't book or order anything, but I can set a timer to remind you.",
    ),
    (
        r"(?:buy|order|purchase|shop for|book|reserve) (?!it\b|that\b).+",
        "I can't book or buy anything, but I can set a timer to remind you.",
    ),
    (
        (
            r"weather(?: \w+)*|forecast|temperature (?:outside|today|tomorrow)|will it"
            r" (?:rain|snow|be (?:sunny|cold|warm|hot))|is it (?:raining|snowing|going to"
            r" rain|cold|hot|warm|sunny)|how (?:cold|hot|warm) is it|(?:need|take|bring) an?"
            r" umbrella|(?:rain|snow) (?:today|tomorrow|later|tonight)$|outside today"
        ),
        "I can't look up the weather, but I can make the sound of rain or wind.",
    ),
    (
        (
            r"news|headlines|stock|stocks|share price|bitcoin|(?:football|soccer|baseball"
            r"|match|game|sports?) (?:score|scores|results?)|who won|latest on|exchange rate"
        ),
        ("I can't look anything up, news included, but I can tell you the time or play some music."),
    ),
    (
        (
            r"(?:call|phone|ring|dial|text|email|e mail|message|whatsapp|facetime) (?!me\b"
            r"|it\b|this\b|that\b|you\b)\w+|(?:send|write|read|check|answer)(?: \w+){0,3}"
            r" (?:message|messages|email|emails|e mail|mail|text|texts|letter|inbox)|post"
            r" (?:this|it|that) (?:on|to)|tweet"
        ),
        "I can't call or write to anyone, but I can set a timer to remind you.",
    ),
    (
        (
            r"(?:turn|switch|dim|put)(?: \w+){0,5} (?:light|lights|lamp|heating|heater|tv"
            r"|television|oven|thermostat|air conditioning|ac|fan|kettle|coffee machine"
            r"|computer|wifi|bluetooth)(?: (?:on|off|up|down))?|(?:lock|unlock|open|close)"
            r" (?:the |my )?(?:door|doors|window|windows|garage|blinds|curtains|app|browser"
            r"|file|spotify|youtube)|smart home|launch|thermostat"
        ),
        "I can't control devices or apps, but I can play music or sounds and set timers.",
    ),
    (
        (
            r"directions|navigate|how (?:do i|to) get to|(?:take|drive) me (?:to|home)"
            r"|nearest|near me|traffic (?:report|like|jam|today)|how far|where (?:is|am|are)"
            r"|(?:show|open)(?: \w+){0,3} maps?|on (?:the|a) map"
        ),
        "I don't know places or routes, but I can time your trip with a timer.",
    ),
    (
        (
            r"(?:calendar|appointments?|meetings?|schedule)(?! a (?:timer|reminder))"
            r"|shopping list|to ?do list|grocery list|(?:add|put)(?: \w+){1,5} (?:to|on)"
            r" (?:my|the) list|what is on my|birthday party on"
        ),
        "I keep no calendar or lists, but I can set a timer to remind you.",
    ),
    (
        (
            r"(?:search|google|look up|browse|find me|find out|wikipedia|look on)(?:"
            r" \w+)*(?: (?:internet|web|online|google))?"
        ),
        ("I can't search anything, but I can play music or sounds, set timers and do sums."),
    ),
    (
        (
            r"translate|translation|how do (?:you|i) say|(?:what is|say)(?: \w+){1,4} in"
            r" (?:german|french|spanish|italian|latin|chinese|japanese|russian|dutch"
            r"|portuguese)|interpret"
        ),
        "I can't translate, but I can speak with a voice of another language.",
    ),
    (
        (
            r"do you (?:speak|understand|know) (?:german|french|spanish|italian|chinese"
            r"|japanese|russian|dutch|portuguese|other languages|any other language)"
        ),
        "I understand English only, but I can speak with a voice of another language.",
    ),
    (
        (
            r"sing(?:ing)?(?! in)|serenade|(?:with|add) (?:lyrics|singing)|karaoke|rap(?="
            r" (?:about|for|me|something))"
        ),
        "I can't sing yet, but I can play a tune or say the words.",
    ),
    (
        (
            rf"(?:transcri\w+|generate the text|write out|text of this|turn(?: \w+){{0,3}}"
            rf" into text|subtitle\w*)(?: \w+)*|what (?:does|did) (?:the|this|that) {_AUDIO}"
            rf" say"
        ),
        ("I can't transcribe a recording yet, but I can write down what you say next: say, take a note."),
    ),
    (
        (
            rf"(?:de ?noise|noise reduc\w+|reduce the noise|clean(?: up)?|enhance|restore"
            rf"|improve|remove(?: the)? (?:background )?(?:noise|hiss|hum|echo|reverb)|get"
            rf" rid of the (?:noise|hiss|hum)|de ?reverb|normalize|normalise|equalize"
            rf"|equalise|amplify|filter)(?: (?:the|my|this|that|a|up|out|last|of|from|in"
            rf"|noise|background|{_AUDIO}))*"
        ),
        (
            "There is no recording here; to make one, say: record me. I can't clean one up yet, but"
            " I can play it back."
        ),
    ),
    (
        (
            rf"(?:separate|split|isolate|extract|detect|identify|recogni[sz]e|classify|label"
            rf"|find)(?: \w+){{0,6}} (?:{_AUDIO}|speakers|events|vocals|applause|stems|siren"
            rf"|sirens)|what (?:events|sounds?) (?:does|do|is|are|can)(?: \w+)*|(?:whose|who"
            rf" s) voice"
        ),
        "There is no recording to take apart and I can't analyse sounds yet, but I can make new sounds.",
    ),
    (
        (
            rf"(?:describe|caption|analy[sz]e|text description|tell me (?:about|what is"
            rf" in))(?: \w+){{0,5}} (?:{_AUDIO}|image|picture|music)|what do you hear(?:"
            rf" \w+)*|(?:listen to|what is) (?:the room|my room|around me|in this (?:sound"
            rf"|clip|audio|recording|file))"
        ),
        "I can't describe sounds yet, but I can tell you what I am playing.",
    ),
    (
        (
            r"(?:transfer|convert|turn|make|render)(?: \w+)* binaural(?: \w+)*|binaural"
            r"|(?:put|pan|move|walk|place|send|shift)(?: \w+){1,6} (?:left|right|behind me"
            r"|around(?: me)?|in front)|(?:to|on) (?:my|the) (?:left|right)|stereo|surround"
            r"|spatial\w*|3 ?d (?:audio|sound)|mono"
        ),
        "I can't place sounds in space yet, but I can make and play them.",
    ),
    (
        (
            r"dropout|drop out|inpaint\w*|patch (?:it|the)|fill (?:in )?(?:the|that) (?:gap"
            r"|hole)|(?:repair|fix|mend) (?:the|that|this|it)(?: \w+)*|crossfade|splice|trim"
            r"|crop|cut the (?:clip|recording|audio)"
        ),
        ("There is no recording to repair and I can't edit audio yet, but I can make a new sound."),
    ),
    (
        (
            r"(?:\w+ ){0,6}(?:image|picture|photo|photograph|drawing|painting|video|movie"
            r" clip|face|avatar|talking head|animation|logo|cover art|selfie)(?: \w+)*|draw"
            r"|paint|sketch|show me (?:a|an|the|your) .*"
        ),
        "I can't make or read pictures yet, but I can make sounds and music from words.",
    ),
    (
        (
            r"(?:speak|say it|talk|sound)(?: \w+)? like (?:me|him|her|my|this|that|the|obama"
            r"|trump|darth|yoda|donald|morgan|a pirate|batman|homer)(?: \w+)*|(?:clone|copy"
            r"|imitate|mimic|steal) (?:my|his|her|this|the|that|a)(?: \w+)* voice|(?:using"
            r"|use) the voice of (?:this|that|the|my)(?: \w+)*|my (?:own )?voice"
        ),
        "I can't copy a voice, but I can use another one of mine.",
    ),
    (
        (
            r"(?:save|export|download|send me|store|give me|keep)(?: \w+){0,4} (?:midi|wav"
            r"|mp3|flac|file|score|sheet music|stems|recording|musicxml|song|piece|notes)"
            r"|sheet music|(?:upload|share) .+"
        ),
        "I can't save files yet, but I can play it again or change it.",
    ),
    (
        (
            r"(?:hum|whistle|humming|i will sing|i sing|beatbox|i am going to (?:hum"
            r"|sing))(?: \w+)*|what notes (?:did|do|am) i(?: \w+)*"
        ),
        "I can't hum or name notes, but I can keep a tune that you hum: say, I'll hum a tune.",
    ),
    (
        (
            r"(?:joke|jokes|story|stories|poem|riddle|rhyme|fairy tale|fun fact|trivia|quote"
            r"|tongue twister)(?: \w+)*|make me laugh|(?:play|let us play) (?:a )?(?:game"
            r"|quiz|chess|hangman|trivia)(?: \w+)*|roll (?:a|the) di(?:c)?e|flip a coin"
            r"|recipe|cook|diet|homework|essay|write (?:a|an|some|my) (?:code|program|essay"
            r"|script|python|email|letter|poem|story|song lyrics|lyrics|function)(?: \w+)*"
        ),
        "I have no stories, games or texts, but I can make up music or sounds for you.",
    ),
    (
        r"undo(?: \w+)*|(?:go|put it) back to (?:how|the way)(?: \w+)*|revert(?: \w+)*",
        "I can't undo yet, but tell me what to change and I'll change it.",
    ),
    (
        (
            r"(?:gradually|slowly) (?:speed|slow|get|fade)(?: \w+)*|swing it|(?:louder"
            r"|softer) (?:piano|drums|bass|guitar|strings|cello|violin)|(?:piano|drums|bass"
            r"|guitar|strings|cello|violin) (?:louder|softer|up|down)|(?:solo|isolate) the"
            r" \w+"
        ),
        ("I can't do that to the music yet, but I can change its style, key, tempo, mood and instruments."),
    ),
)


def _refuse(reading: Reading, context: Context) -> Candidate | None:
    """The first row that fits; how sure depends on how much of the utterance it explains."""
    best: Candidate | None = None
    for pattern, sentence in _ROWS:
        if found := search(reading, pattern):
            span = reading.span(found)
            # An opening verb carries the request's meaning; a word in the middle may be by the way.
            near_start = span.start <= 4
            span = clause(reading, span.start) if span.start <= 2 else span
            extra = {
                i
                for i, word in enumerate(reading.words)
                if word in {"what", "how", "tell", "show", "me", "make", "give", "play"}
            }
            candidate = Candidate((sentence,), 0.94 if near_start else 0.84, frozenset(span) | extra)
            if best is None or candidate.score(reading) > best.score(reading):
                best = candidate
    return best


VOCABULARY = frozenset(word for pattern, _ in _ROWS for word in re.findall(r"(?<!\\)\b[a-z]{5,}\b", pattern))
# What is said of things nobody here can do; a client's function may be able to.
REFUSALS = frozenset(sentence for _, sentence in _ROWS)
RULES: tuple[Rule, ...] = (Rule("refuse", frozenset(), _refuse),)
