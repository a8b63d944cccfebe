"""The instruments: their spoken names, General MIDI programs, ranges, families and abilities."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal, cast

from models.api import BackendError

Role = Literal["lead", "counter", "comp", "arp", "pad", "bass", "drums"]
PERCUSSION_BANK = 128


@dataclass(frozen=True, slots=True)
class Instrument:
    """`low` and `high` bound what the composer writes; `roles` lists what it can do, best first."""

    name: str
    program: int
    low: int
    high: int
    families: tuple[str, ...]
    roles: tuple[Role, ...]
    aliases: tuple[str, ...] = ()

    @property
    def is_drums(self) -> bool:
        """Whether it is a percussion kit, whose pitches are drum keys."""
        return "drums" in self.roles


# name | program | range | families | roles | other spoken names
_TABLE = """
piano|0|28-96|keys|lead,comp,arp|grand piano,acoustic piano,pianoforte
upright piano|1|28-96|keys|lead,comp,arp|felt piano
honky-tonk piano|3|28-96|keys|lead,comp,arp|honky tonk,honky tonk piano,saloon piano
electric piano|4|33-93|keys|comp,lead,arp|rhodes,fender rhodes,e-piano,epiano,wurlitzer,keyboard
harpsichord|6|36-89|keys|comp,arp,lead|cembalo,clavichord
clavinet|7|36-84|keys|comp,lead|clavi
celesta|8|60-96|bells,keys|arp,lead|celeste
glockenspiel|9|67-96|bells,mallets|lead,arp|bell,bells
music box|10|55-96|bells|lead,arp,comp|musical box
vibraphone|11|53-89|mallets|lead,comp,arp|vibes
marimba|12|48-89|mallets|arp,lead,comp|balafon
xylophone|13|65-96|mallets|lead,arp|
tubular bells|14|60-77|bells|lead,arp|church bells,chimes
dulcimer|15|48-84|plucked|arp,lead|hammered dulcimer,santur,cimbalom
organ|16|36-89|organs,keys|pad,comp,lead|hammond,hammond organ,electric organ
rock organ|18|36-89|organs,keys|comp,pad,lead|
church organ|19|36-89|organs,keys|pad,comp,lead|pipe organ
harmonium|20|41-84|organs,keys|pad,comp|reed organ
accordion|21|53-89|reeds,keys|lead,comp,pad|squeezebox,concertina,melodeon
harmonica|22|60-84|reeds|lead|blues harp,mouth organ
bandoneon|23|53-89|reeds|lead,comp|
nylon guitar|24|40-83|guitars,plucked|comp,arp,lead|classical guitar,spanish guitar,ukulele,lute
acoustic guitar|25|40-83|guitars,plucked|comp,arp,lead|steel guitar,guitar,folk guitar,mandolin
jazz guitar|26|40-84|guitars|comp,lead|hollow body guitar
electric guitar|27|40-86|guitars|comp,lead,arp|clean guitar,telecaster,stratocaster
muted guitar|28|40-76|guitars|comp|
overdriven guitar|29|40-86|guitars|lead,comp|overdrive guitar,lead guitar
distorted guitar|30|40-86|guitars|comp,lead|distortion guitar,heavy guitar,metal guitar
double bass|32|28-55|basses|bass|upright bass,acoustic bass,string bass,standup bass
electric bass|33|28-55|basses|bass|bass guitar,bass,fingered bass,picked bass
fretless bass|35|28-55|basses|bass|
slap bass|36|28-55|basses|bass|
synth bass|38|28-55|basses,synths|bass|acid bass,sub bass,bass synth
violin|40|55-96|strings|lead,counter|first violin,solo violin
second violin|40|55-88|strings|counter,lead|
viola|41|48-81|strings|counter,lead|
cello|42|36-72|strings|counter,bass,lead|violoncello
contrabass|43|28-55|strings,basses|bass|bowed bass
pizzicato strings|45|40-84|strings|arp,comp|pizzicato
harp|46|36-96|plucked,strings|arp,lead,comp|harps
timpani|47|36-55|percussion|bass|kettledrum,kettledrums,kettle drum
strings|48|40-88|strings|pad,counter|string section,string ensemble,string orchestra,orchestra
slow strings|49|40-88|strings|pad,counter|soft strings
synth strings|50|40-88|synths,strings|pad|
choir|52|48-79|vocals|pad,counter,lead|voices,chorus,voice,vocals,aahs,singers
oohs|53|48-79|vocals|pad,lead|voice oohs,humming
trumpet|56|55-82|brass,winds|lead,counter|solo trumpet,cornet,flugelhorn,bugle
trombone|57|40-72|brass,winds|counter,lead|
tuba|58|28-53|brass,winds,basses|bass|sousaphone,euphonium
muted trumpet|59|55-82|brass,winds|lead,counter|
french horn|60|41-77|brass,winds|counter,pad,lead|horn,french horns
brass section|61|46-80|brass,winds|comp,pad,counter|horns,horn section,brass,brass band
synth brass|62|46-80|synths|comp,pad|
soprano sax|64|56-87|saxophones,winds|lead,counter|soprano saxophone
alto sax|65|49-80|saxophones,winds|lead,counter|alto saxophone
tenor sax|66|44-75|saxophones,winds|lead,counter|saxophone,sax,tenor saxophone
baritone sax|67|36-69|saxophones,winds|counter,lead|bari sax,baritone saxophone
oboe|68|58-91|woodwinds,winds|lead,counter|
english horn|69|52-81|woodwinds,winds|lead,counter|cor anglais
bassoon|70|34-72|woodwinds,winds|counter,bass,lead|
clarinet|71|50-91|woodwinds,winds|lead,counter|
piccolo|72|74-96|woodwinds,winds|lead|
flute|73|60-96|woodwinds,winds|lead,counter|
recorder|74|60-91|woodwinds,winds|lead|
pan flute|75|60-91|woodwinds,winds|lead|pan pipes,panpipes
shakuhachi|77|60-84|woodwinds,winds|lead|
whistle|78|60-78|woodwinds,winds|lead|tin whistle,whistling,penny whistle
ocarina|79|60-88|woodwinds,winds|lead|
square lead|80|48-88|synths|lead,arp|chiptune lead,eight bit,game boy
synth lead|81|48-88|synths|lead,arp|synth,synthesizer,synthesiser,saw lead
synth pad|89|40-84|synths|pad|pad,warm pad,pads
poly synth|90|40-84|synths|comp,arp,pad|synth stab,synth chords,polysynth,synth pluck
space voice|91|48-84|synths|pad|
halo pad|94|40-84|synths|pad|
sweep pad|95|40-84|synths|pad|
crystal|98|60-96|synths,bells|arp,lead|crystal bells,glass
atmosphere|99|40-88|synths|pad,arp|
sitar|104|48-77|plucked|lead,arp|
banjo|105|48-84|plucked,guitars|arp,comp,lead|
shamisen|106|50-79|plucked|lead|
koto|107|55-88|plucked|arp,lead|guzheng
kalimba|108|60-91|mallets,plucked|arp,lead|thumb piano,mbira
bagpipes|109|55-77|winds|lead|bagpipe,pipes
fiddle|110|55-93|strings|lead,counter|
steel drums|114|60-88|mallets|lead,arp|steel drum,steelpan,steel pan
drums|0|35-81|percussion|drums|drum kit,drum set,drumkit,acoustic drums,drummer,beat,beats,percussions
power drums|16|35-81|percussion|drums|rock drums
electronic drums|24|35-81|percussion|drums|drum machine,electric drums,breakbeat
808 drums|25|35-81|percussion|drums|tr-808,808,eight oh eight
brushed drums|40|35-81|percussion|drums|brushes,jazz drums
orchestral drums|48|35-81|percussion|drums|orchestral percussion,marching drums,snare drum,snare
hand percussion|0|35-81|percussion|drums|percussion,congas,bongos,shaker,tambourine,cajon,maracas
"""


def _read(table: str) -> dict[str, Instrument]:
    instruments = {}
    for line in table.strip().splitlines():
        name, program, span, families, roles, aliases = line.split("|")
        low, high = span.split("-")
        instruments[name] = Instrument(
            name, int(program), int(low), int(high), tuple(families.split(",")),
            cast(tuple[Role, ...], tuple(roles.split(","))),
            tuple(alias for alias in aliases.split(",") if alias),
        )  # fmt: skip
    return instruments


INSTRUMENTS = _read(_TABLE)

# Words for many instruments at once. A family of the table answers to its own name too.
_GROUPS: dict[str, frozenset[str]] = {
    word: frozenset(i.name for i in INSTRUMENTS.values() if family in i.families)
    for word, family in {
        "percussion": "percussion", "keys": "keys", "keyboards": "keys", "bells": "bells",
        "mallets": "mallets", "plucked": "plucked", "organs": "organs", "reeds": "reeds",
        "guitars": "guitars", "basses": "basses", "bass": "basses", "bassline": "basses",
        "bass line": "basses", "strings": "strings",
        "synths": "synths", "synthesizers": "synths", "electronics": "synths", "brass": "brass",
        "vocals": "vocals", "voices": "vocals", "singing": "vocals", "singers": "vocals",
        "winds": "winds", "wind instruments": "winds", "woodwind": "woodwinds", "woodwinds": "woodwinds",
        "saxophones": "saxophones", "saxes": "saxophones", "horns": "brass",
    }.items()
}  # fmt: skip
_DRUM_KITS = frozenset(i.name for i in INSTRUMENTS.values() if i.is_drums)
_GROUPS |= {
    "drums": _DRUM_KITS, "drum": _DRUM_KITS, "beat": _DRUM_KITS, "beats": _DRUM_KITS,
    "drum kit": _DRUM_KITS, "drumming": _DRUM_KITS,
    "piano": frozenset({"piano", "upright piano", "honky-tonk piano"}),
    "pianos": frozenset({"piano", "upright piano", "honky-tonk piano", "electric piano"}),
    "guitar": _GROUPS["guitars"] - {"banjo"},
    "sax": _GROUPS["saxophones"], "saxophone": _GROUPS["saxophones"],
    "organ": _GROUPS["organs"], "synth": _GROUPS["synths"], "synthesizer": _GROUPS["synths"],
    "synthesiser": _GROUPS["synths"], "violin": frozenset({"violin", "second violin"}),
    "violins": frozenset({"violin", "second violin"}), "pad": frozenset({"synth pad", "halo pad", "sweep pad",
    "space voice", "atmosphere"}), "trumpet": frozenset({"trumpet", "muted trumpet"}),
    "horn": frozenset({"french horn"}), "orchestra": frozenset({"strings"}),
}  # fmt: skip
_BY_WORD: dict[str, str] = {name: name for name in INSTRUMENTS} | {
    alias: i.name for i in INSTRUMENTS.values() for alias in i.aliases
}
_CLOSE = 0.75  # difflib ratio below which a misheard name is a guess


def spoken_words() -> frozenset[str]:
    """Every name an instrument or a group of them answers to."""
    return frozenset(_BY_WORD) | frozenset(_GROUPS)


def _known(spoken: str) -> str:
    word = " ".join(spoken.lower().replace("_", " ").split())
    word = word.removeprefix("the ").removeprefix("a ").removeprefix("an ").removeprefix("some ")
    known = spoken_words()
    for candidate in (word, word.removesuffix("s"), word.removesuffix("es"), word + "s"):
        if candidate in known:
            return candidate
    inside = [name for name in known if f" {name} " in f" {word} "]
    if inside:
        return max(inside, key=lambda name: (len(name), name))
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=_CLOSE)
    if close:
        return close[0]
    raise BackendError(
        f"no instrument is called {spoken!r}; choose one of: {', '.join(sorted(INSTRUMENTS))}; "
        f"or a group: {', '.join(sorted(g for g in _GROUPS if g.endswith('s')))}"
    )


def meant_by(spoken: str) -> tuple[Instrument, frozenset[str]]:
    """The instrument that a spoken name stands for, and the names of all those that would satisfy it.

    Misspellings find the nearest name. Raises `BackendError` that lists the choices when none is near.
    """
    word = _known(spoken)
    group = _GROUPS.get(word, frozenset())
    if word in _BY_WORD:
        name = _BY_WORD[word]
    else:
        name = _FIRST_OF_GROUP.get(word) or min(group, key=list(INSTRUMENTS).index)
    return INSTRUMENTS[name], group | {name}


_FIRST_OF_GROUP = {
    "basses": "electric bass", "bassline": "electric bass", "bass line": "electric bass", "winds": "flute",
    "wind instruments": "flute", "woodwind": "flute", "woodwinds": "flute", "saxes": "tenor sax",
    "saxophones": "tenor sax", "synths": "synth lead", "synthesizers": "synth lead",
    "electronics": "synth lead", "mallets": "marimba", "plucked": "harp", "guitars": "acoustic guitar",
    "singing": "choir", "violins": "violin", "drum": "drums", "drumming": "drums",
}  # fmt: skip
