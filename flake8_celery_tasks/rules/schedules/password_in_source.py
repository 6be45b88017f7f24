from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.scopes import IF
from flake8_celery_tasks.celery_model import apps
from flake8_celery_tasks.core.memo import lazy_pattern
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution.evaluation import Called, settled
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation

#: Settings that hold URLs, and those that hold only a password.
_URLS: Final = frozenset(
    {"broker_read_url", "broker_url", "broker_write_url", "cache_backend", "database_url", "result_backend"}
)
_PASSWORDS: Final = frozenset({"broker_password", "redis_password", "security_key_password"})

#: Arguments of an app that are URLs.
_ARGUMENTS: Final = frozenset({"backend", "broker"})

#: The placeholder for a part of a string that is not in the source.
_HOLE: Final = "\0"

_URL: Final = lazy_pattern(r"[a-z][\w+.-]*://([^/@\s:]*):([^@/\s]+)@", re.IGNORECASE)

#: A string that is not a real password: a placeholder, or a part that is filled in.
_PLACEHOLDER: Final = lazy_pattern(
    r"[\0{}<>$*]|%[s(]|x{3}|\.\.\.|change|example|insecure|placeholder|your|password|passwd", re.IGNORECASE
)

#: Functions that read a variable of the environment, and may be given a default.
_READING: Final = frozenset({"decouple.config", "os.environ.get", "os.getenv"})

#: Fields of a pattern that take more than a value as it is, and the longest pattern that is filled in.
_FORMATTED: Final = lazy_pattern(r"%[^s%]|\{\w*[^\w}]")
_LONGEST: Final = 1000

#: Default passwords of brokers and databases, which any attacker tries.
_DEFAULTS: Final = frozenset(
    {"admin", "celery", "default", "dev", "guest", "pass", "postgres", "rabbitmq", "redis", "root", "secret", "test"}
)

#: Names of modules and classes that are not used in production.
_DEVELOPMENT: Final = lazy_pattern(
    r"(^|[^a-z])(ci|debug|demo|dev|devel|develop|development|docker|example|examples|local|sample|template|test|testing"
    r"|tests)($|[^a-z])"
)
_CAMEL: Final = lazy_pattern(r"(?<=[a-z0-9])(?=[A-Z])")
_DEBUG: Final = lazy_pattern(r"debug|dev|local|test", re.IGNORECASE)


