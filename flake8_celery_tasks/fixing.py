"""Fixing files: collect fixes, apply those that don't touch each other, check again, until there is nothing to fix.

What comes out must parse, must say the same but for what the fixes write, must have lost the violations, and must have
no new one; else the fix is not applied.
"""

from __future__ import annotations

import ast
import bisect
import contextlib
import difflib
import gc
import itertools
import os
import re
import stat
import tempfile
import tokenize
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks import engine, gate, imports, layout, project
from flake8_celery_tasks.fixes import Edit, text_in
from flake8_celery_tasks.options import Options
from flake8_celery_tasks.project import Revised
from flake8_celery_tasks.rule import Rule
from flake8_celery_tasks.text import Text, Unfixable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from flake8_celery_tasks.fixes import Fix, Import
    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project
    from flake8_celery_tasks.rule import Violation

#: A fix may uncover what the next one mends. That ends soon.
ROUNDS: Final = 10

#: What the parser raises, and what it does to deep nesting.
_BROKEN: Final = (SyntaxError, ValueError, RecursionError, MemoryError)

#: After how many fixed files a process looks for garbage: each round leaves trees, and a project that goes in circles.
_COLLECTED: Final = 10

#: Where a file has so few fixes, each is tried for itself when all have something wrong beside them.
_FEW: Final = 4

_turns = itertools.count(1)

_BOM: Final = "\ufeff"

#: Messages name places of other definitions, which move.
_PLACE: Final = re.compile(r":\d+")

#: What `patch` takes for a line.
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")

#: What `patch` and git take in the name of a file only where it is quoted.
_ODD: Final = re.compile(r'["\\\x00-\x1f\x7f]')


def _every(_path: str, _lines: list[str], _tree: ast.Module, found: list[Violation]) -> list[Violation]:
    return found


@dataclass(frozen=True)
class Order:
    """What to fix: `wants` picks from the violations in a file those that are selected and not silenced."""

    options: Options = field(default_factory=Options)
    excluded: tuple[str, ...] = ()
    opted: tuple[str, ...] = ()
    unsafe: bool = False
    wants: Callable[[str, list[str], ast.Module, list[Violation]], list[Violation]] = _every


class Fixed(NamedTuple):
    """What became of a text, and the violations that went."""

    text: str
    violations: tuple[Violation, ...] = ()


class Result(NamedTuple):
    """What became of a file. `message` says why it was left alone, where that was not for want of a fix."""

    path: str
    before: str
    after: str
    violations: tuple[Violation, ...] = ()
    message: str = ""

    @property
    def is_changed(self) -> bool:
        """Whether something was fixed."""
        return self.before != self.after


class _Offer(NamedTuple):
    violation: Violation
    fix: Fix
    edits: tuple[Edit, ...]


class _State:
    """A text, what is found in it, and the fixes that are offered. `known` is a project with another text of it."""

    def __init__(self, path: str, text: Text, tree: ast.Module, order: Order, known: Project | None = None) -> None:
        self.text = text
        self.tree = tree
        if known is None:
            self.project = project.project_of(path, order.options, order.excluded)
        else:
            # One that has concluded nothing from what was in the file before.
            self.project = Revised(known, path)
        self.module: Module = self.project.open(path, text.lines, tree)
        self.module.keep(text_in, text)
        judged = list(engine.judge(self.project, self.module, engine.wanted(order.opted)))
        self.violations = {violation for _, _, violation in judged}
        self.found = Counter(map(_kind, self.violations))
        self.offers = list(self._offers(path, judged, order))

    def _offers(self, path: str, judged: list[tuple[Any, Any, Violation]], order: Order) -> Iterator[_Offer]:
        fixing = [item for item in judged if type(item[0]).fix is not Rule.fix]
        wanted = set(order.wants(path, self.text.lines, self.tree, sorted({item[2] for item in fixing})))
        for rule, fact, violation in sorted(fixing, key=lambda item: item[2]):
            if violation not in wanted:
                continue
            try:
                fix = rule.fix(fact, violation)
                edits = fix.edits(self.text) if fix is not None and (fix.safe or order.unsafe) else ()
                if fix is not None and edits:
                    yield _Offer(violation, fix, edits)
            except Unfixable:
                continue

    def place(self, violation: Violation) -> int:
        """Return the offset of a violation."""
        return self.text.line_offset(violation.line) + violation.column

    def is_own(self, dotted: str) -> bool:
        """Return whether a package is the project's own."""
        return self.project.layout.has_top_level(dotted, self.module.place.root)


