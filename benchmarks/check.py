"""Measure `flake8-celery-tasks check` next to `flake8 --select=CLY`, in turns, on a real project.

    python benchmarks/check.py DIR                     a project: 5 rounds with a cold cache
    python benchmarks/check.py DIR --rounds 9 --warm   and what a second run takes
    python benchmarks/check.py DIR --audit 'CELERY_AUDIT --config shop/settings.py --settings-namespace CELERY'

The last one measures celery-audit too, in the same turns; its arguments are seen from the project. The other commands
come from the environment of this Python, where the checkout is installed. Each run has a cache folder of its own, so
ours never knows the project; what the system keeps of the files is filled by a round that does not count.
Exit code: 0 the bounds hold, 1 one is broken, or the two don't say the same, 2 it could not be measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

BOUND = 8.0
AUDIT_BOUND = 20.0

FLAKE8 = "flake8 --select=CLY"
OURS = "flake8-celery-tasks check"
AUDIT = "celery-audit"
WARM = "flake8-celery-tasks check, again"

COMMANDS = {
    FLAKE8: [sys.executable, "-m", "flake8", "--isolated", "--select=CLY"],
    OURS: [sys.executable, "-m", "flake8_celery_tasks", "check", "--isolated", "--select=CLY"],
}


class Run(NamedTuple):
    """One run of a command: seconds, seconds of all processors, what it wrote."""

    wall: float
    cpu: float
    output: bytes


def run(command: list[str], project: Path, cache: str) -> Run:
    """Run a command in a project."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache, "LOCALAPPDATA": cache}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, check=False)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = [line for line in done.stderr.splitlines() if not line.startswith((b"Found ", b"No problems found"))]
    if done.returncode not in (0, 1) or said:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr.decode()}")
    return Run(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout)


def measure(project: Path, rounds: int, commands: dict[str, list[str]], *, warm: bool) -> dict[str, list[Run]]:
    """Run all in turns; each round begins with another one. The first round does not count."""
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        names = list(commands)
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            with tempfile.TemporaryDirectory() as cache:
                found[name].append(run(commands[name], project, cache))
                if warm and name == OURS:
                    # What has changed within two seconds is not kept; the files of a corpus are older.
                    found.setdefault(WARM, []).append(run(commands[name], project, cache))
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    return {name: runs[1:] for name, runs in found.items()}


def main() -> int:
    """Measure, and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path, help="the folder of a project")
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds count (default: 5)")
    parser.add_argument("--warm", action="store_true", help="measure a second run of ours too")
    parser.add_argument("--bound", type=float, default=BOUND, help=f"how many times faster it has to be ({BOUND})")
    parser.add_argument("--audit", default="", help="a command that runs celery-audit, with its configuration modules")
    parser.add_argument(
        "--audit-bound", type=float, default=AUDIT_BOUND, help=f"how many times faster than that ({AUDIT_BOUND})"
    )
    chosen = parser.parse_args()
    commands = dict(COMMANDS)
    if chosen.audit:
        program, *arguments = shlex.split(chosen.audit)
        commands[AUDIT] = [shutil.which(program) or program, *arguments, "."]
        if os.sep in commands[AUDIT][0]:
            commands[AUDIT][0] = str(Path(commands[AUDIT][0]).absolute())
    files = sum(1 for _ in chosen.project.rglob("*.py"))
    if not files:
        print(f"no Python files in {chosen.project}", file=sys.stderr)
        return 2
    found = measure(chosen.project, chosen.rounds, commands, warm=chosen.warm)
    medians = {
        name: (statistics.median(one.wall for one in runs), statistics.median(one.cpu for one in runs))
        for name, runs in found.items()
    }
    print(
        f"{datetime.now(timezone.utc):%Y-%m-%d}, {platform.python_implementation()} {platform.python_version()}, "
        f"{os.cpu_count()} cores, {chosen.project.resolve().name}, {files} files, {chosen.rounds} rounds\n"
    )
    print("| | seconds | CPU seconds | faster | less CPU |\n|---|---|---|---|---|")
    wall, cpu = medians[FLAKE8]
    for name, (own_wall, own_cpu) in medians.items():
        print(f"| `{name}` | {own_wall:.2f} | {own_cpu:.2f} | {wall / own_wall:.1f} x | {cpu / own_cpu:.1f} x |")
    outputs = {one.output for name, runs in found.items() if name != AUDIT for one in runs}
    if len(outputs) > 1:
        print("\nThe two do not say the same.")
        return 1
    print(f"\nThe same {len(next(iter(outputs)).splitlines())} lines each time.", end="")
    bounds = {FLAKE8: chosen.bound, **({AUDIT: chosen.audit_bound} if chosen.audit else {})}
    holds = {name: medians[name][0] / medians[OURS][0] >= bound for name, bound in bounds.items()}
    for name, bound in bounds.items():
        times = medians[name][0] / medians[OURS][0]
        print(
            f" Bound: {bound:g} x faster than `{name}`; {times:.1f} x: {'holds' if holds[name] else 'BROKEN'}.", end=""
        )
    print()
    return 0 if all(holds.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
