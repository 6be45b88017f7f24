"""What the installed Celery says of itself."""

import inspect
import re

import celery

VERSION = tuple(int(part) for part in celery.__version__.split(".")[:2])
"""Major and minor version, which is what most records tell apart."""

FULL = tuple(int(part) for part in re.findall(r"\d+", celery.__version__)[:3])
"""With the number of the patch, which changed a default once."""


def parameters(function):
    """Names of the parameters, without `self` and those that take the rest."""
    rest = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    found = inspect.signature(function).parameters.values()
    return [item.name for item in found if item.kind not in rest and item.name != "self"]
