# ruff: noqa: E501  the rows of a table are easier to compare unbroken
"""The styles, as data. Add one here and it can be asked for by name; `style.py` explains the figures.

Progressions are scale degrees, `|` between bars, a space between chords of one bar; `:7` makes a
dominant of a degree.
"""

from __future__ import annotations

import difflib

from models.api import BackendError
from models.music.instruments import spoken_words
from models.music.style import CANON, Drum, Seat, Section, Style

KICK, RIM, SNARE, CLAP, HAT, PEDAL, OPEN = 36, 37, 38, 39, 42, 44, 46
CRASH, RIDE, TAMB, SHAKER, CONGA, LOW_CONGA, CLAVE = 49, 51, 54, 70, 63, 64, 75

ELECTRIC = ("electric guitar", "electric bass", "drums")
ROCK = ("overdriven guitar", "electric bass", "power drums")
JAZZ = ("jazz guitar", "double bass", "brushed drums")
LATIN = ("nylon guitar", "double bass", "brushed drums")
ACOUSTIC = ("acoustic guitar", "double bass", "brushed drums")
CLUB = ("electric guitar", "synth bass", "electronic drums")
SCREEN = ("acoustic guitar", "contrabass", "orchestral drums")

SONG = (
    Section("intro", "A", 4, 0.4, ("lead", "counter")),
    Section("verse", "A", 8, 0.5),
    Section("verse", "A", 8, 0.6),
    Section("chorus", "B", 8, 0.85),
    Section("verse", "A", 8, 0.6),
    Section("chorus", "B", 8, 0.9),
    Section("bridge", "C", 8, 0.45),
    Section("chorus", "B", 8, 1.0),
)
CHORUSES = (
    Section("head", "A", 8, 0.55),
    Section("head", "A", 8, 0.6),
    Section("bridge", "B", 8, 0.7),
    Section("head", "A", 8, 0.65),
    Section("solo", "C", 8, 0.8),
    Section("solo", "D", 8, 0.9),
)
TWELVE = (
    Section("theme", "A", 12, 0.55),
    Section("theme", "A", 12, 0.65),
    Section("solo", "B", 12, 0.8),
    Section("solo", "C", 12, 0.9),
)
DANCE = (
    Section("intro", "A", 4, 0.45, ("lead", "pad")),
    Section("groove", "A", 8, 0.6, ("lead",)),
    Section("theme", "A", 8, 0.75),
    Section("breakdown", "B", 8, 0.3, ("drums", "bass")),
    Section("drop", "B", 16, 1.0),
)
PIECE = (
    Section("first theme", "A", 8, 0.45),
    Section("first theme", "A", 8, 0.55),
    Section("second theme", "B", 8, 0.7),
    Section("return", "A", 8, 0.55),
    Section("development", "C", 8, 0.8),
)
DRIFT = (
    Section("dawn", "A", 8, 0.35),
    Section("drift", "B", 8, 0.5),
    Section("swell", "C", 8, 0.65),
    Section("ebb", "A", 8, 0.4),
)

_BACKBEAT = (
    Drum(KICK, "X.......x.x.....|X.....x.x......."),
    Drum(SNARE, "....X.......X..."),
    Drum(HAT, "x.o.x.o.x.o.x.o."),
)
SOFT = (  # for a style without drums when somebody wants them
    Drum(KICK, "x.......o......."),
    Drum(RIM, "....o.......o...", 0.4),
    Drum(SHAKER, "o.o.o.o.o.o.o.o."),
)
COMPOUND = (  # any style in 6/8
    Drum(KICK, "X.....o....."),
    Drum(SNARE, "......X....."),
    Drum(HAT, "x.o.o.x.o.o."),
)
_BLUES = "1:7|4:7|1:7|1:7|4:7|4:7|1:7|1:7|5:7|4:7|1:7|5:7"
_LONG = ("x---------------", "x-------x-------", "x-----------x---")

