"""What people say to this assistant: sentences sampled from a small grammar, to train a language model on.

PocketSphinx's own model is made of general text and expects "a minor" no more than "a mile". The words
of a request are drawn from slots (styles, instruments, keys, numbers, everyday questions), so the model
learns how such requests are built rather than a list of them. `{slot}` names an entry of `SLOTS`, which
may itself name slots.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

_ONES = "one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_LETTERS = "c d e f g a b"
_INSTRUMENTS = (
    "piano guitar bass cello violin viola harp flute oboe clarinet bassoon saxophone trumpet trombone "
    "tuba horn drums strings brass organ harpsichord marimba vibraphone bells banjo mandolin accordion "
    "synthesizer choir percussion harmonica sitar ukulele"
)
_MOODS = (
    "calm dark happy sad epic gentle quiet slow fast bright cheerful dreamy relaxing energetic romantic "
    "mysterious peaceful soft loud warm funny scary tense playful beautiful upbeat mellow melancholy"
)
_STYLES = (
    "jazz blues rock classical ambient techno house pop folk country funk soul reggae swing waltz ballad "
    "march tango samba disco lullaby baroque lofi orchestral electronic"
)
_SOUNDS = "rain thunder wind fire waves birds applause traffic footsteps bells laughter sirens crickets"
_FRACTIONS = "half quarter third"

# Slot name -> alternatives. Commas part them; a doubled one is twice as likely.
SLOTS: dict[str, str] = {
    "one": _ONES.replace(" ", ", "),
    "small": "{one}, {one}, " + _TEENS.replace(" ", ", "),
    "tens": _TENS.replace(" ", ", "),
    "two_digits": "{small}, {tens}, {tens}, {tens} {one}",
    "number": "{small}, {two_digits}, {two_digits}, {one} hundred, a hundred and {two_digits}, "
    "{one} hundred and {two_digits}, a thousand, {one} thousand",
    "ordinal": "first, second, third, fourth, fifth, last, next, previous",
    "fraction": _FRACTIONS.replace(" ", ", "),
    "unit": "seconds, seconds, minutes, minutes, hours",
    "duration": "{two_digits} {unit}, {two_digits} {unit}, {small} {unit}, a minute, one minute, an hour, "
    "half an hour, a {fraction} of an hour, {one} and a half {unit}, {one} {unit} and {tens} seconds",
    "letter": _LETTERS.replace(" ", ", "),
    "note": "{letter}, {letter}, {letter} sharp, {letter} flat",
    "mode": "major, minor, major, minor, dorian, lydian",
    "key": "{note} {mode}, {letter} {mode}, a minor, c major",
    "tempo": "{two_digits}, {tens}, {tens}, a hundred, a hundred and {tens}, {tens} beats per minute",
    "interval": "second, third, fourth, fifth, sixth, seventh, octave, tone, semitone, half step, whole step",
    "direction": "up, down, higher, lower",
    "instrument": _INSTRUMENTS.replace(" ", ", "),
    "band": "{instrument}, {instrument} and {instrument}, {instrument} {instrument} and {instrument}",
    "mood": _MOODS.replace(" ", ", "),
    "style": _STYLES.replace(" ", ", "),
    "form": "piece, song, tune, melody, waltz, ballad, march, beat, loop, trio, quartet, track, solo, "
    "theme, lullaby, symphony, music",
    "ensemble": "{style} trio, {style} quartet, {style} band, big band, string quartet, orchestra, choir",
    "piece": "{mood} {instrument} {form}, {mood} {instrument} {form}, {mood} {style} {form}, "
    "{style} {form}, {mood} {form}, {instrument} {form}, {instrument} solo, {mood} {style}, "
    "{mood} and {mood} {form}, {style} {form} with {band}, {mood} {form} with {band}",
    "metre": "three four, four four, six eight, five four, two four",
    "about": "by the sea, about the sea, for a rainy day, for dinner, for dancing, to sleep to, to work to, "
    "to relax, for studying, for a party, about the night, in the forest, about love, about winter",
    "detail": "in {key}, in {key}, at {tempo}, in {key} at {tempo}, in {key} at {tempo}, with {band}, "
    "without {instrument}, with no {instrument}, in {metre}, in {metre} with {band}, {about}, "
    "{about} with {instrument}",
    "some": "a, a, a, some, an, me a, me some",
    "sound": _SOUNDS.replace(" ", ", ") + ", a dog barking, a cat, a door closing, a clock ticking, "
    "a train, a car passing, a bell, people talking, children playing, a crowd cheering, a phone ringing, "
    "a siren, a helicopter, a river, the ocean, a storm, heavy rain, light rain, birds singing",
    "place": "on a tin roof, on the roof, on a window, in the forest, far away, in the distance, "
    "on the beach, "
    "in the city, in a cave, at night, on leaves, outside, nearby",
    "thing": "music, voice, song, piano, {instrument}, {instrument}, sound, recording, timer, volume, beat",
    "how": "faster, slower, louder, softer, quieter, higher, lower, longer, shorter, happier, sadder, "
    "darker, "
    "brighter, simpler, calmer, busier",
    "polite": "please, please, now, again, for me",
    "word": "tritone, chord, fugue, sonata, scale, semitone, triad, cadence, concerto, rhythm, leap year, "
    "black hole, prime number, planet, volcano, tempo, metronome",
    "about_what": "a dragon, a cat, a king, the moon, the sea, a robot, a little girl, a dog, music, "
    "space, you",
    "who": "my mother, my father, my wife, my husband, mom, dad, john, the doctor, my brother, "
    "my sister, my boss",
    "chore": "call {who}, feed the cat, take out the trash, check the oven, drink some water, take a break, "
    "water the plants, leave, go to bed, wake up",
    "label": "tea, the tea, pasta, the eggs, the oven, the laundry, coffee, bread, pizza, lunch",
    "operator": "times, times, plus, minus, divided by, multiplied by",
    "place_name": "london, paris, berlin, new york, tokyo, france, germany, china, australia, spain",
    "phrase": "here we go, good morning, hello, hello world, thank you, happy birthday, good night, "
    "i love you, one two three, how are you, the quick brown fox, welcome home, merry christmas",
    "take": "what i say, what i say next, what i just said, what you hear, my voice, this, me",
    "clip": "recording, last recording, clip, voice, sound, song, file, last clip, melody, tune",
    "effect": "the noise, the echo, the hiss, the hum, the background noise, the clicks",
    "side": "left, right, my left, my right, the left, the right, the middle, behind me",
    "day": "today, tomorrow, tonight, this week, on monday, on friday, this weekend",
}

# Weight -> templates, one a line. The weights are a guess at how often each kind is said.
TEMPLATES: tuple[tuple[int, str], ...] = (
    (
        10,
        """play {some} {piece}
