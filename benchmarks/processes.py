"""What processes cost, read from /proc: CPU time, memory, threads and sockets. Linux only, no package.

The server is a tree of processes: those that run `models.engine.host` compute (one a role), the others are
the edge.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROC = Path("/proc")
HOST_MODULE = "models.engine.host"
EDGE = "edge"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one or more processes: CPU seconds since they began, resident MB, threads, open sockets."""

    cpu_s: float = 0.0
    rss_mb: float = 0.0
    threads: int = 0
    sockets: int = 0

    def __add__(self, other: Self) -> Cost:
        return Cost(
            self.cpu_s + other.cpu_s,
            self.rss_mb + other.rss_mb,
            self.threads + other.threads,
            self.sockets + other.sockets,
        )


def cost(pid: int) -> Cost:
    """What a process has cost so far. Raises `ProcessLookupError` when it has ended."""
    try:
        folder = PROC / str(pid)
        # The name, in parentheses, may hold blanks: count the fields after it (proc(5)).
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        status = dict(
            line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
        )
        return Cost(
            cpu_s=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
            rss_mb=int(status.get("VmRSS", "0 kB").split()[0]) / 1024,
            threads=int(status["Threads"]),
            sockets=sum(_is_socket(link) for link in (folder / "fd").iterdir()),
        )
    except (FileNotFoundError, ProcessLookupError, KeyError) as error:
        raise ProcessLookupError(f"process {pid} has ended") from error


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
            parents.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def by_part(pid: int) -> dict[str, Cost]:
    """The server's costs: `edge`, and each role's backends."""
    parts: dict[str, Cost] = {}
    for each in tree(pid):
        try:
            words = (PROC / str(each) / "cmdline").read_bytes().decode(errors="replace").split("\0")
            part = part_of(words)
            parts[part] = parts.get(part, Cost()) + cost(each)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return parts


def part_of(words: list[str]) -> str:
    """Which part of the server a command line is: a role's name for a backend's host, else the edge."""
    if HOST_MODULE in words:
        rest = words[words.index(HOST_MODULE) + 1 :]
        if rest and rest[0]:
            return rest[0]
    return EDGE


def cpu_model() -> str:
    """The processor's name, as Linux gives it."""
    for line in (PROC / "cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "CPU part"):
            return value.strip()
    return "unknown"


def _is_socket(link: Path) -> bool:
    try:
        return os.readlink(link).startswith("socket:")
    except OSError:
        return False
