"""What a client puts into a message of the person: text, sound and pictures, read and checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from openai.types.realtime.realtime_conversation_item_user_message import Content

from realtime.artefacts import Sound
from realtime.protocol import ProtocolError
from realtime.transport.audio_formats import RATES, AudioFormat, from_base64, samples_of
from realtime.transport.narrowband import Widener

MOST_TEXT = 8_000  # characters of a typed message: some minutes of speech
MOST_PARTS = 16  # of one message
LEAST_MS = 100  # of sound: less holds no word; the protocol's own server refuses to commit less
LARGE = 100_000  # characters of base64 from which reading takes a millisecond: not on the event loop

# A picture is what its first bytes say, whatever it is called (PNG 3rd edition, 5.2; JPEG, ITU-T T.81,
# B.1.1.3; WebP, RFC 9649, 2.4).
_PICTURES: Sequence[tuple[str, re.Pattern[bytes]]] = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
)
_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]*/?[\w.+-]*)(;[\w.+-]+=[\w.+-]*)*;base64,", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one item may hold: s of all its sound, and bytes of each picture."""

    seconds: float
    image: int


@dataclass(frozen=True, slots=True)
class GivenSound:
    """A sound as it came, and for the recogniser: int16 mono at HEARING_RATE."""

    index: int  # of the content part
    sound: Sound
    heard: bytes
    transcript: str  # empty when the client gave none


@dataclass(frozen=True, slots=True)
class GivenPicture:
    """A picture's bytes, and what they are ("image/png")."""

    index: int
    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Contents:
    """A message: `parts` in the protocol's form, without what is large, and `words` of each."""

    parts: list[dict[str, Any]]
    words: list[str]
    sounds: tuple[GivenSound, ...] = ()
    pictures: tuple[GivenPicture, ...] = ()

    @property
    def seconds(self) -> float:
        """How long the sounds are."""
        return sum(given.sound.seconds for given in self.sounds)

    @property
    def text(self) -> str:
        """The words so far; those of a sound may still be to come."""
        return "\n".join(words for words in self.words if words).strip()


def is_large(content: Sequence[Content]) -> bool:
    """Whether `read_contents` should not be called on the event loop."""
    return sum(len(part.audio or "") + len(part.image_url or "") for part in content) >= LARGE


def read_contents(content: Sequence[Content], form: AudioFormat, limits: Limits) -> Contents:
    """Read the parts of a message; `form` is what its sounds are coded in. Raises `ProtocolError`.

    Takes 24 ms for a minute of sound (see `is_large`).
    """
    if len(content) > MOST_PARTS:
        raise _refusal(f"the message has {len(content)} parts; the limit is {MOST_PARTS}", "item_too_long")
    parts: list[dict[str, Any]] = []
    words: list[str] = []
    sounds: list[GivenSound] = []
    pictures: list[GivenPicture] = []
    for index, part in enumerate(content):
        transcript = (part.transcript or "").strip()
        if part.type == "input_image" or part.image_url is not None:
            pictures.append(_picture(index, part.image_url or "", limits))
            parts.append({"type": "input_image", "detail": part.detail or "auto"})
            words.append("")
        elif part.type == "input_audio" or part.audio is not None:
            if part.audio is not None or not transcript:  # else: of an earlier conversation, by its words
                sounds.append(_sound(index, part.audio or "", transcript, form))
            parts.append({"type": "input_audio", "transcript": transcript or None})
            words.append(transcript)
        else:
            words.append((part.text or "").strip() or transcript)
            parts.append({"type": "input_text", "text": part.text or transcript})
    contents = Contents(parts, words, tuple(sounds), tuple(pictures))
    if contents.seconds > limits.seconds:
        raise _refusal(
            f"the message has {contents.seconds:.1f} s of audio; the limit is {limits.seconds:g} s. "
            "Send the audio in several items",
            "audio_too_long",
        )
    _check_text(contents)
    return contents


def _check_text(contents: Contents) -> None:
    text = contents.text
    if not text and not contents.sounds and not contents.pictures:
        raise _refusal("the message has no text; give content [{type: input_text, text: …}]", "empty_item")
    if len(text) > MOST_TEXT:
        raise _refusal(f"the message has {len(text)} characters; the limit is {MOST_TEXT}", "item_too_long")


def _sound(index: int, audio: str, transcript: str, form: AudioFormat) -> GivenSound:
    try:
        samples = samples_of(from_base64(audio), form)
    except ValueError as error:
        raise _refusal(str(error), "invalid_audio", f"{index}.audio") from None
    rate = RATES[form]
    if len(samples) < rate * LEAST_MS // 1000:
        milliseconds = len(samples) * 1000 // rate
        raise _refusal(
            f"the audio has {milliseconds} ms; give at least {LEAST_MS} ms of base64 {form} at {rate} Hz",
            "empty_audio",
            f"{index}.audio",
        )
    widener = Widener(rate)
    heard = np.concatenate([widener.feed(samples), widener.flush()])
    return GivenSound(index, Sound(samples.tobytes(), rate), heard.tobytes(), transcript)


def _picture(index: int, url: str, limits: Limits) -> GivenPicture:
    param = f"{index}.image_url"
    found = _DATA_URL.match(url)
    if found is None:
        raise _refusal(
            "an image is given as a data URL, data:image/png;base64,…; nothing is fetched from elsewhere",
            "invalid_image",
            param,
        )
    if (len(url) - found.end()) * 3 // 4 > limits.image + 2:
        raise _refusal(
            f"the image has more than {limits.image} bytes; make it smaller", "image_too_large", param
        )
    try:
        data = from_base64(url[found.end() :])
    except ValueError as error:
        raise _refusal(str(error).replace("audio", "image", 1), "invalid_image", param) from None
    media_type = next((kind for kind, mark in _PICTURES if mark.match(data)), None)
    if media_type is None:
        raise _refusal(
            "the image is no PNG, JPEG or WebP, by its first bytes; convert it", "invalid_image", param
        )
    return GivenPicture(index, data, media_type)


def _refusal(message: str, code: str, where: str = "") -> ProtocolError:
    return ProtocolError(message, code=code, param=f"item.content.{where}" if where else "item.content")
