"""The interpreter of the peers, `.venv-peers`: made and filled when it is missing.

What the peers depend on contradicts what we depend on (numpy, soundfile, soxr), so they live by themselves.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
VENV = ROOT / ".venv-peers"
REQUIREMENTS = Path(__file__).parent / "requirements.txt"
MARK = "installed.txt"  # in the environment: the requirements it was filled from
INSTALL_S = 900.0
TAIL = 12  # lines of pip's complaint that an error shows


class PeerError(RuntimeError):
    """A peer cannot be installed, started or called. The message holds what it, or pip, printed."""


def python(venv: Path = VENV, requirements: Path = REQUIREMENTS) -> Path:
    """The interpreter with exactly `requirements`; the first time, this takes two minutes and the network.

    Raises:
        PeerError: the environment cannot be made. What pip said is in the message.
    """
    interpreter = venv / "bin" / "python"
    wanted = requirements.read_text("utf-8")
    mark = venv / MARK
    if interpreter.exists() and mark.exists() and mark.read_text("utf-8") == wanted:
        return interpreter
    print(f"installing the peers into {venv} (once, about two minutes)", file=sys.stderr)
    if not interpreter.exists():
        _do([sys.executable, "-m", "venv", str(venv)])
    _do([str(interpreter), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)])
    mark.write_text(wanted, "utf-8")
    return interpreter


def _do(command: list[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise PeerError(f"{' '.join(command)} took longer than {INSTALL_S:.0f} s") from None
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-TAIL:])
        raise PeerError(f"{' '.join(command)} failed:\n{tail}")