_ALL = (
    Style(
        "lo-fi", ("lofi", "lo fi", "chillhop", "hip hop", "hip-hop", "study beats", "chill beat", "trip hop", "boom bap"),
        (70, 86), ("A", "D", "F", "C", "G"), True, ("4|3|2|1", "2|5|1|6", "1|6|2|5"),
        ("6|5:7|1|1", "1|6|4|5:7", "1|4|6|5:7"),
        (Seat("lead", "vibraphone"), Seat("comp", "electric piano", "x-----x---x-----|x-------..x-x---"),
         Seat("pad", "synth pad"), Seat("bass", "electric bass", "R-----R.....5-a-|R-------R--5----"),
         Seat("drums", "drums")),
        SONG, ("..x-x---x-----..", "x---..x-x---....", "....x-x-x---x---", "x-----x---......"),
        (Drum(KICK, "X......x..x.....|X..x......x....."), Drum(SNARE, "....X.......X..o"), Drum(HAT, "x.x.x.x.x.x.x.xo")),
        colour="ninth", swing=0.6, swing_unit=0.25, fill="snare", reverb=0.5, looseness=0.010,
        trim=-1.7, preferred=ELECTRIC, moods=("chill", "relaxed", "cosy", "mellow", "lazy"),
    ),
    Style(
        "jazz trio", ("jazz", "swing", "bebop", "piano trio", "cool jazz", "big band", "lounge", "smooth jazz"),
        (110, 168), ("F", "Bb", "C", "Eb", "G"), False, ("2|5:7|1|6:7|2|5:7|1|1", "1 6:7|2 5:7|3 6:7|2 5:7|1|4|2 5:7|1"),
        ("1|4|2|5:7|1|6|2 5:7|1", "4|7|3|6|2|5:7|1|1"),
        (Seat("lead", "piano"), Seat("comp", "piano", "..x-...x-.......|x-....x-..x-....|......x-....x-..|..x-..x-......x-"),
         Seat("bass", "double bass", "w---w---w---w---"), Seat("drums", "brushed drums")),
        CHORUSES, ("x-x-x-x---x-..x-", "..x-x-x-x-x-x---", "x---x-x-..x-x-x-", "x-x-....x-x-x---", "..x-..x-x-----.."),
        (Drum(RIDE, "x...X.x.x...X.x."), Drum(PEDAL, "....x.......x..."), Drum(SNARE, "......o.......o.|..........o.....", 0.5),
         Drum(KICK, "o...o...o...o...")),
        colour="ninth", swing=0.66, fill="brush", leap=0.3, chromatic=True, bass="w---w---w---w---",
        comp="..x-...x-.......|x-....x-..x-....", reverb=0.3, looseness=0.009, trim=-2.7, preferred=JAZZ, moods=("sophisticated", "smoky", "classy"),
    ),
    Style(
        "blues", ("twelve bar blues", "delta blues", "chicago blues", "shuffle", "boogie", "boogie woogie", "rhythm and blues"),
        (84, 120), ("E", "A", "G", "C", "Bb"), False, (_BLUES,), ("1|4|1|1|4|4|1|1|5:7|4|1|5:7",),
        (Seat("lead", "harmonica"), Seat("comp", "electric guitar", "x-..x-x.x-..x-x."), Seat("arp", "piano", "....1.2.....1.2."),
         Seat("bass", "electric bass", "R-R-3-3-5-5-7-5-"), Seat("drums", "drums")),
        TWELVE, ("..x-x-x-x---....", "x-x---x-x-----..", "x---x-x-........", "........x-x-x---"),
        (Drum(KICK, "X.......X.x....."), Drum(SNARE, "....X.......X..."), Drum(HAT, "x.x.x.x.x.x.x.x.")),
        colour="seventh", swing=0.66, fill="snare", chromatic=True, bass="R-R-3-3-5-5-7-5-", reverb=0.25,
        looseness=0.009, trim=-1.8, preferred=ELECTRIC, moods=("bluesy", "gritty"),
    ),
    Style(
        "bossa", ("bossa nova", "samba", "latin", "brazilian", "bolero", "rumba", "salsa"),
        (116, 140), ("D", "F", "C", "G", "A"), False, ("1|1|2|5:7|1|6:7|2|5:7", "1|4|3|6:7|2|5:7|1|1"), ("1|1|4|4|2|5:7|1|1", "1|6|2|5:7|1|4|2 5:7|1"),
        (Seat("lead", "flute"), Seat("comp", "nylon guitar", "x-.x-.x-..x-.x-.|..x-.x-.x-.x-..."),
         Seat("bass", "double bass", "R-----5-5-----R-"), Seat("drums", "brushed drums")),
        CHORUSES, ("x---..x-x---x---", "..x-x-x---x-----", "x-----x-..x-x-x-", "x---x---..x-----"),
        (Drum(RIM, "x..x..x...x..x..|..x..x..x..x...."), Drum(SHAKER, "xoooxoooxoooxooo"), Drum(KICK, "x.....xox.....xo")),
        colour="ninth", fill="none", bass="R-----5-5-----R-", comp="x-.x-.x-..x-.x-.", reverb=0.35, trim=-2.3, preferred=LATIN, moods=("sunny", "breezy", "summer"),
    ),
    Style(
        "waltz", ("viennese waltz", "ballroom", "musette", "valse"),
        (132, 178), ("G", "D", "C", "F"), False, ("1|1|4|4|5:7|5:7|1|1", "1|6|2|5:7|1|4|5:7|1"), ("1|1|4|4|5:7|5:7|1|1", "1|6|4|5:7|1|3|5:7|1"),
        (Seat("lead", "violin"), Seat("comp", "strings", "....x-..x-.."), Seat("counter", "clarinet"), Seat("bass", "contrabass", "R---....----")),
        PIECE, ("x-------x---", "x---x---x---", "x-----x-x-x-", "x-----------", "....x---x---"),
        (Drum(KICK, "x..........."), Drum(TAMB, "....o...o...", 0.4)),
        metre="3/4", fill="none", bass="R---........", comp="....x-..x-..", arp="0.1.2.3.2.1.", reverb=0.5, trim=-3.9, preferred=ACOUSTIC, moods=("elegant", "dancing"),
    ),
    Style(
        "baroque", ("bach", "vivaldi", "classical", "harpsichord suite", "counterpoint", "fugue", "renaissance", "mozart", "minuet"),
        (84, 116), ("D", "G", "C", "F", "A"), False, ("1|4|7|3|6|2|5:7|1", "1|5:7|6|3|4|1|4|5:7"), ("1|4|7|3|6|2|5:7|1", "1|5:7|1|7|3|4|5:7|1"),
        (Seat("lead", "oboe"), Seat("counter", "viola", CANON), Seat("arp", "harpsichord", "0.2.1.2.3.2.1.2."), Seat("bass", "cello", "R-3-5-3-R-8-5-a-|R-5-3-5-R-3-5-a-")),
        PIECE, ("x-x-x-x-xxxxx-x-", "xxxxx-x-x-x-x---", "x---xxxxx-x-x-x-", "x-x-xxx-x-xxx---"),
        SOFT, fill="none", bass="R-3-5-3-R-8-5-a-", arp="0.2.1.2.3.2.1.2.", leap=0.15, reverb=0.45, looseness=0.005, trim=-4.5, preferred=ACOUSTIC, moods=("stately", "noble", "baroque"),
    ),
    Style(
        "string quartet", ("quartet", "chamber", "chamber music", "strings only", "string orchestra"),
        (72, 104), ("D", "G", "A", "F"), True, ("1|5|6|3|4|1|2|5:7", "1|4|5:7|6|4|2|5:7|1"), ("1|7|6|5:7|1|4|5:7|1", "1|6|3|7|4|1|2|5:7"),
        (Seat("lead", "violin"), Seat("counter", "second violin"), Seat("counter", "viola"), Seat("bass", "cello", "R-------5---a---|R-----------a---")),
        PIECE, ("x-----x-x---x---", "x---x-x-x-------", "x-x-x---x---x-x-", "x-----------x-x-"),
        SOFT, fill="none", bass="R-------5---a---", reverb=0.5, looseness=0.008, trim=-4.0, preferred=ACOUSTIC, moods=("intimate", "tender", "refined"),
    ),
    Style(
        "solo piano", ("piano", "piano solo", "ballad", "piano piece", "piano music", "romantic", "nocturne", "neoclassical", "sonata", "impressionist"),
        (60, 84), ("A", "C", "D", "E", "F"), True, ("1|5|6|4", "1|6|4|5", "4|1|5|6"), ("1|6|3|7", "1|4|6|5:7", "6|7|1|1|4|6|5:7|1"),
        (Seat("lead", "piano"), Seat("arp", "piano", "0-1-2-3-2-1-2-1-|0-1-2-3-4-3-2-1-"), Seat("bass", "piano", "R---------------")),
        PIECE, ("x-----x-x---x---", "x---x---x-------", "..x-x-x-x-----..", "x-------x-x-x---"),
        SOFT, fill="none", bass="R-------5-------", comp="x-------x-------", arp="0-1-2-3-2-1-2-1-", reverb=0.5,
        looseness=0.012, trim=-2.1, preferred=ACOUSTIC, moods=("calm", "sad", "pensive", "nostalgic", "romantic", "tender", "melancholy"),
    ),
    Style(
        "ambient", ("atmospheric", "drone", "soundscape", "meditation", "new age", "sleep", "sea", "spa", "ethereal", "space", "relaxation", "underwater"),
        (60, 72), ("D", "C", "E", "A", "F"), False, ("1|1|4|4|6|6|5|5", "4|4|1|1|2|2|6|6"), ("1|1|6|6|4|4|1|1", "1|1|4|4|6|6|5|5"),
        (Seat("lead", "crystal"), Seat("pad", "synth pad"), Seat("pad", "space voice"), Seat("arp", "harp", "0---2---4---3---|1---3---2-------"), Seat("bass", "fretless bass", "R---------------")),
        DRIFT, ("x---------x-----", "x---------------", "....x-----------", "................", "x-------....x---"),
        (Drum(SHAKER, "o...o...o...o...", 0.5), Drum(KICK, "o...............", 0.4)),
        colour="ninth", fill="none", bass="R---------------", comp="x---------------", arp="0---2---4---3---", leap=0.4, reverb=0.9,
        looseness=0.02, trim=-6.4, preferred=ACOUSTIC, moods=("peaceful", "dreamy", "floating", "serene", "sleepy", "spacious"),
    ),
    Style(
        "techno", ("minimal techno", "acid", "trance", "rave", "industrial", "edm", "electro", "hardstyle", "electronic"),
        (124, 138), ("A", "F", "C", "G"), True, ("1|1|1|1|4|4|1|1", "1|1|7|7"), ("1|1|1|1|6|6|7|7", "1|1|1|1", "1|1|7|6"),
        (Seat("lead", "synth lead"), Seat("arp", "poly synth", "0.01.02.0.3.02.1"), Seat("pad", "sweep pad"), Seat("bass", "synth bass", "..R...R...R...R.|..R.R.R...R...8."), Seat("drums", "808 drums")),
        DANCE, ("x..x..x...x..x..", "x.x...x.x.x.....", "x.......x..x..x."),
        (Drum(KICK, "X...X...X...X..."), Drum(OPEN, "..x...x...x...x."), Drum(CLAP, "....x.......x...", 0.5), Drum(HAT, "xoxoxoxoxoxoxoxo", 0.7)),
        fill="snare", bass="..R...R...R...R.", comp="...x..x....x..x.", arp="0.01.02.0.3.02.1", reverb=0.3, looseness=0.0, trim=-2.1, preferred=CLUB, moods=("driving", "hypnotic", "mechanical"),
    ),
    Style(
        "house", ("deep house", "disco", "dance", "club", "garage", "nu disco", "dance pop", "pop", "party"),
        (118, 128), ("F", "A", "C", "G", "D"), True, ("4|5|3|6", "1|5|6|4", "2|3|4|5"), ("1|6|4|5:7", "1|7|6|5:7", "6|7|1|1"),
        (Seat("lead", "synth lead"), Seat("comp", "piano", "x..x..x...x.x...|..x..x..x..x..x."), Seat("pad", "synth strings"), Seat("bass", "synth bass", "R..R..R...R.8...|R..R..8..R..5.a."), Seat("drums", "electronic drums")),
        DANCE, ("x..x..x-..x-x---", "..x-x-..x..x-...", "x---x..x..x-----"),
        (Drum(KICK, "X...X...X...X..."), Drum(OPEN, "..x...x...x...x."), Drum(CLAP, "....X.......X..."), Drum(SHAKER, "oxoxoxoxoxoxoxox", 0.6)),
        colour="seventh", fill="snare", bass="R..R..R...R.8...", comp="x..x..x...x.x...", reverb=0.35, looseness=0.002, trim=-0.8, preferred=CLUB, moods=("uplifting", "groovy", "euphoric"),
    ),
    Style(
        "drum and bass", ("dnb", "drum n bass", "drum'n'bass", "jungle", "breakbeat", "liquid"),
        (168, 176), ("A", "D", "F", "G"), True, ("1|1|6|6|4|4|5|5",), ("1|1|6|6|4|4|5:7|5:7", "1|1|4|4|6|6|1|1"),
        (Seat("lead", "synth lead"), Seat("comp", "electric piano", "x-----..........|......x---......"), Seat("pad", "halo pad"), Seat("bass", "synth bass", "R-------..R---..|R-----8-....5-a-"), Seat("drums", "electronic drums")),
        DANCE, ("x-------x-----x-", "......x-x---x---", "x-----x-----x---"),
        (Drum(KICK, "X.........X.....|X.x.......X....."), Drum(SNARE, "....X..o.o..X..o|....X..o.o..X.oo"), Drum(HAT, "x.x.x.x.x.x.x.x."), Drum(RIDE, "x...x...x...x...", 0.8)),
        colour="ninth", fill="snare", bass="R-------..R---..", comp="x-----..........", reverb=0.4, looseness=0.001, trim=-2.0, preferred=CLUB, moods=("frantic", "fast", "urgent"),
    ),
    Style(
        "funk", ("soul", "motown", "funky", "rnb", "r&b", "gospel", "groove"),
        (96, 112), ("E", "A", "D", "G"), True, ("1:7|1:7|4:7|4:7", "1:7|4:7|1:7|4:7"), ("1|1|4|4", "1|4|1|7"),
        (Seat("lead", "alto sax"), Seat("comp", "clavinet", "x..x..x..x.x..x.|x.x...xx..x..x.."), Seat("comp", "brass section", "................|..........x..x.."), Seat("bass", "slap bass", "R..R..8.R..7..8.|R.R...a.R..5.78."), Seat("drums", "drums")),
        SONG, ("x.x-..xx..x-x...", "..x.x.x-..x-....", "xxx-....x.x-x---", "....x.xx..x-..x-"),
        (Drum(KICK, "X.x....x..x.....|X..x..x...x....."), Drum(SNARE, "....X..o.o..X..o"), Drum(HAT, "x.xxx.x.x.xxx.x.")),
        colour="seventh", swing=0.54, swing_unit=0.25, fill="snare", chromatic=True, bass="R..R..8.R..7..8.", comp="x..x..x..x.x..x.", reverb=0.2,
        looseness=0.005, trim=-1.3, preferred=ELECTRIC, moods=("cheeky", "cool", "sassy"),
    ),
    Style(
        "rock", ("rock and roll", "rock n roll", "punk", "metal", "heavy metal", "grunge", "indie", "hard rock", "alternative", "guitar band"),
        (108, 148), ("E", "A", "D", "G"), False, ("1|4|5|4", "1|5|6|4", "1|7|4|1"), ("1|6|7|1", "1|3|7|4", "1|7|6|5:7"),
        (Seat("lead", "overdriven guitar"), Seat("comp", "distorted guitar", "x-x-x-x-x-x-x-x-|x---x-x-x---x-x-"), Seat("bass", "electric bass", "R-R-R-R-R-R-R-R-"), Seat("drums", "power drums")),
        SONG, ("x---x-x-x---x---", "x-x-x---..x-x-x-", "..x-x-x-x-------", "x-----x-x-x-x---"),
        (*_BACKBEAT, Drum(OPEN, "x.......x.......", 0.9)),
        colour="power", bass="R-R-R-R-R-R-R-R-", comp="x---x-x-x---x-x-", reverb=0.25, looseness=0.006, trim=-2.3, preferred=ROCK, moods=("angry", "energetic", "powerful", "rebellious"),
    ),
    Style(
        "folk", ("celtic", "irish", "acoustic", "singer songwriter", "sea shanty", "scottish", "campfire", "medieval"),
        (92, 120), ("G", "D", "C", "A"), False, ("1|5|6|4", "1|4|1|5", "1|1|4|1|6|4|5|1"), ("1|7|6|7", "1|3|7|1", "1|7|1|4|6|7|1|1"),
        (Seat("lead", "fiddle"), Seat("comp", "acoustic guitar", "x-..x-x-..x-x-x-"), Seat("counter", "accordion"), Seat("bass", "double bass", "R-------5-------")),
        SONG, ("x---x-x-x---x-x-", "x-x-x-x-x---x---", "x---x---x-x-x-x-", "x-----x-x-x-x---"),
        (Drum(TAMB, "o...x...o...x..."), Drum(KICK, "x.......x.......", 0.4), Drum(SHAKER, "o.o.o.o.o.o.o.o.", 0.6)),
        fill="none", bass="R-------5-------", comp="x-..x-x-..x-x-x-", reverb=0.35, looseness=0.008, trim=-3.1, preferred=ACOUSTIC, moods=("rustic", "homely", "warm", "hopeful"),
    ),
    Style(
        "country", ("bluegrass", "western", "nashville", "hoedown", "americana", "honky tonk", "cowboy"),
        (104, 132), ("G", "D", "A", "E"), False, ("1|4|1|5:7", "1|1|4|1|1|1|5:7|1", "1|6|4|5:7"), ("1|7|1|5:7", "1|4|7|1"),
        (Seat("lead", "fiddle"), Seat("arp", "banjo", "0.2.30230.2.3023"), Seat("comp", "acoustic guitar", "b...x-x-f...x-x-"), Seat("bass", "double bass", "R---....5---...."), Seat("drums", "brushed drums")),
        SONG, ("x-x-x-x-x---x-x-", "x---x-x-x-x-x---", "..x-x-x-x---x---", "x-xxx-x-x-x-x---"),
        (Drum(KICK, "x.......x......."), Drum(SNARE, "o.o.x.o.o.o.x.o.")),
        fill="brush", bass="R---....5---....", comp="b...x-x-f...x-x-", arp="0.2.30230.2.3023", reverb=0.25, looseness=0.007, trim=-3.9, preferred=ACOUSTIC, moods=("jolly", "friendly"),
    ),
    Style(
        "reggae", ("ska", "dub", "rocksteady", "dancehall", "caribbean", "calypso", "island", "tropical", "reggaeton"),
        (68, 84), ("A", "G", "C", "D"), False, ("1|4|1|5", "1|5|6|4", "1|1|4|4"), ("1|4|1|7", "1|7|6|7", "1|1|4|4"),
        (Seat("lead", "tenor sax"), Seat("comp", "electric guitar", "....x.......x..."), Seat("comp", "organ", "..x.x.x...x.x.x."), Seat("bass", "electric bass", "R---..R-5---3-5-|R-----3-5---R---"), Seat("drums", "drums")),
        SONG, ("..x-x-x---x-....", "x---x-x-x---....", "....x-x-x-x-x---", "x-----x-........"),
        (Drum(KICK, "........X......."), Drum(RIM, "........X......."), Drum(HAT, "x.o.x.ooX.o.x.o."), Drum(SNARE, "...............o", 0.7)),
        swing=0.6, swing_unit=0.25, fill="toms", bass="R---..R-5---3-5-", comp="....x.......x...", reverb=0.4, looseness=0.007, trim=-0.7, preferred=ELECTRIC, moods=("laid back", "sunny", "easygoing"),
    ),
    Style(
        "film score", ("cinematic", "epic", "orchestral", "trailer", "soundtrack", "movie", "symphony", "fantasy", "adventure", "hans zimmer", "orchestra"),
        (76, 108), ("D", "C", "E", "G"), True, ("1|5|6|4", "1|3|4|6", "6|4|1|5"), ("1|6|3|7", "1|4|6|5:7", "1|1|6|6|4|4|5:7|5:7"),
        (Seat("lead", "french horn"), Seat("pad", "strings"), Seat("arp", "pizzicato strings", "0.2.3.2.0.2.3.2."), Seat("counter", "cello"), Seat("pad", "choir"), Seat("bass", "contrabass", "R---------------|R-------R---R---"), Seat("bass", "timpani", "R.......R.....RR|R..............."), Seat("drums", "orchestral drums")),
        SONG, ("x-------x---x---", "x-----x-x-------", "x---x---x---x-x-", "x-----------x---"),
        (Drum(KICK, "X.....x.x......."), Drum(SNARE, "..o.x.oo..o.x.oo", 0.75), Drum(41, "x..x..x.x..x..x.", 0.6)),
        fill="toms", bass="R---R---R---R---", comp="x-------x-------", arp="0.2.3.2.0.2.3.2.", reverb=0.7, looseness=0.008, trim=-3.8, preferred=SCREEN, moods=("epic", "heroic", "dramatic", "tense", "mysterious", "majestic", "scary", "grand"),
    ),
    Style(
        "music box", ("lullaby", "toy", "nursery", "baby", "christmas", "fairy tale", "children"),
        (84, 108), ("C", "G", "F", "D"), False, ("1|5|6|3|4|1|4|5", "1|4|5|1", "1|6|4|5"), ("1|4|7|3|6|4|5:7|1", "1|6|4|5:7"),
        (Seat("lead", "music box"), Seat("arp", "music box", "0.1.2.1.0.1.2.1."), Seat("arp", "celesta", "........3...2...|........2...3...")),
        PIECE, ("x---x---x-x-x---", "x-x-x---x---x---", "x---x-x-x-------", "x-------x---x-x-"),
        SOFT, fill="none", bass="R-------5-------", comp="x-------x-------", arp="0.1.2.1.0.1.2.1.", reverb=0.6, looseness=0.01, trim=-6.1, preferred=ACOUSTIC, moods=("cute", "innocent", "sweet", "magical", "playful"),
    ),
    Style(
        "march", ("marching band", "military", "parade", "brass band", "fanfare", "anthem", "polka", "circus"),
        (108, 124), ("Bb", "Eb", "F", "C"), False, ("1|1|5:7|1|4|1|5:7|1", "1|4|1|5:7|1|4|5:7|1"), ("1|1|5:7|1|4|1|5:7|1",),
        (Seat("lead", "trumpet"), Seat("counter", "french horn"), Seat("comp", "brass section", "..x...x...x...x."), Seat("lead", "piccolo"), Seat("bass", "tuba", "R---5---R---5---"), Seat("drums", "orchestral drums")),
        PIECE, ("x---x-xxx---x---", "x--xx---x--xx---", "x---x---x-x-x-x-", "x-x-x-x-x---x---"),
        (Drum(KICK, "X...x...X...x..."), Drum(SNARE, "x.xxx.x.x.xxx.xx"), Drum(57, "X.......x.......", 0.7)),
        fill="snare", bass="R---5---R---5---", comp="..x...x...x...x.", reverb=0.35, looseness=0.005, trim=-3.8, preferred=SCREEN, moods=("triumphant", "proud", "patriotic", "victorious"),
    ),
)  # fmt: skip
STYLES: dict[str, Style] = {style.name: style for style in _ALL}
WORDS: dict[str, str] = {word: s.name for s in _ALL for word in (*s.aliases, s.name)}
_CLOSE = 0.75


def find_style(spoken: str) -> Style | None:
    """The style named anywhere in `spoken`, or None.

    The longest name wins, and any wins over one that is also an instrument: "jazz with piano" is jazz.
    """
    text = f" {' '.join(spoken.lower().replace(',', ' ').split())} "
    inside = [word for word in WORDS if f" {word} " in text]
    if not inside:
        return None
    instruments = spoken_words()
    return STYLES[WORDS[max(inside, key=lambda word: (word not in instruments, len(word), word))]]


def style_named(spoken: str) -> Style:
    """The style that a spoken name stands for. Raises `BackendError` listing the choices when none is near."""
    found = find_style(spoken) or find_style(spoken.replace("-", " "))
    if found:
        return found
    for word in (spoken.lower(), *spoken.lower().split()):
        close = difflib.get_close_matches(word, sorted(WORDS), n=1, cutoff=_CLOSE)
        if close:
            return STYLES[WORDS[close[0]]]
    raise BackendError(f"no style is called {spoken!r}; choose one of: {', '.join(STYLES)}")
