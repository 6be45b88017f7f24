"""What kombu's JSON can't encode. It encodes numbers, strings, lists, dicts, dates, UUIDs, decimals and bytes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding import scopes
from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.symbols import Class
from flake8_celery_tasks.binding.values import Invoke, Ref
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.results import values_of
from flake8_celery_tasks.frameworks import django_models, http_mail
from flake8_celery_tasks.resolution import inference
from flake8_celery_tasks.resolution.evaluation import Called, settled
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Scope, Site
    from flake8_celery_tasks.resolution.project import Project

SET: Final = "a set"
ITERATOR: Final = "an iterator"
FILE: Final = "an open file"
KEYS: Final = "a dict with tuples as keys"
GENERATOR: Final = "a generator"
RANGE: Final = "a range"
DURATION: Final = "a timedelta"
EXCEPTION: Final = "an exception"
VIEW: Final = "a view of a dict"
INSTANCE: Final = "an instance of a model"
ROWS: Final = "a queryset"
RESPONSE: Final = "a response"
FRAME: Final = "a data frame"
PATH: Final = "a path"
OBJECT: Final = "an object"
MEMBER: Final = "a member of an Enum"

#: What a node shows on its own.
_NODES: Final = {ast.GeneratorExp: GENERATOR, ast.Set: SET, ast.SetComp: SET}

#: What calls of functions and classes outside the project return.
_CALLS: Final = {
    "builtins.enumerate": ITERATOR,
    "builtins.filter": ITERATOR,
    "builtins.frozenset": SET,
    "builtins.iter": ITERATOR,
    "builtins.map": ITERATOR,
    "builtins.object": OBJECT,
    "builtins.open": FILE,
    "builtins.range": RANGE,
    "builtins.reversed": ITERATOR,
    "builtins.set": SET,
    "builtins.zip": ITERATOR,
    "collections.deque": "a deque",
    "datetime.timedelta": DURATION,
    "django.shortcuts.redirect": RESPONSE,
    "django.shortcuts.render": RESPONSE,
    "flask.jsonify": RESPONSE,
    "flask.make_response": RESPONSE,
    "pathlib.Path": PATH,
    "subprocess.Popen": "a process",
    "subprocess.run": "a finished process",
}

#: Packages, with the endings of the names of their classes whose instances JSON can't encode.
_CLASSES: Final = (
    ("django.http.", "Response", RESPONSE),
    ("django.http.", "ResponseRedirect", RESPONSE),
    ("fastapi.", "Response", RESPONSE),
    ("flask.", "Response", RESPONSE),
    ("itertools.", "", ITERATOR),
    ("numpy.array", "", "an array"),
    ("pandas.DataFrame", "", FRAME),
    ("pandas.read_", "", FRAME),
    ("rest_framework.response.", "Response", RESPONSE),
    ("starlette.responses.", "Response", RESPONSE),
)

#: Bases and decorators that don't make a class of the project encodable.
_PLAIN: Final = frozenset({"abc.ABC", "builtins.object", "typing.Generic", "typing.Protocol"})
_DECORATORS: Final = frozenset(
    {
        "attr.attrs",
        "attr.define",
        "attr.s",
        "attrs.define",
        "attrs.frozen",
        "dataclasses.dataclass",
        "functools.total_ordering",
    }
)
_MODELS: Final = frozenset({"pydantic.BaseModel", "pydantic.main.BaseModel", "sqlmodel.SQLModel"})

#: Enumerations whose members are neither numbers nor strings.
_ENUMS: Final = frozenset({"enum.Enum", "enum.Flag"})


def unencodable(project: Project, module: Module, node: ast.expr, site: Site, depth: int = 0) -> str | None:
    """Return what JSON can't encode in an expression; None if JSON can or may encode all of it."""
    if depth > 5:
        return None
    known = _NODES.get(node.__class__)
    if known is not None:
        return known
    if isinstance(node, ast.Name):
        kinds = _kinds(module, project, node, site, depth)
        if len(kinds) == 1:
            return next(iter(kinds)) or _keyed(module, node, site)
        is_error = inference.kind_of(project, module, node, site.scope) == inference.EXCEPTION
        return EXCEPTION if is_error else None
    return _value(project, module, node, site, depth)


def _name(node: ast.Name, site: Site) -> tuple[object, ...]:
    found = site.scope.find(node.id)
    return found and found[0], node.id


def _named(project: Project, node: ast.Name, site: Site, depth: int) -> tuple[object, ...]:
    return project, *_name(node, site), depth


# `rows = [rows, row]` may follow itself many times.
@query(key=_named)
def _kinds(module: Module, project: Project, node: ast.Name, site: Site, depth: int) -> frozenset[str | None]:
    return frozenset(_value(project, module, value, place, depth) for value, place in values_of(node, site))


def _value(project: Project, module: Module, node: ast.expr, site: Site, depth: int) -> str | None:
    known = _NODES.get(node.__class__)
    if known is not None:
        return known
    if any(isinstance(key, ast.Tuple) for key in _keys(node)):
        return KEYS
    if isinstance(node, ast.Call):
        return _called(project, module, node, site, depth)
    if isinstance(node, ast.Attribute):
        return member(project, module, node, site.scope)
    if isinstance(node, ast.BinOp):
        left = unencodable(project, module, node.left, site, depth + 1) if isinstance(node.op, _OF_SETS) else None
        return left if left == SET else None
    if django_models.gives_rows(node):
        return ROWS
    found = (unencodable(project, module, part, site, depth + 1) for part in _parts(node))
    return next((what for what in found if what is not None), None)


