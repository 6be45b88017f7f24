"""Neovim as a client: what it shows, where it goes, what it applies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.helpers import ROOT, write
from tests.server.conftest import SHOP, VIEWS

#: Seconds.
PATIENCE = 120

SCRIPT = """
local told = {}
local client = vim.lsp.start_client({
  cmd = { %(python)s, "-m", "flake8_celery_tasks", "server" },
  root_dir = vim.fn.getcwd(),
  workspace_folders = { { uri = vim.uri_from_fname(vim.fn.getcwd()), name = "project" } },
  init_options = { debounce = 0 },
})
vim.cmd("edit content/views.py")
local buffer = vim.api.nvim_get_current_buf()
vim.lsp.buf_attach_client(buffer, client)
local function until_found(count)
  return vim.wait(60000, function() return #vim.diagnostic.get(buffer) == count end, 20)
end
told.shown = until_found(1)
told.diagnostics = {}
for _, one in ipairs(vim.diagnostic.get(buffer)) do
  table.insert(told.diagnostics, { one.code, one.lnum, one.col, one.end_col, one.source })
end
local function ask(method, params)
  local found = vim.lsp.buf_request_sync(buffer, method, params, 60000)
  return found and found[client] and found[client].result
end
vim.api.nvim_win_set_cursor(0, { 7, 30 })
local place = vim.lsp.util.make_position_params(0, "utf-16")
told.hover = ask("textDocument/hover", place).contents.value
told.definition = ask("textDocument/definition", place)
local wrong = vim.lsp.util.make_given_range_params({ 8, 30 }, { 8, 30 }, buffer, "utf-16")
wrong.context = { diagnostics = {} }
for _, action in ipairs(ask("textDocument/codeAction", wrong)) do
  if action.title == "Disable CLY403 on this line" then
    vim.lsp.util.apply_workspace_edit(action.edit, "utf-16")
  end
end
told.silent = until_found(0)
told.lines = vim.api.nvim_buf_get_lines(buffer, 7, 8, true)
local file = io.open("told.json", "w")
file:write(vim.json.encode(told))
file:close()
vim.lsp.stop_client(client)
vim.cmd("qall!")
"""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
def test_neovim(tmp_path):
    pytest.importorskip("pygls")
    write(tmp_path, SHOP)
    (tmp_path / "script.lua").write_text(SCRIPT % {"python": json.dumps(sys.executable)})
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    subprocess.run(
        ["nvim", "--headless", "-u", "NONE", "-n", "-c", "luafile script.lua"],
        cwd=tmp_path,
        env=env,
        timeout=PATIENCE,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    told = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    line = VIEWS.splitlines()[7]
    start = line.index('"content.indx"')
    assert told["diagnostics"] == [["CLY403", 7, start, start + len('"content.indx"'), "flake8-celery-tasks"]]
    assert "Task `content.index` in content/tasks.py:5" in told["hover"]
    assert [one["uri"].rpartition("/")[2] for one in told["definition"]] == ["tasks.py"]
    assert told["lines"] == [f"{line}  # noqa: CLY403"]
    assert told["silent"]
