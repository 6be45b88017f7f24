"""The version of Celery that a project runs on, from its lock file or its requirements.

These files are searched, in this order, until something decides: the files of the project's root and of its
requirements folders (`requirements/`, `deps/`); those of the other folders in the root; the same for the folders above,
up to the root of the repository; the roots of other projects inside.

- A lock file decides, then a requirement that only one minor version meets, then a range; for a range it is the newest
  released version. A range gives way to a lock file or an exact pin farther away that lies within it. A requirement
  without an upper bound means the newest known version, unless a place farther away has an answer that it allows.
- Requirements for development, tests or documentation (`requirements-dev.txt`, a group `test`), or with an environment
  marker that does not hold, count only if nothing else decides.
- If several files of one place disagree, the oldest version wins: newer ones have everything it has, so advice holds
  for all of them, and nothing is reported that only newer versions warn about.
"""

from __future__ import annotations

import codecs
import itertools
import os
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.celery_model.pins import names
from flake8_celery_tasks.celery_model.pins.places import Places
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.options import NEWEST
from flake8_celery_tasks.workspace import folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flake8_celery_tasks.celery_model.pins.requirement import Found, Mention
    from flake8_celery_tasks.resolution.project import Project

#: How many files of one place and in all, and how many mentions in a file, are considered.
_FILES: Final = 200
_READ: Final = 500
_MENTIONS: Final = 200

#: How much of a line is shown.
_SHOWN: Final = 200

#: The formats that are parsed as TOML or JSON.
_TREES: Final = frozenset({names.JSON_LOCK, names.PIPFILE, names.PROJECT, names.TOML_LOCK})

#: What a file must contain to be relevant, and an alternative for formats that can include other files.
_MENTIONING: Final = (b"elery", b"ELERY")
_INCLUDING: Final = {
    names.CONDA: (b"-r",),
    names.CONFIG: (b"file:",),
    names.PROJECT: (b"tool.setuptools.dynamic",),
    names.REQUIREMENTS: (b"-r", b"-c"),
}

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Pin(NamedTuple):
    """What a line of a file says about the version: which minor versions it allows, and how strongly it pins them."""

    strength: int
    version: tuple[int, int]
    path: str
    line: int
    text: str
    minors: frozenset[tuple[int, int]]
    aside: bool


#: The strength of a pin: the installed version, one minor version, an upper bound, hardly any bound.
LOCKED, EXACT, RANGE, OPEN = range(4)


@query(shared=True)
def version_of(project: Project) -> tuple[int, int]:
    """Return the Celery version to check against: from the options, from a pin, or the newest known."""
    if project.options.celery_target_version:
        return project.options.celery_target_version
    pin = source_of(project)
    return NEWEST if pin is None else pin.version


@query(shared=True)
def source_of(project: Project) -> Pin | None:
    """Return the line that pins the version, with its path; None if no file mentions Celery.

    The option for the version does not affect it.
    """
    return _Search(project).decide()


@query(shared=True)
def _places(project: Project) -> Places:
    return Places(project.layout.root)


def places_of(project: Project) -> dict[str, bool]:
    """Return the folders that were searched for the version; empty if nobody has asked for it.

    The value is the `folders` argument of `places.content`.
    """
    return _places(project).folders


def may_pin(folder: str, name: str) -> bool:
    """Return whether a file may name a version, or marks where to look for such files."""
    return name in names.REPOSITORY or names.format_of(folder, name) is not None


