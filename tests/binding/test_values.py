"""Symbolic values: what an expression says, without its node."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.binding import values
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN


def test_unknown_and_missing_have_no_truth():
    for value in (UNKNOWN, MISSING):
        with pytest.raises(TypeError):
            bool(value)
    assert (repr(UNKNOWN), repr(MISSING)) == ("UNKNOWN", "MISSING")


def test_extend():
    assert values.extend("a:", ()) == "a:"
    assert values.extend("a:b", ("c", "d")) == "a:b.c.d"
