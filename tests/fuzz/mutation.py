"""Wrong messages, made out of right ones by a seeded generator: the same seed makes the same messages."""

from __future__ import annotations

import base64
import copy
import json
from random import Random
from typing import Any

MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
FUNCTION = {"type": "function", "name": "look", "description": "looks", "parameters": {"type": "object"}}
SESSION: dict[str, Any] = {
    "type": "realtime",
    "instructions": "be brief",
    "output_modalities": ["audio"],
    "tools": [FUNCTION],
    "tool_choice": "auto",
    "max_output_tokens": 100,
    "truncation": "auto",
    "tracing": "auto",
    "prompt": {"id": "pmpt_1"},
    "include": ["item.input_audio_transcription.logprobs"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "transcription": {"model": "whisper-1", "language": "en", "prompt": "names"},
            "noise_reduction": {"type": "near_field"},
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 300,
                "idle_timeout_ms": 5_000,
                "create_response": True,
                "interrupt_response": True,
            },
        },
        "output": {"voice": "slt", "speed": 1.2, "format": {"type": "audio/pcmu"}},
    },
}
SOUND = base64.b64encode(bytes(960)).decode()
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)
EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "session.update", "session": SESSION},
    {"type": "input_audio_buffer.append", "audio": SOUND},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "conversation.item.create", "item": MESSAGE, "previous_item_id": "root"},
    {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": SOUND}]},
    },
    {
        "type": "conversation.item.create",
        "item": {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_image", "image_url": PICTURE}],
        },
    },
    {
        "type": "conversation.item.create",
        "item": {"type": "function_call_output", "call_id": "call_1", "output": "{}"},
    },
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": 10},
    {"type": "conversation.item.delete", "item_id": "item_1"},
    {
        "type": "response.create",
        "response": {
            "instructions": "sing",
            "conversation": "none",
            "metadata": {"topic": "x"},
            "input": [MESSAGE, {"type": "item_reference", "id": "item_1"}],
            "output_modalities": ["text"],
            "tools": [FUNCTION],
            "tool_choice": {"type": "function", "name": "look"},
            "max_output_tokens": "inf",
            "audio": {"output": {"voice": "slt", "format": {"type": "audio/pcm", "rate": 24_000}}},
        },
    },
    {"type": "response.cancel", "response_id": "resp_1"},
    {"type": "output_audio_buffer.clear"},
)
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3.5, 1e308, -1e308, 10**30, -(10**30), 2**31, 2**63, float("nan"),
    float("inf"), "", "0", "a" * 5_000, "\x00", "\ud800", "\udfff\ud800", "\u202e", "\U0001f389",
    "../../etc/passwd", "%s%n", "item_1", "auto", "inf", "data:image/png;base64,AAAA", "====", "A",
    [], {}, [[]], [None], {"type": "message"}, {"": ""},
)  # fmt: skip
KEYS = ("event_id", "id", "type", "item_id", "extra", "", "\ud800", "__class__", "session", "audio")


