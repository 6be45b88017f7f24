"""A rule's page, and the documents that are generated from the pages.

`python -m flake8_celery_tasks.explain --check` lists the documents that are out of date, `--write` updates them.
Generated are: a page for each rule and their overview in `docs/rules`, the options in `docs/options.md`, and, between
two marks, the table of rules in `README.md`, the rules in the site's navigation in `mkdocs.yml`, and the table of
packages in `docs/design.md`.
"""

from __future__ import annotations

import argparse
import ast
import configparser
import inspect
import itertools
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from flake8_celery_tasks.catalog import guide
from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.pages import examples, option_page
from flake8_celery_tasks.rules.rule import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flake8_celery_tasks.rules.rule import Rule


#: The topics for the hundreds of the codes.
TOPICS: Final = {
    "1": "Names",
    "2": "Binding and retries",
    "3": "Acknowledgement",
    "4": "App boundaries and sending by name",
    "5": "Task definition",
    "6": "Calls and canvas",
    "7": "Django transactions",
    "8": "Schedules and settings",
    "9": "House policy (opt-in)",
}

#: The address of the project.
HOME: Final = "https://github.com/flake8-celery-tasks/flake8-celery-tasks"

#: The text of the pages' overview before its tables.
INTRODUCTION: Final = """\
Each page shows what happens at run time, with the lines that Celery 5.7 logs or raises; bad and good code; when the
rule does not report; and how to fix the code, by hand and automatically. If older versions of Celery differ, it says
so. Some terms mean the same on all pages:

- A value **can't be resolved** if the linter can't follow it: what a call returns, an environment variable, a class or
  decorator of another package. A rule that depends on it is silent: unknown is not wrong.
- **A decorator of the project** is one of your own that creates tasks, as `shared_task` does.
- An **app**, in the rules of 4xx and CLY922, is a package such as a Django app; elsewhere it is the Celery app.
- A **test** is a module that the option [`celery-test-paths`](../options.md#celery-test-paths) covers.

The last two columns of the tables say which fix a rule has and whether it is opt-in:

| mark | meaning |
|---|---|
| `safe` | `flake8-celery-tasks fix` corrects the mistake and changes nothing else |
| `unsafe` | `fix --unsafe` corrects it and may change what runs: review the `--diff` first |
| `safe or unsafe` | safe if the project proves it, otherwise unsafe; see [fix](../usage.md#fix) |
| `opt-in` | house policy: runs only if it is selected, as with `extend-select = CLY901` |

A rule without marks has no automatic fix and is on by default.
"""

START: Final = "<!-- rules -->"
END: Final = "<!-- end of rules -->"
PACKAGES_START: Final = "<!-- packages -->"
PACKAGES_END: Final = "<!-- end of packages -->"
NAVIGATION_START: Final = "      # rules\n"
NAVIGATION_END: Final = "      # end of rules\n"
MADE: Final = "<!-- Made by `python -m flake8_celery_tasks.explain --write`: change the rule's docstring instead. -->"


#: What the command does about a violation, by the kind of a rule's fixes.
BY_COMMAND: Final = {
    "": "There is no automatic fix.",
    "safe": "Automatic fix: `flake8-celery-tasks fix --select {code}`. It is safe.",
    "unsafe": (
        "Automatic fix: `flake8-celery-tasks fix --select {code} --unsafe`. It is unsafe: review the `--diff` first."
    ),
    "safe or unsafe": (
        "Automatic fix: `flake8-celery-tasks fix --select {code}`; with `--unsafe` also if it is not certain."
    ),
}

#: A rule's code in running text; fences, headings and inline code are left alone.
_CODE: Final = re.compile(r"(^```.*?^```|^#[^\n]*|`[^`]*`)|\bCLY\d{3}\b", re.MULTILINE | re.DOTALL)


def docstring(rule: Rule[Any]) -> str:
    """Return the docstring of a rule, from its file if Python has dropped it (`-OO`)."""
    written = type(rule).__doc__
    if written is None:
        return ast.get_docstring(cast("ast.ClassDef", ast.parse(inspect.getsource(type(rule))).body[0])) or ""
    return inspect.cleandoc(written)


