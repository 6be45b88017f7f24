"""Random edits of random projects: with what earlier runs have kept, flake8 says what it says without.

Every run is one of `Edits`'s projects after a few of its steps. A failure names the seed: the same seed makes the same
edits.
"""

from __future__ import annotations

import ast
import os
import random
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.plugin import Plugin
from flake8_celery_tasks.workspace import cache

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.usefixtures("_fresh_plugin"),
    pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows"),
]

#: How many projects are made, and how often each is edited; more by hand: CLY_SEEDS=0-500.
FIRST, LAST = map(int, os.environ.get("CLY_SEEDS", "14-24").split("-"))
STEPS = 10

FOLDERS = ("", "shop", "shop/deep", "web", "legacy", "inner", "inner/shop", "src", "src/pay")
FILES = ("tasks.py", "views.py", "base.py", "settings.py", "celery.py", "models.py", "__init__.py")

TEXTS = (
    "",
    "from .base import *\n",
    "from celery import shared_task\n@shared_task(name='{n}.one', bind=True)\ndef one(a): ...\n",
    "from celery import shared_task\n@shared_task\ndef {f}(a, b): ...\n",
    "from ..base import NAME, house\nfrom celery import shared_task\n@shared_task(name=NAME)\ndef {f}(): ...\n",
    "from {m}.base import NAME, house\n@house\ndef {f}(self): ...\n",
    "from celery import shared_task\nNAME = '{n}.{f}'\ndef house(f):\n    return shared_task(name=NAME)(f)\n",
    "NAME = 3\nhouse = print\n",
    "def (:\n# celery {n}.one tasks\n",
    "from celery import Celery\napp = Celery('{n}', task_cls='x:Y')\n",
    "from celery import Celery\napp = Celery('{n}')\napp.conf.task_acks_late = True\n"
    "app.conf.beat_schedule = {{'x': {{'task': '{n}.{f}', 'schedule': 3, 'args': (1, 2, 3)}}}}\n",
    "CELERY_TASK_ACKS_LATE = True\nCELERY_BROKER_URL = 'redis://'\nCELERY_TASK_ROUTES = {{'{n}.{f}': 'q'}}\n",
    "from {m}.tasks import {f}, one\n{f}.delay(1)\none.delay()\none.apply_async((1, 2), countdown=9000)\n",
    "from {m} import tasks\ntasks.{f}.delay(1, 2, 3)\ntasks.one.s()\n",
    "from celery import current_app\ncurrent_app.send_task('{n}.{f}', (1,))\ncurrent_app.send_task('{n}.one')\n",
    "from celery import shared_task\nfrom {m}.base import NAME\n"
    "@shared_task(acks_on_timeout=False, name=f'{{NAME}}.x')\ndef one(a): ...\n",
    "from celery import Task, shared_task\nfrom {m}.base import Base\n"
    "@shared_task(base=Base, max_retries=3)\ndef {f}(): ...\n",
    "from celery import Task\nclass Base(Task):\n    autoretry_for = (OSError,)\n    name = 'x'\nNAME = '{n}'\n",
    "from django.db import models\nfrom {m}.tasks import one\n"
    "class A(models.Model):\n    def f(self):\n        one.delay(self)\n",
)

EXCLUDED = ((), ("legacy",), ("*/web", "views.py"))
OPTIONS = ({}, {"celery_apps": ("shop", "web")}, {"celery_acks_late": True}, {"celery_broker": "redis"})


