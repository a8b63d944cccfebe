from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models import api
from models.engine import wire
from models.plan import MusicBrief

messages = st.one_of(
    st.builds(wire.Credit, st.integers(0, 2**31), st.integers(0, 1000)),
    st.builds(wire.Close, st.integers(0, 2**31)),
    st.builds(wire.Feed, st.integers(0, 9), st.builds(api.Audio, st.binary(max_size=2000), st.booleans())),
    st.just(wire.Open(1, api.MusicRequest(MusicBrief(style="waltz", tempo=90, without=("drums",)), 7), 4)),
)


@given(st.lists(messages, max_size=10), st.lists(st.integers(0, 5000), max_size=20))
def test_messages_survive_any_cut_of_the_byte_stream(sent: list[wire.ToHost], cuts: list[int]) -> None:
    data = b"".join(wire.pack(message) for message in sent)
    borders = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    splitter = wire.Splitter()
    received = [
        wire.to_host.decode(body)
        for begin, end in pairwise(borders)
        for body in splitter.feed(data[begin:end])
    ]
    assert received == sent