play {some} {piece} {detail}
play {some} {piece} {detail}
play {some} {piece} {detail} {detail}
can you play {some} {piece} {detail}
could you play {some} {piece} {detail} please
play me something {about}
play something {mood}
play something {mood} {detail}
play some {style}
play some {style} with {band}
play the {instrument}
i want to hear {some} {piece}
i'd like {some} {piece} {detail}
make {some} {piece} {detail}
compose {some} {piece} {detail}
write {some} {piece} {detail}
let's hear {some} {piece}
create {some} {ensemble} {piece}
put on some {mood} music""",
    ),
    (
        6,
        """stop
stop
stop it
stop the {thing}
stop playing
pause
pause the {thing}
continue
go on
resume
keep going
keep it going
keep it going until i say stop
keep playing until i tell you to stop
wait
no wait
no wait {mode}
no {mode}
never mind
cancel
be quiet
quiet
shut up
mute
louder
louder please
quieter
softer
faster
slower
{how}
{how} {polite}
a bit {how}
a little {how} {polite}
much {how}
make it {how}
make it {how} {polite}
make it a bit {how}
make the {thing} {how}
now {how}
turn it {direction}
turn it down {polite}
turn the {thing} {direction}
turn the {thing} {direction} please
turn up the {thing}
turn down the volume
turn {direction} the {thing}
speak {how} please
speak up
talk {how}""",
    ),
    (
        6,
        """add a {instrument}
add {band}
add some {instrument}
and add {band}
add {instrument} and remove the {instrument}
remove the {instrument}
no {instrument}
without the {instrument}
same thing
the same thing but {how}
same thing but no {instrument}
same thing but no {instrument} and add a {instrument}
same thing in {key}
same again but with {instrument}
again but {how}
now with {instrument}
now in {key}
now {how} and a {interval} {direction}
a {interval} {direction}
put it {direction} a {interval}
put it up a {interval} and save the midi
transpose it {direction} a {interval}
move it {direction} a {interval}
change the key to {key}
change the tempo to {tempo}
play it in {key}
in {key}
at {tempo}
make it {mode}
make it a {form}
make it a {ensemble}
make it more {mood}
make it less {mood}
start {mood} then {mood} after {small} bars
start {mood} then {mood} after {small} bars and {mood} at the end
start {mood} then get {how} and end {mood}
start {mood} then {mood} and end {mood}
end it
back to the {instrument} {form}
back to the {instrument} {form} and add {instrument}
okay back to the {form}
go back to the {ordinal} one
play it again
play that again
play it backwards
repeat that
what key is it
what key is this
what key and tempo is it
what's the tempo
what's the key
what tempo is this
how fast is it
what instruments are playing
save the midi
save it
save the {clip}
put it over a {mood} {form} at {tempo}
loop it
i'll hum a tune
i'll hum a tune make it a {ensemble}
i'll hum something make it a {style} {form}
i will sing a melody turn it into a {ensemble}
listen to this tune""",
    ),
    (
        5,
        """make {sound}
make {sound} {place}
make the sound of {sound}
make {sound} {place} with {sound} {place}
play the sound of {sound}
play the sound of {sound} {place}
play {sound}
play {sound} with {sound}
the sound of {sound}
i want to hear {sound} {place}
add {sound}
add {sound} in the background
describe that sound
describe that sound in one sentence
what do you hear
what do you hear right now
what was that sound
what sound is that""",
    ),
    (
        5,
        """say {phrase}