class _Search:
    """The search for the version of one project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.root = project.layout.root
        self._seen: set[str] = set()

    def decide(self) -> Pin | None:
        """Return the pin that decides."""
        return _decide(self._pins(place[:_FILES]) for place in _places(self.project))

    def _pins(self, place: list[str]) -> list[Pin]:
        """Return the pins in the files of one place."""
        found: list[Pin] = []
        settled: set[str] = set()  # folders with a lock file that has decided
        locks = [path for path in place if names.format_of(*os.path.split(path)) in names.LOCK_FORMATS]
        for path in sorted(locks, key=_rank):
            folder = os.path.dirname(path)
            if folder not in settled:
                pins = list(self._read(path, self._is_aside(folder)))
                found += pins
                if any(not pin.aside for pin in pins):
                    settled.add(folder)
        if settled:
            return found
        # The main ones first: the files that they include are main ones too, whatever their names.
        for aside, path in sorted((self._is_aside(path), path) for path in place if path not in locks):
            found += self._read(path, aside)
        return found

    def _is_aside(self, path: str) -> bool:
        return names.is_aside(os.path.relpath(path, self.root))

    def _read(self, path: str, aside: bool) -> Iterator[Pin]:
        """Yield what a file says, and the requirements files that it includes."""
        waiting = [(path, names.format_of(*os.path.split(path)))]
        while waiting and len(self._seen) < _READ:
            path, kind = waiting.pop()
            text = None if path in self._seen else self._text(path, kind or names.REQUIREMENTS)
            self._seen.add(path)
            if text is None:
                continue
            from flake8_celery_tasks.celery_model.pins.requirement import Include

            lines = text.splitlines()
            for found in itertools.islice(_reader(kind or names.REQUIREMENTS)(text), _MENTIONS):
                if isinstance(found, Include):
                    named = os.path.normpath(os.path.join(os.path.dirname(path), found.path))
                    waiting.append((named, names.REQUIREMENTS))
                else:
                    number = min(found.line, len(lines))  # a string in Python may have more lines than the file
                    pin = _pin(found, path, number, lines[number - 1], aside=aside)
                    if pin is not None:
                        yield pin

    def _text(self, path: str, kind: str) -> str | None:
        """Return the text of a file that may be relevant, None if it is missing or not a regular file."""
        is_file = folders.entries(os.path.dirname(path)).get(os.path.basename(path)) == folders.FILE
        if not is_file and os.path.exists(path):
            return None
        content = self.project.files.read(path) or b""  # also if it is missing: its appearance is a change
        encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
        if encoding is None and not any(mark in content for mark in (*_MENTIONING, *_INCLUDING.get(kind, ()))):
            return None
        return _decoded(content, encoding)


def _decide(places: Iterator[list[Pin]]) -> Pin | None:
    """Return the deciding pin from what each place says in turn."""
    first: Pin | None = None  # the nearest that is not aside
    beside: Pin | None = None
    for pins in places:
        fitting = [pin for pin in pins if first is None or pin.minors & first.minors]
        said = _strongest(pin for pin in fitting if not pin.aside)
        if said is not None:
            if said.strength <= EXACT:
                return said
            if first is None or (first.strength == OPEN and said.strength == RANGE):
                first = said
        if beside is None:
            beside = _strongest(pin for pin in fitting if pin.aside and pin.strength != OPEN)
    if beside is not None and (first is None or (first.strength == OPEN and beside.minors & first.minors)):
        return beside
    return first


def _strongest(pins: Iterable[Pin]) -> Pin | None:
    """Return the strongest pin, and among equals the one with the oldest version."""
    return min(pins, key=lambda pin: (pin.strength, pin.version), default=None)


def _pin(mention: Mention, path: str, number: int, line: str, *, aside: bool) -> Pin | None:
    """Return the pin from a mention, None if it says nothing."""
    from flake8_celery_tasks.celery_model.pins.requirement import LATER, MINORS, admitted, applies

    minors = frozenset(minor if minor <= MINORS[-1] else LATER for minor in admitted(mention.spec))
    if not minors:
        return None
    version = min(max(minors), NEWEST)
    strength = LOCKED if mention.locked else EXACT
    if LATER in minors or len(minors) > 1:
        strength = OPEN if version == NEWEST else RANGE
    is_aside = aside or mention.aside or not applies(mention.marker)
    return Pin(strength, version, path, number, line.strip()[:_SHOWN], minors, is_aside)


def _rank(path: str) -> tuple[int, str]:
    """Return the order in which lock files are consulted."""
    name = os.path.basename(path)
    return names.LOCKS.index(name) if name in names.LOCKS else len(names.LOCKS), path


def _reader(kind: str) -> Callable[[str], Iterator[Found]]:
    """Return the parser for a format."""
    if kind in _TREES:
        from flake8_celery_tasks.celery_model.pins import toml

        return {
            names.JSON_LOCK: toml.json_lock,
            names.PIPFILE: toml.pipfile,
            names.PROJECT: toml.project,
            names.TOML_LOCK: toml.toml_lock,
        }[kind]
    from flake8_celery_tasks.celery_model.pins import text

    return {
        names.CONDA: text.conda,
        names.CONFIG: text.config,
        names.REQUIREMENTS: text.requirements,
        names.SETUP: text.setup,
        names.YAML_LOCK: text.yaml_lock,
    }[kind]


def _decoded(content: bytes, encoding: str | None) -> str:
    """Return the text of a file: without a BOM it is UTF-8, or failing that one byte per character."""
    try:
        return content.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        return content.decode(encoding or "latin-1", "replace")
