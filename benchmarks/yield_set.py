"""What `benchmarks.train_yield` learns from: requests, signs of listening, and noises, all made by script.

Voices are flite's and espeak-ng's variants at many sizes of the throat, speeds and pitches. Nothing is shared
with the held-out and the fresh clips of `benchmarks.bargein_set`: no espeak-ng variant, no throat of a flite
voice within 0.02, no wording (of the held-out ones only the nine that everybody says), no seed; flite's `awb`
is not in it at all. The wordings of the first fresh set are learned from, its voices are not. Every sound
passes through the real voice detector, so that it is cut as it will be in a conversation. Some words are said
over our own voice, and are what `realtime/hearing/echo.py` leaves of them.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfilt

from benchmarks.bargein_chain import PIECE
from benchmarks.bargein_set import SENT_DB, come_back, piece, sound, speak
from benchmarks.bargein_sounds import (
    Floats,
    Random,
    breathe,
    clear_throat,
    cough,
    gain,
    in_room,
    laugh,
    peak,
)
from benchmarks.bargein_texts import FRESH, HOUSE, IN, OUR_VOICE, OUT, STYLES, VOICES
from models.api import HEARING_RATE, SPEAKING_RATE, Audio, SpeechProbability, VadRequest
from models.vad.silero import SileroVad
from realtime.hearing.echo import EchoCanceller
from realtime.hearing.manner import AFTER_MS, BEFORE_MS
from realtime.hearing.turn import Ended, Rules, TurnDetector
from realtime.transport.link import FRAME_SAMPLES

Label = Literal["request", "listening", "noise"]
LABELS: tuple[Label, ...] = ("request", "listening", "noise")
LEVELS_DB = (-32.0, -4.0)  # peaks, from the lowest to the highest
FLOOR_DB = (-75.0, -40.0)  # RMS of the noise below it
NOISE_PARTS = 16
_TRAIL = HEARING_RATE  # samples of silence after a sound, so that the detector ends it

# A wording, or phones between slashes: for flite, and for espeak-ng. Those of the benchmark's first fresh set
# are among them.
LISTENING = """
uh huh|uh huh|uh-huh|huh|mm hmm|mm hmm|mm|mm|hm|hm|yeah|yeah|yeah yeah|yes|okay|okay okay|right|right
right right|sure|oh|oh|ah|really|oh really|oh okay|ah okay|alright|of course|that's right|wow|cool|great
good|fine|true|exactly|yeah sure|oh yeah|oh wow|ha|ha ha ha|heh heh|oh right|mm okay|mm yeah|indeed|ooh
very good|oh good|lovely|makes sense|that makes sense|nice|very nice|oh nice|fair enough|fair point|no way
gotcha|interesting|how interesting|very interesting|that's interesting|cool cool|oh cool|awesome|wonderful
brilliant|excellent|perfect|fantastic|beautiful|sweet|neat|definitely|certainly|naturally|totally|obviously
for sure|sure thing|you're right|i agree|i understand|understood|i get it|i hear that|oh i get it now
i see now|ah now i see|i can imagine|i bet|i guess so|i suppose|i think so too|me too|same here|oh my
oh my god|my goodness|good heavens|goodness|gosh|whoa|jeez|oh no way|are you serious|seriously|is that so
you don't say|that's great|that's cool|that's true|that's good|that's funny|that's amazing|that's crazy
how nice|how funny|how lovely|how strange|so true|good to know|well well|oh well|poor thing|what a shame
that's a pity|too bad|funny|crazy|incredible|unbelievable|impressive|good for you|well done|not bad|yes yes
yes of course|oh yes|ah yes|ah right|okay cool|okay great|okay sure|right okay|all good|fine fine|great great
/hh m m|h@mm/|/m m|mmm/|/ah ah|V@m/|/m ah hh ah|mV'hV/|/ah n hh ah n|VN'hVN/|/ah hh ah|V'hV/|/hh ah m|hVm/
/ah m hh ah m|@mh'@m/|/eh m hh eh m|mm'hmm/|/m hh m|mh'm/|/y ae|ja#/|/y eh ah|jE@/|/y ah|jV/|/ow hh|oU:/
"""
REQUESTS = """
stop|stop|stop|stop stop|wait|wait|wait wait|no|no|no no|no no no|no wait|hold on|hold on|hang on|hang on
pause|pause please|be quiet|quiet|silence|shut up|enough|okay stop|oh wait|um no|no thanks|no thank you
louder|quieter|softer|slower|faster|slower please|a bit louder|not so loud|too loud|turn it down|turn it up
volume down|stop the music|stop talking|stop please|please stop|cancel|cancel that|skip|skip this|skip it
next|next one|never mind|excuse me|sorry|pardon|what|what|why|why not|when|where|who|how|how so|which one
what was it|what time is it|who are you|what is it|what's playing|can you hear me|are you there|hello|hey
hey you|listen|listen to me|help|help me|repeat|repeat it|say it again|again please|once more|go on|continue
play|play it|play jazz|play some rock|play something else|rewind|actually play jazz|add drums|add some drums
add a piano|more bass|drop the drums|make it faster|make it sad|in a minor|set a timer for five minutes
set an alarm|timer please|how much is seven times six|what is two and two|what is playing|tell me a joke
tell me more|explain that|i have a question|one question|hold that thought|a moment please|just a minute
i don't think that is true at all|my brother told me something else about it
that reminds me of the house by the lake|we should talk about dinner|that's not true|that's too fast
i didn't get that|i don't understand|i meant tomorrow|not now|not yet|later|leave it|drop it|change it
yes please|yeah but stop|okay but why|right but when|oh no|who says so|do it|do something else
open the window|lights off|good morning|good bye|thanks|thank you|what now|what else|says who|darker please
more cheerful|with strings|only piano|in the morning|at seven|on monday|maybe tomorrow|both of them|red
can i say something|let me finish|let me think|wait a second|give me a second|hush|that is wrong|i disagree
but why|right but|right but how|yeah no wait|yeah no|yeah stop|yeah hang on|okay hold on|okay wait|okay no
okay pause|oh hold on|oh stop|oh sorry|oh no no|ah wait|ah no|sure but when|sure but not now|yes but why
yes stop|yes but wait|yes play it|no way stop that|nice but louder|good now stop|great now play jazz
cool play it again|i see the problem|i see a mistake|i know a better one|really why|really when|hm no
hm wait|um wait|uh what|mm no|alright stop|alright enough|of course not|that's right but stop|wow stop
fine stop it now|exactly but how|hold it|one second|turn that off|play a waltz instead|make it slower
next song please|stop talking now|cancel the timer|try again|not that one|let me speak|that's wrong
who is that|where is it from|what does that mean|how long is it|when was that|say again|can you repeat that
i was thinking about something else|my neighbour has a dog like that|we went there last summer
no i do not think so|the weather was terrible yesterday|i would rather talk about lunch|speak up|slow down
speed up|go away|stay there|come on|don't do that|don't|not this|not like that|another one|something else
start over|from the beginning|undo that|delete it|save it|open it|close it|turn around|lower|higher|longer
shorter|less|more|more please|a different one|the first one|the last one|yours|mine|tomorrow|today|now
i want to stop|i need help|i said no|i said stop|i can't hear you|you are too loud|you are wrong|wrong
what about tomorrow|what happened|what is that|where are you|who did it|why me|how come|how many|how old is it
is it far|is it cold|are you sure|do you know him|can you stop|can you wait|could you be quiet
would you stop|will you stop|stop the timer|stop this|stop here|wait for me|wait there|mute it|mute that
quiet now|silence please|kill it|shut it|shush|that will do|that's it|enough of this|okay enough|no more
play the next one|play it louder|play a song|play piano|sing something|tell me why|tell me a story
"""
ECHOED = """
The river comes from the hills in the north, and there are four bridges over it in the town.
Bread needs flour, water, salt and time. Most of the work is done by the oven, and some by your hands.
There was a light on in the kitchen when they came back, though nobody could remember leaving it on.
The sum is four hundred and eleven. Do you want me to go on with the next page of the list?
Whales breathe air as we do. They can stay under water for more than an hour before they come up again.
"""
# Held out, of the first fresh set, or hardly a voice.
_EXCLUDED = (
    "f3", "m7", "Annie", "Mike", "f5", "steph", "whisper", "whisperf", "Storm", "fast",
)  # fmt: skip
_ACCENTS = ("en-us", "en-us", "en-gb", "en-029", "en-us-nyc", "en-gb-x-gbclan")
_MORE_SOUNDS = (
    "clock ticking", "crackling fire", "frogs", "horse", "gulls", "water splash", "bubbles",
    "birds", "alarm", "car horn", "engine", "crowd", "coin", "wind chimes", "owl", "siren",
)  # fmt: skip
_MORE_STYLES = ("solo guitar", "funk", "swing", "reggae", "solo violin", "solo flute", "house")


@dataclass(frozen=True, slots=True)
class Sample:
    """A cut sound (int16 range as float), what it is, and whose: `who` is the unit to split by."""

    pcm: bytes
    label: Label
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Job:
    """One speaker (with a throat, where flite is the program), or one part of the noises."""

    seed: int
    number: int
    program: str
    name: str
    throat: float = 0.0


def voices() -> list[str]:
    """The espeak-ng variants that may be learned from."""
    spared = {v.name.partition("+")[2] for part in VOICES for v in part} | set(_EXCLUDED)
    command = ["espeak-ng", "--voices=variant"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    names = sorted({line.split("!v/")[1].split()[0] for line in shown.splitlines() if "!v/" in line})
    return [name for name in names if name not in spared]


def jobs(seed: int) -> list[Job]:
    """Everything there is to make, in parts that can be made alone and in any order.

    Every second variant of espeak-ng, and six throats for each voice of flite: what ten minutes allow.
    """
    rng = np.random.default_rng(seed)
    made = [Job(seed, number, "espeak-ng", name) for number, name in enumerate(voices()[::2])]
    for name in ("slt", "rms", "kal16", "kal"):
        for _ in range(6):
            # A throat for each flite speaker: another person as far as a recogniser can tell.
            made.append(Job(seed, len(made), "flite", name, round(_throat(name, rng), 3)))
    made += [Job(seed, len(made) + part, "noise", str(part)) for part in range(NOISE_PARTS)]
    return made


def build(seed: int, workers: int = 2) -> Iterator[Sample]:
    """Make it all, by several processes; what comes out does not depend on how many there are."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for samples in pool.map(make, jobs(seed)):
            yield from samples


