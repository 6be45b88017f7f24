"""The output formats for findings and the inventory, one module each.

Each module has `render`, which returns the whole text.
"""

from __future__ import annotations

import os
from typing import Final

#: The codes that decide how severe a finding is: opt-in rules, broken files, and errors of the linter itself.
POLICY: Final = "CLY9"
BROKEN: Final = "E9"
INTERNAL: Final = "CLY000"


def shown(path: str) -> str:
    """Return a path as the formats write it: with slashes, and without `./` inside the working directory."""
    return os.path.normpath(path).replace(os.sep, "/")


def repository(variable: str = "GITHUB_WORKSPACE") -> str:
    """Return the folder that paths are relative to: the CI job's, the enclosing repository, or the working directory.

    `variable` names the job's folder. One that does not contain the working directory is another machine's or job's.
    """
    folder = os.path.realpath(os.getcwd())
    workspace = os.environ.get(variable)
    if workspace and is_below(folder, os.path.realpath(workspace)):
        return os.path.realpath(workspace)
    above = folder
    while not os.path.lexists(os.path.join(above, ".git")):  # a file in a worktree
        if os.path.dirname(above) == above:
            return folder
        above = os.path.dirname(above)
    return above


def is_below(path: str, folder: str) -> bool:
    """Return whether a path is a folder or something inside it."""
    return os.path.join(path, "").startswith(os.path.join(folder, ""))


def from_repository(path: str, root: str) -> str:
    """Return a file's path relative to a root, with slashes; a path outside the root stays absolute."""
    parent, name = os.path.split(os.path.abspath(path))
    whole = os.path.join(os.path.realpath(parent), name)  # the link itself is checked, not its target
    return (os.path.relpath(whole, root) if is_below(whole, root) else whole).replace(os.sep, "/")


def level(code: str, policy: str, usual: str, broken: str) -> str:
    """Return the word for the severity of a finding."""
    if code.startswith((BROKEN, INTERNAL)):
        return broken
    return policy if code.startswith(POLICY) else usual
