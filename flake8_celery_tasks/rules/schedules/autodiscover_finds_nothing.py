from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.values import Unknown
from flake8_celery_tasks.facts.apps import Discovery
from flake8_celery_tasks.frameworks.django_models import is_django
from flake8_celery_tasks.rules._discovery import Loading, loading
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.workspace import folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class AutodiscoverFindsNothing(Rule[Discovery]):
    """The configuration that tells Celery where to find tasks leads to none.

    ## What happens

    `autodiscover_tasks(["shop"])` imports `shop` and then `shop.tasks`, or the module that `related_name` names. It
    looks no deeper, and silently skips a missing module. `include` and `imports` import the modules that they name, but
    not the modules below them. The worker starts, but rejects the messages of tasks that it has not loaded:

    ```text
    Received unregistered task of type 'shop.tasks.mails.remind'.
    The message has been ignored and discarded.
    ```

    Without packages, `autodiscover_tasks()` asks Django for its apps; outside Django it does nothing at all. A string
    instead of a list is read letter by letter: `No module named 's'`.

    ## Bad

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop", broker="redis://")
    app.autodiscover_tasks(["shop"])
    ```

    ```python title="shop/tasks/__init__.py"
    ```

    ```python title="shop/tasks/mails.py"
    from shop.celery import app


    @app.task(name="shop.tasks.mails.remind")
    def remind(order_pk):
        print(order_pk)
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop", broker="redis://")
    app.autodiscover_tasks()
    ```

    ## Good

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop", broker="redis://")
    app.autodiscover_tasks(["shop.tasks"], related_name="mails")
    ```

    ```python title="shop/tasks/__init__.py"
    ```

    ```python title="shop/tasks/mails.py"
    from shop.celery import app


    @app.task(name="shop.tasks.mails.remind")
    def remind(order_pk):
        print(order_pk)
    ```

    ## Not reported when

    - one of the loaded modules, or something that it imports, defines a task, or may do so: it imports names that can't
      be resolved, or tasks of another package;
    - the packages can't be resolved or are not part of the project;
    - the named module exists, and all tasks below it are loaded in another way;
    - the module is a test or a migration.

    ## Fix

    Name the modules themselves (`["shop.tasks.mails"]`), write their `related_name`, or import them in the package's
    `__init__`. In a Django project, call `autodiscover_tasks()` without packages.
    """

    code = "CLY814"
    see = ("Celery#celery.Celery.autodiscover_tasks", "configuration#imports", "configuration#include")
    message = "{what} loads no task from {name!r}: {why}"
    text: Final = (
        "autodiscover_tasks() goes through {name!r} letter by letter: No module named {letter!r}; write [{name!r}]"
    )
    empty: Final = "autodiscover_tasks() without packages asks Django for its apps, and does nothing here; list them"
    related: Final = "No app of the project has a module {name!r}: autodiscover_tasks() silently finds nothing"
    quiet_in_tests = True

    def check(self, discovery: Discovery) -> Iterator[Violation]:
        """Report a call that finds nothing, and names in a call or a setting that lead to no task."""
        module, given = discovery.module, discovery.given
        if given is None:
            message = _empty(discovery)
            if message:
                yield self.report(module, discovery.node, getattr(self, message), name=discovery.related)
        elif discovery.is_call and discovery.text:
            yield self.report(module, given, self.text, name=discovery.text, letter=discovery.text[0])
        else:
            what = "autodiscover_tasks()" if discovery.is_call else repr(discovery.what)
            for name, node in discovery.names or ():
                why = _why_nothing(discovery, name)
                if why is not None:
                    yield self.report(module, node, what=what, name=name, why=why)


def _empty(discovery: Discovery) -> str:
    """Return the name of the message for a call that names no packages; an empty string if it finds some."""
    project, module, related = discovery.project, discovery.module, discovery.related
    if not is_django(project):
        return "" if module.source.may_hold("fixup") else "empty"
    if not isinstance(related, str) or related == "tasks":
        return ""
    names = (project.layout.place(path).name for path in project.layout.files())
    return "" if any(f".{name}".endswith(f".{related}") for name in names) else "related"


def _why_nothing(discovery: Discovery, name: str) -> str | None:
    """Return why a name leads to no task; None if it leads to one, or may do so."""
    project, module, related = discovery.project, discovery.module, discovery.related
    layout, root = project.layout, module.place.root
    if isinstance(related, Unknown) or not name or layout.find(name.partition(".")[0], root) is None:
        return None
    found = loading(project)
    is_missing = layout.find(name, root) is None
    if is_missing and not _is_certainly_missing(discovery, name):
        return None
    if is_missing and not discovery.is_call:
        return f"there is no module {name!r}, and no worker starts"
    if found.loads_tasks(found.files(module, name, related)):
        return None
    left = _left(found, discovery, name)
    if is_missing:
        return f"there is no module {name!r}{_instead(discovery, left)}"
    if not left:
        return None
    if related is not None and layout.find(f"{name}.{related}", root) is None:
        return f"there is no module '{name}.{related}'{_instead(discovery, left)}"
    loaded = name if related is None else f"{name}.{related}"
    return f"{loaded!r} imports no module with a task{_instead(discovery, left)}"


def _is_certainly_missing(discovery: Discovery, name: str) -> bool:
    """Return whether a module is certainly missing: all packages around it are regular ones."""
    layout, root = discovery.project.layout, discovery.module.place.root
    parts = name.split(".")
    for end in range(1, len(parts)):
        found = layout.find(".".join(parts[:end]), root)
        if found is None:
            return True
        if not found.endswith("__init__.py"):
            return found.endswith(".py")
        text = discovery.project.files.read(found)
        if text is None or b"__path__" in text:
            return False
        # Other files may become Python modules when they are built.
        others = folders.entries(os.path.dirname(found))
        if any(other.partition(".")[0] == parts[end] and not other.endswith(".py") for other in others if "." in other):
            return False
    return True


def _left(found: Loading, discovery: Discovery, name: str) -> list[str]:
    """Return the files with tasks below a name that nothing else loads; none if that is unknown."""
    everywhere = found.everywhere
    if everywhere is None:
        return []
    return [path for path in found.below(discovery.module, name) if path not in everywhere]


def _instead(discovery: Discovery, left: list[str]) -> str:
    """Return where the tasks are, as the end of a message."""
    if not left:
        return ""
    names = sorted(discovery.project.layout.place(path).name for path in left)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"; the tasks are in {names[0]!r}{more}"
