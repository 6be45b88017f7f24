from __future__ import annotations

import re
import time

import pytest

from flake8_celery_tasks.core.options import OptionError, Options
from flake8_celery_tasks.core.patterns import LONGEST, is_slow


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+c",
        r"(a*)*",
        r"((a+))+c",
        r"(a|a)+c",
        r"(a|ab|b)*c",
        r"(\w+\w)+c",
        r"(.*,)*c",
        r"(?:[a-z]+|[0-9]+)+-",
        r"(?:a+(?:b+|x*))*c",
        r".*.*.*.*c",
        r"\w*.*\S*[^.]*c",
        r"(?=(a+)+c)a",
        r"(x)?(?(1)(a+)+c|b)",
        r"([a-z])(?:[a-z]*\1)+",
        r"(?:[^a]+|[b]+)+c",
    ],
)
def test_slow(pattern):
    assert is_slow(pattern)
    with pytest.raises(OptionError, match="may take forever"):
        Options.of({"celery_task_name_pattern": pattern})


@pytest.mark.parametrize(
    "pattern",
    [
        r"{app}\.[a-z_]+",
        r"shop(\.[a-z_]+)+",
        r"shop(?:\.[a-z]+(?:_[a-z]+)*)+",
        r"[a-z]+(-[a-z0-9]+){1,6}",
        r"[a-z]+\.[a-z]+\.[a-z]+\.[a-z]+\.[a-z]+",
        r"(send|resize|bill)+",
        r"(?:[^a-z.]|[a-z])+",
        r"(?:ab|cd)*",
        r".*\..*",
        r"(\d\s?){3}",
        r"(\D\W\S)+\s*",
        r"^[^.]+\.\w{1,3}$",
        r"",
    ],
)
def test_quick(pattern):
    assert not is_slow(pattern)
    filled = pattern.replace("{app}", "app")
    start = time.process_time()
    for text in ("a" * LONGEST, "a." * 127 + "!", "shop" + ".a" * 125 + "!", "ab" * 127 + "!", "_a" * 127):
        re.fullmatch(filled, text)
    assert time.process_time() - start < 1
    Options.of({"celery_task_name_pattern": pattern})