def make(job: Job) -> list[Sample]:
    """What one job brings. The wordings go round: each speaker says a third or a sixth of them."""
    vad, rng = SileroVad(), np.random.default_rng([job.seed, job.number])
    if job.program == "noise":
        return list(_noises(vad, rng, int(job.name)))
    samples: list[Sample] = []
    who = f"{job.name}*{job.throat:.3f}" if job.throat else job.name
    for label, texts in wordings().items():
        every = 6 if label == "request" else 3
        for text in texts[-job.number % every :: every]:
            said = _say(job.program, job.name, job.throat or rng.uniform(0.9, 1.12), text, rng)
            samples += [Sample(cut, label, who, text) for cut in segments(vad, _heard(said, rng))]
    return samples + over_echo(vad, job, who, rng)


def over_echo(vad: SileroVad, job: Job, who: str, rng: Random) -> list[Sample]:
    """Six requests and three signs of listening over our own voice, as the canceller leaves them.

    What is heard where nobody speaks is what is left of us: noise. The canceller has learnt the room for
    4 to 7 s then, as in the benchmark, and `manner` never hears what comes earlier.
    """
    lines = ECHOED.strip().splitlines()
    order = rng.permutation(len(lines))
    sent = np.concatenate([speak(OUR_VOICE, lines[i]) for i in order]) * gain(SENT_DB)
    back = come_back(sent, rng.uniform(-20, -9), int(rng.integers(10, 310)), rng)
    both = back + rng.normal(0, gain(-68), len(back))
    taught = at = round(rng.uniform(4, 7) * HEARING_RATE)
    there: list[tuple[int, int, Label, str]] = []
    for turn in range(9):
        label: Label = "listening" if turn % 3 == 2 else "request"
        text = str(rng.choice(wordings()[label]))
        said = _say(job.program, job.name, job.throat or rng.uniform(0.9, 1.12), text, rng)
        said = np.trim_zeros(np.where(np.abs(said) < 0.01, 0, said)) * gain(rng.uniform(-22, -6))
        at += round(rng.uniform(0.3, 1.2) * HEARING_RATE)
        if at + len(said) > len(both):
            break
        both[at : at + len(said)] += said
        there.append((at, at + len(said), label, text))
        at += len(said) + HEARING_RATE // 2
    left = _cancelled(both[:at], sent)
    samples: list[Sample] = []
    for start, cut in _cut(vad, left, taught):
        stop = start + len(cut) // 2
        met = [each for each in there if each[0] < stop and start < each[1]]
        if not met:
            samples.append(Sample(cut, "noise", who, "echo"))
        elif len(met) == 1 and met[0][1] - met[0][0] > 0.4 * (stop - start):
            samples.append(Sample(cut, met[0][2], who, met[0][3]))
    return samples


