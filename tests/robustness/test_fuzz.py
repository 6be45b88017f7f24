"""The fuzzer for a moment: what once broke, and a few edits of it."""

from __future__ import annotations

import pytest

from tests.robustness import fuzz


@pytest.mark.usefixtures("_fresh_plugin")
def test_what_once_broke(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert fuzz.run(0, 1) == (len(fuzz.CORPUS), 0)


@pytest.mark.usefixtures("_fresh_plugin")
def test_what_breaks_is_kept(monkeypatch, tmp_path, capsys):
    def broken(_):
        raise KeyError("a")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fuzz, "try_one", broken)
    assert fuzz.run(0, 1) == (len(fuzz.CORPUS), len(fuzz.CORPUS))
    assert {path.read_bytes() for path in tmp_path.glob("fuzz-*.bin")} == set(fuzz.SEEDS)
    assert "KeyError" in capsys.readouterr().err


@pytest.mark.parametrize("files", fuzz.CORPUS)
def test_an_input_is_a_project(files):
    found = fuzz.unpacked(fuzz.packed(files))
    assert {name: text.decode() for name, text in found.items()} == files


def test_nothing_leads_out():
    assert fuzz.unpacked(fuzz.packed({"../a": "", "/b": "", "": "", "c//d": "", "e/f": ""})) == {"e/f": b""}
