from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog import setting_values
from flake8_celery_tasks.facts.configured.settings import LOOSE, Setting
from flake8_celery_tasks.resolution import inference
from flake8_celery_tasks.resolution.evaluation import Called, Table
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.rules.schedules import _setting_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: Names for kinds of values.
_KINDS: Final = {
    "dict": "a dict",
    "duration": "a timedelta",
    "list": "a list or tuple",
    "number": "a number",
    "path": "a path",
    "text": "a string",
    "true": "True",
}

#: The effect of a value that raises no exception where it is used.
_TRUE: Final = "it is always true"


class SettingOfWrongType(Rule[Setting]):
    """A setting has a value of a type that Celery can't use, or no supported version of Celery reads it.

    ## What happens

    Celery does not check values before it uses them. A comma at the end of a line makes a tuple, and a tuple is true.
    Every non-empty string is true, including `"False"`, and `os.environ` returns strings:

    ```pycon
    >>> from shop.tasks import app
    >>> app.conf.task_always_eager
    'False'
    >>> app.conf.enable_utc
    (False,)
    ```

    Other values fail where Celery uses them, at each call or when the worker starts, with an error that does not name
    the setting:

    ```text
    kombu.exceptions.SerializerNotInstalled: No encoder/decoder installed for j
    AttributeError: 'str' object has no attribute 'name'
    ```

    ## Bad

    ```python title="shop/tasks.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.task_always_eager = "False"
    app.conf.enable_utc = (False,)
    ```

    ```python
    from celery import Celery

    app = Celery("shop")
    app.conf.accept_content = "json"
    ```

    ```python
    from celery import Celery

    app = Celery("shop", task_queues=["mails", "reports"])
    ```

    ## Good

    ```python
    from celery import Celery
    from kombu import Queue

    app = Celery("shop", task_queues=[Queue("mails"), Queue("reports")])
    app.conf.accept_content = ["json"]
    app.conf.task_always_eager = False
    app.conf.enable_utc = False
    ```

    ## Not reported when

    - neither the value nor its type can be resolved;
    - the value is a number written as a string, and Celery converts it;
    - the setting accepts more than its type says: several broker URLs in a list, a dict as `broker_use_ssl`, a path as
      `beat_schedule_filename` or, from Python 3.11, as `worker_state_db`;
    - it is uncertain whether Celery gets the value, and something in the project reads that name;
    - the name is misspelt (CLY811) or Celery reads another one (CLY812);
    - the project runs on Celery 3, which still reads the name;
    - the module is a test or a migration.

    ## Fix

    Drop the comma or the quotes, or write what the message names. Compare values from the environment with a string:
    `os.environ.get("EAGER") == "1"`.
    """

    code = "CLY816"
    see = ("configuration#configuration-directives", "configuration#new-lowercase-settings")
    message = "{key!r} takes {taken}, not {given}: {effect}"
    removed: Final = "No supported version of Celery reads {key!r}: it has no effect; {instead}"
    quiet_in_tests = True

    def check(self, setting: Setting) -> Iterator[Violation]:
        """Report a value of a wrong type, and a name that no version reads."""
        name = setting.name
        if name is None:
            instead = setting_values.REMOVED.get(setting.key)
            if (
                instead is not None
                and not _setting_keys.reads_old_names(setting)
                and not _setting_keys.is_read(setting)
            ):
                yield self.report(setting.module, setting.node, self.removed, key=setting.key, instead=instead)
            return
        wrong = _wrong_queues(setting) if name == "task_queues" else _wrong(setting, name)
        if wrong is None or (
            (setting.source.kind == LOOSE or name == "task_queues") and _setting_keys.is_read(setting)
        ):
            return
        given, effect = wrong
        taken = setting_values.TAKEN[setting_values.type_of(name)] if name != "task_queues" else "kombu's Queue objects"
        yield self.report(setting.module, setting.value, key=setting.key, taken=taken, given=given, effect=effect)


