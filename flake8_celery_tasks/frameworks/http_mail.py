"""Calls that leave the process: HTTP requests and mail. They are recognised by the package they come from."""

from __future__ import annotations

import ast
import fnmatch
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.scopes import ASSIGN, CLASS, MODULE
from flake8_celery_tasks.binding.symbols import Bound
from flake8_celery_tasks.binding.values import Invoke, Param, Ref
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.record import Record
from flake8_celery_tasks.resolution.resolver import external

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, Scope, Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


HTTP: Final = "http"
MAIL: Final = "mail"
LISTED: Final = "listed"

_METHODS: Final = ("delete", "get", "head", "options", "patch", "post", "put")

#: Functions that make one request, with the HTTP method; `request` takes the method as its argument.
_HTTP_FUNCTIONS: Final = {
    f"{module}.{name}": name
    for module in ("requests", "requests.api", "httpx", "urllib3")
    for name in (*_METHODS, "request", "stream")
}

#: Clients that keep connections and have methods for requests.
_HTTP_CLIENTS: Final = frozenset(
    {
        "aiohttp.ClientSession",
        "aiohttp.client.ClientSession",
        "httpx.AsyncClient",
        "httpx.Client",
        "requests.Session",
        "requests.session",
        "requests.sessions.Session",
        "requests.sessions.session",
        "urllib3.HTTPConnectionPool",
        "urllib3.HTTPSConnectionPool",
        "urllib3.PoolManager",
        "urllib3.ProxyManager",
        "urllib3.connection_from_url",
        "urllib3.connectionpool.HTTPConnectionPool",
        "urllib3.connectionpool.HTTPSConnectionPool",
        "urllib3.poolmanager.PoolManager",
        "urllib3.poolmanager.ProxyManager",
    }
)
_HTTP_VERBS: Final = frozenset({*_METHODS, "request", "stream", "urlopen"})

_MAIL_FUNCTIONS: Final = frozenset(
    f"django.core.mail.{name}" for name in ("mail_admins", "mail_managers", "send_mail", "send_mass_mail")
)
#: Objects that send mail, and their methods that do so.
_MAIL_CLIENTS: Final = {
    "django.core.mail.EmailMessage": ("send",),
    "django.core.mail.EmailMultiAlternatives": ("send",),
    "django.core.mail.get_connection": ("send_messages",),
    "django.core.mail.message.EmailMessage": ("send",),
    "django.core.mail.message.EmailMultiAlternatives": ("send",),
    "smtplib.LMTP": ("send_message", "sendmail"),
    "smtplib.SMTP": ("send_message", "sendmail"),
    "smtplib.SMTP_SSL": ("send_message", "sendmail"),
}


class Outbound(Record):
    """A call that leaves the process: its library's `kind`, and for HTTP the `method` in upper case, "" if unknown.

    `client` is the call that created the session it is made on, with the module that contains it.
    """

    __slots__ = ("client", "kind", "method", "node", "site")

    def __init__(
        self, node: ast.Call, site: Site, kind: str, method: str = "", client: tuple[Value, Module] | None = None
    ) -> None:
        self.node = node
        self.site = site
        self.kind = kind
        self.method = method
        self.client = client

    @property
    def name(self) -> str:
        """The call as written, without its arguments."""
        return unparsed(self.node.func)


def outbound(project: Project, module: Module, call: ast.Call, site: Site) -> Outbound | None:
    """Return the request, mail or listed call that a call makes, None for any other call."""
    func = module.value(call.func, site.scope)
    if isinstance(func, Ref):
        target = project.resolve(func.path, module)
        if _is_listed(project, target.path) or _is_listed(project, external(func.path)):
            return Outbound(call, site, LISTED)
        if target.path in _MAIL_FUNCTIONS:
            return Outbound(call, site, MAIL)
        if target.path in _HTTP_FUNCTIONS:
            return Outbound(call, site, HTTP, _method(project, module, call, site, _HTTP_FUNCTIONS[target.path]))
    if not isinstance(call.func, ast.Attribute):
        return None
    verb = call.func.attr
    clients = [(_maker(project, *made), made) for made in _made_by(project, module, call.func.value, site)]
    paths = {path for path, _ in clients}
    if paths and all(_is_listed(project, f"{path}.{verb}") for path in paths):
        return Outbound(call, site, LISTED)
    if paths and all(verb in _MAIL_CLIENTS.get(path, ()) for path in paths):
        return Outbound(call, site, MAIL)
    if paths and verb in _HTTP_VERBS and paths <= _HTTP_CLIENTS:
        return Outbound(call, site, HTTP, _method(project, module, call, site, verb), clients[0][1])
    return None


def _is_listed(project: Project, path: str) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in project.options.celery_at_most_once_calls)


def _method(project: Project, module: Module, call: ast.Call, site: Site, verb: str) -> str:
    if verb in _METHODS:
        return verb.upper()
    node = next((keyword.value for keyword in call.keywords if keyword.arg == "method"), None)
    node = node or next(iter(call.args), None)
    value = None if node is None else project.settle(module.value(node, site.scope), module)
    return value.upper() if isinstance(value, str) else ""


def _made_by(project: Project, module: Module, receiver: ast.expr, site: Site) -> list[tuple[Value, Module]]:
    """Return the expressions that a receiver may come from, each with its module; empty if one is unknown."""
    found = site.scope.find(receiver.id) if isinstance(receiver, ast.Name) else None
    if found is not None and found[0].kind not in (MODULE, CLASS):
        return _made_local(module, found[0], getattr(receiver, "id", ""))
    value = module.value(receiver, site.scope)
    if isinstance(value, Ref):
        target = project.resolve(value.path, module)
        if isinstance(target.symbol, Bound) and target.module is not None and not target.rest:
            return [(target.symbol.value, target.module)]
        return []
    return [(value, module)]


@query()
def _made_local(module: Module, scope: Scope, name: str) -> list[tuple[Value, Module]]:
    """Return the expressions that a local name may come from; empty if one is unknown."""
    made = [_bound(module, binding) for binding in scope.bindings[name]]
    return [(value, module) for value in made if value is not None] if None not in made else []


def _bound(module: Module, binding: Binding) -> Value | None:
    """Return the value of a local name, also from `with ... as name`, or from its annotation."""
    if isinstance(binding.statement, (ast.With, ast.AsyncWith)):
        for item in binding.statement.items:
            if item.optional_vars is binding.node:
                return module.value(item.context_expr, binding.site.scope)
    if binding.kind == ASSIGN and isinstance(binding.node, ast.expr):
        return module.value(binding.node, binding.site.scope)
    if isinstance(binding.node, ast.arg) and binding.node.annotation is not None:
        outside = binding.site.parent
        scope = binding.site.scope if outside is None else outside.scope
        return Param(binding.name, module.value(binding.node.annotation, scope))
    return None


def _maker(project: Project, value: Value, module: Module) -> str:
    """Return the canonical name of the callable that creates a value, or of the class in its annotation."""
    made: Value | None = value
    if isinstance(value, Invoke):
        made = value.func
    elif isinstance(value, Param):
        made = value.annotation
    return project.resolve(made.path, module).path if isinstance(made, Ref) else ""