def fix_text(path: str, text: str, order: Order) -> Fixed:
    """Return a file's text with all fixes applied that are certain."""
    gone: list[Violation] = []
    refused: set[Violation] = set()  # in the present text: in another one they may be good
    try:
        state = _State(path, Text(text), ast.parse(text), order)
    except _BROKEN:
        return Fixed(text)
    known, first = state.project, state.module
    for _ in range(ROUNDS):
        offers = [offer for offer in state.offers if offer.violation not in refused]
        if not offers:
            break
        offers = _apart(offers)
        chosen, after = _Attempts(path, state, order, known).add([], None, offers)
        if after is None:
            refused.update(offer.violation for offer in offers)
        else:
            gone.extend(offer.violation for offer in chosen)
            state = after
            refused.clear()
    known.close(first)
    return Fixed(state.text.text, tuple(gone))


def _kind(violation: Violation) -> tuple[str, str]:
    """Return what stays of a violation when lines move."""
    return violation.code, _PLACE.sub(":", violation.text)


def _apart(offers: Iterable[_Offer]) -> list[_Offer]:
    """Return the offers whose edits do not touch those of one before."""
    chosen: list[_Offer] = []
    known: set[tuple[Edit, ...]] = set()
    taken: list[Edit] = []  # in their order; none touches another of another offer
    for offer in offers:
        if offer.edits not in known:
            before = [bisect.bisect_right(taken, edit.end, key=_start) for edit in offer.edits]
            if any(i and edit.start <= taken[i - 1].end for i, edit in zip(before, offer.edits, strict=True)):
                continue
            known.add(offer.edits)
            for edit in offer.edits:
                bisect.insort(taken, edit)
        chosen.append(offer)
    return chosen


def _start(edit: Edit) -> int:
    return edit.start


