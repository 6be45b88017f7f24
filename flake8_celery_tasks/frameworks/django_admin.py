"""Django's admin: the methods of its classes that run inside the admin's own transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from flake8_celery_tasks.frameworks.django_models import class_of_method
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Site
    from flake8_celery_tasks.resolution.project import Project


#: The methods that only `changeform_view` and `delete_view` call, inside `atomic`, with their parameters in Django.
_METHODS: Final = {
    "delete_model": ("self", "request", "obj"),
    "log_addition": ("self", "request", "obj", "message"),
    "log_change": ("self", "request", "obj", "message"),
    "response_add": ("self", "request", "obj", "post_url_continue"),
    "response_change": ("self", "request", "obj"),
    "response_delete": ("self", "request", "obj_display", "obj_id"),
    "response_post_save_add": ("self", "request", "obj"),
    "response_post_save_change": ("self", "request", "obj"),
    "save_form": ("self", "request", "form", "change"),
    "save_formset": ("self", "request", "form", "formset", "change"),
    "save_model": ("self", "request", "obj", "form", "change"),
    "save_related": ("self", "request", "form", "formsets", "change"),
}

_ADMINS: Final = "django.contrib.admin"


def is_in_transaction(project: Project, module: Module, inside: Site) -> bool:
    """Return whether a function is a method of an admin class that runs inside the admin's transaction.

    `inside` is the site of its body.
    """
    function = cast("FunctionNode", inside.node)
    cls = class_of_method(module, inside) if function.name in _METHODS else None
    if cls is None:
        return False
    if any(isinstance(base, Target) and _is_admin(base) for base in project.line(cls)):
        return True
    # A mixin, or a class whose bases can't be resolved: a method with the same name and parameters is for the admin.
    given = [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args)]
    return tuple(given) == _METHODS[function.name]


def _is_admin(base: Target) -> bool:
    """Return whether a class is one of Django's admin classes, or another package's with such a name."""
    return base.module is None and (base.path.startswith(_ADMINS) or base.path.endswith("ModelAdmin"))
