"""The record of a project's tasks, `celery-tasks.json`: written for people to compare, parsed as untrusted input."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.contract import signature
from flake8_celery_tasks.core import regular
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.core.memo import lazy_pattern
from flake8_celery_tasks.core.text import LOG_COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flake8_celery_tasks.binding.symbols import Params

VERSION: Final = 1

#: The options that a sender adds to a message, in the order in which they are written.
OPTIONS: Final = ("queue", "exchange", "routing_key", "priority", "expires", "serializer", "compression")

#: What may happen to a task's result.
STORED: Final = "stored"
IGNORED: Final = "ignored"
UNCLEAR: Final = "unknown"

#: A larger file is not a record: one of 100,000 tasks takes less.
MAX_BYTES: Final = 32_000_000

_KEYS: Final = ("version", "tasks", "uncertain")
_TASK_KEYS: Final = ("signature", "module", "function", "options", "result")
_NUMBERS: Final = frozenset({"priority", "expires"})
_CONFLICT: Final = lazy_pattern(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
_BLOCK: Final = lazy_pattern(r'\s*("(?:[^"\\]|\\.)*")\s*:\s*\{\s*$')
_SHOWN: Final = 60
_LONGEST_NUMBER: Final = 18


class RecordError(UsageError):
    """A file that is not a valid record. `str()` is one line that names the file and the reason."""


class RecordedTask(NamedTuple):
    """What others rely on in one task.

    `signature` holds the parameters as senders see them, None if they can't be determined; `options` those of `OPTIONS`
    that are given, with None for an unknown value.
    """

    signature: Params | None
    module: str
    function: str
    options: Mapping[str, str | int | float | None]
    result: str

    @property
    def place(self) -> str:
        """The place of the definition, as `module:function`."""
        return f"{self.module}:{self.function}"


class Record(NamedTuple):
    """What others rely on in all tasks of a project: by name, plus the places of tasks with unknown names."""

    tasks: Mapping[str, RecordedTask]
    uncertain: tuple[str, ...] = ()


# Writing.


def as_text(record: Record) -> str:
    """Return a record as the text of its file."""
    tasks = {
        name: {
            "signature": None if task.signature is None else signature.as_text(task.signature),
            "module": task.module,
            "function": task.function,
            "options": {option: task.options[option] for option in OPTIONS if option in task.options},
            "result": task.result,
        }
        for name, task in sorted(record.tasks.items())
    }
    content = {"version": VERSION, "tasks": tasks, "uncertain": sorted(set(record.uncertain))}
    # Undecodable bytes, as in a file name in another encoding, can only be written as escapes in JSON, and whoever
    # compares records has to see everything in them.
    lines = _written(content, "\n").split("\n")
    return "".join(f"{_escaped(line)}\n" for line in lines)


def _escaped(line: str) -> str:
    """Return a line of JSON with escapes for characters that are invisible, and for what is a command in a log."""
    if not line.isprintable():
        line = "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in line)
    return LOG_COMMAND.sub(r"#\\u0023", line)


def _written(value: object, line: str) -> str:
    """Return a value as JSON: one without objects on a single line, others as `indent=2` does."""
    if not isinstance(value, dict) or not any(isinstance(item, dict) for item in value.values()):
        return json.dumps(value, ensure_ascii=False)
    below = f"{line}  "
    items = [f"{json.dumps(key, ensure_ascii=False)}: {_written(item, below)}" for key, item in value.items()]
    return f"{{{below}{f',{below}'.join(items)}{line}}}"


# Parsing.


def load(path: str) -> Record:
    """Return the record in a file. Raises RecordError."""
    return of(content_of(path), path)


def lines_of(path: str) -> dict[str, int]:
    """Return the lines at which the blocks of tasks start, if each has a line of its own; from 1."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            block = _BLOCK.match(line)
            if block:
                found.setdefault(json.loads(block[1]), number)
    return found


def content_of(path: str) -> Any:
    """Return the JSON data in a file, whatever it is. Raises RecordError."""
    try:
        content = _first_bytes(path)
    except (OSError, ValueError) as error:
        raise RecordError(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MAX_BYTES:
        raise RecordError(f"{path} is not a record: it is larger than {MAX_BYTES // 1_000_000} MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecordError(f"{path} is not a record: it is not UTF-8") from None
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        if _CONFLICT.search(text):
            raise RecordError(
                f"{path} contains conflict markers: finish the merge, or write the record again"
            ) from None
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RecordError(f"{path} is not a record: {why}") from None


def _first_bytes(path: str) -> bytes:
    if os.path.isfile(path):
        return regular.read(path, MAX_BYTES + 1)
    with open(path, "rb") as file:  # a pipe of the shell, which is given on the command line only
        return file.read(MAX_BYTES + 1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"key {shown(twice)} is there twice")
    return found


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"number {digits[:_LONGEST_NUMBER]}... is too long")
    return int(digits)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON value")


def of(content: object, path: str) -> Record:
    """Return the record in JSON data; `path` is for errors. Raises RecordError."""
    try:
        return _record(content, path)
    except ValueError as error:
        raise RecordError(f"{path} is not a record: {error}") from None


def _record(content: object, path: str) -> Record:
    if not isinstance(content, dict):
        raise ValueError("it holds no object")
    version = content.get("version")
    if type(version) is not int:
        raise ValueError("it has no version")
    if version != VERSION:
        raise RecordError(f"{path} has version {shown(version)}, this release reads {VERSION}")
    _check_keys(content, _KEYS, "")
    tasks, uncertain = content["tasks"], content["uncertain"]
    if not isinstance(tasks, dict):
        raise ValueError("tasks is not an object")
    if not isinstance(uncertain, list) or not all(isinstance(item, str) and ":" in item for item in uncertain):
        raise ValueError("uncertain is not a list of module:function")
    return Record({name: _task(name, task) for name, task in tasks.items()}, tuple(uncertain))


def _task(name: str, content: object) -> RecordedTask:
    where = f"task {shown(name)}: "
    if not isinstance(content, dict):
        raise ValueError(f"{where}no object")
    _check_keys(content, _TASK_KEYS, where)
    for key in ("module", "function"):
        if not isinstance(content[key], str):
            raise ValueError(f"{where}{key} is not a string")
    if content["result"] not in (STORED, IGNORED, UNCLEAR):
        raise ValueError(f"{where}result is none of {STORED}, {IGNORED}, {UNCLEAR}")
    written, params = content["signature"], None
    if isinstance(written, str):
        try:
            params = signature.parse(written)
        except ValueError as error:
            raise ValueError(f"{where}signature {shown(written)}: {error}") from None
    elif written is not None:
        raise ValueError(f"{where}signature is not a string")
    options = content["options"]
    if not isinstance(options, dict):
        raise ValueError(f"{where}options is not an object")
    for option, value in options.items():
        _check_option(where, option, value)
    return RecordedTask(params, content["module"], content["function"], options, content["result"])


def _check_option(where: str, option: str, value: object) -> None:
    if option not in OPTIONS:
        raise ValueError(f"{where}there is no option {shown(option)}")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if value is not None and not (is_number if option in _NUMBERS else isinstance(value, str)):
        raise ValueError(f"{where}option {option} is not a {'number' if option in _NUMBERS else 'string'}")


def _check_keys(content: dict[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in keys:
        if key not in content:
            raise ValueError(f"{where}{key} is missing")
    for key in content:
        if key not in keys:
            raise ValueError(f"{where}there is no key {shown(key)}")


def shown(value: object) -> str:
    """Return a value from a file for a message: on one line, and not too long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
