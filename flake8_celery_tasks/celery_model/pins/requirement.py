"""A single requirement: whether it is one of Celery, and which versions it allows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from flake8_celery_tasks.core.memo import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

#: The released minor versions of Celery.
MINORS: Final = (
    *((3, 0), (3, 1)),
    *((4, 0), (4, 1), (4, 2), (4, 3), (4, 4)),
    *((5, 0), (5, 1), (5, 2), (5, 3), (5, 4), (5, 5), (5, 6), (5, 7)),
)

#: A stand-in for all later versions.
LATER: Final = (9999, 0)

#: Longer requirements are nonsense and not worth the time.
LONGEST: Final = 1000

#: The platform that tasks run on.
_LINUX: Final = {"os_name": "posix", "platform_system": "Linux", "sys_platform": "linux"}

_NAME: Final = lazy_pattern(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", re.ASCII)
_SEPARATORS: Final = lazy_pattern(r"[-_.]+")

#: Exactly one version: `5.4.0`, `==5.4`, `===5.0.0rc1`.
_EXACT: Final = lazy_pattern(r"(?:===?)?\s*v?(\d{1,4})(?:\.(\d{1,4})(?!\d)[\w.+-]*)?", re.ASCII)
_OPERATORS: Final = ("", "@", *"<>=!~^")
_CLAUSE: Final = lazy_pattern(r"(~=|===?|!=|<=|>=|[<>^~=])?\s*([^\s,<>=~^]+)")

#: A version in the address of a repository or archive: `@v5.0.5`, `/archive/5.0.zip`, `celery-4.4.7-py3-none-any.whl`.
_ADDRESSED: Final = lazy_pattern(r"[@/=_-]v?([2-9])\.(\d{1,2})(?!\d)", re.ASCII)
_FILE: Final = lazy_pattern(r"(?:^|[/=])celery-v?\d", re.IGNORECASE | re.ASCII)
_EGG: Final = lazy_pattern(r"[#&]egg=")
_REPOSITORY: Final = lazy_pattern(r"/celery(?:\.git)?/?(?:[@#]|$)", re.IGNORECASE)


class Mention(NamedTuple):
    """What one place says about the required version of Celery.

    `spec` is a specifier (`>=5,<6`, `^5.2`), or an address after an `@`. `aside` means that it is for development,
    tests or documentation only.
    """

    spec: str
    line: int
    marker: str = ""
    aside: bool = False
    locked: bool = False


class Include(NamedTuple):
    """Another requirements file that a file names, by its relative path."""

    path: str


Found: TypeAlias = "Mention | Include"


def is_celery(name: str) -> bool:
    """Return whether a name is Celery's, in any spelling."""
    return _SEPARATORS.sub("-", name).lower() == "celery"


def is_mentioned(text: str) -> bool:
    """Return whether a text may name Celery."""
    return "elery" in text or "ELERY" in text


def mentions(text: str, line: int, *, aside: bool = False) -> Iterator[Mention]:
    """Yield what a PEP 508 requirement, or an address, says about Celery; nothing if it is for another package."""
    text = text.strip()
    if len(text) > LONGEST:
        return
    name = _NAME.match(text)
    if name is None or not is_celery(name[0]):
        if _is_address_of_celery(text):
            yield Mention("@" + text.partition(" ")[0], line, text.partition(" ;")[2].strip(), aside)
        return
    rest = text[name.end() :].lstrip()
    if rest.startswith("["):
        rest = rest.partition("]")[2].lstrip()
    spec, _, marker = rest.partition(" ;" if rest.startswith("@") else ";")
    spec = spec.strip()
    if spec.startswith("(") and spec.endswith(")"):
        spec = spec[1:-1].strip()
    if spec[:1] in _OPERATORS:
        yield Mention(spec, line, marker.strip(), aside)


def _is_address_of_celery(text: str) -> bool:
    """Return whether a text is the address of Celery's repository or of one of its archives."""
    egg = _EGG.search(text)
    if egg is not None:
        name = _NAME.match(text, egg.end())
        return name is not None and is_celery(name[0])
    head = text.partition(" ")[0]
    return _FILE.search(head) is not None or ("://" in head and _REPOSITORY.search(head) is not None)


