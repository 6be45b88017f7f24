"""Recognises files that may name a version of Celery, by their names alone."""

from __future__ import annotations

import os
from typing import Final

from flake8_celery_tasks.catalog import words
from flake8_celery_tasks.core.memo import lazy_pattern

#: Files that name the one installed version. The first of them that does so decides.
LOCKS: Final = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "conda-lock.yml", "pixi.lock")

#: Folders that mark the root of a repository.
REPOSITORY: Final = frozenset({".git", ".hg", ".jj", ".svn"})

#: The formats, each with its own parser.
TOML_LOCK: Final = "lock in TOML"
JSON_LOCK: Final = "lock in JSON"
YAML_LOCK: Final = "lock in YAML"
LOCK_FORMATS: Final = frozenset({TOML_LOCK, JSON_LOCK, YAML_LOCK})
PROJECT: Final = "pyproject.toml"
PIPFILE: Final = "Pipfile"
CONFIG: Final = "setup.cfg"
SETUP: Final = "setup.py"
CONDA: Final = "environment.yml"
REQUIREMENTS: Final = "requirements"

_FORMATS: Final = {
    "Pipfile": PIPFILE,
    "Pipfile.lock": JSON_LOCK,
    "conda-lock.yml": YAML_LOCK,
    "pdm.lock": TOML_LOCK,
    "pixi.lock": YAML_LOCK,
    "pixi.toml": PIPFILE,
    "poetry.lock": TOML_LOCK,
    "pylock.toml": TOML_LOCK,
    "pyproject.toml": PROJECT,
    "setup.cfg": CONFIG,
    "setup.py": SETUP,
    "uv.lock": TOML_LOCK,
}

#: Words in the names of requirements files, and the names of folders that hold them.
_LISTS: Final = lazy_pattern(r"require|constraint|(?<![a-z])(?:reqs?|deps|dependenc(?:y|ies)|pip)(?![a-z])")
_FOLDER: Final = lazy_pattern(
    r"(?:[a-z]+[-_.])?(?:requirements?|requires|constraints?|reqs?|deps|dependenc(?:y|ies)|pip)(?:[-_.][a-z]+)?"
)
_TEXTS: Final = (".txt", ".in", ".pip", ".lock")
_CONDA: Final = lazy_pattern(r"(?:conda|env|environment)(?:[-_.].*)?\.ya?ml")

#: Words for requirements that are not installed when the project's tasks run, or not in the version that they run on.
_ASIDE: Final = words(
    "bench benchmark benchmarks ci contrib dev devel develop development doc docs documentation envs example examples "
    "lint linting local legacy lowest min minimal minimum mypy old qa sample samples sandbox test testing tests tox "
    "typing types"
)
_WORDS: Final = lazy_pattern(r"[a-z]+")
_OLD_PYTHON: Final = lazy_pattern(r"py(?:thon)?-?2")


def format_of(folder: str, name: str) -> str | None:
    """Return the format of a file that may name a version of Celery, by folder and name; None for all others."""
    known = _FORMATS.get(name)
    if known is not None or "." not in name:
        return known
    lower = name.lower()
    if lower.endswith(_TEXTS):
        outer, inner = os.path.split(folder)
        is_listing = _LISTS.search(lower) or is_list(inner) or is_list(os.path.basename(outer))
        return REQUIREMENTS if is_listing else None
    if lower.startswith("pylock.") and lower.endswith(".toml"):
        return TOML_LOCK
    if lower.endswith((".conda-lock.yml", ".conda-lock.yaml")):
        return YAML_LOCK
    return CONDA if lower.endswith((".yml", ".yaml")) and _CONDA.fullmatch(lower) else None


def is_list(folder: str) -> bool:
    """Return whether a folder of this name holds requirements files, such as `requirements` or `deps`."""
    return _FOLDER.fullmatch(folder.lower()) is not None


def is_aside(*names: str) -> bool:
    """Return whether a path, or a group of requirements, is for development, tests or documentation, by its names."""
    return any(
        not _ASIDE.isdisjoint(_WORDS.findall(name)) or _OLD_PYTHON.search(name) is not None
        for name in map(str.lower, names)
    )
