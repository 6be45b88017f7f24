"""The options: each field of `Options` is one flake8 option, with type, default and help; values are checked once."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.core import spelling
from flake8_celery_tasks.core.memo import lazy_pattern
from flake8_celery_tasks.core.violation import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flake8.options.manager import OptionManager


#: The prefix of the codes of opt-in rules: a shorter prefix in `select` does not switch them on.
OPT_IN: Final = "CLY9"

#: The placeholders in `celery-task-name-pattern`.
PLACEHOLDERS: Final = ("app", "module", "function")

#: The newest Celery version in the catalogue, and the oldest.
NEWEST: Final = (5, 7)
OLDEST: Final = (5, 2)

#: The brokers that a project can use.
BROKERS: Final = ("redis", "sqs", "amqp")

#: The formats of findings that the command adds to flake8's.
FORMATS: Final = ("full", "concise", "json", "sarif", "github", "gitlab")


class OptionError(ValueError):
    """A value that an option does not accept. `str()` names the option, the value and what is expected."""

    def __init__(self, name: str, value: object, wanted: str) -> None:
        super().__init__(f"argument --{name}: invalid value {value!r}: {wanted}")


class Described(NamedTuple):
    """What an option's help says, and what its value is: one of several, or a path."""

    default: Any
    help: str
    metavar: str
    many: bool
    path: bool


_described: list[Described] = []


def _option(default: Any, help: str, metavar: str = "", *, many: bool = False, path: bool = False) -> Any:  # noqa: A002
    _described.append(Described(default, help, metavar, many, path))
    return default


# A dataclass takes five times as long to create, in each run of flake8.
class Options(NamedTuple):
    """What a project says about its Celery setup."""

    celery_task_decorators: tuple[str, ...] = _option(
        (),
        "Dotted names (or fnmatch patterns) of your own decorators that create tasks like shared_task, with the same "
        "keywords.",
        "NAMES",
        many=True,
    )
    celery_apps: tuple[str, ...] = _option(
        (), "Dotted names of the packages that are apps, instead of detecting them.", "PACKAGES", many=True
    )
    celery_test_paths: tuple[str, ...] = _option(
        ("tests/", "test/", "tests.py", "test_*.py", "*_test.py", "conftest.py"),
        "Patterns of test modules. A folder name ends with a slash; other patterns match the file name or the path "
        "from the project root. Migrations and hidden folders are always included. Rules about app boundaries, "
        "transactions and house policy are silent there.",
        "PATTERNS",
        many=True,
    )
    celery_target_version: tuple[int, int] | None = _option(
        None,
        "The Celery version that the project runs on, such as 5.4 (default: the version that its lock file or "
        "requirements pin or set as the upper bound, else the newest known).",
        "VERSION",
    )
    celery_acks_late: bool = _option(
        False, "The project sets task_acks_late=True in a place that the linter can't see.", "BOOL"
    )
    celery_custom_task_class: bool = _option(
        False, "The Celery app has a custom task_cls that the linter can't see.", "BOOL"
    )
    celery_extra_task_options: tuple[str, ...] = _option(
        (),
        "Names of options that your own task classes read in a place that the linter can't see (CLY501, CLY504).",
        "NAMES",
        many=True,
    )
    celery_async_pool: bool = _option(
        False, "The workers' pool runs coroutines, so tasks can be async functions (CLY511).", "BOOL"
    )
    celery_bind_requires_retry: bool = _option(
        False, "Report every task with bind=True that has no retry policy (CLY201).", "BOOL"
    )
    celery_at_most_once_calls: tuple[str, ...] = _option(
        (),
        "Dotted names (or fnmatch patterns) of additional calls that must not happen twice (CLY303).",
        "NAMES",
        many=True,
    )
    celery_broker: str = _option(
        "",
        "The project's broker, if the linter can't see it: redis, sqs or amqp (CLY615).",
        "BROKER",
    )
    celery_task_name_pattern: str = _option(
        "",
        "A regular expression that a task's whole name has to match (CLY906). {app} stands for the last part of the "
        "app's package, {module} for the dotted name of the module, {function} for the name of the function.",
        "PATTERN",
    )
    celery_project_root: str = _option(
        "",
        "The root of the project (default: the nearest folder above a file that contains .git, pyproject.toml, "
        "setup.cfg, tox.ini, .flake8 or manage.py).",
        "FOLDER",
    )

    celery_environment: tuple[str, ...] = _option(
        (),
        "A virtual environment in which names are followed into installed packages that use Celery, to find their task "
        "classes, decorators and apps. auto stands for the one that flake8 runs in. Nothing is imported from it.",
        "FOLDER",
        path=True,
    )

    celery_baseline: str = _option(
        "",
        "A file of known findings that are not reported, written by `flake8-celery-tasks check --write-baseline "
        "FILE`. A plain file name is looked up in the working directory and its parents.",
        "FILE",
        path=True,
    )
    celery_contract: str = _option(
        "",
        "The record of what others rely on in the project's tasks, written by `flake8-celery-tasks contract --write "
        "FILE` (CLY411, CLY412, CLY413, CLY923, CLY924). A plain file name is looked up in the working directory and "
        "its parents.",
        "FILE",
        path=True,
    )
    celery_known_tasks: tuple[str, ...] = _option(
        (),
        "Records of other services that the project sends tasks to, or the output of `celery inspect registered "
        "--json`: a name that neither the project nor one of them has is reported (CLY403). Looked up like "
        "celery-contract.",
        "FILES",
        many=True,
        path=True,
    )
    celery_no_cache: bool = _option(False, "Do not cache findings and facts about the project between runs.", "BOOL")

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Options:
        """Return the options for raw values by field name, as flake8 passes them.

        Raises OptionError for a value that an option does not accept.
        """
        values = {}
        for name in cls._fields:
            raw = given.get(name)
            if raw is not None:
                values[name] = _CHECKS[name](name.replace("_", "-"), raw)
        return cls(**values)