def admitted(spec: str) -> frozenset[tuple[int, int]]:
    """Return the minor versions that a specifier or an address allows, or none if it names no version.

    They are from `MINORS`, with `LATER` if there is no upper bound; if exactly one version is named, it is that one,
    known or not. Besides PEP 440 specifiers it understands those of Poetry, Pipenv and Conda.
    """
    spec = spec.strip()
    if spec.startswith("@"):
        return _addressed(spec)
    found: set[tuple[int, int]] = set()
    if len(spec) <= LONGEST:
        for alternative in spec.replace("||", "|").split("|"):
            found |= _admitted(alternative.strip())
    return frozenset(found)


def _addressed(address: str) -> frozenset[tuple[int, int]]:
    """Return the version that an address names; a branch or a commit does not count."""
    scheme, found, rest = address.partition("://")
    path = rest.partition("/")[2] if found else scheme
    versions = _ADDRESSED.findall("/" + path.partition("#")[0])
    return frozenset({(int(major), int(minor)) for major, minor in versions[-1:]})


def _admitted(spec: str) -> set[tuple[int, int]]:
    if spec in ("", "*"):
        return {*MINORS, LATER}
    exact = _EXACT.fullmatch(spec)
    if exact:
        return {(int(exact[1]), int(exact[2] or 0))}
    from packaging.specifiers import SpecifierSet

    try:
        wanted = SpecifierSet(_normalised(spec))
        return {
            (version.major, version.minor)
            for version in _candidates(wanted)
            if wanted.contains(version, prereleases=True)
        }
    except ValueError:  # not a version, or its numbers are too long
        return set()


def _candidates(wanted: SpecifierSet) -> Iterator[Version]:
    """Yield the versions to try: the result of a specifier can change only at the numbers that it names."""
    from packaging.version import Version

    micros = {0}
    for clause in wanted:
        named = Version(clause.version.removesuffix(".*"))
        micros |= {named.micro + step for step in (-1, 0, 1) if named.micro + step >= 0}
        if (named.major, named.minor) in MINORS and not named.epoch:
            yield named
    for major, minor in (*MINORS, LATER):
        for micro in micros:
            yield Version(f"{major}.{minor}.{micro}")


def _normalised(spec: str) -> str:
    """Return a specifier in PEP 440 form. Raises ValueError if it is not a specifier."""
    if _CLAUSE.sub("", spec).strip(" \t,"):
        raise ValueError(spec)
    return ",".join(_clause(operator, version) for operator, version in _CLAUSE.findall(spec))


def _clause(operator: str, version: str) -> str:
    bare = version.removesuffix("*").rstrip(".")
    if operator in ("", "="):
        # Conda's `=5.2` allows 5.2.7; a star may follow any number.
        return f"=={bare}.*" if operator or bare != version else f"=={version}"
    if operator == "^":
        return f">={bare},=={bare.partition('.')[0]}.*"
    if operator == "~":
        return f">={bare},=={'.'.join(bare.split('.')[:2])}.*"
    if operator in ("==", "!="):
        return f"{operator}{bare}.*" if bare != version else f"{operator}{version}"
    return f"{operator}{bare}"


def marker_of(python: str) -> str:
    """Return the environment marker for Poetry's Python constraint, such as `^3.8 || ~3.7`.

    For an invalid constraint it is empty.
    """
    try:
        return _marker_of(python)
    except ValueError:
        return ""


def _marker_of(python: str) -> str:
    alternatives = [
        " and ".join(
            f"python_full_version {clause.rstrip('0123456789.*')} '{clause.lstrip('=!<>~')}'"
            for clause in _normalised(alternative).split(",")
        )
        for alternative in python.replace("||", "|").split("|")
    ]
    return " or ".join(alternatives)


def applies(marker: str) -> bool:
    """Return whether an environment marker holds for the Python that runs the linter, on Linux; True if invalid."""
    if not marker:
        return True
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    try:
        return Marker(marker[:LONGEST]).evaluate(_LINUX)
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return True
