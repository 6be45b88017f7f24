"""What tests share: a project on disk from a dict of files, and its findings."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import judge, loader, session
from flake8_celery_tasks.workspace import gate

if TYPE_CHECKING:
    from pathlib import Path


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


def findings(folder: Path, name: str, chosen=None, **options) -> list:
    """Return the violations in one file of the project."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    opted = tuple(options.pop("extend_select", "").replace(",", " ").split())
    chosen_options = Options.of(options)
    if not gate.passes(text, gate.marks_of(chosen_options.celery_task_decorators)):
        return []
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []  # flake8 reports E999 and asks no plugin
    known = session.project_of(str(path), chosen_options)
    module = known.open(str(path), text.splitlines(keepends=True), tree)
    return judge.check(known, module, loader.wanted(opted) if chosen is None else chosen)


def check(folder: Path, files: dict[str, str], **options) -> dict[str, list]:
    """Write a project and return the violations of each of its Python files."""
    write(folder, files)
    session.forget()
    return {name: findings(folder, name, **options) for name in files if name.endswith(".py")}


def codes(folder: Path, files: dict[str, str], **options) -> list[str]:
    """Write a project and return the codes that it gets, file by file."""
    return [violation.code for found in check(folder, files, **options).values() for violation in found]
