"""Hover, definition, references, completion, rename, symbols and lenses, as a client asks for them."""

from __future__ import annotations

import pytest
from lsprotocol import types

from tests.server.conftest import SHOP, VIEWS, position_of

pytestmark = pytest.mark.asyncio


def cut(client, location):
    """Return name and text of a place on disk."""
    path = next(name for name in SHOP if location.uri == client.uri(name))
    lines = client.text(path).splitlines()
    where = location.range
    assert where.start.line == where.end.line
    return path, lines[where.start.line][where.start.character : where.end.character]


async def test_a_name_in_a_string_is_as_good_as_an_import(start):
    client = await start()
    client.open("content/views.py")
    place = client.place("content/views.py", '"content.ind')
    at = {"text_document": client.document("content/views.py"), "position": place}

    found = await client.client.text_document_hover_async(types.HoverParams(**at))
    said = found.contents.value
    assert "index(pk, deep=False)" in said
    assert "Task `content.index` in content/tasks.py:5" in said
    assert "- Runs: at most once (project)" in said
    assert "Sent from 2 places:" in said
    assert "- content/views.py:7" in said

    (one,) = await client.client.text_document_definition_async(types.DefinitionParams(**at))
    assert cut(client, one) == ("content/tasks.py", "index")

    context = types.ReferenceContext(include_declaration=True)
    found = await client.client.text_document_references_async(types.ReferenceParams(context=context, **at))
    assert {cut(client, one) for one in found} == {
        ("content/tasks.py", "index"),
        ("content/tasks.py", '"content.index"'),
        ("content/views.py", "index"),
        ("content/views.py", '"content.index"'),
        ("content/views.py", "index.delay(pk)"),
        ("shop/celery.py", '"content.index"'),
    }


async def test_rename_in_one_edit(start):
    client = await start()
    client.open("content/views.py")
    place = client.place("content/views.py", '"content.ind')
    at = {"text_document": client.document("content/views.py"), "position": place}
    prepared = await client.client.text_document_prepare_rename_async(types.PrepareRenameParams(**at))
    assert prepared.placeholder == "content.index"
    edit = await client.client.text_document_rename_async(types.RenameParams(new_name="content.reindex", **at))
    changed = {}
    for document in edit.document_changes:
        assert all(one.annotation_id in edit.change_annotations for one in document.edits)
        changed[document.text_document.uri] = [one.new_text for one in document.edits]
    assert changed == {client.uri(name): ['"content.reindex"'] for name in SHOP}
    (annotation,) = edit.change_annotations.values()
    assert annotation.needs_confirmation
    with pytest.raises(Exception, match="already"):
        await client.client.text_document_rename_async(types.RenameParams(new_name="content.clean", **at))


async def completed(client, name, text, before):
    client.open(name, text)
    params = types.CompletionParams(client.document(name), position_of(text, before))
    return {one.label: one for one in await client.client.text_document_completion_async(params) or []}


async def test_completion(start):
    client = await start()
    head = VIEWS.partition("def view")[0]
    found = await completed(client, "content/views.py", f'{head}current_app.send_task("con', '"con')
    assert set(found) == {"content.clean", "content.index"}
    assert found["content.index"].detail == "(pk, deep=...)"
    assert found["content.index"].text_edit.new_text == "content.index"
    found = await completed(
        client, "a.py", f'{head}current_app.send_task("content.index", kwargs={{"pk": 1, "d"}})\n', '"d'
    )
    assert set(found) == {"deep"}
    found = await completed(client, "b.py", f"{head}index.apply_async(args=[1], cou)\n", ", cou")
    assert "countdown" in found
    assert "args" not in found
    found = await completed(
        client, "c.py", "from celery import shared_task\n\n\n@shared_task(ack\ndef f(): ...\n", "(ack"
    )
    assert "acks_late" in found
    assert "bool" in found["acks_late"].detail
    found = await completed(
        client, "d.py", 'from celery import Celery\napp = Celery("x")\napp.conf.task_\n', "conf.task_"
    )
    assert "task_acks_late" in found


async def test_symbols_and_lenses(start):
    client = await start(options={"codeLens": True})
    client.open("content/tasks.py")
    found = await client.client.workspace_symbol_async(types.WorkspaceSymbolParams("index"))
    assert {(one.name, one.container_name) for one in found} == {("content.index", "index"), ("index", "content.index")}
    lenses = await client.client.text_document_code_lens_async(
        types.CodeLensParams(client.document("content/tasks.py"))
    )
    assert [one.command.title for one in lenses] == [
        "sent from 2 places · at most once · never retried",
        "sent from 1 place · at most once · never retried",
    ]
