"""Hold commits of public projects against their parents, and compare what is reported with what each really broke.

`contract.tsv` lists the commits, chosen and checked by their diffs before the command ran on any of them. The
repositories are cloned from GitHub, or from a folder that holds a mirror of each as `owner+name/repo`:

    python benchmarks/contract.py [--mirrors DIR] [--jobs N] [--commit ABC] [--output FILE]

What `contract --against HEAD` costs, in turns with `tasks`, each without a cache, in a folder under git:

    python benchmarks/contract.py --time DIR [--rounds N]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LISTED = Path(__file__).with_name("contract.tsv")
#: Git gives large files as they are kept: nobody looks at them here.
GIT = ("git", "-c", "filter.lfs.smudge=", "-c", "filter.lfs.required=false", "-c", "advice.detachedHead=false")
NAMED = re.compile(r"(?:[Tt]ask|of task) (?:was )?'([^']+)'")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mirrors", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--commit", default="", help="only commits that begin so")
    parser.add_argument("--output", type=Path, help="where to write what was found, as JSON")
    parser.add_argument("--time", type=Path, metavar="DIR", help="measure instead what the command costs in a folder")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if given.time:
        measure(given.time, given.rounds)
        return
    with LISTED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["commit"].startswith(given.commit)]
    with ThreadPoolExecutor(given.jobs) as pool:
        done = list(pool.map(lambda row: judge(row, given.mirrors), rows))
    if given.output:
        given.output.write_text(json.dumps(done, indent=1))
    for one in done:
        for kind in ("missed", "wrong", "error"):
            if one[kind] and one["kind"] != "left out":
                print(f"{one['project']} {one['commit'][:10]} {kind}: {one[kind]}")
    tally(done)


def judge(row: dict[str, str], mirrors: Path | None) -> dict[str, object]:
    """Check a commit out, hold it against its parent, and compare."""
    broken = set(row["broken"].split())
    found: set[str] = set()
    error = ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            check_out(row, mirrors, folder)
            found = named(row, Path(folder, row["folder"]))
        except (subprocess.CalledProcessError, ValueError) as failed:
            error = str(getattr(failed, "stderr", "") or failed).strip()[-300:]
    return {**row, "missed": sorted(broken - found), "wrong": sorted(found - broken), "error": error}


def check_out(row: dict[str, str], mirrors: Path | None, folder: str) -> None:
    if mirrors is None:
        source = [f"https://github.com/{row['project']}.git", "--filter=blob:none"]
    else:
        source = [str(mirrors / row["project"].replace("/", "+") / "repo"), "--shared"]
    run(*GIT, "clone", "-q", "--no-checkout", *source, folder)
    run(*GIT, "-C", folder, "checkout", "-q", "--detach", row["parent"])  # a clone without contents fetches them
    run(*GIT, "-C", folder, "checkout", "-q", "--detach", row["commit"])


def named(row: dict[str, str], folder: Path) -> set[str]:
    """Return the recorded names that the command reports."""
    command = [sys.executable, "-m", "flake8_celery_tasks", "contract", "--isolated", "--celery-project-root=."]
    command += [*row["options"].split(), "--celery-no-cache=true", "--output-format=json", "--against", row["parent"]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise ValueError(done.stderr)
    reported = [item["text"] for item in json.loads(done.stdout) if item["code"].startswith("CLY")]
    return {NAMED.search(text)[1] for text in reported}


def measure(folder: Path, rounds: int) -> None:
    """Print the CPU time of both commands, that of git included, and how long they took."""
    commands = {"tasks": ["tasks"], "against": ["contract", "--against", "HEAD"]}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, arguments in commands.items():
            with tempfile.TemporaryDirectory() as cache:
                before, start = os.times(), time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "flake8_celery_tasks", *arguments],
                    cwd=folder,
                    env={**os.environ, "XDG_CACHE_HOME": cache},
                    capture_output=True,
                    check=False,
                )
                after = os.times()
                used = after.children_user + after.children_system - before.children_user - before.children_system
                if number:  # the first round warms the disk
                    spent[name].append((used, time.perf_counter() - start))
    for kind, index in (("CPU time", 0), ("time", 1)):
        tasks, against = (statistics.median(one[index] for one in spent[name]) for name in commands)
        print(f"{kind}: tasks {tasks:.2f} s, contract --against {against:.2f} s, {against / tasks:.2f} times as long")


def run(*command: str) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)


def tally(done: list[dict[str, object]]) -> None:
    breaking = [one for one in done if one["kind"] == "breaking"]
    names = sum(len(one["broken"].split()) for one in breaking)
    missed = sum(len(one["missed"]) for one in breaking)
    print(f"{len(breaking)} breaking commits: {names - missed} of {names} broken tasks named,", end=" ")
    print(f"{sum(len(one['wrong']) for one in breaking)} others")
    harmless = [one for one in done if one["kind"] == "harmless"]
    print(f"{len(harmless)} harmless commits: {sum(bool(one['wrong']) for one in harmless)} with a report")
    print(
        f"{sum(one['kind'] == 'left out' for one in done)} left out, {sum(bool(one['error']) for one in done)} errors"
    )


if __name__ == "__main__":
    main()
