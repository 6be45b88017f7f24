"""Fix real projects with `flake8-celery-tasks fix --unsafe`, and look whether all is well with what comes out.

    python benchmarks/fix.py DIR                       all projects of a folder, one after the other
    python benchmarks/fix.py DIR --package pretix      some of them
    python benchmarks/fix.py DIR --keep DIR2           the fixed copies stay there, to be read

Each project is copied and the copy is fixed, with the command of this Python's environment, where the checkout is
installed. Then, for each project:

- what parsed before parses still, and is no other file: mode, encoding, BOM and line ends are the same;
- a second run changes nothing;
- in the lines that were written, no rule that has fixed something in the file reports anything;
- in no file, fixed or not, a rule reports more than before.

Exit code: 0 all is well, 1 something is not, 2 it could not be tried.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import io
import json
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import tokenize
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = [sys.executable, "-m", "flake8_celery_tasks"]
SUMMARY = re.compile(r"Fixed (\d+) problems? in (\d+) files?\.")

Finding = dict[str, Any]


class Outcome(NamedTuple):
    """What became of a project: findings before and after, what was fixed, how long it took, and what is wrong."""

    before: int
    after: int
    fixed: int
    files: int
    seconds: float
    wrong: list[str]


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a project."""
    return subprocess.run([*COMMAND, *arguments], cwd=project, capture_output=True, text=True, check=False)


def usual(project: Path, select: str) -> list[str]:
    """Return the arguments of all runs. A configuration that flake8 itself refuses is not read."""
    arguments = [f"--select={select}", "."]
    return ["--isolated", *arguments] if run(project, "check", *arguments).returncode == 2 else arguments


def check(project: Path, arguments: list[str]) -> list[Finding]:
    """Return what is found in a project."""
    done = run(project, "check", "--output-format=json", "--quiet", *arguments)
    if done.returncode not in (0, 1) or done.stderr:
        sys.exit(f"{project.name}: check: exit code {done.returncode}\n{done.stderr}")
    found: list[Finding] = json.loads(done.stdout)
    return found


def fixing_rules() -> set[str]:
    """Return the codes of the rules that have fixes."""
    done = subprocess.run([*COMMAND, "explain", "--all", "--format=json"], capture_output=True, text=True, check=True)
    return {rule["code"] for rule in json.loads(done.stdout) if rule["fix"]}


def state(project: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and mode of all files."""
    return {
        path.relative_to(project).as_posix(): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in sorted(project.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def parses(content: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def manner(content: bytes) -> tuple[str, set[bytes], bool]:
    """Return how a file is written: its encoding (with BOM), the ends of its lines, whether the last has one."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    return encoding, set(re.findall(rb"\r\n|\n|\r", content)), content.endswith((b"\n", b"\r"))


def written(before: bytes, after: bytes) -> set[int]:
    """Return the numbers of the lines, from 1, that are new."""
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    return {
        line + 1
        for tag, _, _, start, end in matcher.get_opcodes()
        if tag in ("replace", "insert")
        for line in range(start, end)
    }


def counted(findings: list[Finding]) -> Counter[tuple[str, str]]:
    return Counter((finding["path"], finding["code"]) for finding in findings)


def audit(project: Path, select: str, fixing: set[str]) -> Outcome:
    """Fix a copy of a project and compare."""
    wrong: list[str] = []
    arguments = usual(project, select)
    before, found_before = state(project), check(project, arguments)
    start = time.perf_counter()
    done = run(project, "fix", "--unsafe", *arguments)
    seconds = time.perf_counter() - start
    summary = SUMMARY.search(done.stderr)
    if done.returncode != 0 or summary is None or len(done.stderr.splitlines()) != 1 or done.stdout:
        wrong.append(f"exit code {done.returncode}: {done.stderr}{done.stdout}")
    after, found_after = state(project), check(project, arguments)
    wrong += [f"{path}: came or went" for path in sorted(before.keys() ^ after.keys())]
    changed = [path for path in sorted(before.keys() & after.keys()) if before[path] != after[path]]
    now = counted(found_after)
    gone = counted(found_before) - now
    for path in changed:
        (old, old_mode), (new, new_mode) = before[path], after[path]
        if old_mode != new_mode:
            wrong.append(f"{path}: mode {old_mode:o} is {new_mode:o}")
        if not parses(new):
            wrong.append(f"{path}: does not parse")
        if manner(old) != manner(new):
            wrong.append(f"{path}: {manner(old)} is {manner(new)}")
        lines = written(old, new)
        wrong += [
            f"{path}:{finding['line']}: {finding['code']} is left where it was fixed: {finding['text']}"
            for finding in found_after
            if finding["path"] == path and finding["line"] in lines and finding["code"] in fixing
            if gone[path, finding["code"]]
        ]
    for (path, code), count in sorted((now - counted(found_before)).items()):
        texts = [finding for finding in found_after if (finding["path"], finding["code"]) == (path, code)]
        wrong.append(f"{path}: {count} new {code}: " + "; ".join(f"{one['line']}: {one['text']}" for one in texts[:3]))
    again = run(project, "fix", "--unsafe", *arguments)
    if state(project) != after or again.stderr != "Fixed 0 problems in 0 files.\n":
        different = [path for path, content in state(project).items() if after.get(path) != content]
        wrong.append(f"a second run: {again.stderr.strip()}: {', '.join(different)}")
    fixed, files = map(int, summary.groups()) if summary else (0, 0)
    if files != len(changed):
        wrong.append(f"{files} files were fixed, {len(changed)} have changed")
    return Outcome(len(found_before), len(found_after), fixed, files, seconds, wrong)


def main() -> int:
    """Fix all projects, and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="a folder with one folder per project")
    parser.add_argument("--package", nargs="+", default=[], help="only these projects; the version may be left out")
    parser.add_argument("--select", default="CLY", help="the codes that are fixed (default: CLY)")
    parser.add_argument("--keep", type=Path, help="where the fixed copies stay (default: they don't)")
    chosen = parser.parse_args()
    projects = [
        path
        for path in sorted(chosen.corpus.iterdir())
        if path.is_dir() and (not chosen.package or {path.name, path.name.rpartition("-")[0]} & {*chosen.package})
    ]
    if not projects:
        print(f"no projects in {chosen.corpus}", file=sys.stderr)
        return 2
    print(
        "| project | findings | fixed | in files | left | seconds | wrong |\n|---|---|---|---|---|---|---|", flush=True
    )
    wrong: list[str] = []
    fixing = fixing_rules()
    with tempfile.TemporaryDirectory() as temporary:
        for path in projects:
            copy = (chosen.keep or Path(temporary)) / path.name
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(path, copy, symlinks=True)
            for file in list(copy.rglob("*.py"))[::7]:  # modes are kept too
                file.chmod(0o755)
            found = audit(copy, chosen.select, fixing)
            if not chosen.keep:
                shutil.rmtree(copy)
            print(
                f"| {path.name} | {found.before} | {found.fixed} | {found.files} | {found.after} | {found.seconds:.1f} "
                f"| {len(found.wrong)} |",
                flush=True,
            )
            for line in found.wrong:
                print(f"{path.name}: {line}", file=sys.stderr, flush=True)
            wrong += found.wrong
    print(f"\n{len(wrong)} things are wrong." if wrong else "\nAll is well.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
