"""What the installed Celery says of itself."""

import inspect

import celery

VERSION = tuple(int(part) for part in celery.__version__.split(".")[:2])
"""Major and minor version, which is what records tell apart."""


def parameters(function):
    """Names of the parameters, without `self` and those that take the rest."""
    rest = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    found = inspect.signature(function).parameters.values()
    return [item.name for item in found if item.kind not in rest and item.name != "self"]