#: What is said about each option, by its name.
DESCRIBED: Final[Mapping[str, Described]] = dict(zip(Options._fields, _described, strict=True))


def _names(option: str, raw: object, wanted: str = "dotted names", form: str = r"[\w-]+(\.[\w-]+)*") -> tuple[str, ...]:
    values = raw if isinstance(raw, (list, tuple)) else str(raw).replace("\n", ",").split(",")
    names = tuple(str(value).strip() for value in values if str(value).strip())
    for name in names:
        if not re.fullmatch(form, name):
            raise OptionError(option, name, f"expected {wanted}, separated by commas")
    return names


def _name_globs(option: str, raw: object) -> tuple[str, ...]:
    return _names(option, raw, "dotted names or patterns of them", r"[\w*?!\[\]-]+(\.[\w*?!\[\]-]+)*")


def _keywords(option: str, raw: object) -> tuple[str, ...]:
    return _names(option, raw, "names of options", r"[^\W\d]\w*")


def _patterns(_option: str, raw: object) -> tuple[str, ...]:
    values = raw if isinstance(raw, (list, tuple)) else str(raw).replace("\n", ",").split(",")
    return tuple(str(value).strip().replace("\\", "/") for value in values if str(value).strip())


#: The accepted spellings of a boolean.
_BOOLEANS: Final = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def _flag(option: str, raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    known = _BOOLEANS.get(str(raw).strip().lower())
    if known is not None:
        return known
    raise OptionError(option, raw, "expected true or false")


def _version(option: str, raw: object) -> tuple[int, int]:
    if isinstance(raw, tuple):
        return raw
    major, _, minor = str(raw).strip().partition(".")
    minor = minor.partition(".")[0]
    if not all(re.fullmatch("[0-9]{1,9}", part) for part in (major, minor)):
        raise OptionError(option, raw, "expected a version such as 5.4")
    version = (int(major), int(minor))
    if version < OLDEST:
        raise OptionError(option, raw, "Celery {}.{} is the oldest that is supported".format(*OLDEST))
    return version


def _folder(option: str, raw: object) -> str:
    text = str(raw).strip()
    if not text:
        return ""
    path = os.path.abspath(text)
    if not os.path.isdir(path):
        raise OptionError(option, raw, "expected an existing folder")
    if os.path.dirname(path) == path:
        raise OptionError(option, raw, "the root of the file system is not a project")
    return path


def _environment(option: str, raw: object) -> tuple[str, ...]:
    """Return the folders in which a virtual environment keeps its packages."""
    if isinstance(raw, tuple):
        return raw
    text = str(raw).strip()
    if os.path.basename(text) == "auto":  # flake8 makes paths absolute
        import sysconfig

        return tuple(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))
    folder = os.getcwd()
    while text:
        found = _site_packages(os.path.abspath(os.path.join(folder, text)))
        if found or os.path.dirname(folder) == folder:
            break
        folder = os.path.dirname(folder)
    else:
        return ()
    if not found:
        raise OptionError(option, raw, "expected auto, or the folder of a virtual environment")
    return found


