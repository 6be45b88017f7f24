"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os


def replace(path: str, text: str) -> None:
    """Write a text into a file, through links, in one step: who reads meanwhile sees the old one or the new one.

    What is no file, such as `/dev/stdout`, is written to. Raises OSError.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        return
    path = os.path.realpath(path)
    partial = f"{path}.{os.getpid()}.tmp"
    try:
        with open(partial, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
