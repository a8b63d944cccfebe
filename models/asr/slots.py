"""The words that fill a request (`models/asr/requests.py`): styles, instruments, keys, numbers, places.

Slot name -> alternatives, parted by commas; one that is there twice is twice as likely. An alternative may
name other slots.
"""

from __future__ import annotations

_NUMBERS = {
    "one": "one, two, three, four, five, six, seven, eight, nine",
    "small": "{one}, {one}, ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen, seventeen, "
    "eighteen, nineteen",
    "tens": "twenty, thirty, forty, fifty, sixty, seventy, eighty, ninety",
    "two_digits": "{small}, {tens}, {tens}, {tens} {one}",
    "number": "{small}, {two_digits}, {two_digits}, {one} hundred, a hundred and {two_digits}, "
    "{one} hundred and {two_digits}, a thousand, {one} thousand",
    "ordinal": "first, second, third, fourth, fifth, last, next, previous",
    "fraction": "half, quarter, third",
    "operator": "times, times, plus, minus, divided by, multiplied by",
    "unit": "seconds, seconds, minutes, minutes, hours",
    "duration": "{two_digits} {unit}, {two_digits} {unit}, {small} {unit}, a minute, one minute, an hour, "
    "half an hour, a {fraction} of an hour, {one} and a half {unit}, {one} {unit} and {tens} seconds",
}

_MUSIC = {
    "letter": "c, d, e, f, g, a, b",
    "letters": "{letter} {letter}, {letter} {letters}",
    "note": "{letter}, {letter}, {letter} sharp, {letter} flat",
    "mode": "major, minor, major, minor, dorian, lydian",
    "key": "{note} {mode}, {letter} {mode}, a minor, c major",
    "tempo": "{two_digits}, {tens}, {tens}, a hundred, a hundred and {tens}, {tens} beats per minute",
    "metre": "three four, four four, six eight, five four, two four",
    "interval": "second, third, fourth, fifth, sixth, seventh, octave, tone, semitone, half step, whole step",
    "direction": "up, down, higher, lower",
    "instrument": "piano, guitar, bass, cello, violin, viola, harp, flute, oboe, clarinet, bassoon, "
    "saxophone, trumpet, trombone, tuba, horn, drums, strings, brass, organ, harpsichord, marimba, "
    "vibraphone, bells, banjo, mandolin, accordion, synthesizer, choir, percussion, harmonica, sitar, "
    "ukulele",
    "band": "{instrument}, {instrument} and {instrument}, {instrument} {instrument} and {instrument}",
    "mood": "calm, dark, happy, sad, epic, gentle, quiet, slow, fast, bright, cheerful, dreamy, relaxing, "
    "energetic, romantic, mysterious, peaceful, soft, loud, warm, funny, scary, tense, playful, beautiful, "
    "upbeat, mellow, melancholy",
    "style": "jazz, blues, rock, classical, ambient, techno, house, pop, folk, country, funk, soul, "
    "reggae, swing, waltz, ballad, march, tango, samba, disco, lullaby, baroque, lofi, orchestral, "
    "electronic",
    "form": "piece, song, tune, melody, waltz, ballad, march, beat, loop, trio, quartet, track, solo, "
    "theme, lullaby, symphony, music",
    "ensemble": "{style} trio, {style} quartet, {style} band, big band, string quartet, orchestra, choir",
    "piece": "{mood} {instrument} {form}, {mood} {instrument} {form}, {mood} {style} {form}, "
    "{style} {form}, {mood} {form}, {instrument} {form}, {instrument} solo, {mood} {style}, "
    "{mood} and {mood} {form}, {style} {form} with {band}, {mood} {form} with {band}",
    "about": "by the {spot}, about the {spot}, for a {occasion}, for {doing}, to {doing} to, "
    "about {about_what}, to relax, about the night, in the {spot}, about love, about winter",
    "spot": "sea, lake, river, forest, mountains, garden, city, beach, desert, snow, rain",
    "occasion": "party, wedding, birthday, rainy day, dinner, walk, long drive, summer evening, film, game",
    "doing": "sleep, work, study, dance, studying, dancing, reading, cooking, running, sleeping",
    "detail": "in {key}, in {key}, at {tempo}, in {key} at {tempo}, in {key} at {tempo}, with {band}, "
    "without {instrument}, with no {instrument}, in {metre}, in {metre} with {band}, {about}, "
    "{about} with {instrument}",
    "part": "melody, bass, bass line, drums, beat, chords, harmony, rhythm, intro, ending, bridge, verse, "
    "{instrument}, {instrument}",
    "property": "key, tempo, chord, metre, style, time signature, instrument",
    "step": "a {interval}, a {interval}, an octave, {one} semitones, {one} tones, {one} octaves",
}

_SOUNDS = {
    "sound": "rain, thunder, wind, fire, waves, birds, applause, traffic, footsteps, bells, laughter, "
    "sirens, crickets, a dog barking, a cat, a door closing, a clock ticking, a train, a car passing, "
    "a bell, people talking, children playing, a crowd cheering, a phone ringing, a siren, a helicopter, "
    "a river, the ocean, a storm, heavy rain, light rain, birds singing",
    "surface": "tin roof, roof, window, wooden floor, street, tent, beach, lake, leaves",
    "place": "on a {surface}, on the {surface}, in the {spot}, by the {spot}, far away, in the distance, "
    "in a cave, at night, outside, nearby",
}