class Edits:
    """A project that is edited at random, always in the same way for one seed."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.log: list[str] = []
        self.excluded: tuple[str, ...] = ()
        self.options: dict[str, object] = {}
        self.opted: tuple[str, ...] = ()
        root.mkdir()
        (root / "pyproject.toml").touch()
        for folder in FOLDERS:
            (root / folder).mkdir(exist_ok=True)
        for _ in range(16):
            self.text()
        for _ in range(4):
            self.package()
        self.settle()

    def text(self) -> None:
        pick = self.random.choice
        path = self.root / pick(FOLDERS) / pick(FILES)
        names = {
            "n": pick(("shop.tasks", "pay", "shop")),
            "f": pick(("one", "two")),
            "m": pick(("shop", "web", "pay", "inner", "legacy", "shop.deep")),
        }
        if path.parent.is_dir() and not path.is_dir():
            path.write_text(pick(TEXTS).format(**names), "utf-8")
            self.log.append(f"write {path}")

    def package(self) -> None:
        self._toggle(self.root / self.random.choice(FOLDERS) / "__init__.py")

    def mark(self) -> None:
        self._toggle(self.root / self.random.choice(("inner", "web", "src")) / "setup.cfg")

    def marker(self) -> None:
        self._toggle(self.root / self.random.choice(FOLDERS) / "apps.py")

    def delete(self) -> None:
        path = self._any()
        path.unlink()
        self.log.append(f"delete {path}")

    def rename(self) -> None:
        one, other = self._any(), self.root / self.random.choice(FOLDERS) / self.random.choice(FILES)
        if other.parent.is_dir() and not other.is_dir():
            one.rename(other)
            self.log.append(f"rename {one} {other}")

    def swap(self) -> None:
        """Two folders change places: no file in them gets another stamp."""
        one, other = (self.root / name for name in self.random.sample(("shop", "web", "legacy", "inner"), 2))
        if one.exists() and other.exists():
            one.rename(self.root / "aside")
            other.rename(one)
            (self.root / "aside").rename(other)
            self.log.append(f"swap {one} {other}")

    def link(self) -> None:
        """A file or folder becomes a link, or leads elsewhere."""
        path = self.root / self.random.choice(("linked", "shop/deep/tasks.py", "pay", "web/base.py"))
        target = self.root / self.random.choice(
            ("shop", "web", "legacy") if path.suffix == "" else ("shop/base.py", "web/tasks.py")
        )
        if path.parent.is_dir() and (path.is_symlink() or not path.is_dir()):
            path.unlink(missing_ok=True)
            path.symlink_to(target)
            self.log.append(f"link {path} {target}")

    def copy(self) -> None:
        """A file of the same size and with the same modification time takes the place of another."""
        one, other = self._any(), self._any()
        if one != other and not other.is_symlink() and not one.is_symlink():
            shutil.copy2(one, other)
            self.log.append(f"copy {one} {other}")

    def setting(self) -> None:
        self.excluded = self.random.choice(EXCLUDED)
        self.options = self.random.choice(OPTIONS)
        self.opted = self.random.choice(((), ("CLY9",)))
        self.log.append(f"options {self.excluded} {self.options} {self.opted}")

    def step(self) -> None:
        for _ in range(self.random.randint(1, 2)):
            edit = self.random.choice(
                (self.text,) * 4
                + (
                    self.package,
                    self.mark,
                    self.marker,
                    self.delete,
                    self.rename,
                    self.swap,
                    self.link,
                    self.copy,
                    self.setting,
                )
            )
            edit()
        self.settle()

    def settle(self) -> None:
        """Wait for the clock of the file system: what is edited twice within its grain is not kept by real runs."""
        probe = self.root.parent / "probe"
        probe.touch()
        start = probe.stat().st_ctime_ns
        while probe.stat().st_ctime_ns == start:
            probe.touch()

    def files(self) -> list[Path]:
        """Return the files that a run is given: all, or only some, as by pre-commit."""
        found = sorted(path for path in self.root.rglob("*.py") if path.is_file())
        return found if self.random.random() < 0.5 else self.random.sample(found, min(3, len(found)))

    def _toggle(self, path: Path) -> None:
        if path.exists():
            path.unlink()
            self.log.append(f"delete {path}")
        elif path.parent.is_dir():
            path.touch()
            self.log.append(f"touch {path}")

    def _any(self) -> Path:
        return self.random.choice(sorted(path for path in self.root.rglob("*.py") if path.is_file()))


def findings(
    edits: Edits, files: list[Path], monkeypatch: pytest.MonkeyPatch, *, warm: bool
) -> list[tuple[object, ...]]:
    """Return what one run says of some files."""
    session.forget()
    options = {**edits.options, "celery_no_cache": not warm}
    excluded = tuple(str(edits.root / name) if "/" not in name else name for name in edits.excluded)
    monkeypatch.setattr(Plugin, "told", Run(Options(**options), excluded, edits.opted))
    found: list[tuple[object, ...]] = []
    for path in files:
        text = path.read_text("utf-8")
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        plugin = Plugin(tree, str(path), text.splitlines(keepends=True))
        found.extend((path.name, *row[:3]) for row in plugin.run())
    if warm:
        session.save()
    return found


@pytest.mark.parametrize("seed", range(FIRST, LAST))
def test_warm_says_what_cold_says(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(cache, "folder", lambda: str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "RACY_NS", -(10**18))  # as if all files were old
    edits = Edits(tmp_path / "project", seed)
    for _ in range(STEPS):
        for _ in range(edits.random.randint(1, 3)):
            files = edits.files()
            edits.log.append(f"run {[str(path) for path in files]}")
            warm = findings(edits, files, monkeypatch, warm=True)
            assert warm == findings(edits, files, monkeypatch, warm=False), "\n".join(edits.log)
        edits.step()


#: flake8, with a cache that keeps what has just been edited.
START = """\
import sys
from flake8.main.cli import main
from flake8_celery_tasks.workspace import cache
cache.RACY_NS = -(10**18)
sys.exit(main(sys.argv[1:]))
"""


def lines(edits: Edits, files: list[Path], *arguments: str) -> list[str]:
    """Return what flake8 itself says of some files, from wherever it is started."""
    done = subprocess.run(
        [sys.executable, "-c", START, "--isolated", "--select=CLY", *arguments, *map(str, files)],
        cwd=edits.random.choice((edits.root, edits.root / "src")),
        env={**os.environ, "XDG_CACHE_HOME": str(edits.root.parent / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + (LAST - FIRST) // 10))
def test_flake8_in_two_processes(tmp_path, seed):
    edits = Edits(tmp_path / "project", seed)
    for _ in range(3):
        files = sorted(path for path in edits.root.rglob("*.py") if path.is_file())
        wanted = lines(edits, files, "--celery-no-cache=true", "-j1")
        assert lines(edits, files, "-j2") == wanted, "\n".join(edits.log)
        assert lines(edits, files, edits.random.choice(("-j1", "-j2"))) == wanted, "\n".join(edits.log)
        edits.step()
