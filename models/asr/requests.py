"""How people put what they want of this assistant: templates over the slots of `models/asr/slots.py`.

A template says how a kind of request is built, never one particular request: everyday formulas
("thank you") are the only lines without a slot.
"""

from __future__ import annotations

_PLAY = """{give} {some} {piece}
{give} {some} {piece}
{give} {some} {piece} {detail}
{give} {some} {piece} {detail}
{give} {some} {piece} {detail} {detail}
{give} {some} {piece} {detail} please
{give} something {about}
{give} something {mood}
{give} something {mood} {detail}
{give} something {how}
{give} some {style}
{give} some {style} with {band}
{give} some {mood} music
{give} {some} {ensemble} {piece}
play the {instrument}
a {piece}
something {mood} {about}"""

_CONTROL = """stop
stop
stop it
stop the {thing}
stop playing
pause
pause the {thing}
continue
go on
resume
{going}
{going}
{going} {until}
{going} {until}
wait
no wait
no wait {change}
wait {change}
no {mode}
actually {change}
never mind
cancel
be quiet
quiet
shut up
mute
louder
louder
louder please
quieter
softer
faster
slower
{how}
{how} {polite}
{amount} {how}
{amount} {how} {polite}
make {it} {how}
make {it} {how} {polite}
make {it} {amount} {how}
now {how}
turn {it} {direction}
turn {it} {direction} {polite}
turn the {thing} {direction}
turn {direction} the {thing}
turn {direction} the volume
speak {how} please
speak up
talk {how}"""

_EDIT = """add a {instrument}
add {band}
add {some} {instrument}
and {change}
and {change} and {change}
{change}
{change} and {change}
now {change}
now {change} and {change}
{same}
{same} but {change}
{same} but {change} and {change}
remove the {instrument}
no {instrument}
without the {instrument}
{move} {it} {direction} {step}
{move} {it} {direction} {step} and {treat}
transpose {it} {direction} {step}
change the {property} to {key}
change the {property} to {tempo}
play {it} in {key}
in {key}
at {tempo}
make {it} {mode}
make {it} a {form}
make {it} a {ensemble}
make {it} {change}
{begin} {mood} {then} {mood}
{begin} {mood} {then} {mood} {later}
{begin} {mood} {then} {how} {later}
{begin} {mood} {then} {mood} {later} {finish} {mood}
{begin} {mood} {then} {mood} {finish} {mood}
{finish} {mood}
{finish} {it}
back to {it}
back to {it} and {change}
okay back to the {instrument} {form}
go back to {it}
go back to {it} and {change}
play {it} again
play {it} backwards
repeat {it}
what {property} {is_it}
what {property} {is_it}
what {property} and {property} {is_it}
what's the {property}
what's the {property} of {it}
how fast {is_it}
what instruments are playing
save the midi
save {it}
save {it} as a midi
loop {it}
{treat} and {treat}
{treat} at {tempo}
put {it} over a {mood} {form} at {tempo}
i'll hum {tune}
i'll sing {tune}
i'll hum {tune} {into} a {ensemble}
i'll sing {tune} {into} a {style} {form}
i will sing {tune} {into} a {ensemble}
listen to {tune}"""

_SOUND = """make {sound}
make {sound} {place}
make {sound} with {sound}
make {sound} {place} with {sound} {place}
{give} the sound of {sound}
{give} the sound of {sound} {place}
{give} {sound}
{give} {sound} and {sound}
{give} {sound} {place} with {sound}
the sound of {sound}
add {sound}
add {sound} {place}
add {sound} in the background
describe {it}
describe {it} {briefly}
describe that sound {briefly}
what do you hear
what do you hear {now}
what can you hear {now}
what was that sound
what sound {is_it}"""

_VOICE = """say {phrase}
say {phrase}
say {phrase} {how}
say {it} again
repeat after me
{write} {take}
{write} {take} {now}
write {take} down
{write} {take} and {treat}
{write} {take} then {treat}
read {it} back
read {it} to me
sing {it}
sing {phrase}
sing {phrase} on {letters}
sing a song {about}
record me
record me {treat}
record me {treat} and {treat}
record me {treat} {treat} {treat} and {treat}
record my voice
clean up {effect}
clean up {effect} in my {clip}
clean up {it}
remove {effect} from the {clip}
denoise {it}
play my {clip}
play the {clip}
play the result
pan me {side}
pan {it} {side}
{move} {it} on {side}
{move} {it} to {side}
{move} {it} from {side} to {side}
{move} {it} on {side} and {move} it round to {side}
{move} {it} round my head
there's a {flaw} at {small} seconds
there's a {flaw} at {small} seconds {mend}
there is a {flaw} in {it}
{mend}
show me {face}
show me {face} {saying}
show me the notes
show me what you heard"""

_CAPTURE = """write this down
{write} {take}
{write} {take} {now}
{write} {take} and {treat}
{write} {take} then {treat}
take a note
take a note please
make a note of that
write that down
take dictation
i'll hum {tune}
i'll hum {tune} {into} a {ensemble}
i'm going to hum {tune}
i'm going to sing {tune}
let me hum {tune}
listen to this {form}
record me
record this
record my voice
record my voice and {treat}
start recording
make a recording
that's it
that's it
that's it
that's all
i'm done
stop recording
end of note
never mind
save what i just said
keep that recording
keep that recording of me
what did i just say
play it back
play my {clip}
play my {ordinal} recording
play number {one}
play recording {one}
play what i just said
read it back
read my note"""

_EVERYDAY = """set a timer for {duration}
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
what time is it {now}
what's the time
tell me the time
what day is it
what day is it {day}
what's the date
what's the date {day}
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
count to {small}"""

_TALK = """hello
hi
hi there
hey
hello there
hello how are you
how are you
how are you {day}
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
that's right
that's wrong
that's nice
very good
great
i like {it}
i don't like {it}
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
who wrote {it}
who was mozart
where is {place_name}
what's the capital of {place_name}
how far is {place_name}
how many {unit} are there in a day
how many days are there in a year
how old are you
why
how do you know
{order} me {wares}
{order} {wares}
{order} {wares} for {day}
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
let me think"""

# What a listener says while the assistant talks: short, so that the words that may come count most.
_BACKCHANNEL = """uh-huh
uh-huh
uh-huh
mhm
mhm
yeah
yeah
okay
right
i see"""

# (weight, templates one a line): the weights are a guess at how often each kind is said.
TEMPLATES: tuple[tuple[int, str], ...] = (
    (10, _PLAY),
    (7, _CONTROL),
    (7, _EDIT),
    (5, _SOUND),
    (5, _VOICE),
    (1, _CAPTURE),
    (6, _EVERYDAY),
    (6, _TALK),
    (3, _BACKCHANNEL),
)