_CLIPS = {
    "clip": "recording, last recording, clip, voice, sound, song, file, last clip, melody, tune",
    "effect": "the noise, the echo, the hiss, the hum, the background noise, the clicks",
    "flaw": "dropout, gap, click, noise, hole, crackle",
    "mend": "patch it, fix it, repair it, fill it in, remove it, patch that",
    "side": "left, right, my left, my right, the left, the right, the middle, behind me",
    "move": "put, move, send, bring, walk, pan, turn",
    "write": "write down, transcribe, record, take down, repeat, note down",
    "take": "what i say, what i say next, what i just said, what you hear, my voice, this, me",
    "treat": "clean it, record it, play it, save it, loop it, sing it, pan it {side}, move it to {side}, "
    "put it over a {style} {form}, make it {how}, play the result, read it back",
    "phrase": "here we go, good morning, hello, hello world, thank you, happy birthday, "
    "happy birthday to you, good night, i love you, one two three, how are you, the quick brown fox, "
    "welcome home, merry christmas, see you soon, let's go, we are the champions, row row row your boat, "
    "twinkle twinkle little star, good luck, well done, here comes the sun, happy new year, it is raining, "
    "no problem",
}

_TALK = {
    "some": "a, a, a, some, an, me a, me some",
    "give": "play, play, play me, make, make me, create, compose, write, give me, put on, let's hear, "
    "let me hear, i want, i want to hear, i'd like, i'd like to hear, how about, can you play, "
    "could you play, can you make, can i have, could i have, can we have, i need",
    "it": "it, it, it, that, this, the {form}, the {instrument}, the {clip}, that voice, the {ordinal} one",
    "is_it": "is it, is it, is this, is that, is the {form}, is this in, is it in",
    "how": "faster, slower, louder, softer, quieter, higher, lower, longer, shorter, happier, sadder, "
    "darker, brighter, simpler, calmer, busier",
    "amount": "a bit, a little, a little bit, much, even, slightly, a lot, some",
    "thing": "music, voice, song, piano, {instrument}, {instrument}, sound, recording, timer, volume, beat",
    "polite": "please, please, now, again, for me",
    "same": "same thing, the same thing, same again, the same, again, that again, the same piece, "
    "play it again",
    "change": "no {instrument}, without the {instrument}, with {instrument}, with {band}, "
    "add {some} {instrument}, add {band}, {how}, {amount} {how}, in {key}, in {mode}, at {tempo}, "
    "more {mood}, less {mood}, remove the {instrument}, as a {form}, {step} {direction}",
    "begin": "start, start, begin, open, it starts, first",
    "then": "then, and then, then get, then turn, after that, then go",
    "later": "after {small} bars, in the middle, later, at the end, for {small} bars, after a while",
    "finish": "end, and end, end it, finish, and finish, close, ending",
    "going": "keep it going, keep going, keep playing, go on, carry on, continue, play on, don't stop, "
    "keep on",
    "until": "until i say {halt}, until i tell you to {halt}, until i say so, for {duration}, for a while, "
    "for ever, till i say {halt}, and don't stop, until the end, while i talk",
    "halt": "stop, enough, quiet, pause, the end",
    "tune": "a tune, a melody, something, a song, a line, this, the {part}",
    "into": "make it, make that, turn it into, make it into, play it as, you make it",
    "now": "now, right now, at the moment, just now, here, there, today",
    "briefly": "in one sentence, in a sentence, in a few words, in {one} words, in detail, briefly, to me",
    "face": "a face, your face, a mouth, an avatar, somebody",
    "saying": "saying {it}, saying {phrase}, speaking, that says {phrase}, talking",
    "word": "tritone, chord, fugue, sonata, scale, semitone, triad, cadence, concerto, rhythm, leap year, "
    "black hole, prime number, planet, volcano, tempo, metronome",
    "about_what": "a dragon, a cat, a king, the moon, the sea, a robot, a little girl, a dog, music, "
    "space, you",
    "who": "my mother, my father, my wife, my husband, mom, dad, john, the doctor, my brother, my sister, "
    "my boss",
    "chore": "call {who}, feed the cat, take out the trash, check the oven, drink some water, "
    "take a break, water the plants, leave, go to bed, wake up",
    "label": "tea, the tea, pasta, the eggs, the oven, the laundry, coffee, bread, pizza, lunch",
    "order": "book, order, reserve, buy, get, call",
    "wares": "a taxi, a table, a flight, a hotel, a room, a pizza, a ticket, some flowers, a train",
    "place_name": "london, paris, berlin, new york, tokyo, france, germany, china, australia, spain",
    "day": "today, tomorrow, tonight, this week, on monday, on friday, this weekend",
}

SLOTS: dict[str, str] = {**_NUMBERS, **_MUSIC, **_SOUNDS, **_CLIPS, **_TALK}

# Words of the sentences, and ways to say them ("(2)"), that the CMU dictionary lacks, in its ARPAbet.
PRONUNCIATIONS: dict[str, str] = {
    "denoise": "D IY N OY Z",
    "lofi": "L OW F AY",
    "lydian": "L IH D IY AH N",
    "metronome": "M EH T R AH N OW M",
    "semitone": "S EH M IY T OW N",
    "semitones": "S EH M IY T OW N Z",
    "tritone": "T R AY T OW N",
    "uh-huh(2)": "AH HH AA",
    "uh-huh(3)": "AH HH AO",
    "uh-huh(4)": "AH HH EH",
    "vibraphone": "V AY B R AH F OW N",
}
