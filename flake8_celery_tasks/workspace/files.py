"""The bytes and stamps of a project's files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.workspace.cache import Stamp


#: Larger files are not followed into: they are data, and their names are unknown.
MAX_BYTES: Final = 4_000_000


def held_bits(text: bytes, bits: dict[bytes, int]) -> int:
    """Return the bits of the marks that a text holds."""
    from flake8_celery_tasks.workspace.prescan import holds

    return sum(bit for mark, bit in bits.items() if holds(text, mark))


def unsaved_text(project: Project, module: Module) -> tuple[str, bytes] | None:
    """Return path and text of a module whose text is not what is on disk, None for others."""
    path, source = module.place.path, module.source
    if source.is_text_of(project.read(path)):
        return None
    return path, source.text.encode("utf-8", "surrogatepass")


def stamp(path: str) -> Stamp | None:
    """Return the stamp of a file, None where it has none."""
    from flake8_celery_tasks.workspace.cache import stamp

    return stamp(path)
