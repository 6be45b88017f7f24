"""Classes whose instances JSON can't encode: dataclasses, attrs classes, pydantic models."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.scopes import CLASS
from flake8_celery_tasks.binding.symbols import Class
from flake8_celery_tasks.binding.values import Const, Invoke, Operation, Ref
from flake8_celery_tasks.resolution import inference
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


DATACLASS: Final = "a dataclass"
MODEL: Final = "a pydantic model"

#: Several of them in a list.
HELD: Final = {DATACLASS: "instances of a dataclass", MODEL: "pydantic models"}

_MODELS: Final = frozenset(
    {
        "pydantic.BaseModel",
        "pydantic.main.BaseModel",
        "pydantic.v1.BaseModel",
        "pydantic_settings.BaseSettings",
        "sqlmodel.SQLModel",
    }
)
_DECORATORS: Final = frozenset(
    {
        "attr.attrs",
        "attr.define",
        "attr.dataclass",
        "attr.frozen",
        "attr.s",
        "attrs.define",
        "attrs.frozen",
        "attrs.mutable",
        "dataclasses.dataclass",
        "pydantic.dataclasses.dataclass",
    }
)

#: Bases that don't affect how an instance is encoded.
_PLAIN: Final = frozenset({"abc.ABC", "builtins.object", "typing.Generic", "typing.Protocol"})

#: Methods of a model's class or of a model that return a model.
_MAKING: Final = frozenset(
    {"construct", "from_orm", "model_construct", "model_validate", "model_validate_json", "parse_obj", "parse_raw"}
)

#: The method that kombu calls to let a class encode itself.
_ENCODES: Final = "__json__"


def instance_of(project: Project, target: Target) -> str | None:
    """Return what the instances of a class are, or what its method returns; None if JSON may encode it."""
    if not isinstance(target.symbol, Class) or target.module is None:
        return None
    if target.rest and (len(target.rest) != 1 or target.rest[0] not in _MAKING):
        return None
    cls = Target(target.path, target.module, target.symbol)
    line = list(project.line(cls))
    if any(
        isinstance(base, Target) and isinstance(base.symbol, Class) and _ENCODES in base.symbol.names for base in line
    ):
        return None
    foreign = [getattr(base, "path", "") for base in line if getattr(base, "symbol", None) is None]
    if any(path in _MODELS for path in foreign):
        return MODEL
    if target.rest or not all(path in _PLAIN for path in foreign):
        return None
    is_data = any(isinstance(base, Target) and _is_dataclass(project, base) for base in line)
    return DATACLASS if is_data else None


def _is_dataclass(project: Project, cls: Target) -> bool:
    if not isinstance(cls.symbol, Class) or cls.module is None:
        return False
    made = (value.func if isinstance(value, Invoke) else value for value in cls.symbol.decorators)
    return any(isinstance(value, Ref) and project.resolve(value.path, cls.module).path in _DECORATORS for value in made)


def parameter_of(project: Project, module: Module, binding: Binding) -> str | None:
    """Return what a parameter certainly is, from its annotation, or as `self` in a method of such a class."""
    annotation = inference.annotation_of(module, binding)
    if annotation is not None:
        return _annotated(project, module, annotation)
    function, owner = binding.site.node, binding.site.parent
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) or function.decorator_list or owner is None:
        return None
    is_first = binding.node in [*function.args.posonlyargs, *function.args.args][:1]
    if not is_first or owner.kind != CLASS or not isinstance(owner.node, ast.ClassDef) or owner.parent is None:
        return None
    symbol = module.symbol_of(owner.node, owner.parent)
    return instance_of(project, Target(f"{module.prefix}{symbol.qualname}", module, symbol))


def items_of(project: Project, module: Module, binding: Binding) -> str | None:
    """Return what a parameter holds that is annotated as a list of instances."""
    items = inference.items_annotation_of(module, binding)
    return None if items is None else HELD.get(_annotated(project, module, items) or "")


def _annotated(project: Project, module: Module, annotation: Value) -> str | None:
    """Return what an annotation says; None may be there too."""
    if isinstance(annotation, Operation) and annotation.operator == "|":
        kinds = {_annotated(project, module, side) for side in annotation.operands if side != Const(None)}
        return kinds.pop() if len(kinds) == 1 else None
    return instance_of(project, project.resolve(annotation.path, module)) if isinstance(annotation, Ref) else None
