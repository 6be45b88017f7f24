"""The kind of an expression whose value is not known: from annotations, assignments and handlers."""

from __future__ import annotations

import ast
import builtins
import datetime
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import attributes_in, last_name, unsubscripted, uses_of
from flake8_celery_tasks.binding.scopes import ASSIGN, CLASS, MODULE, PARAM
from flake8_celery_tasks.binding.symbols import Class, Function
from flake8_celery_tasks.binding.values import Invoke, Member, Operation, Ref
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.resolution.evaluation import Called, Table
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, FunctionNode, Scope, Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


NUMBER: Final = "number"
STRING: Final = "string"
MAPPING: Final = "mapping"
DURATION: Final = "duration"
EXCEPTION: Final = "exception"

_CLASSES: Final = {
    "builtins.bool": NUMBER,
    "builtins.bytes": STRING,
    "builtins.dict": MAPPING,
    "builtins.float": NUMBER,
    "builtins.format": STRING,
    "builtins.int": NUMBER,
    "builtins.len": NUMBER,
    "builtins.repr": STRING,
    "builtins.str": STRING,
    "collections.abc.Mapping": MAPPING,
    "datetime.timedelta": DURATION,
    "json.dumps": STRING,
    "random.randint": NUMBER,
    "random.randrange": NUMBER,
    "random.random": NUMBER,
    "random.uniform": NUMBER,
    "traceback.format_exc": STRING,
    "typing.Dict": MAPPING,
    "typing.Mapping": MAPPING,
}


def kind_of(project: Project, module: Module, node: ast.expr, scope: Scope, depth: int = 0) -> str | None:
    """Return the kind of an expression's result, None if it is unknown or ambiguous.

    A name has a kind if all its bindings are of that kind.
    """
    if depth > 5:
        return None
    if isinstance(node, ast.Name):
        found = scope.find(node.id)
        if found is not None and found[0].kind not in (MODULE, CLASS):
            return _kind_of_name(module, project, found[0], node.id, depth + 1)
    if isinstance(node, ast.JoinedStr):
        return STRING
    value = module.value(node, scope)
    known = _settled(project, project.settle(value, module))
    if known is None and isinstance(value, Invoke) and isinstance(value.func, Ref):
        # A duration of unknown length.
        known = _CLASSES.get(project.resolve(value.func.path, module).path)
    if known is None and isinstance(node, ast.BinOp):
        sides = {kind_of(project, module, side, scope, depth + 1) for side in (node.left, node.right)}
        if isinstance(node.op, (ast.Pow, ast.Div, ast.FloorDiv, ast.Sub)) and sides <= {NUMBER, None}:
            return NUMBER
        # A number can be added only to numbers, but it can be multiplied by a list.
        if sides == {NUMBER} or (isinstance(node.op, ast.Add) and sides == {NUMBER, None}):
            return NUMBER
    return known


# `n = n + 1` may follow itself many times: each binding asks for all of them again.
@query()
def _kind_of_name(module: Module, project: Project, scope: Scope, name: str, depth: int) -> str | None:
    kinds = {_bound(project, module, binding, depth) for binding in scope.bindings[name]}
    return kinds.pop() if len(kinds) == 1 else None


def _bound(project: Project, module: Module, binding: Binding, depth: int) -> str | None:
    if isinstance(binding.node, ast.ExceptHandler):
        return EXCEPTION
    if binding.kind == ASSIGN and isinstance(binding.node, ast.expr):
        return kind_of(project, module, binding.node, binding.site.scope, depth)
    annotation = annotation_of(module, binding)
    return None if annotation is None else _annotated(project, module, annotation)


#: How many functions deep an argument is followed.
_HANDED: Final = 3


def read_by_others(
    project: Project, module: Module, function: FunctionNode, handed: list[ast.expr], depth: int = 0
) -> set[str] | None:
    """Return the attributes, of any object, read by the functions to which a function passes some names.

    `handed` are the uses of the names themselves. Returns None if it is unknown what happens to one of them.
    """
    calls = module.calls_in(function) if handed else []
    given = {id(arg): place for place in calls for arg in (*place[0].args, *(word.value for word in place[0].keywords))}
    found: set[str] = set()
    for node in handed:
        place = given.get(id(node))
        read = None if place is None or depth == _HANDED else _read_in_called(project, module, *place, node, depth + 1)
        if read is None:
            return None
        found |= read
    return found


def _read_in_called(
    project: Project, module: Module, call: ast.Call, site: Site, argument: ast.expr, depth: int
) -> set[str] | None:
    """Return the result of `read_by_others` for the function that a call calls."""
    value = module.value(call.func, site.scope)
    target = project.resolve(value.path, module) if isinstance(value, Ref) else None
    if target is None or target.module is None or not isinstance(target.symbol, Function) or target.rest:
        return None
    owner = target.symbol.qualname.rpartition(".")[0]
    functions = target.module.functions_called(target.symbol.qualname)
    if target.symbol.decorators or len(functions) != 1 or (owner and not owner.endswith("<locals>")):
        return None
    function = functions[0][0]
    name = _parameter_of(function, call, argument)
    if name is None:
        return None
    uses = (use for statement in function.body for use in uses_of(statement, {name}))
    handed = [use.node for use in uses if use.attribute is None]
    further = read_by_others(project, target.module, function, handed, depth)
    return None if further is None else {*attributes_in(function), *further}