def _wrong(setting: Setting, name: str) -> tuple[str, str] | None:
    """Return a value of a wrong type, and its effect; None if the value may be right."""
    kind = _kind(setting, name)
    if kind is None or not (setting_values.breaks(name, kind) or (kind == "text" and name in setting_values.NO_TEXT)):
        return None
    node = setting.value
    is_comma = isinstance(node, ast.Tuple) and len(node.elts) == 1 and kind == "list"
    given = "a tuple" if is_comma else shown(node) if isinstance(node, ast.Constant) else _KINDS[kind]
    effect = _TRUE if setting_values.type_of(name) == "bool" else "what uses it fails"
    if kind == "text" and setting_values.type_of(name) == "list":
        effect = "each letter becomes an item"
    return given, f"{effect}; drop the comma" if is_comma else effect


def _kind(setting: Setting, name: str) -> str | None:
    """Return the type of a value; None if it is unknown, or the value may be right."""
    value, node = setting.settled, setting.value
    if value is True:
        return "true"
    if isinstance(value, str):
        return _kind_of_text(name, value)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return "number"
    if inference.kind_of(setting.project, setting.module, node, setting.site.scope) == inference.DURATION:
        return "duration"
    if isinstance(value, (Table, dict)) or isinstance(node, ast.Dict):
        return "dict"
    if isinstance(value, (list, tuple, set)) or isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return None if value in ([], (), set()) else "list"
    project, module, scope = setting.project, setting.module, setting.site.scope
    text = _from_environment(setting, value)
    if text is not None:
        return _kind_of_text(name, text)
    if inference.is_path(project, module, module.value(node, scope)):
        return "path"
    is_text = isinstance(node, ast.JoinedStr) or inference.kind_of(project, module, node, scope) == inference.STRING
    return "text" if is_text and setting_values.type_of(name) not in ("bool", "float", "int") else None


def _kind_of_text(name: str, text: str) -> str | None:
    """Return `text` for a non-empty string that is not a number which Celery would convert."""
    if not text:
        return None
    if setting_values.type_of(name) in ("float", "int") and name not in setting_values.NO_TEXT:
        try:
            float(text)
        except ValueError:
            return "text"
        return None
    return "text"


def _from_environment(setting: Setting, value: Any) -> str | None:
    """Return the default of an environment variable as a string, or that it is a string if there is no default."""
    node = setting.value
    if isinstance(node, ast.Subscript):
        owner = setting.module.value(node.value, setting.site.scope)
        is_variable = (
            isinstance(owner, Ref) and setting.project.resolve(owner.path, setting.module).path == "os.environ"
        )
        return "1" if is_variable else None
    if isinstance(value, Called) and isinstance(value.target, Target) and value.target.path in _ENVIRONMENT:
        default = value.args[1] if len(value.args) > 1 else value.keywords.get("default")
        return "1" if default is True else default if isinstance(default, str) else None
    return None


_ENVIRONMENT: Final = frozenset({"os.environ.get", "os.getenv"})


def _wrong_queues(setting: Setting) -> tuple[str, str] | None:
    """Return the mistake in the queues: strings, which are not queues."""
    value = setting.settled
    if isinstance(value, str) and value:
        return repr(value), "AttributeError at each call"
    if isinstance(value, Called) and isinstance(value.target, Target) and value.target.path == "kombu.Queue":
        return "one of them", "TypeError at each call; put it into a list"
    if isinstance(value, (list, tuple, set)):
        items = sorted(value, key=repr) if isinstance(value, set) else value
        text = next((item for item in items if isinstance(item, str)), None)
        return None if text is None else (f"the string {text!r}", "AttributeError at each call")
    if isinstance(value, Table):
        text = next((item for item in value.values() if isinstance(item, str)), None)
        return None if text is None else (f"the string {text!r}", "TypeError at each call")
    return None
