"""A browser, a page and a server to talk to, for the tests of client/web."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import wave
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import ifaddr
import pytest
import pytest_asyncio
from openai.types.realtime import RealtimeClientEvent
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright
from pydantic import TypeAdapter

from tests.chromium import CHROMIUM, FLAGS, microphone_flags

HERE = Path(__file__).parent
SCREENSHOTS = HERE.parents[1] / "output"
# A name that is no localhost: an insecure page.
EXPECTED_ERRORS = r"^Failed to load resource|^WebSocket connection to"
PAGE_TEST = "--host-resolver-rules=MAP page.test 127.0.0.1"


def _load(name: str) -> ModuleType:
    """A module beside this file; importlib mode keeps test folders off sys.path."""
    spec = importlib.util.spec_from_file_location(f"web_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def dialogue() -> dict[str, list[dict[str, Any]]]:
    """The scenes of dialogue.json."""
    scenes: dict[str, list[dict[str, Any]]] = _load("fake_server").DIALOGUE
    return scenes


@pytest.fixture(scope="session")
def voice_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of a square wave, which Chromium takes for its microphone and repeats."""
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(array("h", (8000 if i // 120 % 2 else -8000 for i in range(48_000))).tobytes())
    return path


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Where Debian's Chromium is."""
    if not CHROMIUM.exists():
        pytest.skip("chromium is missing: apt install chromium")
    return CHROMIUM


async def _browser(chromium: Path, *flags: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, PAGE_TEST, *flags])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: Path, voice_file: Path) -> AsyncIterator[Browser]:
    """Chromium with a recorded voice as its microphone, which pages are allowed to use."""
    async for browser in _browser(chromium, *microphone_flags(voice_file)):
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wary_browser(chromium: Path) -> AsyncIterator[Browser]:
    """Chromium with a microphone that nobody allows pages to use."""
    async for browser in _browser(chromium, "--use-fake-device-for-media-stream"):
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[Any]:
    """A server that the test directs. What a page sent it has to be of the protocol's types."""
    server = _load("fake_server").FakeServer()
    await server.start()
    yield server
    await server.stop()
    protocol: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
    for event in server.everything:
        protocol.validate_python(event)


OpenPage = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(server: Any) -> AsyncIterator[OpenPage]:
    """Opens the page in a context of its own: `open_page(browser, init_script=None, **context_options)`.

    With `hidden_address` the page is to connect without the right to a microphone, which makes Chromium hide
    its addresses. Where loopback is all there is, Chromium then gathers none: there the right is given.
    A script error on the page, an error on its console, or a request to any other host, fails the test.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    async def open_it(
        browser: Browser, init_script: str | None = None, hidden_address: bool = False, **options: Any
    ) -> Page:
        context = await browser.new_context(**options)
        contexts.append(context)
        if init_script:
            await context.add_init_script(init_script)
        if hidden_address and only_loopback():
            await context.grant_permissions(["microphone"])
        page = await context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on("console", lambda message: _check_console(message, faults))
        page.on("request", lambda request: _check_host(request.url, faults))
        await page.goto(server.url)
        return page

    yield open_it
    for context in contexts:
        await context.close()
    assert not faults


def only_loopback() -> bool:
    """True on a machine without a network."""
    found = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    return all(ip.startswith("127.") for ip in found if isinstance(ip, str))


def _check_console(message: ConsoleMessage, faults: list[str]) -> None:
    # What a server refuses, or does not answer, Chromium reports by itself.
    if message.type == "error" and not re.search(EXPECTED_ERRORS, message.text):
        faults.append(f"console: {message.text}")


def _check_host(url: str, faults: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "data:", "blob:", "http://page.test:")):
        faults.append(f"request to {url}")


@pytest.fixture
def screenshot() -> Callable[[Page, str], Awaitable[None]]:
    """Writes what a page looks like to tests/output/NAME.png."""

    async def shoot(page: Page, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        await page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return shoot


@pytest.fixture(scope="session")
def node() -> str:
    """Where Node is."""
    path = shutil.which("node")
    if not path:
        pytest.skip("node is missing: apt install nodejs")
    return path
