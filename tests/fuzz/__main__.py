"""`python -m tests.fuzz --minutes 5 [events|sdp|http|mixed]`: exit code 1 when something was found."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz.run import KINDS, fuzz


def main() -> int:
    """Run, show, and save what reproduces a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kind", nargs="?", default="mixed", choices=[*KINDS, "mixed"])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of an earlier run, to repeat it")
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings.json"), help="where findings go")
    options = parser.parse_args()
    kinds = list(KINDS) if options.kind == "mixed" else [options.kind]
    result = fuzz(kinds, options.minutes * 60, options.seed)
    print("\n".join(result.lines()))
    if not result.findings.wrong:
        print("nothing was found")
        return 0
    result.findings.save(options.out)
    print(f"{len(result.findings.wrong)} findings: {options.out}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