def _cancelled(heard: Floats, sent: Floats) -> bytes:
    canceller, out = EchoCanceller(), b""
    wide = soxr.resample(sent, HEARING_RATE, SPEAKING_RATE)
    frames = np.append(wide, np.zeros(-len(wide) % FRAME_SAMPLES)).reshape(-1, FRAME_SAMPLES)
    pcm = (heard * 32_767).clip(-32_768, 32_767).astype("<i2")
    for number in range(len(pcm) // PIECE):
        now = (number + 1) * PIECE / HEARING_RATE
        frame = (frames[number] * 32_767).astype(np.int16) if number < len(frames) else None
        canceller.reference(None if frame is None else np.repeat(frame[:, None], 2, axis=1), now)
        out += canceller.clean(pcm[number * PIECE : (number + 1) * PIECE].tobytes(), now)
    return out


def _noises(vad: SileroVad, rng: Random, part: int) -> Iterator[Sample]:
    """One of NOISE_PARTS."""
    for i in range(160):
        made = (cough, laugh, laugh, clear_throat, breathe)[i % 5](rng)
        changed = peak(soxr.resample(made, HEARING_RATE * rng.uniform(0.8, 1.25), HEARING_RATE))
        for cut in segments(vad, _heard(changed, rng)):
            yield Sample(cut, "noise", f"body {part}", "body")
    makers = [(d, sound(d)) for d in (*HOUSE[IN], *_MORE_SOUNDS)] * 3
    makers += [(s, piece(s)) for s in (*STYLES[IN], *_MORE_STYLES)] * 2
    for description, maker in makers[part::NOISE_PARTS]:
        for cut in segments(vad, _heard(maker(rng), rng)):
            yield Sample(cut, "noise", f"house {part}", description)


def segments(vad: SileroVad, samples: Floats) -> list[bytes]:
    """The utterances that the turn detector hears in it, each with BEFORE_MS and AFTER_MS around."""
    pcm = np.concatenate([samples * 32_767, np.random.default_rng(0).normal(0, 18, _TRAIL)])
    pcm[: len(samples)] += np.random.default_rng(1).normal(0, 10, len(samples))
    return [cut for _, cut in _cut(vad, pcm.clip(-32_768, 32_767).astype("<i2").tobytes(), 0)]


def _cut(vad: SileroVad, data: bytes, begin: int) -> list[tuple[int, bytes]]:
    """The utterances from the sample `begin` on, and where each starts."""
    frames: list[SpeechProbability] = []
    job = vad.open(VadRequest())
    job.feed(Audio(data[2 * begin :]), frames.append)
    detector, cuts = TurnDetector(Rules()), []
    for frame in frames:
        for event in detector.frame(frame):
            if isinstance(event, Ended):
                start = begin + max(0, event.start - BEFORE_MS * HEARING_RATE // 1000)
                stop = begin + event.stop + AFTER_MS * HEARING_RATE // 1000
                cuts.append((start, data[2 * start : 2 * stop]))
    return cuts


def wordings() -> dict[Label, list[str]]:
    """All that is said; what is said more often is in it more than once."""
    return {"listening": _split(LISTENING), "request": _split(REQUESTS)}


def _split(text: str) -> list[str]:
    """Split at the bars that are not between slashes."""
    out: list[str] = []
    for line in text.strip().splitlines():
        out += line.replace("/|/", "/\0/").split("\0") if line.startswith("/") else line.split("|")
    return out


def _throat(name: str, rng: Random) -> float:
    spared = [v.throat for v in (*VOICES[OUT], *VOICES[FRESH]) if v.name == name]
    while True:
        throat = rng.uniform(0.86, 1.2)
        if all(abs(throat - other) > 0.02 for other in spared):
            return float(throat)


def _say(program: str, name: str, throat: float, text: str, rng: Random) -> Floats:
    """Say it, at another speed, pitch and melody each time: HEARING_RATE, peak 1."""
    flite_phones, _, espeak_phones = text.strip("/").partition("|") if text.startswith("/") else ("", "", "")
    speed = rng.uniform(0.75, 1.3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        if program == "flite":
            pitch = {"slt": 170, "rms": 95, "kal16": 105, "kal": 105}[name] * rng.uniform(0.8, 1.3)
            command = ["flite", "-voice", name, "--setf", f"duration_stretch={1 / speed:.3f}"]
            command += ["--setf", f"int_f0_target_mean={pitch:.0f}"]
            command += ["--setf", f"int_f0_target_stddev={rng.uniform(5, 30):.0f}", "-o", str(path)]
            phones = flite_phones or _FLITE_PHONES.get(text, "")
            command += (
                ["-p", f"pau {phones} pau"] if phones else ["-t", text + rng.choice(["", ".", "?", "!"])]
            )
        else:
            voice = f"{rng.choice(_ACCENTS)}+{name}"
            command = [
                "espeak-ng",
                "-v",
                voice,
                "-s",
                f"{160 * speed:.0f}",
                "-p",
                f"{rng.uniform(15, 85):.0f}",
            ]
            phones = espeak_phones or _ESPEAK_PHONES.get(text, "")
            end = rng.choice(["", ".", "?", "!"])
            command += ["-w", str(path), f"[[{phones}]]{end}" if phones else text + end]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own sentences
        samples, rate = soundfile.read(path)
    return peak(soxr.resample(np.asarray(samples, np.float64), rate * throat, HEARING_RATE))


_FLITE_PHONES = {"mm hmm": "ah m hh ah m", "mm": "ah m m", "hm": "hh ah m m"}
_ESPEAK_PHONES = {"mm hmm": "@m'h@m", "mm": "@mm", "hm": "h@mm"}


def _heard(samples: Floats, rng: Random) -> Floats:
    """As a microphone hears it: at some level, in some room, over some noise."""
    if rng.random() < 0.4:
        samples = peak(in_room(samples, rng, reverberation_s=rng.uniform(0.1, 0.5)))
    if rng.random() < 0.5:  # a microphone's colour
        edge = 10 ** rng.uniform(np.log10(60), np.log10(300)), rng.uniform(3_400, 7_900)
        samples = peak(
            np.asarray(sosfilt(butter(1, edge, "bandpass", fs=HEARING_RATE, output="sos"), samples))
        )
    samples = samples * gain(rng.uniform(*LEVELS_DB))
    out = np.concatenate([np.zeros(HEARING_RATE // 2), samples])
    noise = rng.normal(0, 1, len(out))
    if rng.random() < 0.5:
        noise = np.asarray(sosfilt(butter(1, 800, fs=HEARING_RATE, output="sos"), noise)) * 3
    top = min(FLOOR_DB[1], 20 * np.log10(float(np.abs(samples).max())) - 18)
    return np.asarray(out + noise * gain(rng.uniform(FLOOR_DB[0], top)))


def split(who: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which samples are for validation: every eighth speaker."""
    names = sorted(set(who))
    chosen = set(names[3::8])
    return np.array([name in chosen for name in who])
