"""`python -m benchmarks NAME`: measure, show, save."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import registry
from benchmarks.report import RESULTS, Report, machine, render, save
from models.api import BackendError

PIPED_WIDTH = 132  # columns


def parser(name: str | None = None) -> argparse.ArgumentParser:
    """The command line; with a benchmark's name, its own options too."""
    listed = "\n".join(f"  {each:<10} {entry.summary}" for each, entry in registry.BENCHMARKS.items())
    out = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure. The method is in benchmarks/README.md.",
        epilog=f"benchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    out.add_argument("name", metavar="NAME", choices=list(registry.BENCHMARKS), help="what to measure")
    out.add_argument("--quick", action="store_true", help="under 50 s: shows that it works, proves nothing")
    out.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    out.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where NAME.json and NAME.png go (default: benchmarks/results, with --quick its folder quick)",
    )
    if name is not None:
        own = getattr(registry.load(name), "arguments", None)
        if own is not None:
            own(out.add_argument_group(name))
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark; the exit code is 1 when it could not be measured, 2 for wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    named = next((word for word in words if word in registry.BENCHMARKS), None)
    options = parser(named).parse_args(words)
    benchmark = registry.load(options.name)
    stream = sys.stderr if options.json else sys.stdout
    # rich takes 80 columns where there is no terminal; the tables have more to say.
    console = Console(file=stream, width=None if stream.isatty() else PIPED_WIDTH)
    where = machine()  # before the run: the load average it gives is that of the others
    began = time.monotonic()
    try:
        results = benchmark.run(options)
    except (RuntimeError, BackendError, ValueError) as error:
        print(f"{options.name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    report = Report(options.name, options.quick, time.monotonic() - began, results, where)
    if hasattr(benchmark, "tables"):
        render(benchmark.tables(results), console)
    folder = options.out or (RESULTS / "quick" if options.quick else RESULTS)
    for path in save(report, folder, getattr(benchmark, "plot", None)):
        console.print(f"written: {path}", highlight=False, soft_wrap=True)
    if options.json:
        print(json.dumps(report.as_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
