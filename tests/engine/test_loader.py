"""Which rules there are, and which run."""

from __future__ import annotations

import subprocess
import sys

from flake8_celery_tasks.core.options import OPT_IN
from flake8_celery_tasks.engine import loader


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
