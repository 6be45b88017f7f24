"""The skeleton of a new rule: it can be made, and nothing that it makes passes until it is filled in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.pages import new_rule
from flake8_celery_tasks.rules.rule import name_of
from tests.helpers import ROOT, touch

FREE = next(code for number in range(100) if (code := f"CLY5{number:02}") not in {r.code for r in loader.rules()})


@pytest.fixture
def checkout(tmp_path):
    touch(tmp_path, "flake8_celery_tasks/rules/x", "tests/rules/x", "tests/truth/x")
    return tmp_path


def made(checkout, *arguments):
    assert new_rule.main([*arguments, "--root", str(checkout)]) == 0
    return [
        (checkout / path).read_text(encoding="utf-8")
        for path in (
            "flake8_celery_tasks/rules/definitions/odd_thing.py",
            "tests/rules/definitions/odd_thing.md",
            "tests/truth/test_definitions.py",
        )
    ]


def test_what_is_written(checkout, capsys):
    rule, cases, truth = made(checkout, FREE, "odd-thing")
    assert "class OddThing(Rule[Task]):" in rule
    assert f'code = "{FREE}"' in rule
    assert "quiet_in_tests" not in rule
    assert f"# {FREE}\n" in cases
    assert truth.startswith('"""5xx: Task definition."""\n')
    assert f'@pytest.mark.truth("{FREE}")\ndef test_odd_thing(lab):' in truth
    assert all("TODO" in text for text in (rule, cases, truth))
    assert f"-k {FREE}\n" in capsys.readouterr().out


def test_the_test_of_the_truth_comes_after_the_others(checkout):
    (checkout / "tests/truth/test_definitions.py").write_text("import pytest\n", encoding="utf-8")
    truth = made(checkout, FREE, "odd-thing")[2]
    assert truth.startswith("import pytest\n\n\n@pytest.mark.truth")


def test_another_kind_of_fact(checkout):
    rule = made(checkout, FREE, "odd-thing", "--kind", "BeatEntry")[0]
    assert "class OddThing(Rule[BeatEntry]):" in rule
    assert "def check(self, beat_entry: BeatEntry)" in rule


def test_house_policy_is_quiet_in_tests(checkout):
    assert new_rule.main(["CLY999", "odd-thing", "--root", str(checkout)]) == 0
    rule = (checkout / "flake8_celery_tasks/rules/policy/odd_thing.py").read_text(encoding="utf-8")
    assert "    quiet_in_tests = True\n" in rule


KNOWN = loader.rules()[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((KNOWN.code, "odd-thing"), f"{KNOWN.code} {name_of(type(KNOWN))} already exists"),
        ((FREE, name_of(type(KNOWN))), f"{KNOWN.code} {name_of(type(KNOWN))} already exists"),
        (("CLY001", "odd-thing"), "'CLY001' is not a rule code"),
        (("CLY5", "odd-thing"), "'CLY5' is not a rule code"),
        ((FREE, "OddThing"), "'OddThing' is not a rule name"),
        ((FREE, "odd-thing", "--kind=Thing"), "'Thing' is not a kind of fact: AppMade, AwaitedResult, "),
    ],
)
def test_no_such_rule(checkout, capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        new_rule.main([*arguments, "--root", str(checkout)])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(checkout.rglob("*.py"))


def test_only_in_a_checkout(tmp_path, capsys):
    with pytest.raises(SystemExit):
        new_rule.main([FREE, "odd-thing", "--root", str(tmp_path)])
    assert "is not a checkout of flake8-celery-tasks" in capsys.readouterr().err


def test_nothing_passes_until_it_is_filled_in(tmp_path):
    """In a copy of this checkout: the command, and then the tests of the rule that it has made."""
    for name in ("flake8_celery_tasks", "tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "mkdocs.yml"):
        shutil.copy(ROOT / name, tmp_path)
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # the copy is not measured
    run = {"cwd": tmp_path, "env": {**env, "PYTHONPATH": str(tmp_path)}, "capture_output": True, "text": True}
    command = [sys.executable, "-m", "flake8_celery_tasks.pages.new_rule", FREE, "odd-thing"]
    subprocess.run(command, **run, check=True)
    tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/rules", "tests/pages/test_pages.py", "tests/truth"]
    done = subprocess.run([sys.executable, *tests, "-k", FREE], **run, check=False)
    failed = set(re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE))
    assert failed >= {
        "test_edge_case",
        "test_bad_examples_are_reported",
        "test_nothing_is_left_to_fill_in",
        "test_page_leads_to_the_documentation",
        "test_odd_thing",
    }, done.stdout
    done = subprocess.run([sys.executable, "-m", "flake8_celery_tasks.explain", "--check"], **run, check=False)
    assert done.returncode == 1
    assert f"{FREE}.md" in done.stdout
