"""The fixtures of the ground truth tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .lab import Lab, laboratory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Lab]:
    """A fresh app on a queue of its own, and a worker when the test asks for one."""
    with laboratory(tmp_path, monkeypatch, caplog) as made:
        yield made


@pytest.fixture
def app(lab: Lab):
    """The lab's app."""
    return lab.app
