"""How long is looked for what breaks: `ROBUSTNESS=long` is for a change of the core, and for a night."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

#: Whether there is time.
LONG: Final = os.environ.get("ROBUSTNESS") == "long"

#: How many times as much is tried then, and other things each time.
_TIMES: Final = 50


def examples(count: int) -> settings:
    """Return settings for a test: the same examples each time, or many others where there is time."""
    return settings(
        max_examples=count * _TIMES if LONG else count,
        derandomize=not LONG,
        database=None,
        deadline=None,
        print_blob=LONG,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
            HealthCheck.function_scoped_fixture,
        ],
    )
