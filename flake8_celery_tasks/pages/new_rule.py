"""The skeleton of a new rule: its file with the sections of the page, its edge cases, and its truth test.

`python -m flake8_celery_tasks.pages.new_rule CLY519 rule-name` writes them into a checkout. Everything to fill in
says `TODO`, and the tests of the rule fail until no `TODO` is left.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.facts.facts import KINDS
from flake8_celery_tasks.pages.explain import TOPICS
from flake8_celery_tasks.rules.rule import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flake8_celery_tasks.rules.rule import Rule


_RULE: Final = '''\
from __future__ import annotations

from typing import TYPE_CHECKING

from {module} import {kind}
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class {cls}(Rule[{kind}]):
    """TODO: what is wrong, in one sentence.

    ## What happens

    TODO: what Celery does with it. Quote what it logs or raises below, with `...` for what differs from run to run;
    the tests run the bad example and look for it. If there is no such line, write "Nothing is logged".

    ```text
    TODO
    ```

    ## Bad

    ```python
    from celery import shared_task


    @shared_task(name="shop_todo")
    def todo():
        print("TODO")
    ```

    ## Good

    ```python
    from celery import shared_task


    @shared_task(name="shop_todo")
    def todo():
        print("TODO")
    ```

    ## Not reported when

    - TODO: what can't be resolved, and what makes it right.

    ## Fix

    TODO: how to fix it by hand.
    """

    code = "{code}"
    see = ()  # TODO: the sections of the documentation, as `catalog/guide.py` calls them
    message = "TODO: what is wrong, with the names involved; what to do"
{quiet}
    def check(self, {fact}: {kind}) -> Iterator[Violation]:
        """Report TODO."""
        yield from ()
'''

_CASES: Final = """\
# TODO: what is reported

```python
from celery import shared_task


@shared_task(name="shop_todo")
def todo():
    print("TODO")  # {code}
```

# TODO: what is not reported

```python
from celery import shared_task


@shared_task(name="shop_todo")
def todo():
    print("TODO")
```
"""

_TRUTHS: Final = '''\
"""{hundred}xx: {title}."""

from __future__ import annotations

import pytest
'''

_TRUTH: Final = '''

@pytest.mark.truth("{code}")
def test_{snake}(lab):
    """{code}: TODO: what Celery does, as the page says."""
    raise NotImplementedError("TODO: send a task of `lab.app`, call `lab.work()`, and assert what has happened")
'''


def skeleton(root: Path, code: str, name: str, kind: str = "Task") -> dict[Path, str]:
    """Return the texts of the files that a new rule needs, by their paths inside a checkout's root.

    `kind` is the name of the kind of fact that the rule checks. Raises `UsageError` if such a rule is impossible.
    """
    rules = loader.rules()
    beside = [rule for rule in rules if rule.code[:4] == code[:4]]
    kinds = {kind.__name__: kind for kind in KINDS}
    if not (root / "tests" / "rules").is_dir() or not (root / "flake8_celery_tasks" / "rules").is_dir():
        raise UsageError(f"{root.absolute()} is not a checkout of flake8-celery-tasks")
    if not re.fullmatch(r"CLY[1-9]\d\d", code) or not beside:
        raise UsageError(f"{code!r} is not a rule code: CLY, and three digits that start with those of a topic")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", name):
        raise UsageError(f"{name!r} is not a rule name: lower-case words with hyphens between them")
    taken = [f"{rule.code} {name_of(type(rule))}" for rule in rules if code == rule.code or name == name_of(type(rule))]
    if taken:
        raise UsageError(f"{taken[0]} already exists")
    if kind not in kinds:
        raise UsageError(f"{kind!r} is not a kind of fact: {', '.join(sorted(kinds))}")
    topic = topic_of(beside[0])
    values = {
        "code": code,
        "cls": "".join(word.capitalize() for word in name.split("-")),
        "snake": name.replace("-", "_"),
        "kind": kind,
        "module": kinds[kind].__module__,
        "fact": re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower(),
        "quiet": "    quiet_in_tests = True\n" if beside[0].opt_in else "",
        "hundred": code[3],
        "title": TOPICS[code[3]],
    }
    truth = root / "tests" / "truth" / f"test_{topic}.py"
    before = truth.read_text(encoding="utf-8") if truth.is_file() else _TRUTHS.format(**values)
    return {
        root / "flake8_celery_tasks" / "rules" / topic / f"{values['snake']}.py": _RULE.format(**values),
        root / "tests" / "rules" / topic / f"{values['snake']}.md": _CASES.format(**values),
        truth: before + _TRUTH.format(**values),
    }


def topic_of(rule: Rule[Any]) -> str:
    """Return the folder that a rule is in."""
    return type(rule).__module__.split(".")[-2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the skeleton of a new rule; its tests fail until it is filled in."""
    parser = argparse.ArgumentParser(prog="python -m flake8_celery_tasks.pages.new_rule", description=main.__doc__)
    parser.add_argument("code", help="a free code, such as CLY519; its first digit is the topic's")
    parser.add_argument("name", help="what the rule is called, such as exit-in-task")
    parser.add_argument("--kind", default="Task", help="the kind of fact that it judges (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=Path(), help="the checkout (default: the working directory)")
    chosen = parser.parse_args(arguments)
    try:
        files = skeleton(chosen.root, chosen.code, chosen.name, chosen.kind)
    except UsageError as wrong:
        parser.error(str(wrong))
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        sys.stdout.write(f"written: {path}\n")
    sys.stdout.write(f"Replace each TODO: python -m pytest tests/rules tests/pages tests/truth -k {chosen.code}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