def page(rule: Rule[Any]) -> str:
    """Return the page of a rule as Markdown: its docstring, and its metadata."""
    summary, _, rest = docstring(rule).partition("\n\n")
    if rule.opt_in:
        summary += f"\n\nOpt-in: it runs only if it is selected, as with `extend-select = {rule.code}`."
    by_command = BY_COMMAND[rule.fixes].format(code=rule.code)
    links = "\n".join(f"- [{title}]({url})" for title, url in map(guide.link, rule.see))
    head = f"# {rule.code} {name_of(type(rule))}"
    return f"{head}\n\n{summary}\n\n{rest}\n\n{by_command}\n\n## See\n\n{links}\n"


def linked(rule: Rule[Any]) -> str:
    """Return the page of a rule, with the codes of others as links to their pages next to it."""
    return _with_links(page(rule), "", rule.code)


def _with_links(text: str, folder: str, own: str = "") -> str:
    """Return Markdown in which the codes of rules, except for `own`, are links to their pages in a folder."""

    def link(found: re.Match[str]) -> str:
        return found[0] if found[1] or found[0] == own else f"[{found[0]}]({folder}{found[0]}.md)"

    return _CODE.sub(link, text)


def address(rule: Rule[Any]) -> str:
    """Return the web address of a rule's page."""
    return f"{HOME}/blob/main/docs/rules/{rule.code}.md"


def summary(rule: Rule[Any]) -> str:
    """Return the first sentence of a rule's page."""
    return " ".join(examples.sections(docstring(rule))[0].text.split())


def description(rule: Rule[Any]) -> str:
    """Return what a rule's page says about run time, after its first sentence, as one paragraph."""
    _, _, happens = docstring(rule).partition("## What happens")
    first = happens.strip().partition("\n\n")[0]
    return f"{summary(rule)} {' '.join(first.split())}".strip()


def names() -> dict[str, str]:
    """Return the names of the rules by their codes."""
    return {rule.code: name_of(type(rule)) for rule in loader.rules()}


def rules_called(word: str) -> list[Rule[Any]]:
    """Return the rule with a code or name, or the rules whose codes start with it; none if there is no such rule.

    >>> [rule.code for rule in rules_called("missing-task-name")]
    ['CLY101']
    """
    found = [rule for rule in loader.rules() if name_of(type(rule)) == word.lower()]
    return found or [rule for rule in loader.rules() if word and rule.code.startswith(word.upper())]


def record(rule: Rule[Any]) -> dict[str, object]:
    """Return what is known about a rule, for other programs."""
    return {
        "code": rule.code,
        "name": name_of(type(rule)),
        "topic": TOPICS[rule.code[3]],
        "summary": summary(rule),
        "opt_in": rule.opt_in,
        "fix": rule.fixes or None,
        "see": [link._asdict() for link in map(guide.link, rule.see)],
        "url": address(rule),
        "page": page(rule),
    }


def _topics() -> list[tuple[str, list[Rule[Any]]]]:
    """Return the titles of the topics, each with its rules, in the order of the codes."""
    groups = itertools.groupby(loader.rules(), key=lambda rule: rule.code[3])
    return [(f"{digit}xx {TOPICS[digit]}", list(rules)) for digit, rules in groups]


def _row(rule: Rule[Any], folder: str) -> str:
    """Return the start of a rule's line in a table, with a link to its page in a folder."""
    said = summary(rule).replace("|", "\\|")
    return f"| [{rule.code}]({folder}{rule.code}.md) | {name_of(type(rule))} | {said} |"


def table() -> str:
    """Return the tables of all rules for the README, one line each, folded by topic."""
    parts = []
    for title, rules in _topics():
        rows = "\n".join(_row(rule, "docs/rules/") for rule in rules)
        number = f"{len(rules)} rule{'s' * (len(rules) != 1)}"
        parts.append(
            f"<details><summary>{title}: {number}</summary>\n\n"
            f"| code | name | what is wrong |\n|---|---|---|\n{rows}\n\n</details>\n"
        )
    return "\n".join(parts)


