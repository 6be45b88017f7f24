"""Run the linter on the parents of commits by which people repaired mistakes, and say which of these it reports.

`recall.tsv` lists the commits: chosen by their subject lines, then read, before the linter ran on any of them. The
repositories are in a folder that holds a mirror of each as `owner+name/repo`:

    python benchmarks/recall.py MIRRORS [--list FILE] [--jobs N] [--commit ABC] [--near N] [--output FILE]

A finding counts when its code is one of those that were read and checked to be about the mistake (column `codes`), and
it is at the place, or a few lines away; `reported_at` is where a rule reports a mistake that was repaired
elsewhere: at the beat entry, at the call that sends. `before` is the verdict before the rules were changed with
knowledge of this list, `verdict` the one after. `--output` writes everything that is there, to be read and checked.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

LISTED = Path(__file__).with_name("recall.tsv")
#: What the linter reads of a project: its code, and what says which versions and settings it has.
READ = re.compile(r"\.(pyi?|toml|cfg|ini|txt|in|lock|ya?ml)$|(^|/)Pipfile")
PLACE = re.compile(r"(?P<path>[^;:]+):(?P<lines>[\d,]+)")
#: Rows whose mistake a linter can see, at least with calls followed or as advice.
VISIBLE = ("yes", "partly", "opt-in", "contract")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--list", type=Path, default=LISTED)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--commit", default="", help="only commits that begin so")
    parser.add_argument("--near", type=int, default=3, help="how many lines away a finding may be")
    parser.add_argument("--output", type=Path, help="where to write what was found, as JSON")
    given = parser.parse_args()
    with given.list.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["commit"].startswith(given.commit)]
    rows = [row for row in rows if row["visible"] != "none"]  # no repair of a mistake in Celery code
    done: list[dict[str, Any]] = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for one in pool.map(lambda row: judge(row, given.mirrors, given.near), rows):
            done.append(one)
            note = "" if one["verdict"] == one["recorded"] else f" (recorded: {one['recorded']})"
            line = f"{one['project']} {one['commit'][:10]} {one['visible']}: {one['verdict']}{note} {one['error']}"
            print(line.rstrip(), flush=True)
            if given.output:
                given.output.write_text(json.dumps(done, indent=1))
    tally(done)


def judge(row: dict[str, str], mirrors: Path, near: int) -> dict[str, Any]:
    """Check the parent out, run the linter on the files of the mistake, and keep what is at its places."""
    places = {
        match["path"].strip(): [int(line) for line in match["lines"].split(",")]
        for match in PLACE.finditer(f"{row['place']};{row['reported_at']}")
    }
    found: list[dict[str, Any]] = []
    error = ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            check_out(row, mirrors, Path(folder))
            found = linted(Path(folder), sorted(places))
        except (OSError, subprocess.SubprocessError, ValueError) as failed:
            error = str(getattr(failed, "stderr", "") or failed).strip()[-300:]
    at = [one for one in found if any(abs(one["line"] - line) <= near for line in places.get(one["path"], ()))]
    counted = {one["code"] for one in at} & set(row["codes"].split())
    if any(not code.startswith("CLY9") for code in counted):
        verdict = "default"
    elif counted:
        verdict = "opt-in"
    else:
        verdict = "not found"
    return {**row, "recorded": row["verdict"], "verdict": verdict, "at": at, "found": found, "error": error}


def check_out(row: dict[str, str], mirrors: Path, folder: Path) -> None:
    """Write what the linter reads of the parent into the folder."""
    mirror = mirrors / row["project"].replace("/", "+") / "repo"
    if (mirror / ".git").exists():
        mirror = mirror / ".git"
    (folder / ".git").mkdir()
    environment = {**os.environ, "GIT_DIR": str(mirror), "GIT_INDEX_FILE": str(folder / ".git" / "index")}
    listed = run(["git", "ls-tree", "-r", "-z", row["parent"]], environment).split("\0")
    kept = [entry for entry in listed if entry.startswith("100") and READ.search(entry.partition("\t")[2])]
    hashes = "".join(f"{entry.split()[2]}\n" for entry in kept)
    there = run(["git", "cat-file", "--batch-check"], environment, hashes).splitlines()
    kept = [entry for entry, answer in zip(kept, there, strict=True) if not answer.endswith("missing")]
    run(["git", "update-index", "-z", "--index-info"], environment, "".join(f"{entry}\0" for entry in kept))
    lfs = ["-c", "filter.lfs.smudge=", "-c", "filter.lfs.required=false", "-c", "core.bare=false"]
    run(["git", *lfs, f"--work-tree={folder}", "checkout-index", "-a", "-q", f"--prefix={folder}/"], environment)
    (folder / ".git" / "index").unlink()


def linted(folder: Path, paths: list[str]) -> list[dict[str, Any]]:
    """Return the findings of all rules in these files of a project."""
    command = [sys.executable, "-m", "flake8_celery_tasks", "check", "--isolated", "--select=CLY,E9"]
    command += ["--extend-select=CLY9", "--celery-no-cache=true", "--output-format=json", "--", *paths]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode not in (0, 1):
        raise ValueError(done.stderr)
    return [
        {"path": one["path"].removeprefix("./"), "line": one["line"], "code": one["code"], "text": one["text"]}
        for one in json.loads(done.stdout)
    ]


def run(command: list[str], environment: dict[str, str], given: str | None = None) -> str:
    return subprocess.run(
        command, env=environment, input=given, capture_output=True, text=True, errors="surrogateescape", check=True
    ).stdout


def tally(done: list[dict[str, Any]]) -> None:
    visible = [one for one in done if one["visible"] in VISIBLE]
    for name, some in (("all that a linter can see", visible), ("the rest", [x for x in done if x not in visible])):
        counts = Counter(one["verdict"] for one in some)
        print(f"{name}: {len(some)}", *(f"{kind}: {count}" for kind, count in sorted(counts.items())), sep=", ")


if __name__ == "__main__":
    main()
