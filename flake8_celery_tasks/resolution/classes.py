"""Classes and their base classes, across files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding import values
from flake8_celery_tasks.binding.symbols import Bound, Class
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Missing, Unknown
from flake8_celery_tasks.catalog.packages import task_class
from flake8_celery_tasks.resolution.evaluation import Evaluator
from flake8_celery_tasks.resolution.resolver import Target, pick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.values import Value


#: How many ancestors of a class are followed: the others are unknown.
ANCESTORS: Final = 100


class Classes(Evaluator):
    """A resolver and evaluator that also knows classes."""

    def class_attribute(self, target: Target, name: str) -> Any:
        """Return the settled attribute of a class, MISSING if no class of its line has it, UNKNOWN otherwise."""
        for cls in self.line(target):
            if isinstance(cls, (Unknown, Missing)):
                return UNKNOWN
            if cls.module is None:
                known = task_class(cls.path)
                if known is not None and name in known.options:
                    return known.options[name]
                if known is not None and name in known.unknown:
                    return UNKNOWN
                continue
            symbol = cls.symbol
            assert isinstance(symbol, Class)
            found = cls.module.symbols(f"{symbol.qualname}.{name}")
            if found:
                chosen = pick(found)
                return self.settle(chosen.value, cls.module) if isinstance(chosen, Bound) else UNKNOWN
            if name in symbol.names:  # bound to None
                return None
            for keyword, value in symbol.keywords:
                if keyword == name:
                    return self.settle(value, cls.module)
        return MISSING

    def line(self, target: Target) -> Iterator[Target | Unknown]:
        """Yield a class and its ancestors, nearest first; UNKNOWN for one that can't be resolved."""
        seen: set[str] = set()
        pending: list[Target | Unknown] = [target]
        while pending:
            cls = pending.pop(0)
            if isinstance(cls, Unknown):
                yield cls
                continue
            if cls.path in seen or cls.rest:
                continue
            seen.add(cls.path)
            if len(seen) > ANCESTORS:
                yield UNKNOWN
                return
            if isinstance(cls.symbol, Class) and cls.module is not None:
                yield cls
                pending[:0] = self.bases(cls)
            elif cls.module is None and cls.foreign:
                yield cls
                known = task_class(cls.path)
                if known is not None:
                    pending[:0] = (Target(base, foreign=True) for base in known.bases)
            else:
                yield UNKNOWN

    def bases(self, cls: Target) -> list[Target | Unknown]:
        """Return the classes that a class of the project inherits from."""
        symbol, module = cls.symbol, cls.module
        assert isinstance(symbol, Class)
        assert module is not None
        return [found for base in symbol.bases for found in self._bases(base, module)]

    def _bases(self, base: Value, module: Module) -> list[Target | Unknown]:
        """Return the classes that a base expression stands for: usually one."""
        return [self.resolve(base.path, module) if isinstance(base, values.Ref) else UNKNOWN]
