"""How results look: tables, a progress bar, a plot, and the JSON with the machine it was measured on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from benchmarks.processes import cpu_model

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
DPI = 120
FIGURE_INCHES = (9.0, 5.0)
OURS, STOCK, OTHER = "#1b6ca8", "#c8553d", "#6c8f3c"  # told apart in grey and by the colour-blind too

Tick = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; cells are text or numbers, None where there is nothing. `note` stands below it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One finished benchmark: what is written to its JSON file."""

    name: str
    quick: bool
    seconds: float
    results: dict[str, Any]
    machine: dict[str, Any] = field(default_factory=lambda: machine())

    def as_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "benchmark": self.name,
            "quick": self.quick,
            "seconds": round(self.seconds, 1),
            "machine": self.machine | {"load_average_after": round(os.getloadavg()[0], 2)},
            "results": self.results,
        }


def machine() -> dict[str, Any]:
    """Where and when: processor, cores, load before the run, date, commit, versions."""
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[0], 2),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }


def commit() -> str:
    """The commit of this checkout, with `+` when files differ from it; empty outside one."""

    def git(*words: str) -> str:
        # --no-optional-locks: only look, also while somebody else works on the repository.
        command = ["git", "--no-optional-locks", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
        return done.stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def cell(value: object) -> str:
    """A cell as text: numbers at the precision they deserve, a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0: no "-0.00"
    return str(value)


def render(tables: Sequence[Table], console: Console) -> None:
    """Print tables."""
    for table in tables:
        shown = RichTable(title=table.title, caption=table.note or None, title_justify="left")
        for index, column in enumerate(table.columns):
            shown.add_column(column, justify="left" if index == 0 else "right", no_wrap=index == 0)
        for row in table.rows:
            shown.add_row(*(cell(value) for value in row))
        console.print(shown)


@contextmanager
def progress(total: float, what: str) -> Iterator[Tick]:
    """A progress bar on stderr; the block is given `tick(steps, words)` to advance it."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, words="")

        def tick(steps: float, words: str = "") -> None:
            bar.update(task, advance=steps, words=words)

        yield tick


def from_zero(axes: Axes) -> None:
    """Let the y axis begin at zero and end above what is drawn: a cut axis makes mountains of molehills."""
    top = axes.dataLim.ymax
    axes.set_ylim(0, top * 1.1 if top > 0 else 1)


def save(report: Report, folder: Path, plot: Callable[[dict[str, Any], Figure], None] | None) -> list[Path]:
    """Write `NAME.json`, and `NAME.png` where there is a plot to draw. Returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{report.name}.json"]
    written[0].write_text(json.dumps(report.as_json(), indent=2) + "\n", "utf-8")
    if plot is None:
        return written
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("no plot: it needs matplotlib (pip install 'audiogpt-live[bench]')", file=sys.stderr)
        return written
    figure = Figure(figsize=FIGURE_INCHES, layout="constrained")
    plot(report.results, figure)
    where = report.machine
    figure.suptitle(
        f"{report.name} · {where['cpu']}, {where['cores']} cores · {where['date'][:10]} · {where['commit']}",
        fontsize=8,
    )
    written.append(folder / f"{report.name}.png")
    figure.savefig(written[-1], dpi=DPI)
    return written
