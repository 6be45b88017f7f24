"""Looks for what breaks, for as long as it is told: `python -m tests.robustness.fuzz SECONDS`.

With atheris it is guided by coverage; without, hypothesis mutates what it is given. Tried are sources, layouts of
projects, configurations, and what a cache holds, from what once broke (`CORPUS`) and random edits of it. Each input
must end without an error: `check` says something and returns 0, 1 or 2. What breaks is written to the working folder,
as `fuzz-<digest>.bin`, and told.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Final

from flake8_celery_tasks.core import errors
from flake8_celery_tasks.workspace import cache
from tests.robustness import harness, large

HEAD: Final = "from celery import current_app, shared_task\nfrom django.db import transaction\n\n\n"

#: What stands between the files of one input, and what between a name and its text.
FILES: Final = b"\n===="
NAME: Final = b"====\n"

#: What once broke, or nearly: the files of a project.
CORPUS: Final = (
    {"shop/tasks.py": HEAD + '@shared_task(name="\\ud83d\\ude00")\ndef a(): ...\n'},
    {"shop/tasks.py": HEAD + f"@shared_task(max_retries={hex(10**1100)}, name=f'a{{A}}')\ndef a(): ...\n"},
    {"shop/tasks.py": HEAD + "def make(a):\n    @shared_task(name=f'{a}{a}{a}{a}{a}{a}c')\n    def b(): ...\n"},
    {"shop/tasks.py": HEAD + "def (\n" + "x.task(1)\n" * 20},
    {"shop/tasks.py": "x = '\u00e9'; a.delay(); b.apply_async(countdwon=1)\nimport celery\n"},
    {"setup.cfg": "[flake8]\ncelery-task-name-pattern = (a+)+c\nselect = CLY\n", "shop/tasks.py": HEAD},
    {"pyproject.toml": "[tool.flake8-celery-tasks]\nexclude = [[[]]]\ncelery-apps = 'a'\n", "shop/tasks.py": HEAD},
    {"requirements.txt": "celery" + " " * 50 + "5\n-r requirements.txt\n-c /dev/zero\n", "shop/tasks.py": HEAD},
    {"manage.py": "'DJANGO_SETTINGS_MODULE', 'shop.conf'", "shop/__init__.py": "", "shop/conf.py": "CELERY_A = {}\n"},
    {"cache.json": '{"": [], "shop/tasks.py": [[1, 2, 3, 4], true, {"symbols": {"a": [["f"]]}}, 0, 0]}'},
    {**large.OTHERS, large.PATH: large.module(24)},
)


def packed(files: dict[str, str]) -> bytes:
    """Return a project as one input."""
    return b"".join(FILES + name.encode() + NAME + text.encode() for name, text in files.items())


def unpacked(data: bytes) -> dict[str, bytes]:
    """Return the files of an input; names that lead out of the project, or are none, are left out."""
    found = {}
    for part in data.split(FILES)[1:]:
        name, _, text = part.partition(NAME)
        path = name.decode("utf-8", "replace").replace("\0", "")
        parts = path.split("/")
        if 0 < len(path) < 200 and not {"", ".", ".."}.intersection(parts) and len(parts) < 20:
            found[path] = text
    return found


def try_one(data: bytes) -> None:
    """Check the project of an input with nothing hidden. Raises whatever goes wrong."""
    caught, errors.CAUGHT = errors.CAUGHT, ()
    before = Path.cwd()
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            os.environ["XDG_CACHE_HOME"] = str(Path(folder, ".cache"))
            for name, text in unpacked(data).items():
                path = Path(folder, name)
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(text)
                except OSError:  # a file is in the way, or the name is too long
                    continue
                if name == "cache.json":
                    place = cache.folder()
                    Path(place).mkdir(mode=0o700, parents=True, exist_ok=True)
                    Path(place, name).write_bytes(cache._digest(text) + b"\n" + text)
                    assert isinstance(cache._entries(cache.read(str(Path(place, name)))), dict)
            try:
                for command in (["check", "--extend-select=CLY9"], ["tasks"], ["fix", "--unsafe"]):
                    code, _, err = harness.command(*command)
                    assert code in (0, 1, 2), (command, code)
                    assert err.count("\n") <= 4 + len(unpacked(data)), err
            finally:
                os.chdir(before)
    finally:
        errors.CAUGHT = caught


def changed(data: bytes, chance: random.Random) -> bytes:
    """Return an input with some random edits."""
    result = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(result) + 1)
        end = min(len(result), start + chance.choice((0, 1, 1, 4, 40)))
        other = chance.choice(SEEDS)
        at = chance.randrange(len(other))
        piece = chance.choice((b"", bytes([chance.randrange(256)]), other[at : at + chance.choice((1, 10, 200))]))
        result[start:end] = piece * chance.choice((1, 1, 1, 2, 50))
    return bytes(result[:100_000])


SEEDS: Final = tuple(map(packed, CORPUS))


def run(seconds: float, seed: int) -> tuple[int, int]:
    """Try inputs for some time; return how many were tried, and how many broke."""
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    pool = list(SEEDS)
    tried = broken = 0
    while tried < len(SEEDS) or time.monotonic() < end:
        data = SEEDS[tried] if tried < len(SEEDS) else changed(chance.choice(pool), chance)
        tried += 1
        try:
            try_one(data)
            if chance.random() < 0.1:  # edits of edits go farther
                pool = [*pool[-200:], data]
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            broken += 1
            name = f"fuzz-{hashlib.sha256(data).hexdigest()[:12]}.bin"
            Path(name).write_bytes(data)
            traceback.print_exc()
            sys.stderr.write(f"{name}\n")
    return tried, broken


def guided(seconds: float) -> None:
    """Let atheris look for inputs; it ends the process."""
    import atheris

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}", "-max_len=100000"], try_one)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Run for as many seconds as are told, 60 where none are; a second number seeds what is random."""
    seconds = float(arguments[0]) if arguments else 60.0
    seed = int(arguments[1]) if len(arguments) > 1 else random.randrange(1 << 32)
    if "atheris" in arguments:
        guided(seconds)
    tried, broken = run(seconds, seed)
    sys.stdout.write(f"{tried} inputs in {seconds:g} s, seed {seed}: {broken} broke\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
