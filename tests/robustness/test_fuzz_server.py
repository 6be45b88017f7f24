"""The server's fuzzer for a moment."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("pygls")

from tests.robustness import fuzz_server


def test_a_session(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert fuzz_server.main(["0", "1"]) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_breaks_is_kept(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fuzz_server, "broken_by", lambda _: "broken")
    assert fuzz_server.main(["0", "7"]) == 1
    assert json.loads((tmp_path / "server-7.json").read_text(encoding="utf-8"))[0]["method"] == "initialize"
    assert capsys.readouterr().err == "server-7.json: broken\n"


def test_a_server_that_crashes_or_hangs(monkeypatch, tmp_path):
    session = fuzz_server.Session(tmp_path, 1)
    monkeypatch.setattr(fuzz_server, "framed", lambda _: b"nothing of the kind")
    assert fuzz_server.broken_by(session)
    monkeypatch.setattr(fuzz_server, "PATIENCE", 0)
    assert fuzz_server.broken_by(session) == "it does not end"


def test_what_is_sent_is_what_is_read():
    messages = [{"id": 1}, {"text": "\u00e9"}]
    assert fuzz_server.answers(b"".join(map(fuzz_server.framed, messages))) == messages
