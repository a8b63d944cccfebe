"""Turn reports for people, or one JSON object a line for programs."""

from __future__ import annotations

import json

from rich.console import Console
from rich.markup import escape

from client.dialogue import TurnReport
from client.headless import HeadlessClient


class Reporter:
    """Prints to stdout as the dialogue goes."""

    def __init__(self, *, as_json: bool, console: Console | None = None) -> None:
        self._as_json = as_json
        self._console = console or Console(highlight=False, soft_wrap=True)

    def connected(self, client: HeadlessClient) -> None:
        """The call is up."""
        if not self._as_json:
            call = f", call {client.call_id}" if client.call_id else ""
            self._console.print(
                f"[dim]connected to {escape(client.url)} ({client.transport}{escape(call)})[/]"
            )

    def turn(self, report: TurnReport) -> None:
        """A turn is over."""
        if self._as_json:
            print(json.dumps(report.as_json(), ensure_ascii=False), flush=True)
            return
        out = self._console
        out.print(f"\n[bold]Turn {report.turn}[/]  [dim]{escape(report.input)}[/]")
        if report.heard:
            out.print(f"  [cyan]heard[/]      {escape(report.heard)}")
        said = escape(report.said) if report.said else "[dim](nothing in words)[/]"
        out.print(
            f"  [green]said[/]       {said}{'  [yellow](interrupted)[/]' if report.interrupted else ''}"
        )
        self._latency(report)
        for artefact in report.artefacts:
            length = artefact.get("duration_ms")
            span = f"{length / 1000:.1f} s" if isinstance(length, int | float) else "unbounded"
            kind, name = escape(str(artefact.get("kind"))), escape(str(artefact.get("name")))
            out.print(f"  [magenta]{kind:<10}[/] {name} ({span})")
        if report.music and report.music.get("playing"):
            music = report.music
            out.print(
                f"  [magenta]playing[/]    bar {music.get('bar')}, {escape(str(music.get('key')))}, "
                f"{music.get('tempo')} bpm, {escape(', '.join(map(str, music.get('instruments') or [])))}"
            )
        for notice in report.notices:
            out.print(f"  [yellow]notice[/]     {escape(notice)}")
        for error in report.errors:
            out.print(f"  [red]error[/]      {escape(error)}")

    def _latency(self, report: TurnReport) -> None:
        out = self._console
        latency = report.text_to_voice_ms if report.voice_to_voice_ms is None else report.voice_to_voice_ms
        if latency is not None:
            stages = "  ".join(f"{name} {value:.0f}" for name, value in (report.stages_ms or {}).items())
            split = f"  [dim]{escape(stages)}[/]" if stages else ""
            name = "voice to voice" if report.voice_to_voice_ms is not None else "text to voice"
            out.print(f"  [blue]{name}[/] {latency:.0f} ms{split}")
        if report.silent_after_ms is not None:
            out.print(f"  [blue]silent[/]     {report.silent_after_ms:.0f} ms after the interruption")
