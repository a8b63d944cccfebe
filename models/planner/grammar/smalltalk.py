"""Greetings, thanks, and questions about the assistant itself."""

from __future__ import annotations

from models.planner.rules import Candidate, Context, Rule, everything, reply, rule, search, whole
from models.planner.words import Reading

ABILITIES = "I can play music and sounds, set timers, do sums and tell the time"
HELP = (
    f"{ABILITIES}. Music you can describe as you like and change while it plays:"
    " say, a calm piano piece in A minor, then, add a cello."
)

_GREETING = (
    r"(?:hello|hi|hey|hiya|howdy|greetings|yo|good (?:morning|afternoon|evening|day))"
    r"(?: (?:there|hello|again|everyone|computer|assistant|everybody|my friend|friend|to you))*"
)


@rule("hello hi hey hiya howdy greetings yo good")
def greet(reading: Reading, context: Context) -> Candidate | None:
    """Answer a greeting that is all there is."""
    if not whole(reading, _GREETING):
        return None
    part = search(reading, "good (morning|afternoon|evening)")
    return Candidate((f"Good {part[1]}." if part else "Hello.",), 1.0, everything(reading))


@rule("thanks thank cheers appreciate ta")
def thank(reading: Reading, context: Context) -> Candidate | None:
    """Answer thanks."""
    found = search(
        reading,
        r"(?:many |big )?(?:thanks|cheers)(?: a (?:lot|bunch|million)| very much| so much)?"
        r"|thank you(?: very| so)?(?: much)?(?: indeed)?(?: for (?:that|your help|the \w+|helping))?"
        r"|i (?:really )?appreciate (?:it|that|your help)|much appreciated",
    )
    return Candidate(("You're welcome.",), 0.95, frozenset(reading.span(found))) if found else None


@rule("bye goodbye night later farewell ciao cya see done")
def part(reading: Reading, context: Context) -> Candidate | None:
    """Answer a farewell."""
    found = whole(
        reading,
        r"(?:(?:good ?bye|bye|ciao|farewell|good night|see (?:you|ya)|talk to you|cya|later)(?: bye| for)?"
        r"(?: (?:later|soon|tomorrow|then|around|again|now|everyone|computer|next"
        r" time))*|(?:that is|that will be) all|i am done)",
    )
    return Candidate(("Goodbye.",), 1.0, everything(reading)) if found else None


@rule(
    "yes yeah yep no nope okay right sure fine alright good great cool nice perfect"
    " lovely wonderful excellent awesome brilliant never ah aha mhm huh"
)
def acknowledge(reading: Reading, context: Context) -> Candidate | None:
    """Take a remark that asks for nothing as what it is."""
    found = whole(
        reading,
        r"(?:yes|yeah|yep|no|nope|okay|right|sure|fine|alright|never mind|that is"
        r" (?:fine|good|great|nice|lovely|okay|right|cool)"
        r"|(?:very |so )?(?:good|great|cool|nice|perfect|lovely|wonderful|excellent"
        r"|awesome|brilliant)(?: job| one| work)?"
        r"|aha|mhm|huh|uh huh|i see|got it|no thanks|no thank you| )+",
    )
    return Candidate(("Okay.",), 0.9, everything(reading)) if found else None


_WHO = (
    r"who (?:are|r) you|what are you(?! (?:doing|able|good|playing|saying))|what is"
    r" your name|do you have a name|(?:tell me|say) (?:something )?about yourself"
    r"|introduce yourself|who (?:is this|am i (?:talking|speaking) (?:to|with))|your"
    r" name|what (?:do|should|can) i call you"
    r"|are you (?:a |an )?(?:robot|human|person|real|machine|computer|ai|a i|bot|alive|program)(?: person)?"
)
_WHAT = (
    r"what (?:else )?(?:can|could|do) you (?:actually )?(?:do|offer|know how to do"
    r"|help(?: me)? with)|help(?: me)?(?: out)?"
    r"|what (?:can|could|should) i (?:say|ask|do|try)(?: you| to you)?|(?:tell|show) me what you can(?: do)?"
    r"|how (?:can|could) you help(?: me)?|what (?:are|is) you good at|what are you"
    r" (?:able to do|good at|capable of)"
    r"|what are (?:your|the) (?:options|commands|features|abilities|skills|functions"
    r"|possibilities)|(?:list|name) your (?:abilities|skills|commands|features"
    r"|functions)"
    r"|how (?:do|does) (?:you|this|it|i use (?:you|this)) ?(?:work)?|what is"
    r" possible|your (?:abilities|skills|capabilities)"
)


@rule("who what name yourself you your")
def identify(reading: Reading, context: Context) -> Candidate | None:
    """Say what this is."""
    found = search(reading, _WHO)
    if not found:
        return None
    words = (f"I'm a voice assistant that makes music and sound while you talk to it. {ABILITIES}.",)
    return Candidate(words, 0.97, frozenset(reading.span(found)))


@rule("what help how list name tell show your")
def explain(reading: Reading, context: Context) -> Candidate | None:
    """Say what it can do. "Help me with ..." asks for something else."""
    found = search(reading, _WHAT)
    return Candidate((HELP,), 0.96, frozenset(reading.span(found))) if found else None


RULES: tuple[Rule, ...] = (
    greet,
    thank,
    part,
    acknowledge,
    identify,
    explain,
    reply(
        (
            r"how are you(?: (?:doing|feeling|today))*|how is it going|how do you do|how"
            r" have you been|are you (?:okay|well|alright)|what is up"
        ),
        "I'm well, thank you. What would you like to hear?",
        cues="how are up",
    ),
    reply(
        r"(?:can|do) you hear me(?: okay| now| well| properly)?|hear me(?: okay| now)?"
        r"|are you (?:there|listening|awake|still there)|is this (?:on|working)"
        r"|is (?:anybody|anyone|somebody) there|testing(?: testing)?(?: (?:one|1|two|2|three|3))*",
        "Yes, I hear you.",
        cues="hear there listening awake on working testing",
    ),
    reply(
        r"nice to (?:meet|hear|see|talk to) you(?: too)?|pleased to meet you",
        "Nice to meet you too.",
        cues="meet hear see talk pleased",
    ),
    reply(
        (
            r"(?:i am |we are )?(?:so |very )?sorry(?: about that)?|my (?:bad|apologies)|i"
            r" apologi[sz]e|excuse me|pardon me"
        ),
        "No problem.",
        confidence=0.9,
        cues="sorry bad apologies apologise apologize excuse pardon",
    ),
)
