"""Looking through a client's offer before aiortc sees it, and putting Opus' settings into our answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from aiortc import RTCSessionDescription
from aiortc.sdp import MediaDescription, SessionDescription

MAX_OFFER = 64 * 1024  # characters; browsers' offers have 2 to 6 thousand
MAX_CANDIDATES = 32  # each makes us send connectivity checks to an address of the client's choice

# We want in-band FEC and may send stereo (RFC 7587, 6.1). There is no stereo=1: in an answer it asks for a
# stereo microphone, which made Chromium 156 send 47 kbit/s where it sends 25 without. Whether Chromium
# *decodes* stereo depends on its own offer alone: a page that wants to hear music in stereo has to add
# stereo=1 to the a=fmtp of Opus before setLocalDescription.
OPUS_FMTP = "minptime=10;useinbandfec=1;sprop-stereo=1"

# What aiortc's parser raises for the many ways in which a line can be wrong. StopIteration comes from an
# a=fmtp for a payload type that no a=rtpmap describes.
PARSE_ERRORS = (
    ValueError,
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    StopIteration,
    OverflowError,
)


class Rejected(NamedTuple):
    """A section of the offer that is refused: its place, and the m= line and a=mid of the answer."""

    place: int
    media: str
    mid: str


class OfferError(ValueError):
    """The client's SDP offer cannot be answered. The message says what it lacks."""


def check_offer(sdp: str) -> RTCSessionDescription:
    """Return the offer, fit for `setRemoteDescription`. Raises `OfferError`.

    Wanted is an audio section with Opus and at most one section for data channels, bundled. Left out are

    - further sections of audio, and all video: see `rejected_sections`;

    - candidates named `*.local`: browsers hide their addresses that way, resolving them takes a second or
      fails, and the browser's own checks reveal its address as soon as it has our answer;
    - `a=end-of-candidates`, for the same reason: with it, ICE would fail at once if no candidate is left.
    """
    if len(sdp) > MAX_OFFER:
        raise OfferError(f"The offer has {len(sdp)} characters; at most {MAX_OFFER} are accepted.")
    if not sdp.startswith("v=0"):
        raise OfferError("The body is no SDP offer: it does not begin with 'v=0'.")
    lines = _without_hidden_candidates(sdp.splitlines())
    try:
        description = SessionDescription.parse("\r\n".join(lines))
    except PARSE_ERRORS as error:
        raise OfferError(f"The SDP offer is malformed: {type(error).__name__}: {error}") from error
    _check_sections(description)
    lines = _without_rejected(lines)
    if any(media.kind == "audio" and media.direction is None for media in description.media):
        # Without a direction it is sendrecv (RFC 8866, 6.7); aiortc would break on it.
        audio = next(index for index, line in enumerate(lines) if line.startswith("m=audio"))
        lines.insert(audio + 1, "a=sendrecv")
    return RTCSessionDescription(sdp="\r\n".join(lines) + "\r\n", type="offer")


def rejected_sections(sdp: str) -> list[Rejected]:
    """The sections of an offer beyond the first audio and the first data channel section.

    They are not given to aiortc, which would receive them; `with_rejected` puts the refusal into the answer.
    """
    _, sections = _split(sdp.splitlines())
    kinds = [_kind(section) for section in sections]
    kept = {kinds.index(kind) for kind in ("audio", "application") if kind in kinds}
    return [
        Rejected(index, re.sub(r"^(m=\S+) \d+", r"\1 0", section[0]), _mid(section))
        for index, section in enumerate(sections)
        if index not in kept
    ]


def with_rejected(answer: str, rejected: Sequence[Rejected]) -> str:
    """The answer with the rejected sections, port 0 (RFC 3264, 6), in their places."""
    head, sections = _split(answer.splitlines())
    for index, media, mid in rejected:
        refusal = [media, "c=IN IP4 0.0.0.0", "a=inactive"]
        sections.insert(index, [*refusal, f"a=mid:{mid}"] if mid else refusal)
    return "".join(f"{line}\r\n" for part in (head, *sections) for line in part)


def _without_rejected(lines: list[str]) -> list[str]:
    rejected = rejected_sections("\n".join(lines))
    if not rejected:
        return lines
    head, sections = _split(lines)
    mids = {section.mid for section in rejected}
    places = {section.place for section in rejected}
    head = [
        " ".join(word for word in line.split() if word not in mids)
        if line.startswith("a=group:BUNDLE")
        else line
        for line in head
    ]
    kept = [section for index, section in enumerate(sections) if index not in places]
    return [*head, *(line for section in kept for line in section)]


def _split(lines: list[str]) -> tuple[list[str], list[list[str]]]:
    """The lines of the session, and those of each section, its m= line first."""
    head: list[str] = []
    sections: list[list[str]] = []
    for line in lines:
        if line.startswith("m="):
            sections.append([line])
        elif line:
            (sections[-1] if sections else head).append(line)
    return head, sections


def _kind(section: list[str]) -> str:
    return section[0][2:].partition(" ")[0]


def _mid(section: list[str]) -> str:
    return next((line.removeprefix("a=mid:") for line in section if line.startswith("a=mid:")), "")


def _without_hidden_candidates(lines: list[str]) -> list[str]:
    kept = []
    candidates = 0
    for line in lines:
        if line.startswith("a=end-of-candidates"):
            continue
        if line.startswith("a=candidate:"):
            fields = line.split()
            if len(fields) > 4 and fields[4].endswith(".local"):
                continue
            candidates += 1
            if candidates > MAX_CANDIDATES:
                continue
        if line:
            kept.append(line)
    return kept


def _check_sections(description: SessionDescription) -> None:
    kinds = [media.kind for media in description.media]
    if "audio" not in kinds:
        raise OfferError("The offer has no audio: add an audio track or transceiver before createOffer.")
    mids = [media.rtp.muxId for media in description.media]
    bundles = [list(group.items) for group in description.group if group.semantic == "BUNDLE"]
    if (len(mids) > 1 or bundles) and (not all(mids) or [sorted(b) for b in bundles] != [sorted(mids)]):
        raise OfferError("The offer's sections have to be bundled: one a=group:BUNDLE with each a=mid once.")
    if len(set(mids)) < len(mids):
        raise OfferError("Two of the offer's sections have the same a=mid.")
    for kind in ("audio", "application"):
        if kind in kinds:
            _check_transport(description.media[kinds.index(kind)])
    _check_audio(description.media[kinds.index("audio")])


def _check_transport(media: MediaDescription) -> None:
    if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
        raise OfferError(f"The offer's {media.kind} section has no a=ice-ufrag or no a=ice-pwd.")
    if media.dtls is None or not media.dtls.fingerprints:
        raise OfferError(f"The offer's {media.kind} section has no a=fingerprint or no a=setup.")


def _check_audio(audio: MediaDescription) -> None:
    if not any(c.mimeType.lower() == "audio/opus" and c.clockRate == 48_000 for c in audio.rtp.codecs):
        raise OfferError("The offer's audio section has no Opus (a=rtpmap:... opus/48000/2), all we speak.")
    if not audio.rtcp_mux:
        raise OfferError("The offer's audio section has no a=rtcp-mux.")


def with_opus_settings(answer: str) -> str:
    """Put OPUS_FMTP below the answer's Opus, as aiortc negotiates no parameters for it."""
    return re.sub(
        r"(?m)^a=rtpmap:(\d+) opus/48000/2(\r?\n)",
        lambda m: f"{m[0]}a=fmtp:{m[1]} {OPUS_FMTP}{m[2]}",
        answer,
    )
