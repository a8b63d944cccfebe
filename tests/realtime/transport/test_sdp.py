"""Offers, good, poor and mutilated."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.transport.aiortc_hooks import NoAddressError
from realtime.transport.sdp import MAX_CANDIDATES, MAX_OFFER, OfferError, check_offer, with_opus_settings
from realtime.transport.webrtc import MediaSettings, answer

# What Chromium 13x offers for one microphone and one data channel, shortened.
OFFER = """v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS 3f0c
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2113937151 8fb1b2c4-1b1c-4a5e-9d6d-0a6a5c1b7e11.local 51544 typ host generation 0
a=candidate:2 1 udp 1677729535 203.0.113.9 51544 typ srflx raddr 0.0.0.0 rport 0 generation 0
a=end-of-candidates
a=ice-ufrag:Eym3
a=ice-pwd:Q+ATLoi2/JZmWNFZg8WqDdf6
a=ice-options:trickle
a=fingerprint:sha-256 @
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:3f0c 5a7d
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:3735928559 cname:wKYZ
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:Eym3
a=ice-pwd:Q+ATLoi2/JZmWNFZg8WqDdf6
a=fingerprint:sha-256 @
a=setup:actpass
a=mid:1
a=sctp-port:5000
a=max-message-size:262144
""".replace("@", ":".join(["7B"] * 32))
LINES = OFFER.splitlines()
SETTINGS = MediaSettings(addresses=("127.0.0.1",))
NO_AUDIO = OFFER.replace("m=audio 9", "m=video 9").replace("rtpmap:111 opus/48000/2", "rtpmap:111 VP8/90000")


async def test_a_browsers_offer_is_answered() -> None:
    link, sdp = await answer(OFFER, SETTINGS)
    await link.aclose()
    assert "m=audio" in sdp
    assert "UDP/TLS/RTP/SAVPF 111\r\n" in sdp
    assert "a=fmtp:111 minptime=10;useinbandfec=1;sprop-stereo=1\r\n" in sdp
    assert "m=application" in sdp


async def test_a_client_that_only_listens_is_answered() -> None:
    link, sdp = await answer(OFFER.replace("a=sendrecv", "a=recvonly"), SETTINGS)
    await link.aclose()
    assert "a=sendonly" in sdp


async def test_no_direction_means_both() -> None:
    link, sdp = await answer(OFFER.replace("a=sendrecv\n", ""), SETTINGS)
    await link.aclose()
    assert "a=sendrecv" in sdp


def with_more(*, first: bool) -> str:
    """The offer with a camera and a second microphone, before or behind the rest."""
    start, data = OFFER.index("m=audio"), OFFER.index("m=application")
    audio = OFFER[start:data]
    video = (
        audio.replace("m=audio", "m=video").replace("opus/48000/2", "VP8/90000").replace("a=mid:0", "a=mid:v")
    )
    again = audio.replace("a=mid:0", "a=mid:a")
    head = OFFER[:start].replace("BUNDLE 0 1", "BUNDLE v 0 1 a" if first else "BUNDLE 0 1 v a")
    more = (video, audio, OFFER[data:], again) if first else (audio, OFFER[data:], video, again)
    return head + "".join(more)


@pytest.mark.parametrize(
    ("first", "ports", "mids"), [(True, "0 9 9 0", "v 0 1 a"), (False, "9 9 0 0", "0 1 v a")]
)
async def test_what_we_do_not_want_is_rejected_in_its_place(first: bool, ports: str, mids: str) -> None:
    link, sdp = await answer(with_more(first=first), SETTINGS)
    await link.aclose()
    sections = [line.split() for line in sdp.splitlines() if line.startswith("m=")]
    assert ["0" if words[1] == "0" else "9" for words in sections] == ports.split()
    assert [line[6:] for line in sdp.splitlines() if line.startswith("a=mid:")] == mids.split()
    assert "a=group:BUNDLE 0 1\r\n" in sdp
    assert sdp.count("a=inactive") == 2
    assert sdp.count("a=sendrecv") == 1


def test_hidden_candidates_and_the_end_of_candidates_are_left_out() -> None:
    cleaned = check_offer(OFFER).sdp
    assert ".local" not in cleaned
    assert "end-of-candidates" not in cleaned
    assert "203.0.113.9" in cleaned


def test_candidates_are_limited() -> None:
    line = next(line for line in LINES if "srflx" in line)
    cleaned = check_offer(OFFER.replace(line, "\n".join([line] * 100))).sdp
    assert cleaned.count("a=candidate:") == MAX_CANDIDATES


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        ("", "no SDP offer"),
        ("{}", "no SDP offer"),
        ("v=0" + "\n" * MAX_OFFER, "characters"),
        ("v=0\n", "no audio"),
        (NO_AUDIO, "no audio"),
        (OFFER.replace("opus/48000/2", "speex/16000"), "no Opus"),
        (OFFER + OFFER[OFFER.index("m=audio") : OFFER.index("m=application")], "sections"),
        (OFFER.replace("a=group:BUNDLE 0 1\n", ""), "bundled"),
        (OFFER.replace("a=mid:1", "a=mid:0"), "bundled"),
        (OFFER.replace("a=mid:1", "a=mid:0").replace("BUNDLE 0 1", "BUNDLE 0 0"), "same a=mid"),
        (OFFER.replace("a=ice-ufrag:Eym3\n", ""), "ice-ufrag"),
        (OFFER.replace("a=setup:actpass\n", ""), "a=setup"),
        ("\n".join(line for line in LINES if "fingerprint" not in line), "fingerprint"),
        (OFFER.replace("a=rtcp-mux\n", ""), "rtcp-mux"),
        (OFFER.replace("m=audio 9", "m=audio nine"), "malformed"),
        (OFFER.replace("a=rtpmap:111 opus/48000/2\n", ""), "malformed"),
        (OFFER.replace("a=setup:actpass", "a=setup:sometimes"), "malformed"),
    ],
)
def test_a_poor_offer_is_refused_with_what_it_lacks(offer: str, words: str) -> None:
    with pytest.raises(OfferError, match=words):
        check_offer(offer)


def test_opus_settings_go_below_the_rtpmap() -> None:
    assert with_opus_settings("a=rtpmap:96 opus/48000/2\r\na=mid:0\r\n").splitlines() == [
        "a=rtpmap:96 opus/48000/2",
        "a=fmtp:96 minptime=10;useinbandfec=1;sprop-stereo=1",
        "a=mid:0",
    ]


@st.composite
def mutilated(draw: st.DrawFn) -> str:
    """The offer with lines dropped, doubled, swapped, cut short, or overwritten."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        change = draw(st.sampled_from(["drop", "double", "swap", "cut", "overwrite", "word"]))
        if change == "drop":
            del lines[at]
        elif change == "double":
            lines.insert(at, lines[at])
        elif change == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif change == "cut":
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        elif change == "overwrite":
            lines[at] = draw(st.text(max_size=40))
        else:
            words = lines[at].split(" ")
            words[draw(st.integers(0, len(words) - 1))] = draw(
                st.sampled_from(["", "-1", "0", "99999999999999999999", "a=mid:", "é", "127.0.0.1", "*"])
            )
            lines[at] = " ".join(words)
    return "\n".join(lines)


@given(mutilated())
@settings(max_examples=150, deadline=None)
def test_a_mutilated_offer_is_answered_or_refused_but_never_breaks(offer: str) -> None:
    async def attempt() -> None:
        try:
            link, sdp = await answer(offer, SETTINGS)
        except (OfferError, NoAddressError):
            return
        assert sdp.startswith("v=0")
        await link.aclose()

    unhandled: list[dict[str, object]] = []

    async def attempt_and_listen() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: unhandled.append(context))
        await attempt()

    asyncio.run(attempt_and_listen())
    assert unhandled == []
