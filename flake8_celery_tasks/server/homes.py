"""The configuration that applies to a folder, and whether it has changed since it was read."""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core import options as core_options
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.flake8_host import files
from flake8_celery_tasks.flake8_host.configuration import Configuration, configuration_for, find_table
from flake8_celery_tasks.workspace import folders
from flake8_celery_tasks.workspace.cache import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.server.settings import Settings

#: The files that flake8's configuration and ours are read from.
CONFIGURING: Final = ("setup.cfg", "tox.ini", ".flake8", "pyproject.toml")


class Home:
    """A folder and its configuration; None if that is broken: `error` gives the reason."""

    def __init__(self, folder: str, settings: Settings) -> None:
        self.folder = folder
        self.error = ""
        self.configuration: Configuration | None = None
        with self.entered():
            self._stamps = {path: stamp(path) for path in self._sources()}
            try:
                self.configuration = _with(configuration_for(_nothing_given(), [folder]), settings)
            except UsageError as error:
                self.error = str(error)
        self._stamps.update({path: stamp(path) for path in self.named})

    @property
    def named(self) -> list[str]:
        """The files that the configuration names: a baseline, records."""
        if self.configuration is None:
            return []
        options = self.configuration.run.options
        named = (options.celery_baseline, options.celery_contract, *options.celery_known_tasks)
        return [os.path.join(self.folder, path) for path in named if path]

    def _sources(self) -> Iterator[str]:
        folder = self.folder
        while True:
            yield from (os.path.join(folder, name) for name in CONFIGURING)
            if os.path.dirname(folder) == folder:
                return
            folder = os.path.dirname(folder)

    @property
    def is_current(self) -> bool:
        """Whether none of the files has changed that the configuration was read from."""
        return all(stamp(path) == known for path, known in self._stamps.items())

    def is_source(self, path: str) -> bool:
        """Return whether the configuration was read from a file."""
        return path in self._stamps

    def reaches(self, path: str) -> bool:
        """Return whether `check` of the folder would check a file."""
        return self.configuration is not None and files.reaches(self.folder, path, self.configuration.options)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Work inside the folder: flake8 searches for configuration, and for file names, from the working directory."""
        try:
            before = os.getcwd()
        except OSError:
            before = os.sep
        with contextlib.suppress(OSError):
            os.chdir(self.folder)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.chdir(before)


def _nothing_given() -> Namespace:
    return Namespace(config=None, append_config=[], isolated=False)


def _with(configuration: Configuration, settings: Settings) -> Configuration:
    """Return a configuration with the codes that the client selects and ignores in addition."""
    options, run = configuration
    options.extend_select = [*(options.extend_select or ()), *settings.extend_select]
    options.extend_ignore = [*(options.extend_ignore or ()), *settings.ignore]
    return Configuration(options, run._replace(opted=core_options.opted(options, ())))


def folder_of(path: str, workspace: list[str]) -> str:
    """Return the folder whose configuration applies to a file.

    It is the workspace folder, or else the project root; a folder on the way down whose `pyproject.toml` has our table
    has its own.
    """
    around = [folder for folder in workspace if path.startswith(os.path.join(folder, ""))]
    own = os.path.dirname(path)
    root = folders.find_root(own) or own
    base = max(around, key=len) if around else root
    try:
        table = find_table(own)
    except UsageError:
        return root  # it will report what is broken
    home = os.path.dirname(table)
    return home if home.startswith(os.path.join(base, "")) else base
