"""The words of music: styles, moods, instruments, tempi, keys. Everything here is vocabulary, no rule."""

from __future__ import annotations

from models.planner.vocabulary import word_set


def _table(text: str) -> dict[str, str]:
    """Lines "canonical = other | other": each name, canonical or other, to its canonical one."""
    found = {}
    for line in text.strip().splitlines():
        canonical, _, others = (part.strip() for part in line.partition("="))
        for name in (canonical, *(other.strip() for other in others.split("|"))):
            if name:
                found[name.replace("-", " ")] = canonical
    return found


STYLES = _table("""
    lo-fi = lofi | low fi | chillhop | lo fi hip hop | lofi hip hop | low fi hip hop | study beats
    jazz trio = piano trio | jazz combo
    jazz = swing | bebop | big band | smooth jazz | cool jazz | jazzy | jazzier
    blues = bluesy | bluesier | twelve bar blues | delta blues
    bossa nova = bossa | samba
    waltz = valse | viennese waltz
    baroque = bach | fugue
    classical = mozart | sonata | minuet | symphony
    string quartet = quartet
    solo piano =
    ambient = drone | atmospheric | soundscape music | new age
    techno =
    trance =
    house = deep house | house music | disco house
    drum and bass = drum n bass | drum bass | jungle music
    disco =
    funk = funky | funkier
    rock = hard rock | rock and roll | rock n roll | punk
    metal = heavy metal
    pop = pop music
    soul = r and b | rhythm and blues | motown
    gospel =
    folk = folky | folkier | folk music
    celtic = irish jig | jig | irish music | reel
    country = bluegrass | western music
    reggae = dub | ska
    latin = salsa | mambo
    tango =
    flamenco =
    film score = cinematic | movie music | soundtrack | film music | orchestral | movie score
    music box = lullaby
    march = marching band | military march
    hip hop = rap beat | trap | hip hop beat | boom bap
    synthwave = eighties music | retro wave | vaporwave
    electronic = edm | electro | dance music | electronica
    ragtime =
    nocturne =
    chiptune = eight bit music | video game music | game music
    hymn = chorale
""")

INSTRUMENTS = _table("""
    piano = pianos | grand piano | keys
    electric piano = rhodes | e piano | wurlitzer
    harpsichord =
    organ = hammond organ | hammond
    church organ = pipe organ
    guitar = guitars
    acoustic guitar = steel guitar
    classical guitar = nylon guitar | spanish guitar
    electric guitar = lead guitar
    distorted guitar = distortion guitar
    bass = bassline | bass line | bass guitar | electric bass
    double bass = upright bass | contrabass | acoustic bass
    synth bass =
    drums = drum | drum kit | drum set | drummer | beats
    percussion = congas | bongos | shaker | tambourine
    strings = string section | string ensemble
    violin = violins | fiddle
    viola = violas
    cello = cellos | celli
    harp = harps
    lute =
    flute = flutes
    piccolo =
    recorder =
    clarinet = clarinets
    oboe = oboes
    bassoon =
    saxophone = sax | saxophones | tenor sax | alto sax
    trumpet = trumpets
    trombone = trombones
    horn = horns | french horn | french horns
    tuba =
    brass = brass section
    woodwinds = winds | woodwind
    synth = synthesizer | synths | synthesiser
    pad = pads | synth pad
    marimba =
    vibraphone = vibes
    xylophone =
    glockenspiel =
    celesta = celeste
    tubular bells =
    accordion =
    harmonica = mouth organ
    banjo =
    mandolin =
    ukulele =
    sitar =
    kalimba = thumb piano
    bagpipes = bagpipe
    pan flute = pan pipes
    choir = vocals | voices | singers
    timpani = kettledrums
    orchestra =
""")

