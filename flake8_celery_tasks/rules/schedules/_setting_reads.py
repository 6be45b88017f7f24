"""Places that read Celery's settings from Django's, and whether the project sets them under that name."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import last_name, suppressed
from flake8_celery_tasks.binding.scopes import TRY
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.settings import OLD_TO_NEW, SETTINGS
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.resolution.project import Project
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.facts.facts import Facts

#: Every name in upper case that identifies a setting of Celery, with the setting.
NAMES: Final = {
    **{name.upper(): name for name in SETTINGS if name.startswith(("beat_", "broker_", "result_", "task_", "worker_"))},
    **{f"CELERY_{name.upper()}": name for name in SETTINGS},
    **OLD_TO_NEW,
}

#: How these names begin: most files contain none of these texts, and a search for all names takes longer.
_STARTS: Final = tuple(sorted({f"{name.partition('_')[0]}_" for name in NAMES}))
_UPPER: Final = lazy_pattern(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")

#: Words in the source that may bind names in a settings module without a statement.
_DYNAMIC: Final = (b"globals(", b"vars(", b"locals(", b"setattr(", b"dynaconf", b"exec(")

#: Exceptions whose handlers allow for a missing name.
_MISSING: Final = frozenset({"AttributeError", "Exception", "BaseException"})


class Read(NamedTuple):
    """A place that reads a name of Django's settings: by attribute, by `getattr` or by `hasattr`.

    `kind` is how the name is read, `has_default` whether the code continues if the name is missing.
    """

    node: ast.expr
    name: str
    kind: str
    has_default: bool


def reads(facts: Facts) -> list[Read]:
    """Return the places of a file that read settings of Celery from Django's settings."""
    module = facts.module
    source = module.source
    may_read = source.may_hold("settings") and any(map(source.may_hold, _STARTS))
    names = NAMES.keys() & _UPPER.findall(source.text) if may_read else set()
    if not names:
        return []
    found = [
        Read(node, node.attr, "attribute", has_default=_is_guarded(site))
        for node, site in facts.attributes_named(frozenset(names))
        if isinstance(node.ctx, ast.Load) and _is_of_django(facts, node.value, site)
    ]
    for kind in ("getattr", "hasattr"):
        for call, site in module.calls_of(kind):
            name = settled(facts.project, module, call.args[1], site) if len(call.args) > 1 else None
            if isinstance(name, str) and name in names and _is_of_django(facts, call.args[0], site):
                has_default = kind == "hasattr" or len(call.args) > 2 or _is_guarded(site)
                found.append(Read(call, name, kind, has_default))
    return sorted(found, key=lambda read: start_of(read.node))


def _is_guarded(site: Site) -> bool:
    """Return whether the code expects the exception for a missing name: in a `try`, or under `suppress`."""
    return any(
        (around.kind == TRY and around.part == "body" and any(_catches(item.type) for item in around.try_.handlers))
        or (
            isinstance(around.node, (ast.With, ast.AsyncWith))
            and any(_catches(kind) for item in around.node.items for kind in suppressed(item))
        )
        for around in site.chain()
    )


def _is_of_django(facts: Facts, owner: ast.expr, site: Site) -> bool:
    value = facts.module.value(owner, site.scope)
    return isinstance(value, Ref) and facts.project.resolve(value.path, facts.module).path == "django.conf.settings"


def _catches(caught: ast.expr | None) -> bool:
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(kind is None or last_name(kind) in _MISSING for kind in kinds)


class DjangoSettings:
    """The names that a project's Django settings bind, as far as the source shows.

    In an editor, only the open files are searched after each edit.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._before = django_settings(project.before) if isinstance(project.before, Project) else None
        self._found: dict[tuple[object, str], frozenset[str]] = {}
        paths = project.layout.files() if self._before is None else project.files.disk.held
        self.texts = {path: project.files.read(path) or b"" for path in paths}
        self.modules: list[str] = [
            *(path for path in (self._before.modules if self._before else ()) if path not in self.texts),
            *(path for path, text in self.texts.items() if self._is_settings(path, text)),
        ]

    def _is_settings(self, path: str, text: bytes) -> bool:
        """Return whether a file holds Django settings."""
        layout = self.project.layout
        return (
            b"INSTALLED_APPS" in text
            and re.search(rb"^\s*INSTALLED_APPS\b[^\n]*=", text, re.MULTILINE) is not None
            and not layout.is_test(layout.place(path))
        )

    def text(self, path: str) -> bytes:
        """Return the text of a file of the project."""
        return self._before.text(path) if self._before is not None and path not in self.texts else self.texts[path]

    @property
    def are_whole(self) -> bool:
        """Whether there are settings, and all their names can be resolved."""
        return bool(self.modules) and all(map(self._is_whole, self.modules))

    def _is_whole(self, path: str) -> bool:
        module = self.project.module(path)
        return (
            module is not None
            and not any(mark in self.text(path) for mark in _DYNAMIC)
            and all(self._is_known(star, module) for star in module.stars)
        )

    def _is_known(self, star: str, module: Module) -> bool:
        return star.startswith("django.") or self.project.layout.find(star, module.place.root) is not None

    def sets(self, name: str, *, in_tests: bool) -> bool:
        """Return whether something sets a name: an assignment, an import, a keyword, a key."""
        layout = self.project.layout
        return any(
            in_tests or not layout.is_test(layout.place(path))
            for find in (DjangoSettings._writing, DjangoSettings._binding)  # the second has to parse files
            for path in self.found_by(find, name)
        )

    def found_by(self, find: Callable[[DjangoSettings, str], Iterator[str]], name: str) -> frozenset[str]:
        """Return the files that set a name, found in a certain way."""
        if (find, name) not in self._found:
            known = frozenset() if self._before is None else self._before.found_by(find, name).difference(self.texts)
            self._found[find, name] = known.union(find(self, name))
        return self._found[find, name]

    def _writing(self, name: str) -> Iterator[str]:
        """Yield the files that write a name where a value follows."""
        quoted = name.encode()
        pattern = re.compile(
            rb"(?<![\w.])%b\s*(?::[^=\n]+)?=(?!=)|settings\.%b\s*=(?!=)|[\"']%b[\"'](?:\s*:|\]\s*=(?!=))"
            rb"|\bsetattr\([^()]*[\"']%b[\"']" % ((quoted,) * 4)
        )
        return (path for path, text in self.texts.items() if quoted in text and pattern.search(text) is not None)

    def _binding(self, name: str) -> Iterator[str]:
        """Yield the modules that bind a name in any way: by an import, by unpacking, by a loop."""
        for path, text in self.texts.items():
            module = self.project.module(path) if name.encode() in text else None
            if module is not None and module.binds(name):
                yield path

    def other_name(self, name: str) -> str | None:
        """Return another name of the same setting that the project sets."""
        setting = NAMES[name]
        others = [other for other, known in NAMES.items() if known == setting and other != name]
        return next((other for other in others if self.sets(other, in_tests=False)), None)


@query()
def django_settings(project: Project) -> DjangoSettings:
    """Return the names that a project's Django settings bind."""
    return DjangoSettings(project)
