"""The rules: found in their folders, imported when a run needs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks import rules as package
from flake8_celery_tasks.core import own_code
from flake8_celery_tasks.core.memo import lazy_pattern
from flake8_celery_tasks.core.violation import PREFIX
from flake8_celery_tasks.rules.rule import OPT_IN, Rule
from flake8_celery_tasks.workspace import cache as workspace_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What imports the rules that check a kind of fact, by the name of the kind.
ByKind = Mapping[str, Iterable[Callable[[], Rule[Any]]]]


def rules() -> tuple[Rule[Any], ...]:
    """Return all rules, by code."""
    return wanted((PREFIX,))


class _Listed(NamedTuple):
    """A rule as its file shows it: its code, and the names of the kinds of facts that it checks."""

    path: str
    code: str
    kinds: tuple[str, ...]


#: What the class of a rule says. Patterns with a fixed start are found faster.
_CODE: Final = lazy_pattern(rb'\n    code = "(\w+)"\r?\n')
_KINDS: Final = lazy_pattern(rb"\(Rule\[([\w |]+)\]\):\r?\n")


def codes() -> tuple[str, ...]:
    """Return the codes of all rules, read from their files: importing them all takes longer."""
    return tuple(sorted(_listed()))


def named(some: Iterable[str]) -> dict[str, Rule[Any]]:
    """Return the rules with some codes, by code, and import only those; codes that are not ours are left out."""
    listed = _listed()
    return {code: _in_file(listed[code].path) for code in set(some) if code in listed}


@cache
def _listed() -> dict[str, _Listed]:
    """Return all rules, by code. The folder is the registry: each file in a topic's folder is a rule.

    What a hundred files say is cached, until one of the linter's own files changes.
    """
    return _kept() or _listed_in(_files())


@cache
def _kept() -> dict[str, _Listed]:
    """Return the rules by code, as an earlier process stored them; empty if there is any doubt."""
    rows = workspace_cache.read(_place())
    if not all(map(_is_row, rows.values())) or sorted(row[0] for row in rows.values()) != sorted(_files()):
        return {}
    return {code: _Listed(path, code, tuple(kinds)) for code, (path, kinds) in rows.items()}


def _is_row(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 2
        and isinstance(row[0], str)
        and isinstance(row[1], list)
        and all(isinstance(kind, str) for kind in row[1])
    )


def _place() -> str:
    """Return the path of the file that keeps what the rules' files say."""
    return workspace_cache.file_of("", own_code.state(), ".rules.json")


@cache
def keep() -> None:
    """Store what the rules' files say for later processes, unless one has done so. Does nothing the second time."""
    if not _kept():
        workspace_cache.write(_place(), {code: [listed.path, _kinds(listed)] for code, listed in _listed().items()})


def _listed_in(paths: Iterable[str]) -> dict[str, _Listed]:
    """Return the rules in some files, by code."""
    found: dict[str, _Listed] = {}
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            text = file.read()
        coded, kinds = _CODE.search(text), _KINDS.search(text)
        assert coded is not None, path
        code = coded[1].decode()
        found[code] = _Listed(path, code, tuple(kinds[1].decode().split(" | ")) if kinds else ())
    return found


def _files() -> Iterator[str]:
    (folder,) = package.__path__
    for topic in sorted(os.listdir(folder)):
        below = os.path.join(folder, topic)
        if "." not in topic and not topic.startswith("_") and os.path.isdir(below):
            for name in sorted(os.listdir(below)):
                if name.endswith(".py") and not name.startswith("_"):
                    yield os.path.join(below, name)


@cache
def _in_file(path: str) -> Rule[Any]:
    """Return the rule that a file in a topic's folder defines."""
    folder, name = os.path.split(path)
    module = import_module(f"{package.__name__}.{os.path.basename(folder)}.{name[:-3]}")
    (rule,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == module.__name__
    )
    return rule()


def _is_wanted(listed: _Listed, opted: tuple[str, ...]) -> bool:
    is_opt_in = os.path.basename(os.path.dirname(listed.path)) == OPT_IN
    return not is_opt_in or listed.code.startswith(opted)


@cache
def wanted(opted: tuple[str, ...] = ()) -> tuple[Rule[Any], ...]:
    """Return the rules that run, by code: all but the opt-in ones, and opt-in rules whose codes start with a prefix."""
    return tuple(_in_file(listed.path) for _, listed in sorted(_listed().items()) if _is_wanted(listed, opted))


def _kinds(listed: _Listed) -> tuple[str, ...]:
    """Return the names of the kinds of facts that a rule checks; one that inherits its check has to be imported."""
    return listed.kinds or tuple(kind.__name__ for kind in _in_file(listed.path).kinds)


@cache
def by_kind(opted: tuple[str, ...] = (), codes: frozenset[str] = frozenset()) -> ByKind:
    """Return what imports the rules that run, by the names of the kinds of facts that they check.

    A file has facts of a few kinds, so most rules need not be imported for it. `codes`, if not empty, are the codes of
    the rules that run at all.
    """
    found: dict[str, list[Callable[[], Rule[Any]]]] = {}
    for code, listed in sorted(_listed().items()):
        if _is_wanted(listed, opted) and (not codes or code in codes):
            for kind in _kinds(listed):
                found.setdefault(kind, []).append(partial(_in_file, listed.path))
    return found