#: What sets do with others, and gives a set.
_OF_SETS: Final = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)
_SET_METHODS: Final = frozenset({"copy", "difference", "intersection", "symmetric_difference", "union"})


def _keys(node: ast.expr) -> list[ast.expr | None]:
    if isinstance(node, ast.Dict):
        return node.keys
    return [node.key] if isinstance(node, ast.DictComp) else []


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return the parts of a display. The loop variables of a comprehension are not followed."""
    if isinstance(node, ast.Dict):
        return node.values
    if isinstance(node, (ast.List, ast.Tuple)):
        return node.elts
    if isinstance(node, (ast.ListComp, ast.DictComp)):
        item = node.elt if isinstance(node, ast.ListComp) else node.value
        return [item] if item.__class__ in _NODES else []
    return []


@query(key=_name)
def _keyed(_module: Module, node: ast.Name, site: Site) -> str | None:
    """Return KEYS if a local dict gets items whose keys are tuples."""
    found = site.scope.find(node.id)
    if found is None or found[0].kind != scopes.FUNCTION:
        return None
    values = [value for value, _ in values_of(node, site)]
    if not all(isinstance(value, (ast.Dict, ast.DictComp)) or _makes_dict(value) for value in values):
        return None
    stored = (inner for inner in ast.walk(found[0].node) if isinstance(inner, ast.Subscript))
    is_keyed = any(
        isinstance(inner.ctx, ast.Store) and isinstance(inner.slice, ast.Tuple) and _is_named(inner.value, node.id)
        for inner in stored
    )
    return KEYS if is_keyed else None


def _makes_dict(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) in _DICTS


def _is_named(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


_DICTS: Final = frozenset({"Counter", "OrderedDict", "defaultdict", "dict"})


def _called(project: Project, module: Module, node: ast.Call, site: Site, depth: int) -> str | None:
    if django_models.gives_rows(node):
        return ROWS
    func = node.func
    if isinstance(func, ast.Attribute) and func.attr in _SET_METHODS:
        return SET if unencodable(project, module, func.value, site, depth + 1) == SET else None
    if isinstance(func, ast.Attribute) and func.attr in ("items", "keys", "values"):
        return VIEW if inference.kind_of(project, module, func.value, site.scope) == inference.MAPPING else None
    if inference.kind_of(project, module, node, site.scope) == inference.DURATION:
        return DURATION
    value: Any = settled(project, module, node, site)
    if isinstance(value, Called) and isinstance(value.target, Target) and not value.target.rest:
        found = _made_by(project, value.target)
        if found is not None:
            return found
    sent = http_mail.outbound(project, module, node, site)
    if sent is not None and sent.kind == http_mail.HTTP:
        return RESPONSE
    return INSTANCE if django_models.is_instance(project, module, node, site) else None


def _made_by(project: Project, target: Target) -> str | None:
    """Return what a class, or a function outside the project, returns if JSON can't encode it."""
    if inference.is_exception(project, target):
        return EXCEPTION
    if target.module is None:
        path = target.path
        known = _CALLS.get(path)
        if known is not None:
            return known
        return next((what for start, end, what in _CLASSES if path.startswith(start) and path.endswith(end)), None)
    if not isinstance(target.symbol, Class):
        return None
    for cls in project.line(target):
        if not isinstance(cls, Target):
            return None
        if isinstance(cls.symbol, Class):
            if not _is_plain(project, cls, cls.symbol):
                return None
        elif cls.path in _MODELS:
            return "a pydantic model"
        elif cls.path not in _PLAIN:
            return None
    return f"an instance of {target.path.rpartition('.')[2]!r}"


def _is_plain(project: Project, cls: Target, symbol: Class) -> bool:
    """Return whether nothing in a class's own definition makes its instances encodable."""
    assert cls.module is not None
    names = [value.func if isinstance(value, Invoke) else value for value in symbol.decorators]
    paths = [project.resolve(name.path, cls.module).path if isinstance(name, Ref) else "" for name in names]
    return (
        {"__json__", "__new__", "__class_getitem__"}.isdisjoint(symbol.names)
        and all(path in _DECORATORS for path in paths)
        and not any(keyword == "metaclass" for keyword, _ in symbol.keywords)
    )


def member(project: Project, module: Module, node: ast.Attribute, scope: Scope) -> str | None:
    """Return what a member of an enumeration, such as `Status.NEW`, is."""
    owner = module.value(node.value, scope)
    target = project.resolve(owner.path, module) if isinstance(owner, Ref) and node.attr.isupper() else None
    if target is None or not isinstance(target.symbol, Class) or target.rest or node.attr not in target.symbol.names:
        return None
    line = list(project.line(target))
    paths = {cls.path for cls in line if isinstance(cls, Target) and not isinstance(cls.symbol, Class)}
    is_enum = bool(paths) and paths <= _ENUMS and len(line) > 1 and all(isinstance(cls, Target) for cls in line)
    encodes = any(isinstance(cls, Target) and "__json__" in getattr(cls.symbol, "names", ()) for cls in line)
    return MEMBER if is_enum and not encodes else None