def overview() -> str:
    """Return the page with the tables of all rules, one line each, which show their fixes and which are opt-in."""
    parts = [f"{MADE}\n\n# Rules\n\n{INTRODUCTION}"]
    for title, rules in _topics():
        rows = "\n".join(f"{_row(rule, '')} {rule.fixes} | {'opt-in' * rule.opt_in} |" for rule in rules)
        parts.append(f"## {title}\n\n| code | name | what is wrong | fix | runs |\n|---|---|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def navigation() -> str:
    """Return the pages of all rules by topic, as lines of mkdocs' navigation."""
    lines: list[str] = []
    for title, rules in _topics():
        lines.append(f"      - {title}:\n")
        lines += [f"          - {rule.code} {name_of(type(rule))}: rules/{rule.code}.md\n" for rule in rules]
    return "".join(lines)


def packages(root: Path) -> str:
    """Return the table of the packages: their docstrings, from the lowest layer of `.importlinter` up."""
    contract = configparser.ConfigParser()
    contract.read(root / ".importlinter", encoding="utf-8")
    layers = contract.get("importlinter:contract:pipeline", "layers", fallback="").strip().splitlines()
    lines = ["| package | what it does | modules |", "|---|---|---|"]
    for layer in reversed(layers):
        for name in re.findall(r"\w+", layer):
            place = root / "flake8_celery_tasks" / name
            file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            if file.is_file():
                text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
                said = " ".join(text.partition("\n\n")[0].split())
                others = sorted(other.stem for other in place.glob("*") if not other.name.startswith("_"))
                lines.append(f"| `{name if place.is_dir() else file.name}` | {said} | {', '.join(others)} |")
    return "\n".join(lines) + "\n"


def options() -> str:
    """Return the page of the options, with links to the rules that it names."""
    return _with_links(f"{MADE}\n\n{option_page.markdown()}", "rules/")


def documents(root: Path) -> dict[Path, str]:
    """Return the text of every generated document inside a checkout's root."""
    found = {root / "docs" / "rules" / f"{rule.code}.md": f"{MADE}\n\n{linked(rule)}" for rule in loader.rules()}
    found[root / "docs" / "rules" / "index.md"] = overview()
    found[root / "docs" / "options.md"] = options()
    for name, start, made, end in (
        ("README.md", START, f"\n\n{table()}\n", END),
        ("mkdocs.yml", NAVIGATION_START, navigation(), NAVIGATION_END),
        ("docs/design.md", PACKAGES_START, f"\n\n{packages(root)}\n", PACKAGES_END),
    ):
        text = (root / name).read_text(encoding="utf-8")
        before, is_there, rest = text.partition(start)
        _, ends, after = rest.partition(end)
        found[root / name] = f"{before}{start}{made}{end}{after}" if is_there and ends else text
    return found


def stale(root: Path) -> list[Path]:
    """Return the documents that are out of date, and pages of rules that don't exist."""
    wanted = documents(root)
    pages = set((root / "docs" / "rules").glob("*.md"))
    outdated = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    return sorted({*outdated, *(pages - wanted.keys())})


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or write the generated documents. Returns 1 if one is not up to date and was not written.

    Exits with 2 if the root is not a checkout.
    """
    parser = argparse.ArgumentParser(prog="python -m flake8_celery_tasks.explain", description=main.__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="name the documents that are not up to date")
    action.add_argument("--write", action="store_true", help="write them")
    parser.add_argument("--root", type=Path, default=Path(), help="the checkout (default: the working directory)")
    chosen = parser.parse_args(arguments)
    try:
        outdated = stale(chosen.root)
        wanted = documents(chosen.root)
    except FileNotFoundError as error:
        parser.error(f"not a checkout, it has no {error.filename}")
    for path in outdated:
        if chosen.write and path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8", newline="\n")
        elif chosen.write:
            path.unlink()
        sys.stdout.write(f"{'written' if chosen.write else 'not up to date'}: {path}\n")
    return int(bool(outdated) and not chosen.write)
