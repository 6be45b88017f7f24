"""Places that read Celery's settings from Django's, and whether the project sets them under that name."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import last_name, suppressed
from flake8_celery_tasks.binding.scopes import TRY
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.settings import OLD_TO_NEW, SETTINGS
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.facts.facts import Facts
    from flake8_celery_tasks.resolution.project import Project


#: Every name in upper case that identifies a setting of Celery, with the setting.
NAMES: Final = {
    **{name.upper(): name for name in SETTINGS if name.startswith(("beat_", "broker_", "result_", "task_", "worker_"))},
    **{f"CELERY_{name.upper()}": name for name in SETTINGS},
    **OLD_TO_NEW,
}

_UPPER: Final = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")

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
    names = NAMES.keys() & _UPPER.findall(module.source.text) if module.source.may_hold("settings") else set()
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
    """The names that a project's Django settings bind, as far as the source shows."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._set: dict[tuple[str, bool], bool] = {}
        layout = project.layout
        self.texts = {path: project.files.read(path) or b"" for path in layout.files()}
        self.modules = [
            path
            for path, text in self.texts.items()
            if b"INSTALLED_APPS" in text
            and re.search(rb"^\s*INSTALLED_APPS\b[^\n]*=", text, re.MULTILINE)
            and not layout.is_test(layout.place(path))
        ]

    @property
    def are_whole(self) -> bool:
        """Whether there are settings, and all their names can be resolved."""
        return bool(self.modules) and all(map(self._is_whole, self.modules))

    def _is_whole(self, path: str) -> bool:
        module = self.project.module(path)
        return (
            module is not None
            and not any(mark in self.texts[path] for mark in _DYNAMIC)
            and all(self._is_known(star, module) for star in module.stars)
        )

    def _is_known(self, star: str, module: Module) -> bool:
        return star.startswith("django.") or self.project.layout.find(star, module.place.root) is not None

    def sets(self, name: str, *, in_tests: bool) -> bool:
        """Return whether something sets a name: an assignment, an import, a keyword, a key."""
        asked = name, in_tests
        if asked not in self._set:
            self._set[asked] = self._sets(name, in_tests=in_tests)
        return self._set[asked]

    def _sets(self, name: str, *, in_tests: bool) -> bool:
        quoted = name.encode()
        pattern = re.compile(
            rb"(?<![\w.])%b\s*(?::[^=\n]+)?=(?!=)|settings\.%b\s*=(?!=)|[\"']%b[\"'](?:\s*:|\]\s*=(?!=))"
            rb"|\bsetattr\([^()]*[\"']%b[\"']" % ((quoted,) * 4)
        )
        layout = self.project.layout
        holding = [
            (path, text)
            for path, text in self.texts.items()
            if quoted in text and (in_tests or not layout.is_test(layout.place(path)))
        ]
        return any(pattern.search(text) is not None or self._binds(path, name) for path, text in holding)

    def _binds(self, path: str, name: str) -> bool:
        """Return whether a module binds a name in any way: by an import, by unpacking, by a loop."""
        module = self.project.module(path)
        return module is not None and module.binds(name)

    def other_name(self, name: str) -> str | None:
        """Return another name of the same setting that the project sets."""
        setting = NAMES[name]
        others = [other for other, known in NAMES.items() if known == setting and other != name]
        return next((other for other in others if self.sets(other, in_tests=False)), None)


@query()
def django_settings(project: Project) -> DjangoSettings:
    """Return the names that a project's Django settings bind."""
    return DjangoSettings(project)