def _parameter_of(function: FunctionNode, call: ast.Call, argument: ast.expr) -> str | None:
    """Return the parameter that receives an argument, None if a `*` hides it or it is one of many."""
    for keyword in call.keywords:
        if keyword.value is argument:
            return keyword.arg
    before = call.args[: call.args.index(argument) + 1]
    parameters = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    if any(isinstance(arg, ast.Starred) for arg in before) or len(before) > len(parameters):
        return None
    return parameters[len(before) - 1]


def annotation_of(module: Module, binding: Binding) -> Value | None:
    """Return the annotation of a parameter, without quotes and type arguments; None if it has none."""
    node = _annotation(binding)
    return None if node is None else module.value(_bare(node), _scope_outside(binding))


def items_annotation_of(module: Module, binding: Binding) -> Value | None:
    """Return what a parameter's annotation says of the items of a list: `Order` for `list[Order]`; None otherwise."""
    node = _annotation(binding)
    listed = None if node is None else _unquoted(node)
    if not isinstance(listed, ast.Subscript) or last_name(listed.value) not in _LISTS:
        return None
    return module.value(_bare(listed.slice), _scope_outside(binding))


def _annotation(binding: Binding) -> ast.expr | None:
    return binding.node.annotation if binding.kind == PARAM and isinstance(binding.node, ast.arg) else None


def _scope_outside(binding: Binding) -> Scope:
    """Return the scope in which the annotations of a function's parameters are evaluated."""
    outside = binding.site.parent
    return binding.site.scope if outside is None else outside.scope


#: Annotations of lists of equal items, which is what such a parameter is given.
_LISTS: Final = frozenset({"Iterable", "List", "Sequence", "list"})


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value, mode="eval").body
        except (SyntaxError, ValueError):
            return node
    return node


def _bare(node: ast.expr) -> ast.expr:
    node = _unquoted(node)
    if isinstance(node, ast.BinOp):
        return ast.BinOp(_bare(node.left), node.op, _bare(node.right))
    if isinstance(node, ast.Subscript) and last_name(node.value) == "Optional":
        return ast.BinOp(_bare(node.slice), ast.BitOr(), ast.Constant(None))
    return unsubscripted(node)


def _annotated(project: Project, module: Module, value: Value) -> str | None:
    if isinstance(value, Ref):
        return _instance(project, project.resolve(value.path, module))
    if isinstance(value, Operation) and value.operator == "|":
        kinds = {_annotated(project, module, side) for side in value.operands}
        return kinds.pop() if len(kinds) == 1 else None
    return None


def _settled(project: Project, value: Any) -> str | None:
    if isinstance(value, (int, float)):
        return NUMBER
    if isinstance(value, (str, bytes)):
        return STRING
    if isinstance(value, Table):
        return MAPPING
    if isinstance(value, datetime.timedelta):
        return DURATION
    if isinstance(value, Called) and isinstance(value.target, Target):
        return _instance(project, value.target)
    if isinstance(value, Target) and _instance(project, value) == EXCEPTION:
        return EXCEPTION
    return None


def _instance(project: Project, cls: Target) -> str | None:
    """Return the kind of the instances of a class."""
    known = _CLASSES.get(cls.path)
    return EXCEPTION if known is None and is_exception(project, cls) else known


def is_exception(project: Project, cls: Target) -> bool:
    """Return whether a class is an exception, by its ancestors; one outside the project by its name."""
    if isinstance(cls.symbol, Class):
        return not cls.rest and any(
            isinstance(base, Target) and not isinstance(base.symbol, Class) and is_exception(project, base)
            for base in project.line(cls)
        )
    if not cls.foreign:
        return False
    owner, _, name = cls.path.rpartition(".")
    if owner == "builtins":
        known = getattr(builtins, name, None)
        return isinstance(known, type) and issubclass(known, BaseException)
    return name.endswith(("Error", "Exception"))


#: The classes of paths.
PATHS: Final = frozenset({"pathlib.Path", "pathlib.PosixPath", "pathlib.PurePath"})

#: Attributes and methods of a path that return a path.
_OF_PATHS: Final = frozenset(
    {"absolute", "cwd", "expanduser", "home", "joinpath", "parent", "resolve", "with_name", "with_suffix"}
)


def is_path(project: Project, module: Module, value: Value, depth: int = 0) -> bool:
    """Return whether a value is one of `pathlib`: created by its classes, by a path, or joined to one."""
    if depth > 10:
        return False
    if isinstance(value, Operation):
        return value.operator == "/" and any(is_path(project, module, item, depth + 1) for item in value.operands)
    if isinstance(value, Member):
        return value.attribute in _OF_PATHS and is_path(project, module, value.value, depth + 1)
    if isinstance(value, Invoke):
        if isinstance(value.func, Ref):
            target = project.resolve(value.func.path, module)
            owner, _, method = value.func.path.rpartition(".")
            if target.path in PATHS or (method in _OF_PATHS and target.path.rpartition(".")[0] in PATHS):
                return True
            return method in _OF_PATHS and bool(owner) and is_path(project, module, Ref(owner), depth + 1)
        return is_path(project, module, value.func, depth + 1)
    if isinstance(value, Ref):
        target = project.resolve(value.path, module)
        made = getattr(target.symbol, "value", None)
        if made is None or target.module is None or any(name not in _OF_PATHS for name in target.rest):
            return False
        return is_path(project, target.module, made, depth + 1)
    return False
