"""What tests share: a project on disk from a dict of files, and its findings."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import concern, judge, loader, session
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.workspace import folders, gate
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.resolution.project import Project

#: The checkout.
ROOT = Path(__file__).parent.parent

#: The edge cases of the rules, and of what they all rest on: see `tests/rules/test_edge_cases.py`.
EDGE_CASES = sorted(path for name in ("resolution", "rules") for path in (ROOT / "tests" / name).rglob("*.md"))


#: What has three mistakes.
BAD = """\
from celery import shared_task


@shared_task
def a():
    pass


@shared_task(name="b", bind=True)
def b():
    pass
"""

#: A project with these and one more.
PROJECT = {
    "content/tasks.py": (
        'from celery import shared_task\n\n\n@shared_task(name="content_index")\ndef index(pk):\n    print(pk)\n'
    ),
    "shop/tasks.py": BAD,
    "shop/views.py": "from content.tasks import index\n\n\ndef view():\n    index.delay(1)\n",
}


#: Where they are.
ALL = ["./shop/tasks.py:4:2:", "./shop/tasks.py:9:24:", "./shop/tasks.py:10:5:", "./shop/views.py:1:27:"]


#: The last line on standard error: what was found or fixed, and what was looked at.
SUMMARY = re.compile(r"^(?:Found|No problems found|Fixed|Would fix|\d+ tasks? in \d+ files?\b).*\n", re.MULTILINE)


def without_summary(err: str) -> str:
    """Return what a command has said on standard error, without its last line."""
    return SUMMARY.sub("", err)


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder, with a project mark and the packages that they need."""
    (folder / "pyproject.toml").touch()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        package = path.parent
        while package != folder:
            if name.endswith(".py") and package.name != "src" and not (package / "__init__.py").exists():
                (package / "__init__.py").touch()
            package = package.parent


def options_in(folder: Path, given: dict[str, str]) -> Options:
    """Return the options of a project in a folder: files that they name stand there."""
    names = ("celery_contract", "celery_known_tasks")
    return Options.of({key: str(folder / value) if key in names else value for key, value in given.items()})


def touch(folder: Path, *names: str) -> None:
    """Make empty files below a folder, and nothing else."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    folders.forget()


def project_at(folder: Path, files: dict[str, str], **options) -> Project:
    """Write a project and return it."""
    write(folder, files)
    return session.open_project(str(folder), Options.of(options))


def opened(known: Project, folder: Path, name: str, text: str) -> Module:
    """Return a module as it is while its file is checked."""
    return known.open(str(folder / name), Source(text.splitlines(keepends=True)), ast.parse(text))


def facts_of(folder: Path, text: str, files: dict[str, str] | None = None) -> Facts:
    """Write a project and return the facts of its `shop/tasks.py`."""
    known = project_at(folder, {"shop/tasks.py": text, **(files or {})})
    return Facts(known, opened(known, folder, "shop/tasks.py", text))


def findings(folder: Path, name: str, **options) -> list:
    """Return the violations in one file of the project."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    opted = tuple(options.pop("extend_select", "").replace(",", " ").split())
    chosen_options = options_in(folder, options)
    told = Run(chosen_options, marks=gate.marks_of(chosen_options.celery_task_decorators))
    if not concern.passes(told, str(path), text) and not chosen_options.celery_contract:
        return []
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []  # flake8 reports E999 and asks no plugin
    known = session.project_of(str(path), chosen_options)
    module = known.open(str(path), Source(text.splitlines(keepends=True)), tree)
    return judge.check(known, module, loader.by_kind(opted))


def check(folder: Path, files: dict[str, str], **options) -> dict[str, list]:
    """Write a project and return the violations of each of its Python files."""
    write(folder, files)
    session.forget()
    return {name: findings(folder, name, **options) for name in files if name.endswith(".py")}


def codes(folder: Path, files: dict[str, str], **options) -> list[str]:
    """Write a project and return the codes that it gets, file by file."""
    return [violation.code for found in check(folder, files, **options).values() for violation in found]


def run(folder, *arguments, stdin=None, expected=None):
    """Run flake8 in a folder and return its lines."""
    done = subprocess.run(
        [sys.executable, "-m", "flake8", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    assert not done.stderr, done.stderr.decode()
    assert done.returncode in (0, 1)
    lines = done.stdout.decode().replace("\\", "/").splitlines()
    assert done.returncode == bool(lines)
    if expected is not None:
        # Other plugins may be installed beside ours.
        assert [code for line in lines if (code := line.split(" ")[1]).startswith("CLY")] == expected
    return lines


def flake8(*arguments, stdin=None):
    """Run flake8 in the working folder and return its lines."""
    done = subprocess.run(
        [sys.executable, "-m", "flake8", *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return done.stdout.splitlines()


def places(lines):
    """Return where the findings of some lines are."""
    return [line.partition(" ")[0] for line in lines]