def _site_packages(folder: str) -> tuple[str, ...]:
    import glob

    if "\0" in folder:  # a folder name can't contain it
        return ()
    places = (os.path.join("lib", "python3*", "site-packages"), os.path.join("Lib", "site-packages"))
    found = [path for place in places for path in sorted(glob.glob(os.path.join(glob.escape(folder), place)))]
    return tuple(found[-1:])


def _broker(option: str, raw: object) -> str:
    broker = str(raw).strip().lower()
    if broker not in ("", *BROKERS):
        raise OptionError(option, raw, f"expected {', '.join(BROKERS[:-1])} or {BROKERS[-1]}")
    return broker


def _file(option: str, raw: object) -> str:
    text = str(raw).strip()
    folder = os.getcwd()
    while text:
        path = os.path.join(folder, text)
        if os.path.isfile(path):
            return path
        if os.path.dirname(folder) == folder:
            raise OptionError(option, raw, "expected an existing file")
        folder = os.path.dirname(folder)
    return text


def _files(option: str, raw: object) -> tuple[str, ...]:
    values = raw if isinstance(raw, (list, tuple)) else str(raw).replace("\n", ",").split(",")
    return tuple(dict.fromkeys(_file(option, value) for value in values if str(value).strip()))


def _name_pattern(option: str, raw: object) -> str:
    pattern = str(raw).strip()
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    for escaped, name in _PLACEHOLDER.findall(pattern):
        if not escaped and name not in PLACEHOLDERS:
            raise OptionError(option, raw, f"unknown placeholder {{{name}}}, expected {known}")
    try:
        filled = fill(pattern, dict.fromkeys(PLACEHOLDERS, "x"))
        re.compile(filled)
        if pattern:
            from flake8_celery_tasks.core.patterns import is_slow

            if is_slow(filled):
                raise OptionError(option, raw, "may take forever: it repeats what is repeated, or too much in a row")
    except (re.error, OverflowError, RecursionError) as error:
        raise OptionError(option, raw, f"not a regular expression: {error}") from None
    return pattern


_PLACEHOLDER: Final = lazy_pattern(r"(\\.)|\{([A-Za-z_]\w*)\}")


def fill(pattern: str, given: Mapping[str, str]) -> str:
    r"""Return a name pattern with its placeholders filled in, escaped.

    >>> fill(r"{app}\.[a-z]{2,}", {"app": "shop.web"})
    'shop\\.web\\.[a-z]{2,}'
    """
    return _PLACEHOLDER.sub(lambda found: found[1] or re.escape(given[found[2]]), pattern)


_CHECKS: Final[Mapping[str, Any]] = {
    "celery_task_decorators": _name_globs,
    "celery_apps": _names,
    "celery_extra_task_options": _keywords,
    "celery_at_most_once_calls": _name_globs,
    "celery_test_paths": _patterns,
    "celery_target_version": _version,
    "celery_acks_late": _flag,
    "celery_custom_task_class": _flag,
    "celery_async_pool": _flag,
    "celery_bind_requires_retry": _flag,
    "celery_broker": _broker,
    "celery_task_name_pattern": _name_pattern,
    "celery_no_cache": _flag,
    "celery_project_root": _folder,
    "celery_environment": _environment,
    "celery_baseline": _file,
    "celery_contract": _file,
    "celery_known_tasks": _files,
}


def flag_of(name: str) -> str:
    """Return an option as it is spelled on the command line."""
    return "--" + name.replace("_", "-")


def add_to(manager: OptionManager) -> None:
    """Register the options with flake8. Values stay text until `Options.of` checks them: errors can then name them."""
    for name, option in DESCRIBED.items():
        if isinstance(option.default, bool):
            _add_flag(manager, flag_of(name), option.help)
            continue
        manager.add_option(
            flag_of(name),
            parse_from_config=True,
            default=None,
            # A value with a slash is relative to the configuration file that it is in.
            normalize_paths=option.path,
            comma_separated_list=option.path and option.many,
            metavar=option.metavar,
            help=option.help,
        )
    # flake8 reads this option of its own from the configuration before it knows the plugins, and does not pass it on.
    from flake8.options.manager import Option

    extensions = Option("--enable-extensions", parse_from_config=True, comma_separated_list=True)
    for name in ("enable_extensions", "enable-extensions"):
        manager.config_options_dict.setdefault(name, extensions)


