"""What is open, without a client: the desk that the server works at."""

from __future__ import annotations

from flake8_celery_tasks.server import diagnosis
from flake8_celery_tasks.server.desk import Buffer, Desk
from flake8_celery_tasks.server.settings import Settings
from flake8_celery_tasks.server.text import Text
from tests.helpers import write


class Table:
    """A project on disk and a desk that has some of its files open."""

    def __init__(self, folder, files, **settings) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        write(folder, files)
        self.told: list[str] = []
        self.logged: list[str] = []
        self.desk = Desk(self.told.append)
        self.desk.configure(Settings(**settings), [str(folder)])
        self.buffers: dict[str, Buffer] = {}

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def open(self, name: str, text: str | None = None) -> Buffer:
        path = self.path(name)
        if text is None:
            text = (self.folder / name).read_text(encoding="utf-8")
        buffer = Buffer(f"file://{path}", path, Text(text), 1)
        if name != "stdin":
            self.buffers[path] = buffer
        return buffer

    def problems(self, buffer: Buffer):
        buffers = {**self.buffers, buffer.path: buffer}
        return diagnosis.problems(self.desk, buffer, buffers, self.logged.append)

    def found(self, name: str, text: str | None = None):
        """Return code and text of what is found in an open file."""
        buffer = self.open(name, text)
        return [(one.code, buffer.text.text[one.start : one.end]) for one in self.problems(buffer)]

    def sight(self, buffer: Buffer):
        return self.desk.sight(buffer.path, {**self.buffers, buffer.path: buffer})
