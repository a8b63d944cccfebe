"""Side channels on the virtual clock: everybody sees all events, and everybody is obeyed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from realtime.config import SecuritySettings
from realtime.security.limits import EVENT_BURST, Limits
from realtime.transport.link import InputAudio
from realtime.transport.side_channel import (
    EVENTS_WAITING,
    MOST,
    SharedLink,
    SharedResumableLink,
    TooManyError,
)
from tests.fakes import FakeLink, Words
from tests.virtual_clock import play

SETTINGS = SecuritySettings(events_per_second=10, audio_per_minute=60)
BURST = 10 * EVENT_BURST


class Line(FakeLink):
    """A connection that can be replaced."""

    farewell = False
    last_sign = 0.0
    recalled_ms = 0.0

    def drop(self) -> None:
        self._events.put_nowait(None)
        self._audio.put_nowait(None)

    def hears(self, seconds: float) -> None:
        self._audio.put_nowait(InputAudio(bytes(int(seconds * 16_000) * 2)))


class Scene:
    """A call with its own client and `watchers` side channels; what the session would read is in `obeyed`."""

    def __init__(self, kind: str, resumable: bool, watchers: int) -> None:
        loop = asyncio.get_running_loop()
        self.client = Line(Words(), kind)
        self.watchers = [Line(Words(), "websocket") for _ in range(watchers)]
        meter = Limits(SETTINGS, loop.time).meter("")
        self.link: SharedLink | SharedResumableLink = (
            SharedResumableLink(self.client, "token", 20.0, meter)  # type: ignore[arg-type]
            if resumable
            else SharedLink(self.client, meter)  # type: ignore[arg-type]
        )
        self.obeyed: list[str] = []
        self.over = asyncio.Event()

    async def read(self) -> None:
        async for event in self.link.events():
            self.obeyed.append(json.loads(event)["type"])
        self.over.set()


def with_call(
    visit: Callable[[Scene], Coroutine[Any, Any, None]],
    *,
    kind: str = "webrtc",
    resumable: bool = False,
    watchers: int = 2,
) -> None:
    async def dialogue() -> None:
        scene = Scene(kind, resumable, watchers)
        for watcher in scene.watchers:
            scene.link.side.join(watcher)
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.read())
            await visit(scene)
            await scene.link.aclose()
        assert scene.over.is_set()
        assert all(link.closed for link in (scene.client, *scene.watchers))

    play(dialogue())


@pytest.fixture(params=[False, True], ids=["plain", "resumable"])
def resumable(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_all_see_what_is_sent_and_all_are_obeyed(resumable: bool) -> None:
    async def visit(scene: Scene) -> None:
        scene.link.send('{"type": "one"}')
        scene.client.send_event(type="from the client")
        scene.watchers[0].send_event(type="from the first")
        await asyncio.sleep(1)
        scene.watchers[1].send_event(type="from the second")
        await asyncio.sleep(1)
        assert [link.types() for link in (scene.client, *scene.watchers)] == [["one"]] * 3
        assert sorted(scene.obeyed[:2]) == ["from the client", "from the first"]
        assert scene.obeyed[2:] == ["from the second"]

    with_call(visit, resumable=resumable)


def test_a_side_channel_that_leaves_is_no_loss_to_the_call(resumable: bool) -> None:
    async def visit(scene: Scene) -> None:
        scene.watchers[0].drop()
        await asyncio.sleep(1)
        scene.link.send('{"type": "one"}')
        assert [link.types() for link in (scene.client, *scene.watchers)] == [["one"], [], ["one"]]
        scene.client.send_event(type="still here")
        await asyncio.sleep(1)
        assert scene.obeyed == ["still here"]
        await scene.watchers[0].aclose()  # as its own route does

    with_call(visit, resumable=resumable)


def test_a_call_whose_client_leaves_is_over_for_its_side_channels_too() -> None:
    async def visit(scene: Scene) -> None:
        scene.client.drop()
        await scene.over.wait()
        assert all(watcher.closed for watcher in scene.watchers)
        with pytest.raises(TooManyError):
            scene.link.side.join(Line(Words()))

    with_call(visit)


def test_side_channels_stay_while_the_client_is_away_and_after() -> None:
    async def visit(scene: Scene) -> None:
        assert isinstance(scene.link, SharedResumableLink)
        scene.client.drop()
        await asyncio.sleep(1)
        scene.link.send('{"type": "meanwhile"}')
        scene.watchers[0].send_event(type="while it is away")
        await asyncio.sleep(1)
        assert scene.obeyed == ["while it is away"]
        assert scene.watchers[0].types() == ["meanwhile"]
        back = Line(Words(), "websocket")
        assert scene.link.resume(back)  # type: ignore[arg-type]
        back.send_event(type="back")
        await asyncio.sleep(1)
        assert back.types() == ["meanwhile"]
        assert scene.obeyed == ["while it is away", "back"]

    with_call(visit, resumable=True)


def test_there_is_a_limit_to_side_channels() -> None:
    async def visit(scene: Scene) -> None:
        with pytest.raises(TooManyError, match=f"may have {MOST}"):
            scene.link.side.join(Line(Words()))
        scene.watchers[0].drop()
        await asyncio.sleep(1)
        scene.watchers.append(Line(Words()))
        scene.link.side.join(scene.watchers[-1])
        await scene.watchers[0].aclose()

    with_call(visit, watchers=MOST)


def test_too_many_events_over_webrtc_are_dropped_and_the_client_told_once_a_second(resumable: bool) -> None:
    async def visit(scene: Scene) -> None:
        for _ in range(BURST + 50):
            scene.client.send_event(type="flood")
        await asyncio.sleep(0.5)
        assert len(scene.obeyed) == BURST
        errors = [event["error"] for event in scene.client.log if event["type"] == "error"]
        assert [error["code"] for error in errors] == ["rate_limit_exceeded"]
        assert not any(watcher.log for watcher in scene.watchers), "it is the client's own business"
        await asyncio.sleep(1)
        scene.client.send_event(type="later")
        await asyncio.sleep(1)
        assert scene.obeyed[-1] == "later"

    with_call(visit, resumable=resumable)


def test_a_websocket_counts_for_itself() -> None:
    async def visit(scene: Scene) -> None:
        for _ in range(BURST + EVENTS_WAITING + 50):
            scene.client.send_event(type="flood")
        await asyncio.sleep(1)
        assert len(scene.obeyed) == BURST + EVENTS_WAITING + 50

    with_call(visit, kind="websocket")


def test_audio_over_the_limit_is_not_heard(resumable: bool) -> None:
    async def visit(scene: Scene) -> None:
        heard: list[float] = []

        async def listen() -> None:
            async for piece in scene.link.audio():
                heard.append(len(piece.pcm) / 32_000)  # noqa: PERF401  looked at while it grows

        listening = asyncio.create_task(listen())
        for _ in range(5):
            scene.client.hears(20.0)
        await asyncio.sleep(0.1)
        assert sum(heard) == 60.0
        await asyncio.sleep(30)
        scene.client.hears(20.0)
        await asyncio.sleep(0.1)
        assert sum(heard) == 80.0
        listening.cancel()

    with_call(visit, resumable=resumable)


def test_a_session_that_stops_reading_ends_everything() -> None:
    async def dialogue() -> None:
        scene = Scene("webrtc", resumable=False, watchers=1)
        scene.link.side.join(scene.watchers[0])
        reading = asyncio.create_task(scene.read())
        await asyncio.sleep(1)
        reading.cancel()
        await asyncio.wait({reading})
        assert scene.watchers[0].closed
        assert asyncio.all_tasks() == {asyncio.current_task()}

    play(dialogue())
