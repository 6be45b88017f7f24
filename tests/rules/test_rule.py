"""What a rule is."""

from __future__ import annotations

from flake8_celery_tasks.rules.rule import Rule
from tests.fixer.offering import Offering


def test_rules_have_no_fix_of_their_own():
    assert Rule.fix(Offering(), None, None) is None
