from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.scopes import TRY, WITH
from flake8_celery_tasks.catalog.removed_api import REMOVED, removed
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.imports import Import
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation

#: The first version without all of these; a project may be pinned to an older one.
_GONE_SINCE = (5, 0)

#: Exceptions whose handler guards an import.
_GUARDS = frozenset({"AttributeError", "BaseException", "Exception", "ImportError", "ModuleNotFoundError"})


class RemovedApi(Rule[Import]):
    """A module imports something that Celery no longer has.

    ## What happens

    The import fails, and with it the module:

    ```text
    ModuleNotFoundError: No module named 'celery.decorators'
    ```

    If the module is imported late, by `autodiscover_tasks` in the worker or inside a function, the error only appears
    then. `celery.task`, `celery.decorators` and `periodic_task` were removed in Celery 5; `djcelery` needs Celery 3.

    ## Bad

    ```python
    from celery.decorators import task

    from shop.web import download


    @task(name="shop_fetch_rates")
    def fetch_rates(url):
        return download(url)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(url):
        return download(url)
    ```

    ## Not reported when

    - the import is in a `try` that catches `ImportError`, or in the handler of one;
    - the import is in `with suppress(ImportError):` or `with pytest.raises(ImportError):`, or under an `if` that checks
      a version or `TYPE_CHECKING`;
    - the project has its own package of that name;
    - the project's lock or requirements pin a Celery before 5.0.

    ## Fix

    Import what the message names. It is not always a drop-in replacement: a `periodic_task` becomes a task and an entry
    of `beat_schedule`.
    """

    code = "CLY517"
    see = ("whatsnew-5.0#removed-deprecated-modules", "tasks#how-do-i-import-the-task-decorator")
    message = "Celery no longer has {name}, so this import fails; {advice}"

    def check(self, imported: Import) -> Iterator[Violation]:
        """Report the imported name."""
        name, binding = removed(imported.asked), imported.binding
        if name is None or not isinstance(binding.node, ast.alias) or _is_guarded(binding.site):
            return
        # A project may have its own package of that name.
        target = imported.project.resolve(binding.path, imported.module)
        if target.foreign and version_of(imported.project) >= _GONE_SINCE:
            instead = REMOVED[name]
            advice = f"use {instead}" if instead else "it has no replacement"
            yield self.report(imported.module, binding.node, name=name, advice=advice)


def _is_guarded(site: Site) -> bool:
    """Return whether an import may fail, or is not meant for this Celery."""
    for around in site.chain():
        node = around.node
        if around.kind == TRY:
            if any(handler.type is None or _names(handler.type) & _GUARDS for handler in around.try_.handlers):
                return True
        elif around.kind == WITH:
            if any(_names(item.context_expr) & _GUARDS for item in around.items):
                return True
        elif isinstance(node, (ast.If, ast.IfExp, ast.Match)):
            asked = node.subject if isinstance(node, ast.Match) else node.test
            names = " ".join(_names(asked)).lower()
            if "version" in names or "type_checking" in names:
                return True
    return False


def _names(node: ast.expr) -> set[str]:
    """Return the names and attributes in an expression."""
    found = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return found | {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