say {phrase}
say {phrase} {how}
say it again
say that again
repeat after me
repeat what i say
write down {take}
write {take} down
transcribe {take}
transcribe {take} then sing it
write down what i say next
transcribe what i say
read it back
read it to me
sing it
sing {phrase}
sing happy birthday
sing happy birthday to you
sing happy birthday to you on {letter} {letter} {letter} {letter} {letter} {letter}
sing {phrase} on {letter} {letter} {letter}
sing a song about {about_what}
record me
record my voice
record this
clean up {effect}
clean up {effect} in my {clip}
clean up my {clip}
clean it up
record me clean it and play the result
remove {effect} from the {clip}
denoise the {clip}
play my {clip}
play the {clip}
play the result
pan me {side}
put that voice on {side}
put that voice on my {side} and walk it round to the {side}
move it to the {side}
there's a dropout at {small} seconds
there's a dropout at {small} seconds patch it
patch it
fix it
show me a face saying that
show me a face
show me your face
show me the notes
show me what you heard""",
    ),
    (
        6,
        """set a timer for {duration}
set a timer for {duration}
set a timer for {duration} please
set a {duration} timer
set an alarm for {duration}
start a timer for {duration}
timer for {duration}
set a timer for {label} for {duration}
set a {label} timer for {duration}
remind me in {duration}
remind me in {duration} to {chore}
remind me to {chore} in {duration}
cancel the timer
cancel my timer
cancel the {label} timer
cancel all timers
stop the timer
how much time is left
how long is left on the timer
what time is it
what time is it
what time is it now
what's the time
tell me the time
what day is it
what day is it today
what's the date
what's the date today
what's the weather {day}
what year is it
what's {number} {operator} {number}
what's {two_digits} {operator} {two_digits}
what is {number} {operator} {number}
what's {small} {operator} {small}
how much is {number} {operator} {number}
what's the square root of {number}
what's half of {number}
what's {tens} percent of {number}
{number} {operator} {number}
calculate {number} {operator} {number}
count to {small}""",
    ),
    (
        5,
        """hello
hi
hi there
hey
hello there
hello how are you
how are you
how are you today
good morning
good evening
good night
goodbye
bye
see you later
thank you
thanks
thank you very much
thanks a lot
yes
yes please
no
no thanks
no thank you
okay
okay thanks
sure
right
all right
uh huh
uh huh
yeah
mm
that's right
that's wrong
that's nice
very good
great
i like it
i don't like it
what
sorry
who are you
what are you
what's your name
what can you do
what can you do for me
help
help me
can you help me
can you hear me
do you hear me
are you there
tell me a joke
tell me a story
tell me a story about {about_what}
tell me about {about_what}
tell me something about {word}
what's a {word}
what is a {word}
what does {word} mean
explain what a {word} is
who wrote this
who was mozart
where is {place_name}
what's the capital of {place_name}
how far is {place_name}
how many {unit} are there in a day
how many days are there in a year
how old are you
why
how do you know
book me a taxi
book a table
order a pizza
call {who}
send a message to {who}
turn on the lights
turn off the lights
open the window
use another voice
change your voice
use the other voice
speak german
can you sing
i have a question
i don't understand
what did you say
what did i say
let me think""",
    ),
)

# Words of the sentences that the CMU dictionary lacks: how they are said, in its ARPAbet.
PRONUNCIATIONS: dict[str, str] = {
    "denoise": "D IY N OY Z",
    "lofi": "L OW F AY",
    "lydian": "L IH D IY AH N",
    "metronome": "M EH T R AH N OW M",
    "semitone": "S EH M IY T OW N",
    "tritone": "T R AY T OW N",
    "vibraphone": "V AY B R AH F OW N",
}

_SLOT = re.compile(r"\{(\w+)\}")


def sentences(count: int, seed: int = 1) -> Iterator[str]:
    """Yield `count` requests in lower-case words. The same seed gives the same sentences."""
    rng = random.Random(seed)  # noqa: S311 - not a secret: it has to be repeatable
    choices = {name: [part.strip() for part in text.split(",")] for name, text in SLOTS.items()}
    kinds = [text.splitlines() for _, text in TEMPLATES]
    weights = [weight for weight, _ in TEMPLATES]
    for kind in rng.choices(kinds, weights, k=count):
        yield _expand(rng.choice(kind), choices, rng)


def write_language_model(path: Path, count: int) -> None:
    """Train a trigram model on `count` sentences and write it in ARPA format (0.4 s for 40,000)."""
    from pocketsphinx.lm import ArpaBoLM  # here: importing it loads all of the wheel's Python side

    # 0.3 of the probability is kept for word pairs the grammar does not make.
    model = ArpaBoLM(text="\n".join(sentences(count)), add_start=True, discount_mass=0.3)
    model.compute()
    buffer = StringIO()
    model.write(buffer)
    path.write_text(buffer.getvalue(), encoding="utf-8")


def _expand(template: str, choices: dict[str, list[str]], rng: random.Random) -> str:
    return _SLOT.sub(lambda slot: _expand(rng.choice(choices[slot[1]]), choices, rng), template)
