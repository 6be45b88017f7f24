"""Measure the project index: built anew, from its cache, and what one file costs in an editor.

    python benchmarks/index.py corpus/waldur-mastermind-4.5.1 corpus/weblate-2026.10.1

Runs the package of the Python that it is started with (`pip install -e .`). Each figure is taken in fresh processes, in
turns with what it is compared with. Exit code: 0 every bound holds, 1 a bound is broken, 2 it could not be measured.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.engine import session

#: A cold index takes at most that many times what it takes to read all files and parse those that pass the gate.
COLD = 1.5
#: Milliseconds that finding out that nothing has changed may take for 5000 files, the load of the cache aside.
WARM_MS, WARM_FILES = 60.0, 5000
#: Milliseconds that the plugin may add to `flake8 -` for one file where the cache is warm.
EDITOR_MS = 100.0


#: Modules are compiled once and for all, as they are for users, whatever this shell says.
ENVIRONMENT = {
    name: value for name, value in {**os.environ, "PYTHONHASHSEED": "0"}.items() if name != "PYTHONDONTWRITEBYTECODE"
}

# --- inside a process of its own --------------------------------------------------------------------------------------


def timed(action: Any) -> tuple[float, Any]:
    """Return CPU seconds and the result."""
    start = time.process_time()
    result = action()
    return time.process_time() - start, result


def step_parse(folder: str) -> dict[str, float]:
    """Read all Python files of the project, parse those that may have to do with Celery."""
    from flake8_celery_tasks.resolution import modules
    from flake8_celery_tasks.workspace import marks
    from flake8_celery_tasks.workspace.layout import Layout

    def parse() -> int:
        count = 0
        for path in Layout(folder, excluded=EXCLUDED).files():
            data = Path(path).read_bytes()
            if any(mark in data for mark in marks.INTEREST):
                modules.parse(data)
                count += 1
        return count

    seconds, count = timed(parse)
    return {"seconds": seconds, "parsed": count}


def step_index(folder: str) -> dict[str, float]:
    """Build the index, from the cache where there is one."""
    import flake8.checker

    from flake8_celery_tasks.celery_model import registry
    from flake8_celery_tasks.core.options import Options
    from flake8_celery_tasks.workspace import cache

    assert flake8.checker, registry  # what is loaded by then in a run of flake8
    known = session.open_project(folder, Options(), EXCLUDED)
    load, _ = timed(lambda: known.files.disk.cache)
    walk, _ = timed(lambda: known.files.disk.stamps)
    look, _ = timed(lambda: next(known.files.holding(b"elery"), None))
    build, _ = timed(lambda: tasks_of(known))
    assert cache
    names = len(tasks_of(known).by_name)
    known.save()  # for the next round
    return {
        "seconds": load + walk + look + build,
        "load": load,
        "unchanged": walk + look,
        "files": len(known.files.disk.stamps),
        "tasks": names,
    }


EXCLUDED = (".svn", "CVS", ".bzr", ".hg", ".git", "__pycache__", ".tox", ".nox", ".eggs", "*.egg")
STEPS = {"parse": step_parse, "index": step_index}


# --- outside ----------------------------------------------------------------------------------------------------------


def run(step: str, folder: Path, home: Path) -> dict[str, float]:
    """Run one step in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--step", step, str(folder)],
        env={**ENVIRONMENT, "XDG_CACHE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def editor(folder: Path, name: str, text: bytes, home: Path, *, with_plugin: bool) -> float:
    """Return CPU seconds of one `flake8 -` as an editor calls it, the plugin switched off or on."""
    switch = [] if with_plugin else ["-c", WITHOUT]
    command = [sys.executable, *(switch or ["-m", "flake8"]), "--isolated", "--stdin-display-name", name, "-"]
    with tempfile.TemporaryFile() as stdin:
        stdin.write(text)
        stdin.seek(0)
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**ENVIRONMENT, "XDG_CACHE_HOME": str(home)},
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(2)
    return usage.ru_utime + usage.ru_stime


#: flake8 that does not find the plugin.
WITHOUT = """\
import importlib.metadata as metadata
known = metadata.distributions
metadata.distributions = lambda: (one for one in known() if "flake8_celery_tasks" not in str(one._path))
from flake8.main.cli import main
raise SystemExit(main())
"""


def measure(folder: Path, rounds: int) -> bool:
    """Print a table for one project; return whether every bound holds."""
    parse, cold, warm, plain, edited, again = [], [], [], [], [], []
    # The largest file of ordinary size that mentions Celery.
    mentioning = [path for path in folder.rglob("*.py") if b"elery" in path.read_bytes()]
    target = max((path for path in mentioning if path.stat().st_size < 20_000), key=lambda path: path.stat().st_size)
    name = str(target.relative_to(folder))
    text = target.read_bytes()
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory() as home:
            one = run("parse", folder, Path(home))
            two = run("index", folder, Path(home))
            three = run("index", folder, Path(home))
            editor(folder, name, text, Path(home), with_plugin=True)
            changed = text + f"\nCHANGED = {number}\n".encode()
            without = editor(folder, name, changed, Path(home), with_plugin=False)
            dirty = editor(folder, name, changed, Path(home), with_plugin=True)
            clean = editor(folder, name, text, Path(home), with_plugin=True)
        if number:
            parse.append(one["seconds"])
            cold.append(two)
            warm.append(three)
            plain.append(without)
            edited.append(dirty)
            again.append(clean)
    middle = statistics.median
    # Of each round, since a shared machine is not as fast in all of them.
    ratio = middle([item["seconds"] / plainly for item, plainly in zip(cold, parse, strict=True)])
    unchanged = 1000 * middle([item["unchanged"] for item in warm])
    scaled = unchanged * WARM_FILES / max(warm[0]["files"], 1)
    added = 1000 * (middle(edited) - middle(plain))
    kept = 1000 * (middle(again) - middle(plain))
    rows = [
        ("read all, parse what passes the gate", f"{1000 * middle(parse):.0f} ms", ""),
        ("cold index", f"{1000 * middle([item['seconds'] for item in cold]):.0f} ms", f"{ratio:.2f} x, bound {COLD} x"),
        ("warm: load of the cache", f"{1000 * middle([item['load'] for item in warm]):.0f} ms", ""),
        (
            "warm: nothing has changed",
            f"{unchanged:.0f} ms",
            f"{scaled:.0f} ms for {WARM_FILES} files, bound {WARM_MS:.0f} ms",
        ),
        ("warm index, all of it", f"{1000 * middle([item['seconds'] for item in warm]):.0f} ms", ""),
        (f"editor: `{name}`, changed", f"{added:+.0f} ms", f"bound {EDITOR_MS:.0f} ms"),
        ("editor: the same, unchanged", f"{kept:+.0f} ms", ""),
    ]
    print(f"\n### {folder.name}\n")
    print(f"{warm[0]['files']:.0f} files, {warm[0]['tasks']:.0f} tasks; CPU time, medians of {rounds} rounds.\n")
    print("| | time | |\n|---|--:|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    # A small project's share of 5000 files is mostly what comes once.
    return ratio <= COLD and (scaled <= WARM_MS or unchanged <= WARM_MS / 10) and added <= EDITOR_MS


def main() -> int:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path, metavar="PROJECT")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        gc.disable()  # as the plugin does while it works
        print(json.dumps(STEPS[options.step](str(options.projects[0].resolve()))))
        return 0
    missing = [str(path) for path in options.projects if not path.is_dir()]
    if missing:
        print(f"no such folder: {', '.join(missing)}", file=sys.stderr)
        return 2
    held = [measure(path.resolve(), options.rounds) for path in options.projects]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
