"""How findings and the inventory are written: one module for each format.

Each has `render`, which returns the whole text.
"""

from __future__ import annotations

import os
from typing import Final

#: The formats besides flake8's own text.
FORMATS: Final = ("json", "sarif", "github", "gitlab")

#: How bad an opt-in rule, any other, and a file that can't be read is: as words of the formats.
POLICY: Final = "CLY9"
BROKEN: Final = "E9"
INTERNAL: Final = "CLY000"


def shown(path: str) -> str:
    """Return a path as the formats write it: with slashes, below the working directory without `./`."""
    return os.path.normpath(path).replace(os.sep, "/")


def repository() -> str:
    """Return the folder that GitHub's formats write paths from: the workspace, else the repository around, else this.

    A workspace that is not around the working directory is that of another machine or job.
    """
    folder = os.path.realpath(os.getcwd())
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if workspace and is_below(folder, os.path.realpath(workspace)):
        return os.path.realpath(workspace)
    above = folder
    while not os.path.lexists(os.path.join(above, ".git")):  # a file, in a worktree
        if os.path.dirname(above) == above:
            return folder
        above = os.path.dirname(above)
    return above


def is_below(path: str, folder: str) -> bool:
    """Return whether a path is that of a folder, or of something below it."""
    return os.path.join(path, "").startswith(os.path.join(folder, ""))


def from_repository(path: str, root: str) -> str:
    """Return the path of a file as seen from a root, with slashes; one that is outside stays absolute."""
    parent, name = os.path.split(os.path.abspath(path))
    whole = os.path.join(os.path.realpath(parent), name)  # a link is what is checked, not what it leads to
    return (os.path.relpath(whole, root) if is_below(whole, root) else whole).replace(os.sep, "/")


def level(code: str, policy: str, usual: str, broken: str) -> str:
    """Return the word for how bad a finding is."""
    if code.startswith((BROKEN, INTERNAL)):
        return broken
    return policy if code.startswith(POLICY) else usual