class Mutator:
    """Wrong events, offers and bodies. `random` decides everything."""

    def __init__(self, random: Random, ids: list[str] | None = None) -> None:
        self.random = random
        self.ids = ids if ids is not None else []  # of real items, so that some of it hits

    def event(self) -> str | bytes:
        """An event: mostly a valid one with something changed; sometimes no JSON, no text, or huge."""
        roll = self.random.random()
        if roll < 0.06:
            return self._garbage()
        if roll < 0.1:
            return self._deep()
        event = self.value(self._valid(), changes=0 if roll < 0.3 else self.random.randint(1, 4))
        text = json.dumps(event, ensure_ascii=self.random.random() < 0.7)
        if roll > 0.97:
            text = self._damaged(text)
        if roll > 0.94:
            return text.encode("utf-8", "surrogatepass")
        return text if self._sendable(text) else text.encode("utf-8", "replace").decode()

    def value(self, value: Any, changes: int) -> Any:
        """A copy of a JSON value with so many changes at random places."""
        value = copy.deepcopy(value)
        for _ in range(changes):
            path = self.random.choice(places(value) or [("type",)])
            inside = value
            for key in path[:-1]:
                inside = inside[key]
            match self.random.choice(["replace", "replace", "remove", "add", "twice", "wrap"]):
                case "replace":
                    inside[path[-1]] = copy.deepcopy(self.random.choice(ODD))
                case "remove" if isinstance(inside, dict):
                    inside.pop(path[-1], None)
                case "add" if isinstance(inside, dict):
                    inside[self.random.choice(KEYS)] = copy.deepcopy(self.random.choice(ODD))
                case "twice" if isinstance(inside, list):
                    inside.extend(inside[:1] * self.random.choice([1, 2, 300]))
                case _ if path[-1] in inside if isinstance(inside, dict) else True:
                    inside[path[-1]] = self.random.choice([lambda v: [v], lambda v: {"a": v}, str])(
                        inside[path[-1]]
                    )
        return value

    def offer(self, offer: str) -> str:
        """An SDP offer with some lines removed, doubled, swapped, enlarged, or with other contents."""
        lines = offer.splitlines()
        for _ in range(self.random.choice([0, 1, 1, 2, 3, 8])):
            at = self.random.randrange(len(lines)) if lines else 0
            if not lines:
                break
            match self.random.randrange(9):
                case 0:
                    del lines[at]
                case 1:
                    lines[at:at] = [lines[at]] * self.random.choice([1, 2, 500])
                case 2:
                    other = self.random.randrange(len(lines))
                    lines[at], lines[other] = lines[other], lines[at]
                case 3:
                    lines[at] += self.random.choice(["x" * 20_000, " 99999999999", "\x00", ":::", "=", " é"])
                case 4:
                    lines[at] = lines[at][: self.random.randrange(len(lines[at]) + 1)]
                case 5:
                    lines.insert(at, self.random.choice(LINES))
                case 6:
                    words = lines[at].split(" ")
                    words[self.random.randrange(len(words))] = self.random.choice(WORDS)
                    lines[at] = " ".join(words)
                case 7:
                    old, new = self.random.choice(SWAPS)
                    lines = [line.replace(old, new) for line in lines]
                case 8:
                    lines = lines[:at] if self.random.random() < 0.3 else lines[at:] + lines[:at]
        return self.random.choice(["\r\n", "\r\n", "\r\n", "\n"]).join(lines) + "\r\n"

    def _valid(self) -> dict[str, Any]:
        event = copy.deepcopy(self.random.choice(EVENTS))
        if self.ids and "item_id" in event:
            event["item_id"] = self.random.choice(self.ids)
        if self.random.random() < 0.7:
            event["event_id"] = f"event_{self.random.randrange(10**6)}"
        return event

    def _garbage(self) -> str | bytes:
        size = self.random.choice([0, 1, 20, 3_000])
        noise = self.random.randbytes(size)
        return noise if self.random.random() < 0.5 else noise.decode("latin-1")

    def _deep(self) -> str:
        depth = self.random.choice([40, 1_000, 50_000])
        opened, closed = self.random.choice([("[", "]"), ('{"a":', "}")])
        middle = "1" if opened != "[" else ""
        body = opened * depth + middle + closed * self.random.choice([depth, depth - 1])
        return body if self.random.random() < 0.5 else f'{{"type": "session.update", "session": {body}}}'

    def _damaged(self, text: str) -> str:
        at = self.random.randrange(len(text) + 1)
        return self.random.choice([text[:at], text[at:], text[:at] + "\\ud800" + text[at:], text * 2])

    @staticmethod
    def _sendable(text: str) -> bool:
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
        return True


LINES = (
    "a=candidate:1 1 udp 2130706431 999.999.999.999 99999 typ host",
    "a=candidate:1 1 udp 2130706431 ::1 9 typ host",
    "a=candidate:1 1 udp 2130706431 example.invalid 9 typ host",
    "a=candidate:x y z",
    "a=candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
    "a=ice-ufrag:" + "u" * 300,
    "a=ice-ufrag:",
    "a=ice-pwd:p",
    "a=ice-options:trickle renomination",
    "a=ice-lite",
    "a=setup:passive",
    "a=setup:holdconn",
    "a=fingerprint:sha-256 00:11",
    "a=fingerprint:md5 " + ":".join(["AA"] * 16),
    "a=sctp-port:0",
    "a=max-message-size:0",
    "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:x y",
    "a=fmtp:111 minptime=-1;useinbandfec=x",
    "a=extmap:0 urn:x",
    "a=extmap:300 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=ssrc:99999999999999 cname:x",
    "a=group:BUNDLE 0 0 9",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "m=audio 9 UDP/TLS/RTP/SAVPF 0",
    "m=application 9 DTLS/SCTP 5000",
    "m=",
    "m=audio",
    "a=mid:",
    "a=rtcp-fb:* x",
    "c=IN IP6 ::",
    "=",
    "\x00",
)
WORDS = (
    "",
    "0",
    "-1",
    "99999999999999999999",
    "x",
    "é",
    "127.0.0.1",
    "UDP/TLS/RTP/SAVPF",
    "audio",
    "*",
    "\x7f",
)
SWAPS = (
    ("opus/48000/2", "opus/8000/1"),
    ("opus", "speex"),
    ("SAVPF", "AVP"),
    ("audio", "video"),
    ("sendrecv", "inactive"),
    ("actpass", "passive"),
    ("sha-256", "sha-999"),
    ("UDP", "TCP"),
    ("127.0.0.1", "0.0.0.0"),
    ("typ host", "typ relay"),
    ("webrtc-datachannel", "x"),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inside for found in [(*path, key), *places(item, (*path, key))]]
