"""Diagnostics: those of `check`, for the buffer as it is."""

from __future__ import annotations

import pytest
from lsprotocol import types

from tests.server.conftest import TASKS, VIEWS

pytestmark = pytest.mark.asyncio


def shown(text, diagnostics):
    lines = text.splitlines()
    return [
        (one.code, lines[one.range.start.line][one.range.start.character : one.range.end.character])
        for one in diagnostics
    ]


async def test_pushed_when_opened_and_changed(start):
    client = await start()
    client.open("content/views.py")
    found = await client.pushed("content/views.py")
    assert shown(VIEWS, found) == [("CLY403", '"content.indx"')]
    (one,) = found
    assert one.source == "flake8-celery-tasks"
    assert one.severity == types.DiagnosticSeverity.Warning
    assert one.code_description.href.endswith("/docs/rules/CLY403.md")
    assert not one.message.startswith("CLY")
    client.change("content/views.py", VIEWS.replace("indx", "index"))
    assert not await client.pushed("content/views.py")


async def test_another_open_file_is_looked_at_again(start):
    client = await start()
    client.open("content/views.py", VIEWS.replace("indx", "index"))
    assert not await client.pushed("content/views.py")
    client.open("content/tasks.py", TASKS.replace('name="content.index"', 'name="content.indx"'))
    while not client.published[-1].diagnostics or not client.published[-1].uri.endswith("views.py"):
        await client.next()
    assert {one.code for one in client.published[-1].diagnostics} == {"CLY403"}


async def test_pulled(start):
    client = await start(pull=True)
    client.open("content/views.py")
    assert [one.code for one in await client.pull("content/views.py")] == ["CLY403"]
    assert client.published == []
