"""The headless client on the command line.

    python -m client talk question.wav next.flac --url http://127.0.0.1:8080 --out reply.wav --json
    python -m client text "What time is it?"

A server that wants a bearer token gets the one in the environment variable AUDIOGPT_API_KEY.

Exit codes: 0 all turns were answered; 1 the server is unreachable, refuses, answers garbage, is lost or
stays silent, or a file cannot be used (one line on stderr says which); 2 wrong usage; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from client.audio import RATE, load, write_wav
from client.dialogue import Dialogue, Line, Manner, TurnReport
from client.errors import AudioFileError, ClientError
from client.headless import HeadlessClient
from client.render import Reporter
from client.speech import prepare
from realtime.transport.audio_formats import RATES

DEFAULT_URL = "http://127.0.0.1:8080"
INTERRUPTED = 130
KEY_VARIABLE = "AUDIOGPT_API_KEY"  # not OPENAI_API_KEY: that one must not go to whatever --url names


def seconds(text: str) -> float:
    """A number of seconds, zero or more."""
    value = float(text)
    if not 0 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 86400 seconds")
    return value


def milliseconds(text: str) -> float:
    """A number of milliseconds, as seconds."""
    return seconds(str(float(text) / 1000))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", default=DEFAULT_URL, help="the server (default: %(default)s)")
    common.add_argument(
        "--transport", choices=["webrtc", "websocket"], default="webrtc", help="default: %(default)s"
    )
    common.add_argument(
        "--audio-format",
        choices=sorted(RATES),
        default="audio/pcm",
        help="inside a WebSocket's events; audio/pcmu and audio/pcma are G.711 (default: %(default)s)",
    )
    common.add_argument("--out", type=Path, metavar="WAV", help="write all that is received, 48 kHz stereo")
    common.add_argument("--json", action="store_true", help="print one JSON object a turn")
    common.add_argument(
        "--wait", type=seconds, default=10.0, metavar="S", help="for an answer (default: %(default)s)"
    )
    common.add_argument(
        "--listen",
        type=seconds,
        default=8.0,
        metavar="S",
        help="how long to listen to music or sound, which may have no end (default: %(default)s)",
    )
    common.add_argument(
        "--interrupt-after",
        type=milliseconds,
        metavar="MS",
        help="press the interrupt button MS after each answer begins to sound",
    )
    common.add_argument(
        "--barge-in-after",
        type=milliseconds,
        metavar="MS",
        help="begin the next line MS after an answer begins to sound, over it",
    )
    common.add_argument("--instructions", help="how the assistant shall behave")
    common.add_argument("--language", metavar="CODE", help="of the person's speech, such as en or de")
    common.add_argument("--voice", help="of the assistant")
    main_parser = argparse.ArgumentParser(prog="python -m client", description="Talk to the assistant.")
    commands = main_parser.add_subparsers(required=True, metavar="COMMAND")
    talk = commands.add_parser("talk", parents=[common], help="speak sound files, one turn each")
    talk.add_argument("lines", nargs="+", metavar="FILE", help="WAV, FLAC, Ogg; any rate, any channels")
    talk.set_defaults(typed=False)
    text = commands.add_parser("text", parents=[common], help="type, one turn for each text")
    text.add_argument("lines", nargs="+", metavar="TEXT")
    text.set_defaults(typed=True)
    return main_parser


def session_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The partial `session` object for a `session.update`; empty where nothing is asked for."""
    session: dict[str, Any] = {}
    audio: dict[str, Any] = {}
    if options.instructions is not None:
        session["instructions"] = options.instructions
    if options.language is not None:
        audio["input"] = {"transcription": {"language": options.language}}
    if options.voice is not None:
        audio["output"] = {"voice": options.voice}
    if audio:
        session["audio"] = audio
    return session


def script(options: argparse.Namespace) -> list[Line]:
    """The lines to say. Encoded before the call, so that none of it disturbs the clock.

    Raises:
        AudioFileError: a file cannot be spoken.
    """
    if options.typed:
        return [Line(words, words) for words in options.lines]
    return [
        Line(path, prepare(load(path), options.transport, options.audio_format)) for path in options.lines
    ]


async def converse(options: argparse.Namespace, lines: Sequence[Line], reporter: Reporter) -> bool:
    """Hold the dialogue, reporting each turn. Returns whether every turn was answered."""
    manner = Manner(
        wait=options.wait,
        listen=options.listen,
        interrupt_after=options.interrupt_after,
        barge_in_after=options.barge_in_after,
    )
    silent: TurnReport | None = None
    client = HeadlessClient(
        options.url,
        transport=options.transport,
        audio_format=options.audio_format,
        session=session_settings(options),
        record=True,
        api_key=os.environ.get(KEY_VARIABLE),
    )
    async with client:
        reporter.connected(client)
        try:
            async with aclosing(Dialogue(client, manner).run(lines)) as reports:
                async for report in reports:
                    reporter.turn(report)
                    silent = silent or (None if report.answered else report)
        finally:
            # What was received is worth keeping however the call ends.
            if options.out is not None:
                write_wav(options.out, client.recorded(), RATE)
    if silent is not None:
        reason = silent.errors[-1] if silent.errors else f"no answer within {options.wait:g} s"
        complain(f"the server stayed silent in turn {silent.turn} ({silent.input}): {reason}")
    return silent is None


def complain(message: str) -> None:
    """One line on stderr."""
    print(f"client: {' '.join(message.split())}", file=sys.stderr)


async def run(options: argparse.Namespace) -> int:
    """Hold the call until it ends or Ctrl-C hangs it up."""
    lines = script(options)
    if options.out is not None and not options.out.absolute().parent.is_dir():
        raise AudioFileError(f"--out {options.out}: there is no such folder")
    task = asyncio.ensure_future(converse(options, lines, Reporter(as_json=options.json)))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return 0 if await task else 1
    except asyncio.CancelledError:
        complain("hung up")
        return INTERRUPTED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        return asyncio.run(run(options))
    except ClientError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:  # before the call, while the files are read
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
