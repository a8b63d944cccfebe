"""Speech made ready to leave: encoded once, sent by as many sessions as like, in real time by a microphone.

Encoding costs about 0.3 ms for 20 ms of sound and sending a ready packet next to nothing, so a load
client encodes each sentence once and shares the `Speech` between its sessions.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import numpy as np

from client.audio import RATE, Pcm, resample, voiced_span
from client.errors import ClientError
from realtime.transport.audio_formats import RATES, AudioFormat, bytes_of
from realtime.transport.opus import OpusEncoder

TransportName = Literal["webrtc", "websocket"]
Unit = bytes | str  # 20 ms of sound: an Opus packet, or a whole `input_audio_buffer.append` event

FRAME_S = 0.020
FRAME = 960  # samples of RATE
LEAD_FRAMES = 2  # silence ahead of the first sample: a decoder needs a frame to find its feet
TAIL_FRAMES = 5  # and after the last, so that the codec's state has decayed when the shared silence follows
OPUS_LOOKAHEAD = 312  # samples of RATE by which libopus' output lags its input (6.5 ms)
COMPLEXITY = 9  # of libopus, as browsers use for a microphone
SETTLED_FRAMES = 25  # frames after which the encoder says the same for every frame of silence
LONGEST_CATCH_UP_S = 0.2  # a microphone held up for longer drops the time, as a real one would


class Spoken(NamedTuple):
    """When a `Speech` was said, on the event loop's clock (seconds).

    A sample counts as said at the moment a microphone would have heard it: its packet leaves when the last
    of its samples is heard, so the others were heard up to 20 ms before.
    """

    voiced_start: float
    voiced_end: float


@dataclass(frozen=True, slots=True)
class Speech:
    """One utterance for one transport. `voiced_start` and `voiced_end` are samples of RATE in `units`."""

    transport: TransportName
    units: tuple[Unit, ...]
    voiced_start: int
    voiced_end: int
    audio_format: AudioFormat = "audio/pcm"  # inside the events (WebSocket)

    @property
    def seconds(self) -> float:
        """How long it takes to say, the silence around it included."""
        return len(self.units) * FRAME_S


def prepare(pcm: Pcm, transport: TransportName, audio_format: AudioFormat = "audio/pcm") -> Speech:
    """Encode mono int16 at RATE, shape (n,), for a transport. Blocking; about 15 ms a second of sound.

    `audio_format` is what a WebSocket's events carry; over WebRTC it is Opus.

    The whole utterance counts as voiced where no voice is found in it.
    """
    span = voiced_span(pcm, RATE)
    start, stop = (span.start, span.stop) if span else (0, len(pcm))
    lead = LEAD_FRAMES * FRAME
    frames = LEAD_FRAMES + -(-len(pcm) // FRAME) + TAIL_FRAMES
    padded = np.zeros(frames * FRAME, np.int16)
    padded[lead : lead + len(pcm)] = pcm
    if transport == "websocket":
        rate = RATES[audio_format]
        sound, frame = resample(padded, RATE, rate), rate * FRAME // RATE
        pieces = [sound[at : at + frame] for at in range(0, frames * frame, frame)]
        units = tuple(append_event(piece, audio_format) for piece in pieces)
        return Speech(transport, units, lead + start, lead + stop, audio_format)
    delay = lead + OPUS_LOOKAHEAD
    return Speech(transport, encode_opus(padded), delay + start, delay + stop)


def append_event(pcm: Pcm, audio_format: AudioFormat = "audio/pcm") -> str:
    """The protocol event that carries int16 mono at the rate of this format."""
    audio = base64.b64encode(bytes_of(pcm, audio_format)).decode("ascii")
    return json.dumps({"type": "input_audio_buffer.append", "audio": audio})


def encode_opus(pcm: Pcm) -> tuple[bytes, ...]:
    """Encode whole 20 ms frames of mono int16 at RATE into Opus packets, one a frame."""
    encoder = OpusEncoder(channels=1, complexity=COMPLEXITY)
    return tuple(encoder.encode(pcm[at : at + FRAME]) for at in range(0, len(pcm), FRAME))


@cache
def silence(transport: TransportName, audio_format: AudioFormat = "audio/pcm") -> Unit:
    """20 ms of an open microphone in a silent room."""
    if transport == "websocket":
        return append_event(np.zeros(RATES[audio_format] * FRAME // RATE, np.int16), audio_format)
    return encode_opus(np.zeros(SETTLED_FRAMES * FRAME, np.int16))[-1]


class Microphone:
    """Sends 20 ms every 20 ms on an absolute clock: what there is to say, else silence.

    A late wake-up is caught up at once, so the average rate is exact; `late` counts the units that left
    more than half a frame after their time, which tells a benchmark when the client is the bottleneck.
    """

    def __init__(
        self, transport: TransportName, send: Callable[[Unit], None], audio_format: AudioFormat = "audio/pcm"
    ) -> None:
        self.late = 0
        self.sent = 0
        self._send = send
        self._silence = silence(transport, audio_format)
        self._loop = asyncio.get_running_loop()
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._speech: Speech | None = None
        self._position = 0
        self._departures: dict[int, float] = {}
        self._said: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Open the microphone."""
        if self._timer is None:
            self._next_at = self._loop.time()
            self._tick()

    def stop(self, failure: ClientError) -> None:
        """Close the microphone; an utterance under way is cut, and whoever awaits it gets `failure`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._said is not None and not self._said.done():
            self._said.set_exception(failure)

    async def say(self, speech: Speech) -> Spoken:
        """Say one utterance and wait until its last unit has left. Cancelling cuts it short.

        Raises:
            RuntimeError: the microphone is closed, or is saying something else.
            ClientError: the microphone was closed meanwhile.
        """
        if self._timer is None:
            raise RuntimeError("the microphone is closed")
        if self._speech is not None:
            raise RuntimeError("the microphone is already saying something")
        self._speech, self._position = speech, 0
        self._departures = {}
        said = self._said = self._loop.create_future()
        try:
            await said
        finally:
            self._speech = self._said = None
        return Spoken(self._moment(speech.voiced_start), self._moment(speech.voiced_end))

    def _moment(self, sample: int) -> float:
        """When `sample` of the utterance was heard by this microphone."""
        unit = max(0, sample - 1) // FRAME
        return self._departures[unit] - ((unit + 1) * FRAME - sample) / RATE

    def _tick(self) -> None:
        now = self._loop.time()
        if now - self._next_at > LONGEST_CATCH_UP_S:
            self._next_at = now
        while self._next_at <= now:
            if now - self._next_at > FRAME_S / 2:
                self.late += 1
            self._send(self._unit(now))
            self.sent += 1
            self._next_at += FRAME_S
        self._timer = self._loop.call_at(self._next_at, self._tick)

    def _unit(self, now: float) -> Unit:
        speech = self._speech
        if speech is None or self._said is None or self._said.done():
            return self._silence
        unit = speech.units[self._position]
        for sample in (speech.voiced_start, speech.voiced_end):
            if max(0, sample - 1) // FRAME == self._position:
                self._departures[self._position] = now
        self._position += 1
        if self._position == len(speech.units):
            self._said.set_result(None)
        return unit
