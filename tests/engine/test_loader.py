"""Which rules there are, and which run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from flake8_celery_tasks.core.options import OPT_IN
from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.workspace import cache


def test_rules_of_house_policy_are_opt_in():
    for rule in loader.rules():
        assert rule.opt_in == rule.code.startswith(OPT_IN), rule.code
        assert rule.quiet_in_tests or not rule.opt_in, rule.code


def test_engine_runs_default_rules_unless_told_otherwise():
    assert not [rule.code for rule in loader.wanted() if rule.opt_in]
    assert {rule.code for rule in loader.wanted(("CLY90", "CLY912")) if rule.opt_in} >= {"CLY901", "CLY912"}
    assert len(loader.wanted((OPT_IN,))) == len(loader.rules())


def test_codes_are_those_of_the_rules():
    assert loader.codes() == tuple(rule.code for rule in loader.rules())


def test_rules_by_code_are_imported_alone():
    script = (
        "import sys; from flake8_celery_tasks.engine import loader;"
        "print(*loader.named(['CLY402', 'CLY101', 'E999', 'CLY402']));"
        "print(sum(name.count('.') == 3 and '.rules.' in name and '._' not in name for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    codes, count = done.stdout.splitlines()
    assert set(codes.split()) == {"CLY101", "CLY402"}
    assert count == "2"
    assert loader.named(["CLY101"])["CLY101"] in loader.rules()


def test_rules_by_kind_are_those_that_run():
    for opted in ((), ("CLY90",), ("CLY",)):
        found = {made().code: made() for some in loader.by_kind(opted).values() for made in some}
        assert found == {rule.code: rule for rule in loader.wanted(opted)}
        for kind, some in loader.by_kind(opted).items():
            assert all(kind in {one.__name__ for one in made().kinds} for made in some)
    listed = [(kind, made().code) for kind, some in loader.by_kind().items() for made in some]
    assert sorted(listed) == sorted((kind.__name__, rule.code) for rule in loader.wanted() for kind in rule.kinds)


def test_only_some_codes_run():
    chosen = loader.by_kind((), frozenset({"CLY101", "CLY402", "CLY901"}))
    assert {made().code for some in chosen.values() for made in some} == {"CLY101", "CLY402"}


def test_rules_are_imported_once_a_file_has_such_a_fact():
    script = (
        "import sys; from flake8_celery_tasks.engine import loader;"
        "chosen = loader.by_kind();"
        "count = lambda: sum('.rules.' in name and '._' not in name for name in sys.modules if name.count('.') == 3);"
        "first = count(); made = [make() for make in chosen['Crontab']];"
        "print(first < 5, len(made) > 2, count() == first + len(made))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 3


@pytest.fixture
def as_at_start(monkeypatch, tmp_path):
    """Nothing is known of the rules yet, and nothing is cached."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def forget():
        for function in (loader._kept, loader._listed, loader.by_kind, loader.keep):
            function.cache_clear()

    forget()
    yield forget
    monkeypatch.undo()
    forget()


def test_what_the_files_of_rules_say_is_read_once(as_at_start, monkeypatch):
    known = {kind: len(tuple(some)) for kind, some in loader.by_kind().items()}
    loader.keep()
    as_at_start()
    monkeypatch.setattr(loader, "_CODE", None)  # reading the files would fail,
    monkeypatch.setattr(loader, "_in_file", pytest.fail)  # and importing them too
    assert {kind: len(tuple(some)) for kind, some in loader.by_kind().items()} == known
    monkeypatch.setattr(cache, "write", None)
    loader.keep()  # which is done


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: {},
        lambda rows: {**rows, "CLY101": "CLY101"},
        lambda rows: {**rows, "CLY101": rows["CLY101"][:1]},
        lambda rows: {**rows, "CLY101": [1, []]},
        lambda rows: {**rows, "CLY101": [rows["CLY101"][0], "Task"]},
        lambda rows: {**rows, "CLY101": [rows["CLY101"][0], [1]]},
        lambda rows: {**rows, "CLY101": [loader.__file__, ["Task"]]},
        lambda rows: {code: row for code, row in rows.items() if code != "CLY101"},
    ],
)
def test_in_doubt_the_files_of_rules_are_read(as_at_start, spoil):
    known = loader._listed().keys()
    loader.keep()
    rows = cache.read(loader._place())
    cache.write(loader._place(), spoil(rows))
    as_at_start()
    assert loader._listed().keys() == known
    loader.keep()
    assert cache.read(loader._place()) == rows


def test_a_run_keeps_what_the_files_of_rules_say(tmp_path):
    def run(*arguments):
        subprocess.run(
            [sys.executable, "-m", "flake8", "--isolated", *arguments, "tasks.py"],
            cwd=tmp_path,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
            check=True,
        )
        return [path.name.partition(".")[2] for path in sorted(tmp_path.glob("cache/*/*"))]

    (tmp_path / "tasks.py").write_text(
        'from celery import shared_task\n\n\n@shared_task(name="a")\ndef a():\n    print()\n'
    )
    assert run("--celery-no-cache") == []
    assert "rules.json" in run()