MOODS = _table("""
    calm = calming | calmer | calmest | mellow | tranquil | serene
    relaxing = relaxed | chilled | chill | soothing | laid back | laidback | restful
    peaceful = quiet | gentle | soft | tender
    dark = darker | gloomy | sinister
    scary = spooky | creepy | eerie | haunting
    happy = happier | cheerful | joyful | jolly | merry | upbeat | feel good
    bright = brighter | sunny | light | lighter
    sad = sadder | melancholy | melancholic | mournful | sorrowful | gloomier | blue
    epic = heroic | majestic | grand | triumphant | big | bigger
    dramatic = intense | tense | suspenseful
    romantic = loving | sentimental
    dreamy = dreamlike | floating | ethereal | hazy
    mysterious = mystical | mystic | enigmatic
    energetic = lively | livelier | driving | exciting | powerful
    playful = funny | quirky | whimsical | silly
    angry = aggressive | furious
    nostalgic = wistful | bittersweet
    warm = warmer | cosy | cozy
    hopeful = uplifting | inspiring
    festive = christmassy
    solemn = serious
    groovy =
    sleepy = sleep
    simple = simpler | minimal | minimalist
""")
SAD_MOODS = frozenset({"dark", "sad", "scary", "mysterious", "angry", "dramatic", "solemn"})
GLAD_MOODS = frozenset({"happy", "bright", "playful", "hopeful", "festive"})

NOUNS = word_set(
    "music piece song tune melody track beat composition number loop groove jam"
    " ballad theme instrumental improvisation solo duet trio riff arpeggio chords"
    " background etude prelude"
)

# Quarter notes a minute, from Italian terms (midpoints of the usual metronome ranges) and plain words.
TEMPI: dict[str, float] = {
    "largo": 50,
    "lento": 54,
    "adagio": 66,
    "andante": 84,
    "moderato": 110,
    "allegretto": 114,
    "allegro": 136,
    "vivace": 160,
    "presto": 184,
    "slow": 66,
    "slowly": 66,
    "very slow": 52,
    "really slow": 52,
    "medium": 100,
    "moderate": 104,
    "mid tempo": 104,
    "medium tempo": 104,
    "uptempo": 136,
    "up tempo": 136,
    "fast": 140,
    "quick": 140,
    "rapid": 150,
    "very fast": 170,
    "really fast": 170,
    "super fast": 180,
    "brisk": 126,
    "slow tempo": 66,
    "fast tempo": 140,
}
DENSITIES: dict[str, float] = {
    "sparse": 0.2,
    "sparser": 0.2,
    "minimal": 0.2,
    "minimalist": 0.2,
    "simple": 0.3,
    "busy": 0.85,
    "dense": 0.85,
    "rich": 0.7,
    "complex": 0.8,
    "intricate": 0.8,
    "busier": 0.85,
}
METRES: dict[str, str] = {
    f"{a}{joint}{b}": f"{top}/{bottom}"
    for top, bottom in ((4, 4), (3, 4), (6, 8), (2, 4), (5, 4))
    for a in (str(top), {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}[top])
    for b in (str(bottom), {4: "four", 8: "eight"}[bottom])
    for joint in (" / ", " ")
} | {"waltz time": "3/4", "common time": "4/4"}
MODES = {
    "major": "major",
    "minor": "minor",
    "dorian": "dorian",
    "phrygian": "phrygian",
    "lydian": "lydian",
    "mixolydian": "mixolydian",
    "aeolian": "minor",
    "ionian": "major",
}
# Letter names, and the words a recogniser writes for them.
LETTERS = {
    "a": "A",
    "ay": "A",
    "eh": "A",
    "b": "B",
    "be": "B",
    "bee": "B",
    "c": "C",
    "see": "C",
    "sea": "C",
    "d": "D",
    "dee": "D",
    "e": "E",
    "ee": "E",
    "f": "F",
    "ef": "F",
    "eff": "F",
    "g": "G",
    "gee": "G",
    "jee": "G",
}
ACCIDENTALS = {"sharp": "#", "flat": "b"}
ENHARMONIC = {"E#": "F", "B#": "C", "Cb": "B", "Fb": "E"}