class _Attempts:
    """Fixes of one round that are tried together, and those left out with which the outcome is not good.

    One attempt costs as much as checking the file. So where many fixes fail those go first that have something wrong
    beside them. Where those are all, one of each region is tried at a time: what goes wrong there is its fault then. Of
    what nothing is known one half is tried, then the other.
    """

    def __init__(self, path: str, state: _State, order: Order, known: Project) -> None:
        self.path = path
        self.state = state
        self.order = order
        self.known = known

    def add(
        self, good: list[_Offer], after: _State | None, more: list[_Offer], guesses: int = 3
    ) -> tuple[list[_Offer], _State | None]:
        """Return good fixes and those of some more that go with them, with what comes of all together."""
        if not more:
            return good, after
        found, guilty = self.apply([*good, *more])
        if found is not None:
            return [*good, *more], found
        suspects = [offer for offer in more if id(offer) in guilty]
        parts = [[offer for offer in more if id(offer) not in guilty], suspects]
        guesses -= 1
        if len(suspects) == len(more):
            parts = self._one_of_each_region(more)
            if len(parts) == 1 and len(self.state.offers) <= _FEW:
                parts = [[offer] for offer in more]
        elif not suspects or guesses < 0:
            parts, guesses = [more[: len(more) // 2], more[len(more) // 2 :]], 3
        if len(more) > 1 and len(parts) > 1:
            for part in parts:
                good, after = self.add(good, after, part, guesses)
        return good, after

    def _one_of_each_region(self, offers: Iterable[_Offer]) -> list[list[_Offer]]:
        """Return offers in groups of which each has at most one for a region."""
        regions = _Regions(self.state.text, self.state.tree)
        counted: Counter[int] = Counter()
        groups: list[list[_Offer]] = []
        for offer in offers:
            region = regions.at(offer.edits[0].start)
            if counted[region] == len(groups):
                groups.append([])
            groups[counted[region]].append(offer)
            counted[region] += 1
        return groups

    def apply(self, offers: Sequence[_Offer]) -> tuple[_State | None, set[int]]:
        """Return what comes of applying some fixes together, None where it is not good.

        In that case the identities of those beside which something is wrong are returned too, as far as they are known.
        """
        state = self.state
        try:
            text, tree, steps = _written(state, offers)
            found = _State(self.path, text, tree, self.order, self.known)
        except (Unfixable, *_BROKEN):
            return None, set()
        mended = Counter(map(_kind, {offer.violation for offer in offers}))
        left = {kind for kind, count in mended.items() if found.found[kind] > state.found[kind] - count}
        # By code: what else is found in a call that is written anew may have other words then.
        new = _by_code(found.found) - _by_code(state.found - mended)
        if not left and not new:
            return found, set()
        places = self._wrong(found, steps, offers, left, new)
        return None, _beside(offers, steps, places, _Regions(found.text, found.tree))

    def _wrong(
        self,
        found: _State,
        steps: Sequence[_Edits],
        offers: Sequence[_Offer],
        left: set[tuple[str, str]],
        new: Counter[str],
    ) -> Iterator[int]:
        """Yield where something is reported that should be gone, or was not reported there before."""
        mended = {offer.violation for offer in offers}
        places = {
            (violation.code, _moved(self.state.place(violation), steps))
            for violation in self.state.violations
            if violation not in mended
        }
        for violation in found.violations:
            if violation.code in new or _kind(violation) in left:
                place = found.place(violation)
                if (violation.code, place) not in places:
                    yield place


class _Regions:
    """The functions of a module, and the statements outside of them: where in a text something has its effect."""

    def __init__(self, text: Text, tree: ast.Module) -> None:
        nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        spans = sorted((text.start(node), -text.end(node)) for node in (*tree.body, *nodes))
        self._starts: list[int] = []
        self._regions: list[int] = []  # of what comes after each start
        around = [(len(text.text) + 1, -1)]
        for region, (start, end) in enumerate((*spans, (len(text.text), 0))):
            while around[-1][0] <= start:
                self._begin(around.pop()[0], around[-1][1])
            self._begin(start, region)
            around.append((-end, region))

    def _begin(self, start: int, region: int) -> None:
        self._starts.append(start)
        self._regions.append(region)

    def at(self, offset: int) -> int:
        """Return the number of the innermost region around an offset, -1 where there is none."""
        index = bisect.bisect_right(self._starts, offset)
        return self._regions[index - 1] if index else -1


def _beside(offers: Sequence[_Offer], steps: Sequence[_Edits], places: Iterable[int], regions: _Regions) -> set[int]:
    """Return the identities of the fixes with the edit nearest to each of some places: in its region, if there is one.

    Places and regions are those behind all steps.
    """
    edits = sorted((_moved(edit.start, steps), id(offer)) for offer in offers for edit in offer.edits)
    inside: dict[int, list[tuple[int, int]]] = {}
    for edit in edits:
        inside.setdefault(regions.at(edit[0]), []).append(edit)
    found: set[int] = set()
    for place in places:
        nearby = inside.get(regions.at(place), edits)
        index = bisect.bisect_left(nearby, (place,))
        near = nearby[max(index - 1, 0) : index + 1]
        found.add(min(near, key=lambda item: abs(item[0] - place))[1])
    return found


def _moved(offset: int, steps: Iterable[_Edits]) -> int:
    for edits in steps:
        offset = edits.shifted(offset)
    return offset


def _written(state: _State, offers: Sequence[_Offer]) -> tuple[Text, ast.Module, list[_Edits]]:
    """Return the text with fixes applied, its tree, and the edits, one step after the other. Raises Unfixable."""
    steps = [_Edits({edit for offer in offers for edit in offer.edits})]
    text, tree = _edited(state.text, state.tree, steps[0])
    for needed in sorted({needed for offer in offers for needed in offer.fix.imports}):
        steps.append(_Edits({imports.added(text, tree, needed, state.is_own)}))
        text, tree = _edited(text, tree, steps[-1])
    return text, tree, steps


def _by_code(found: Counter[tuple[str, str]]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for (code, _), count in found.items():
        counted[code] += count
    return counted


class _Edits:
    """Edits of one text in their order. None overlaps another, so their ends are in order as well."""

    def __init__(self, edits: Iterable[Edit]) -> None:
        self.edits = sorted(edits)
        self._starts = [edit.start for edit in self.edits]
        self._ends = [edit.end for edit in self.edits]
        lengths = (len(edit.text) - (edit.end - edit.start) for edit in self.edits)
        self._moves = [0, *itertools.accumulate(lengths)]
        self._points = set(self._starts)

    def touching(self, start: int, end: int) -> list[Edit]:
        """Return the edits that change something between two offsets."""
        return self.edits[bisect.bisect_right(self._ends, start) : bisect.bisect_left(self._starts, end)]

    def starts_at(self, offset: int) -> bool:
        """Return whether an edit starts at an offset."""
        return offset in self._points

    def shifted(self, offset: int, *, end: bool = False) -> int:
        """Return where an offset is after the edits. What is put in at the `end` of something stands behind it."""
        index = bisect.bisect_right(self._ends, offset)
        while end and index and self._starts[index - 1] == offset:
            index -= 1
        return offset + self._moves[index]


def _edited(text: Text, tree: ast.Module, edits: _Edits) -> tuple[Text, ast.Module]:
    """Return a text with edits made, and its tree. Raises Unfixable where something else would say another thing."""
    parts: list[str] = []
    inverse: list[Edit] = []
    offset = length = 0
    for edit in edits.edits:
        kept = text.text[offset : edit.start]
        parts += (kept, edit.text)
        length += len(kept)
        inverse.append(Edit(length, length + len(edit.text), ""))
        length += len(edit.text)
        offset = edit.end
    after = Text("".join((*parts, text.text[offset:])))
    parsed = ast.parse(after.text)
    before = dict(_untouched(text, tree, edits))
    behind = dict(_untouched(after, parsed, _Edits(inverse)))
    shifted = {
        (kind, edits.shifted(start), edits.shifted(end, end=True)): use for (kind, start, end), use in before.items()
    }
    if shifted != behind:
        raise Unfixable("something else would change")
    return after, parsed


def _untouched(text: Text, tree: ast.Module, edits: _Edits) -> Iterator[tuple[tuple[type[ast.AST], int, int], type]]:
    """Yield the largest nodes that no edit touches: kind and span, and whether a name is read, bound or deleted.

    Their text is the same before and behind the edits, and so is all that the parser makes of it as that kind of node.
    """
    pending: list[ast.AST] = [*tree.body]
    while pending:
        node = pending.pop()
        if not hasattr(node, "end_lineno"):
            pending.extend(ast.iter_child_nodes(node))
            continue
        start, end = text.start(node), text.end(node)
        touching = edits.touching(start, end)
        children = list(ast.iter_child_nodes(node))
        # What ends where an edit starts may go on in what the edit writes.
        if not touching and not (children and edits.starts_at(end)):
            yield (type(node), start, end), type(getattr(node, "ctx", None))
        elif not any(edit.start <= start and end <= edit.end for edit in touching):
            if any(not (start <= edit.start and edit.end <= end) for edit in touching):
                raise Unfixable("an edit cuts through an expression")
            pending.extend(children)


# What is offered, for others to apply.


class Remedy(NamedTuple):
    """How to mend one violation: whether it is safe, and the edits of the text with what they need besides."""

    violation: Violation
    safe: bool
    replacements: tuple[Replacement, ...]


class Replacement(NamedTuple):
    """Some text in place of a region: lines and columns from 1, in characters; the end is not part of it."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


def remedies(path: str, order: Order) -> tuple[str, list[Remedy]]:
    """Return for a file how to mend what is wanted, each violation for itself, where that has proven good."""
    content = read(path)
    if content is None:
        return path, []
    try:
        state = _State(os.path.abspath(path), Text(content.text), ast.parse(content.text), order)
    except _BROKEN:
        return path, []
    added: dict[tuple[Import, ...], list[Edit]] = {}
    found = [
        Remedy(offer.violation, offer.fix.safe, tuple(_replacement(state.text, edit) for edit in edits))
        for offer in _good(os.path.abspath(path), state, order)
        for edits in [_alone(state, offer, added)]
    ]
    state.project.close(state.module)
    return path, found


def _good(path: str, state: _State, order: Order) -> list[_Offer]:
    """Return the offers that prove good, in groups of those that don't touch each other.

    Those that fail beside others may be good without them, so they are tried again as long as that helps.
    """
    attempts = _Attempts(path, state, order, state.project)
    good: set[int] = set()
    pending = state.offers
    while pending:
        group = _apart(pending)
        chosen = attempts.add([], None, group)[0]
        good.update(map(id, chosen))
        done = set(map(id, chosen or group))  # what was not good beside others may be so without them
        pending = [offer for offer in pending if id(offer) not in done]
    return [offer for offer in state.offers if id(offer) in good]


def _alone(state: _State, offer: _Offer, added: dict[tuple[Import, ...], list[Edit]]) -> Sequence[Edit]:
    """Return all edits that a fix comes to, with its imports; `added` keeps what imports alone come to."""
    needed = offer.fix.imports
    if not needed:
        return offer.edits
    head = imports.head(state.text, state.tree)
    if any(edit.start <= head for edit in offer.edits):
        return _changes(state.text, _written(state, [offer])[0])
    # To write each out takes the whole text each time.
    if needed not in added:
        added[needed] = _changes(state.text, _written(state, [offer._replace(edits=())])[0])
    return [*added[needed], *offer.edits]


def _changes(before: Text, after: Text) -> list[Edit]:
    """Return the lines that make one text of another."""
    old, new = before.lines, after.lines
    shorter = min(len(old), len(new))
    # difflib alone compares each line with all that say the same.
    same = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    behind = next((i for i in range(shorter - same) if old[-1 - i] != new[-1 - i]), shorter - same)
    offsets = [before.line_offset(line) for line in range(same + 1, len(old) - behind + 2)]
    matcher = difflib.SequenceMatcher(
        None, old[same : len(old) - behind], new[same : len(new) - behind], autojunk=False
    )
    return [
        Edit(offsets[first], offsets[last], "".join(new[same + start : same + end]))
        for tag, first, last, start, end in matcher.get_opcodes()
        if tag != "equal"
    ]


def _replacement(text: Text, edit: Edit) -> Replacement:
    return Replacement(*text.place(edit.start), *text.place(edit.end), edit.text)


# Files.


class Bytes(NamedTuple):
    """A file as it was read."""

    content: bytes
    text: str
    encoding: str
    bom: bool


def read(path: str) -> Bytes | None:
    """Return what is in a file, None where it is no text that can be read, or a pipe."""
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "rb") as file:
            encoding, _ = tokenize.detect_encoding(file.readline)
        text = content.decode(encoding)
    except (OSError, SyntaxError, ValueError, LookupError):
        return None
    bom = encoding == "utf-8-sig"
    return Bytes(content, text, "utf-8" if bom else encoding, bom)


class Proposal(NamedTuple):
    """What would become of a file, and the bytes of it before and after."""

    result: Result
    before: bytes = b""
    after: bytes = b""


def propose(path: str, order: Order) -> Proposal:
    """Return what fixing would make of a file, and write nothing."""
    before = read(path)
    if before is None or not gate.passes(before.text, gate.marks_of(order.options.celery_task_decorators)):
        return Proposal(Result(path, "", ""))
    fixed = fix_text(_home(path), before.text, order)
    if fixed.text == before.text:
        return Proposal(Result(path, before.text, before.text))
    if next(_turns) % _COLLECTED == 0:
        gc.collect()
    mark = _BOM if before.bom else ""
    try:
        content = (mark + fixed.text).encode(before.encoding)
    except UnicodeError:  # more than UnicodeEncodeError: of labels that are too long
        message = f"can't be written in {before.encoding}, left alone"
        return Proposal(Result(path, before.text, before.text, message=message))
    result = Result(path, mark + before.text, mark + fixed.text, fixed.violations)
    return Proposal(result, before.content, content)


def _home(path: str) -> str:
    """Return the path by which a file is judged: that of the module in the project that a link leads to, if it does."""
    given, real = os.path.abspath(path), os.path.realpath(path)
    root = layout.find_root(os.path.dirname(given)) or os.getcwd()
    below = os.path.join(os.path.realpath(root), "")
    is_inside = real.endswith(".py") and real.startswith(below)
    return os.path.join(root, real[len(below) :]) if is_inside else given


def _replace(path: str, before: bytes, after: bytes) -> str:
    """Put new content into a file, all or nothing; return why it was left alone."""
    temporary = ""
    try:
        mode = os.stat(path).st_mode
        if not mode & stat.S_IWUSR:
            return "is write-protected, left alone"
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}.")
        with open(descriptor, "wb") as file:
            file.write(after)
        os.chmod(temporary, stat.S_IMODE(mode))
        with open(path, "rb") as file:
            changed = file.read() != before
        if not changed:
            os.replace(temporary, path)
            return ""
    except OSError as error:
        return f"can't be written: {error.strerror}"
    finally:  # on interruption, too
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    return "has changed meanwhile, left alone"


def fix_files(
    paths: Iterable[str], order: Order, *, write: bool = True, spread: Callable[..., Iterable[Proposal]] = map
) -> Iterator[Result]:
    """Yield what became of each file in which something was to be done.

    `spread` calls a function with each of some paths, in whatever order. All files are judged by what the others say
    before; only then they are written, unless it is only to be known what would become of them.
    """
    once = list({os.path.realpath(path): path for path in paths}.values())  # one file may have several paths
    found = {proposal.result.path: proposal for proposal in spread(partial(propose, order=order), once)}
    for result, before, after in (found[path] for path in once):
        if write and result.is_changed:
            message = _replace(os.path.realpath(result.path), before, after)
            yield Result(result.path, result.before, result.before, message=message) if message else result
        elif result.is_changed or result.message:
            yield result
    if write:
        project.forget()


def diff(result: Result) -> str:
    """Return a unified diff of a file, as `patch` and git take it: lines end in line feeds."""
    name = _named(result.path)
    lines = difflib.unified_diff(_LINE.findall(result.before), _LINE.findall(result.after), name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _named(path: str) -> str:
    r"""Return a path as a diff has it: from the working folder without `./`; one with spaces ends in a tab.

    >>> _named("./shop/tasks.py")
    'shop/tasks.py'
    >>> print(_named('"old"\nshop.py'))
    "\042old\042\012shop.py"
    """
    here = os.path.join(os.getcwd(), "")
    name = os.path.normpath(path).removeprefix(here).replace(os.sep, "/")
    quoted = _ODD.sub(lambda found: f"\\{ord(found[0]):03o}", name)
    return f'"{quoted}"' if quoted != name else name + "\t" * (" " in name)