class PasswordInSource(Rule[Facts]):
    """The URL of a broker or of a result backend has its password in the source.

    ## What happens

    Nothing is logged: it works. But anybody who can read the repository, a backup of it or a traceback with the setting
    has access to the broker: they can read all messages, and send tasks that the workers run. The password stays in the
    history after it is removed. The default of an environment variable, as in
    `os.environ.get("BROKER_URL", "amqp://...")`, is in the source too.

    ## Bad

    ```python
    from celery import Celery

    app = Celery("shop", broker="amqp://shop:0tter-Bay@mq.internal:5672/shop")
    ```

    ## Good

    ```python
    import os

    from celery import Celery

    app = Celery("shop", broker=os.environ["BROKER_URL"])
    ```

    ## Not reported when

    - the password is well known (`guest`, the user's own name), or a placeholder;
    - the password comes from something that can't be resolved: `f"amqp://shop:{os.environ['PASSWORD']}@..."`;
    - the name of the module, its package or the class says that it is for development, examples or tests
      (`settings/local.py`, `class Testing`), or the line is under `if DEBUG`;
    - the module is a test or a migration.

    ## Fix

    Read the URL from the environment or from a file outside the repository. Change the password: it is no longer
    secret.
    """

    code = "CLY817"
    see = ("security#broker", "configuration#broker-url", "configuration#result-backend")
    message = "{key!r} has a password in the source: read it from the environment, and change it"
    quiet_in_tests = True

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report each string that contains the password of a URL, or is one; the message does not show it."""
        source = facts.module.source
        may_hold = any(map(source.may_hold, ("://", "roker", "ackend", "assword", "ASSWORD", "BROKER", "BACKEND")))
        if not may_hold or _is_for_development(facts.module.place.relative.removesuffix(".py")):
            return
        reported: set[int] = set()
        for key, value, site, is_url in _places(facts):
            if id(value) not in reported and not _is_under_debug(site):
                for node, text in _texts(facts, value, site):
                    if _holds_password(text) if is_url else _is_password(text):
                        reported.add(id(value))
                        yield self.report(facts.module, node, key=key)


def _places(facts: Facts) -> Iterator[tuple[str, ast.expr, Site, bool]]:
    """Yield the values of settings that may hold a password, with their keys, and whether they are URLs."""
    for setting in facts.configured[0]:
        if setting.name in _URLS or setting.name in _PASSWORDS:
            yield setting.key, setting.value, setting.site, setting.name in _URLS
    for call, site in facts.module.candidates.calls:
        for keyword in call.keywords:
            if keyword.arg in _ARGUMENTS and apps.makes_app(facts.project, facts.module, call, site):
                yield keyword.arg, keyword.value, site, True


def _texts(facts: Facts, node: ast.expr, site: Site) -> Iterator[tuple[ast.expr, str]]:
    """Yield the possible strings of an expression, or its parts, with placeholders for parts not in the source."""
    filled = _filled(facts, node, site)
    if filled is not None:
        yield node, filled
    elif isinstance(node, (ast.Constant, ast.JoinedStr)) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)
    ):
        yield node, _joined(facts, node, site)
    elif isinstance(node, (ast.Name, ast.Attribute)):
        text = settled(facts.project, facts.module, node, site)
        if isinstance(text, str):
            yield node, text
    else:
        parts: list[ast.expr] = list(getattr(node, "elts", getattr(node, "values", ())))
        if isinstance(node, ast.BinOp):
            parts = [node.left]
        elif isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        elif isinstance(node, ast.Call):
            owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            parts = [*owner, *node.args, *(keyword.value for keyword in node.keywords)]
        for part in parts:
            yield from _texts(facts, part, site)


def _joined(facts: Facts, node: ast.expr, site: Site) -> str:
    """Return the parts of a composed string that are in the source."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else _HOLE
    if isinstance(node, ast.JoinedStr):
        return "".join(_joined(facts, part, site) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joined(facts, node.left, site) + _joined(facts, node.right, site)
    node = node.value if isinstance(node, ast.FormattedValue) else node
    filled = _filled(facts, node, site)
    if filled is not None:
        return filled
    text = _default_of(settled(facts.project, facts.module, node, site))
    return text if isinstance(text, str) else _HOLE


def _default_of(value: object) -> object:
    """Return what a call gives where a variable of the environment is not set; the value itself for all others."""
    if not isinstance(value, Called):
        return value
    reads = isinstance(value.target, Target) and value.target.path in _READING
    return value.keywords.get("default", value.args[1] if reads and len(value.args) > 1 else None)


def _filled(facts: Facts, node: ast.expr, site: Site) -> str | None:
    """Return what `"..." % values` or `"...".format(values)` comes to; None for anything else, or what fails."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        source = node.left
        given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        source, given = node.func.value, node.args
    else:
        return None
    if isinstance(source, ast.Call) or (isinstance(source, ast.BinOp) and not isinstance(source.op, ast.Add)):
        return None
    pattern = _joined(facts, source, site)
    if pattern == _HOLE or len(pattern) > _LONGEST or _FORMATTED.search(pattern) is not None:
        return None
    texts = tuple(_joined(facts, item, site) for item in given)
    keywords = node.keywords if isinstance(node, ast.Call) else []
    named = {item.arg: _joined(facts, item.value, site) for item in keywords if item.arg is not None}
    try:
        return pattern % texts if isinstance(node, ast.BinOp) else pattern.format(*texts, **named)
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _holds_password(text: str) -> bool:
    return any(_is_password(password) and password.lower() != user.lower() for user, password in _URL.findall(text))


def _is_password(text: str) -> bool:
    return bool(text) and text.lower() not in _DEFAULTS and _PLACEHOLDER.search(text) is None


def _is_for_development(name: str) -> bool:
    return _DEVELOPMENT.search(_CAMEL.sub("_", name).lower()) is not None


def _is_under_debug(site: Site) -> bool:
    """Return whether a place is for development, judging by the name of its class or by its condition."""
    return any(
        (isinstance(around.node, ast.ClassDef) and _is_for_development(around.node.name))
        or (
            around.kind == IF
            and around.part == "body"
            and isinstance(around.node, ast.If)
            and _DEBUG.search(unparsed(around.node.test)) is not None
        )
        for around in site.chain()
    )
