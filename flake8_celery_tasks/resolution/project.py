"""The project around a file: its modules, names and values."""

from __future__ import annotations

import ast
import gc
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding import values
from flake8_celery_tasks.binding.module import Module
from flake8_celery_tasks.binding.symbols import Alias, Bound, Class
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Missing, Unknown, extend
from flake8_celery_tasks.celery_model.definitions import OWN_NAMES
from flake8_celery_tasks.resolution.evaluation import Settling
from flake8_celery_tasks.resolution.resolver import HOPS, Target, external, is_builtin, pick
from flake8_celery_tasks.workspace.files import MAX_BYTES, held_bits, stamp, unsaved_text
from flake8_celery_tasks.workspace.layout import Layout
from flake8_celery_tasks.workspace.marks import INTEREST
from flake8_celery_tasks.workspace.place import INSTALLED
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flake8_celery_tasks.binding.binder import Candidates
    from flake8_celery_tasks.binding.symbols import Symbol
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.celery_model.registry import Index
    from flake8_celery_tasks.core.options import Options
    from flake8_celery_tasks.engine.findings_cache import Results
    from flake8_celery_tasks.workspace.cache import Cache, Stamp


#: How many parsed modules stay in memory.
KEPT: Final = 32


class Project:
    """The project around a file.

    There is one for each root and process. Names are followed from file to file; a file that can't be read or parsed
    makes what it could hold unknown.
    """

    def __init__(self, root: str, options: Options, excluded: Sequence[str] = ()) -> None:
        self.options = options
        self.excluded = tuple(excluded)
        self.layout = Layout(root, excluded=excluded, tests=options.celery_test_paths, apps=options.celery_apps)
        self._modules: dict[str, Module | None] = {}
        self._current: Module | None = None  # the file being checked
        self._replaced: Module | None = None  # what was known of it from disk
        self._recent: dict[str, None] = {}  # the modules whose trees are in memory, oldest first
        #: What may soon be released, where somebody does.
        self._dropped: list[tuple[str, list[Candidates]]] | None = None
        self._targets: dict[tuple[str, str], Target] = {}
        self._texts: dict[str, bytes | None] | None = None
        self._interesting: dict[str, bool] = {}
        self._marked: dict[tuple[bytes, ...], tuple[str, ...]] = {}  # answers of `files_with`
        self._read: dict[str, Stamp | None] = {}  # stamps of files, from before they were read
        #: Whether all that was checked was what stands on disk, and no buffer.
        self.is_as_on_disk = True
        self._results: dict[tuple[str, ...], Results] = {}
        #: Whether somebody calls `save` who has something more urgent to do before.
        self.is_saved_later = False
        #: Whether it lives as long as the process.
        self.is_lasting = True
        #: Results that others keep here for the life of the project, by their own keys.
        self.memo: dict[object, Any] = {}

    # Files.

    def open(self, path: str, lines: Sequence[str], tree: ast.Module) -> Module:
        """Return the module for a file that is being checked. It takes the place of what is on disk."""
        module = Module(self.layout.place(path), Source(lines), tree, lambda: self._parse(path), is_from_disk=False)
        self._current = module
        self._replaced = self._modules.get(path)
        self._keep(path, module)
        return module

    def hold(self, module: Module) -> None:
        """Keep the tree of one more module: its facts refer to nodes. Only that of the last one is kept."""
        self._current = module

    def close(self, module: Module) -> None:
        """Drop the nodes of a file that has been checked; its tree is the caller's, what it defines stays known."""
        self._current = None
        path = module.place.path
        self._recent.pop(path, None)
        summary = None
        if module.source.is_text_of(self.read(path)):
            module.is_from_disk = True
            if self._texts is not None:
                # Earlier runs, and earlier files, were asked more about it.
                summary = self.cache.summary(path, module.place.package)
                if self._replaced is not None:
                    self._modules[path] = self._replaced
        else:
            self.is_as_on_disk = False
        module.shed(summary)

    def _keep(self, path: str, module: Module | None) -> None:
        self._modules[path] = module
        self._used(path)

    def _used(self, path: str) -> None:
        """Note that a module's tree is in memory, and drop the oldest where there are many."""
        self._recent.pop(path, None)
        self._recent[path] = None
        for oldest in list(self._recent)[: len(self._recent) - KEPT]:
            dropped = self._modules[oldest]
            if dropped is not self._current:
                del self._recent[oldest]
                if dropped is not None:
                    self._drop(oldest, dropped)

    def _drop(self, path: str, module: Module) -> None:
        found = module.shed()
        if self._dropped is not None:
            self._dropped.append((path, found))

    def modules_of(self, paths: Iterable[str]) -> Iterator[tuple[str, Module | None]]:
        """Yield the modules of files, one after the other, and let go of them when others have come.

        For whom keeps nothing of a module that refers to its nodes. Else the garbage collector would have to find what
        is no longer used, and it may be off, or told to leave it alone.
        """
        lent = set(self._recent)  # somebody may be going through what these hold
        self._dropped = []
        try:
            for path in paths:
                yield path, self.module(path)
                self._release(lent)
            for path in [path for path in self._recent if path not in lent]:
                del self._recent[path]
                module = self._modules[path]
                if module is not None:
                    self._drop(path, module)
            self._release(lent)
        finally:
            self._dropped = None

    def _release(self, lent: set[str]) -> None:
        assert self._dropped is not None
        for path, found in self._dropped:
            if path in lent:
                lent.discard(path)
            else:
                for candidates in found:
                    candidates.release()
        self._dropped.clear()

    def _parse(self, path: str) -> ast.Module | None:
        """Return the tree of a file whose module is known already."""
        self._used(path)
        return parse(self.read(path))

    def module(self, path: str) -> Module | None:
        """Return the module of a file, None where it can't be read or parsed."""
        if path not in self._modules:
            place = self.layout.place(path)
            # Before a question about the whole project, a few files are read faster than the cache.
            summary = None if self._texts is None else self.cache.summary(path, place.package)
            text = self.read(path) if summary is None else None
            tree = None if text is None else parse(text)
            module = None
            if tree is not None or summary is not None:
                module = Module(place, Source(()), tree, lambda: self._parse(path), summary=summary, text=text)
            self._keep(path, module)
        return self._modules[path]

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file, None where it can't be read."""
        if self._texts is not None:
            known = self._texts.get(path)
            if known is not None:
                return known
        return self._content(path, stamp(path))

    def _content(self, path: str, current: Stamp | None) -> bytes | None:
        """Return the bytes of a file, None where it can't be read; `current` is its stamp, just taken."""
        self._read.setdefault(path, current)
        try:
            if current is None or current[2] > MAX_BYTES:
                return None
            with open(path, "rb") as file:
                return file.read()
        except (OSError, ValueError):
            return None

    @cached_property
    def cache(self) -> Cache:
        """What earlier runs found out."""
        from flake8_celery_tasks.workspace.cache import Cache

        return Cache(self.layout.root, enabled=not self.options.celery_no_cache)

    @property
    def _texts_of_interest(self) -> dict[str, bytes | None]:
        """The files that may have to do with Celery, with their text where it was read."""
        if self._texts is None:
            texts: dict[str, bytes | None] = {}
            for path, current in self.stamps.items():
                passes = self.cache.passes(path, current)
                text = None
                if passes is None:
                    text = self._content(path, current)
                    is_data = current is not None and current[2] > MAX_BYTES
                    passes = (text is None and not is_data) or any(mark in (text or b"") for mark in INTEREST)
                    if text is not None or is_data:  # what can't be read now may be next time, with the same stamp
                        self.cache.note(path, current, passes=passes)
                if passes:
                    texts[path] = text
            self._texts = texts
        return self._texts

    @cached_property
    def stamps(self) -> dict[str, Stamp | None]:
        """The stamps of the project's files, taken before any of them is read for a question about all."""
        from flake8_celery_tasks.workspace.cache import stamp

        return {path: stamp(path) for path in self.layout.files()}

    @property
    def known_stamps(self) -> dict[str, Stamp | None] | None:
        """The stamps where they have been taken."""
        return self.stamps if "stamps" in vars(self) else None

    @property
    def outside(self) -> dict[str, Stamp | None]:
        """The stamps of the files that were read and are no part of the project."""
        return {path: current for path, current in self._read.items() if path not in self.stamps}

    @property
    def has_changed(self) -> bool:
        """Whether a file was changed after it was first read."""
        return any(self.stamps.get(path, current) != current for path, current in self._read.items())

    def results(self, opted: tuple[str, ...]) -> Results | None:
        """Return what is kept of what was found, with some opt-in rules; None where nothing is kept."""
        if self.options.celery_no_cache:
            return None
        if opted not in self._results:
            from flake8_celery_tasks.engine.findings_cache import Results

            self._results[opted] = Results(self, opted)
        return self._results[opted]

    @property
    def is_searched(self) -> bool:
        """Whether a question about the whole project was asked."""
        return self._texts is not None

    def save(self) -> None:
        """Keep what is known of the project's files for the next run."""
        # What was read before the file changed must not be kept under its stamp of after that.
        as_stamped = {
            path: module
            for path, module in self._modules.items()
            if module is not None and (path not in self._read or self._read[path] == self.stamps.get(path))
        }
        self.cache.save(set(self.layout.files()), as_stamped)

    def save_results(self) -> None:
        """Keep what was found."""
        for results in self._results.values():
            results.save()

    def files_with(self, *marks: bytes) -> Iterator[str]:
        """Yield the project's files that hold one of the marks, or can't be read.

        Each mark must hold one of `INTEREST`, or be `DEFINITIONS`. What an editor holds of the file that is being
        checked counts, and not what is on disk; the file may not be there yet.
        """
        known = self._marked.get(marks)
        if known is not None:
            yield from known
            return
        found: list[str] = []
        unsaved = self._unsaved
        paths = dict.fromkeys(self._texts_of_interest)
        if unsaved is not None:
            paths[unsaved[0]] = None
        bits = self.cache.bits(marks)
        searched = sum(bits.values())
        for path in paths:
            if unsaved is not None and path == unsaved[0]:
                holds = held_bits(unsaved[1], bits) != 0
            else:
                holds = self._holds(path, bits, searched)
            if holds:
                found.append(path)
                yield path
        self._marked[marks] = tuple(found)

    def _holds(self, path: str, bits: dict[bytes, int], searched: int) -> bool:
        """Return whether a file on disk holds one of some marks, or can't be read."""
        current = self.stamps[path]
        known = self.cache.holds(path, current, searched)
        if known is not None:
            return known
        texts = self._texts_of_interest
        text = texts[path]
        if text is None:
            text = texts[path] = self.read(path)
        if text is None:
            return True
        held = held_bits(text, bits)
        self.cache.note_marks(path, current, searched, held)
        return held != 0

    @property
    def _unsaved(self) -> tuple[str, bytes] | None:
        """Path and text of the file that is being checked, where the text is not what is on disk."""
        module = self._current
        if module is None or not module.source.lines:
            return None
        return module.once(unsaved_text, self)

    def is_test(self, module: Module) -> bool:
        """Return whether a module is a test or a migration."""
        return self.layout.is_test(module.place)

    # What the project sets for all tasks.

    @cached_property
    def version(self) -> tuple[int, int]:
        """The Celery version to judge by: the one that the options name, or the project pins, else the newest."""
        from flake8_celery_tasks.celery_model.version import version_of

        return self.options.celery_target_version or version_of(self)

    @cached_property
    def task_cls(self) -> Any:
        """The task class of the project's apps: settled, MISSING where they have Celery's own, UNKNOWN if unclear."""
        from flake8_celery_tasks.celery_model import apps

        return apps.task_cls(self)

    @cached_property
    def assigned_task_cls(self) -> Any:
        """The task class that is assigned to some app's `Task`, in the same way."""
        from flake8_celery_tasks.celery_model import apps

        return apps.assigned_task_cls(self)

    @cached_property
    def has_own_names(self) -> bool:
        """Whether some app of the project may make automatic names in its own way, by a `gen_task_name` of its own."""
        return any(OWN_NAMES.search(self.read(path) or b"") for path in self.files_with(b"gen_task_name"))

    @cached_property
    def tasks(self) -> Index:
        """The index of the project's tasks."""
        from flake8_celery_tasks.celery_model.registry import Index
        from flake8_celery_tasks.engine.session import save_at_exit

        index = Index(self)
        if self.is_lasting:
            # What was made for the index: the garbage collector need not look at it again.
            gc.freeze()
        if not self.is_saved_later:
            self.save()
        save_at_exit()
        return index

    @property
    def tasks_by_name(self) -> dict[str, list[Definition]]:
        """The definitions of the project's tasks, by each name that is certain."""
        return self.tasks.by_name

    def setting(self, name: str) -> list[Any]:
        """Return the settled values that the project gives to a setting of Celery, by its lower-case name.

        Every place that could set it counts, so the list may hold values of other environments. Tests don't count.
        """
        from flake8_celery_tasks.celery_model import settings

        key = ("setting", name)
        if key not in self.memo:
            self.memo[key] = settings.values_of(self, name)
        found: list[Any] = self.memo[key]
        return found

    # Names.

    def resolve(self, path: str, origin: Module, hops: int = 0) -> Target:
        """Return what the path of a `Ref` leads to, seen from the module that it stands in."""
        key = (origin.place.path, path)
        known = self._targets.get(key)
        if known is None:
            known = self._resolve(path, origin, hops)
            self._targets[key] = known
        return known

    def leads_to_celery(self, path: str, origin: Module) -> bool:
        """Return whether it is worth following a name in search of something of Celery's.

        What another module of the project defines is not, where that module's text holds no mark of Celery or tasks.
        Packages are always followed: they may re-export.
        """
        name, _, attributes = path.partition(":")
        if not name:
            first = attributes.partition(".")[0]
            aliases = {symbol.path for symbol in origin.symbols(first) if isinstance(symbol, Alias)}
            others = [alias for alias in aliases if not alias.startswith(":")]
            return not others or any(self.leads_to_celery(alias, origin) for alias in others)
        if name == "builtins":
            return False
        file = self.layout.find(name, origin.place.root)
        if file is None or not file.endswith(".py") or file.endswith("__init__.py"):
            return True
        known = self._interesting.get(file)
        if known is None:
            text = self.read(file) or b""
            known = self._interesting[file] = any(mark in text for mark in INTEREST)
        return known

    def _resolve(self, path: str, origin: Module, hops: int) -> Target:
        if hops >= HOPS:
            return Target(external(path))
        name, _, attributes = path.partition(":")
        rest = tuple(attributes.split(".")) if attributes else ()
        if not name:
            return self._attribute(origin, rest, hops)
        if name == "builtins":
            return Target(external(path), foreign=True)
        file = self.layout.find(name, origin.place.root)
        if file is None:
            return Target(external(path), foreign=not self.layout.has_top_level(name, origin.place.root))
        return self._in_file(file, name, rest, hops)

    def _in_file(self, file: str, name: str, rest: tuple[str, ...], hops: int) -> Target:
        if not file.endswith(".py"):  # a namespace package
            if rest:
                below = self.layout.submodule(file, rest[0])
                if below is not None:
                    return self._in_file(below, f"{name}.{rest[0]}", rest[1:], hops)
            return Target(".".join((name, *rest)))
        module = self.module(file)
        if module is None:
            own = "." if name.partition(".")[0] in INSTALLED else ""  # as `Module.prefix` says
            return Target(own + ".".join((name, *rest)))
        return self._attribute(module, rest, hops)

    def _attribute(self, module: Module, rest: tuple[str, ...], hops: int) -> Target:
        if not rest:
            return Target(module.prefix[:-1], module)
        name, below = rest[0], rest[1:]
        if name.endswith("<locals>") or (below and below[0] == "<locals>"):
            return self._local(module, rest, hops)
        symbols = module.symbols(name)
        if symbols:
            return self._follow(module, name, pick(symbols), below, hops)
        file = self.layout.submodule(module.place.path, name)
        unread = False
        for star in module.stars:
            if self.layout.find(star, module.place.root) is None:
                unread = True  # another package's names are not known
                continue
            found = self.resolve(f"{star}:{'.'.join(rest)}", module, hops + 1)
            # What a star brings takes the place of the submodule that it comes from: `from .mail import *` of `mail`.
            if found.module is not None or (found.foreign and file is None):
                if not found.lost:
                    return found
            else:
                unread = True
        if file is not None:
            return self._in_file(file, f"{module.place.name}.{name}", below, hops)
        path = ".".join((module.place.name, *rest))
        if module.stars and not module.binds(name) and is_builtin(name):
            return Target(f"builtins.{'.'.join(rest)}", foreign=True)
        return Target(path, None if unread else module, None, rest, lost=not unread and not module.binds(name))

    def _local(self, module: Module, rest: tuple[str, ...], hops: int) -> Target:
        """Follow the qualified name of a definition inside a function."""
        for end in range(len(rest), 0, -1):
            qualname = ".".join(rest[:end])
            symbols = module.symbols(qualname) if not qualname.endswith("<locals>") else ()
            if symbols:
                return self._follow(module, qualname, pick(symbols), rest[end:], hops)
        return Target(".".join((module.place.name, *rest)))

    def _follow(self, module: Module, name: str, symbol: Symbol, rest: tuple[str, ...], hops: int) -> Target:
        if isinstance(symbol, Alias):
            return self.resolve(extend(symbol.path, rest), module, hops + 1)
        if isinstance(symbol, Bound) and isinstance(symbol.value, values.Ref):
            return self.resolve(extend(symbol.value.path, rest), module, hops + 1)
        if isinstance(symbol, Class) and rest:
            inner = module.symbols(f"{name}.{rest[0]}")
            if inner:
                return self._follow(module, f"{name}.{rest[0]}", pick(inner), rest[1:], hops + 1)
        return Target(f"{module.prefix}{name}", module, symbol, rest)

    # Values.

    def settle(self, value: Value, origin: Module) -> Any:
        """Return what a symbolic value comes to.

        Constants, tuples, lists, sets and dicts (a `Table`) become Python's own; a name that leads to no constant
        stays a `Target`, a call a `Called`; what can't be read is UNKNOWN.
        """
        return Settling(self).value(value, origin, 0)

    # Classes.

    def class_attribute(self, target: Target, name: str) -> Any:
        """Return the settled attribute of a class, MISSING where no class of its line has it, UNKNOWN otherwise."""
        for cls in self.line(target):
            if isinstance(cls, (Unknown, Missing)):
                return UNKNOWN
            if cls.module is None:
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
        """Yield a class and those that it inherits from, nearest first; UNKNOWN for one that can't be read."""
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
            if isinstance(cls.symbol, Class) and cls.module is not None:
                yield cls
                pending[:0] = (found for base in cls.symbol.bases for found in self._bases(base, cls.module))
            elif cls.module is None and cls.foreign:
                yield cls
            else:
                yield UNKNOWN

    def _bases(self, base: Value, module: Module) -> list[Target | Unknown]:
        """Return what one of the bases of a class is: for `app.Task` what the app gives its tasks, and Celery's."""
        target = self.resolve(base.path, module) if isinstance(base, values.Ref) else UNKNOWN
        if isinstance(target, Target):
            may_be_of_app = "Task" in (*target.rest, target.path.rpartition(".")[2]) and target.path != "celery.Task"
        else:
            may_be_of_app = isinstance(base, values.Member) and base.attribute == "Task"
        if may_be_of_app:
            from flake8_celery_tasks.celery_model import apps

            app = apps.app_behind(self, base, module)
            if app is not None:
                given = apps.base_given_by(self, app)
                return [*(() if isinstance(given, Missing) else (given,)), Target("celery.Task", foreign=True)]
        return [target]


def parse(text: bytes | None) -> ast.Module | None:
    """Return the tree of a module, None where there is none."""
    if text is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