def _add_flag(manager: OptionManager, flag: str, says: str) -> None:
    """Register a boolean with flake8. On the command line its value is optional, after `=`; in files it is required.

    flake8's own booleans are not used: they end in a traceback if a file holds some other value.
    """
    manager.add_option(flag, action="store_const", const=True, default=None, parse_from_config=True, help=says)
    for value in _BOOLEANS:  # argparse looks for the exact string first
        manager.add_option(
            f"{flag}={value}",
            action="store_const",
            const=value,
            default=None,
            dest=flag[2:].replace("-", "_"),
            help=argparse.SUPPRESS,
        )


def misspelt(key: str) -> str:
    """Return the message for a configuration key that looks like one of our options but is not, or an empty string.

    >>> misspelt("celery-app")
    "there is no option 'celery-app', did you mean 'celery-apps'?"
    >>> misspelt("celery_apps"), misspelt("max-line-length")
    ('', '')
    """
    name = key.replace("_", "-").lower()
    known = [flag_of(name)[2:] for name in Options._fields]
    if not name.startswith("celery-") or name in known:
        return ""
    guess = spelling.close_match(name, known)
    return f"there is no option {key!r}" + (f", did you mean {guess!r}?" if guess else "")


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return the option that a name with dashes is a misspelling of; the `celery-` of ours may be missing.

    >>> meant("acks-late", ["celery-acks-late", "select"]), meant("selct", ["celery-acks-late", "select"])
    ('celery-acks-late', 'select')
    """
    names = tuple(known)
    full = f"celery-{name}"
    return full if full in names else spelling.close_match(name, names) or spelling.close_match(full, names)


def from_namespace(namespace: argparse.Namespace) -> Options:
    """Return the options that flake8 has parsed. Raises OptionError."""
    return Options.of({name: getattr(namespace, name, None) for name in Options._fields})


def codes_given(namespace: argparse.Namespace, arguments: Sequence[str]) -> list[tuple[str, str]]:
    """Return the codes, and code prefixes, in flake8's own options that look like ours.

    Each comes with its option. flake8 keeps `per-file-ignores` as text: patterns, with codes after colons.
    """
    found = [(name, code) for name in _CODES for code in _listed(getattr(namespace, name.replace("-", "_"), None))]
    found += [("enable-extensions", code) for code in _listed(_extensions(namespace, arguments))]
    found = [(name, code) for name, code in found if code[:3].upper() == PREFIX]
    ignored = getattr(namespace, "per_file_ignores", None) or ""
    for part in re.findall(r":([^:]*)", ignored) if isinstance(ignored, str) else ():
        found += [("per-file-ignores", code) for code in _listed(part) if _OURS.fullmatch(code)]
    return found


#: flake8's options that take codes, and the shape of our codes in an option that also takes paths.
_CODES: Final = ("select", "ignore", "extend-select", "extend-ignore")
_OURS: Final = lazy_pattern(r"CLY\w*")


def _listed(value: object) -> list[str]:
    """Return the codes in an option's value: flake8 allows commas and whitespace between them."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return list(value) if isinstance(value, (list, tuple, set)) else []


def opted(namespace: argparse.Namespace, arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the prefixes of opt-in rules that flake8's own options name, wherever they were given.

    `arguments` are the command line's: flake8 removes `--enable-extensions` from them and passes it to no plugin.
    """
    found: set[str] = set()
    for value in (namespace.select, namespace.extend_select, _extensions(namespace, arguments)):
        found.update(_listed(value))
    return tuple(sorted(prefix for prefix in found if prefix.startswith(OPT_IN)))


def _extensions(namespace: argparse.Namespace, arguments: Sequence[str]) -> object:
    """Return the value of `--enable-extensions`, from the command line or the configuration."""
    configured: object = getattr(namespace, "enable_extensions", None)
    if not any(argument.startswith("--enable-extensions") for argument in arguments):
        return configured
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--enable-extensions", default=configured)
    return parser.parse_known_args(arguments)[0].enable_extensions
