"""Short answers to "what is a ...?" about music, which is what this assistant's talk is about."""

from __future__ import annotations

from models.planner.phonetic import Lexicon
from models.planner.rules import Candidate, Context, Rule, rule, search
from models.planner.words import Reading

_TERMS = {
    "tritone": "A tritone is an interval of three whole tones, six semitones, as from F up to B",
    "semitone": "A semitone is the smallest step of the piano, from one key to the very next",
    "tone": "A tone, or whole step, is an interval of two semitones, as from C to D",
    "octave": (
        "An octave is the distance from a note to the next one of the same name, twelve semitones higher"
    ),
    "interval": "An interval is the distance between two notes",
    "fifth": "A perfect fifth is an interval of seven semitones, as from C up to G",
    "fourth": "A perfect fourth is an interval of five semitones, as from C up to F",
    "third": "A third spans three steps of a scale: four semitones when major, three when minor",
    "chord": "A chord is three or more notes that sound together",
    "triad": "A triad is a chord of three notes stacked in thirds, such as C, E and G",
    "arpeggio": "An arpeggio is a chord played one note after the other",
    "scale": "A scale is the ladder of notes that a piece is made of",
    "key": "The key of a piece is the note it comes home to, and its scale, such as A minor",
    "tempo": "The tempo is how fast the beat goes, counted in beats a minute",
    "metre": "The metre is how beats are grouped into bars, such as three four for a waltz",
    "meter": "The metre is how beats are grouped into bars, such as three four for a waltz",
    "bar": "A bar is a group of beats, most often four, the first of them stressed",
    "beat": "The beat is the steady pulse that one taps a foot to",
    "melody": "A melody is a line of single notes that one can sing",
    "harmony": "Harmony is how notes sound together, and how chords follow each other",
    "rhythm": "Rhythm is the pattern of long and short notes in time",
    "syncopation": "Syncopation is stress where the beat is not",
    "cadence": "A cadence is the turn of chords that ends a phrase, like a full stop",
    "counterpoint": "Counterpoint is the art of several melodies at the same time",
    "motif": "A motif is a short idea of a few notes that a piece is built from",
    "timbre": "Timbre is the colour of a sound, by which one tells a flute from a violin",
    "vibrato": "Vibrato is a slight, quick wavering of a note's pitch",
    "staccato": "Staccato means short, detached notes",
    "legato": "Legato means notes joined smoothly",
    "crescendo": "A crescendo is a gradual growing louder",
    "diminuendo": "A diminuendo is a gradual growing softer",
    "waltz": "A waltz is a dance in three four, with the stress on one",
    "bossa nova": "Bossa nova is a gentle Brazilian style that grew out of samba and cool jazz",
    "fugue": "A fugue is a piece in which several voices take up one theme in turn",
    "major": "Major is the bright mode: its third lies four semitones above the key note",
    "minor": "Minor is the dark mode: its third lies three semitones above the key note",
    "dorian": "Dorian is a minor scale with a raised sixth",
    "phrygian": "Phrygian is a minor scale with a lowered second",
    "lydian": "Lydian is a major scale with a raised fourth",
    "mixolydian": "Mixolydian is a major scale with a lowered seventh",
    "ostinato": "An ostinato is a short pattern that repeats over and over",
    "midi": "MIDI is a way to write down which notes are played, when and how hard, without the sound itself",
    "lo fi": "Lo-fi is slow, mellow beat music with a deliberately worn sound",
    "swing": "Swing means that of two quavers the first is longer than the second",
    "cello": "A cello is the string instrument between viola and double bass, played between the knees",
}
_SOUNDS = Lexicon(term for term in _TERMS if " " not in term)


@rule("what define explain meaning mean means")
def define(reading: Reading, context: Context) -> Candidate | None:
    """Explain a term of music; terms are also found by sound ("tri tone")."""
    found = search(
        reading,
        (
            r"(?:what (?:is|are|does|do)(?: you mean by)?|define|explain(?: to me)?(?:"
            r" what)?|(?:the )?meaning of|what)(?: (?:a|an|the|is|word|perfect|term"
            r"|musical))* ([a-z]+(?: [a-z]+)?)(?: (?:means?|is|in music|interval|scale|mode"
            r"|chord))*$"
        ),
    )
    if (
        not found
        or {"time", "playing", "this", "it", "you", "your", "that", "timer", "my"} & reading.vocabulary
    ):
        return None
    term = found[1]
    for name in (
        term,
        term.removesuffix("s"),
        term.replace(" ", ""),
        term.split()[0],
        term.split()[0].removesuffix("s"),
    ):
        if name in _TERMS:
            return Candidate((_TERMS[name] + ".",), 0.94, frozenset(range(len(reading))))
    near = _SOUNDS.nearest(term.replace(" ", ""), 1)
    if near and near[0][1] > 0.85:
        return Candidate((_TERMS[near[0][0]] + ".",), 0.8, frozenset(range(len(reading))))
    return None


RULES: tuple[Rule, ...] = (define,)
