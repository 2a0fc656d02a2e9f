"""Which keys can be files: those that cannot are told, never changed into other names."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Final

_LONGEST: Final = 255
_NOT_ON_WINDOWS: Final = frozenset('\\:*?"<>|')


def unfit(files: Iterable[str], root: Path, held: Container[str]) -> dict[str, str]:
    """Why some of these (keys relative to the history) cannot be files below ``root``, where ``held`` ones are."""
    files = list(files)
    folders = {"/".join(parts[:end]) for file in files for parts in [file.split("/")] for end in range(1, len(parts))}
    reasons: dict[str, str] = {}
    seen: set[str] = set()
    for file in files:
        reason = _unfit_name(file) or _taken(file, root, held)
        if reason is None and (file in folders or _same_file(file) in seen):
            reason = "its name and another object's cannot be files at once"
        if reason:
            reasons[file] = f"{reason}: rename the object"
        seen.add(_same_file(file))
    return reasons


def _unfit_name(file: str) -> str | None:
    parts = file.split("/")
    if "" in parts or "\0" in file or (sys.platform == "win32" and _NOT_ON_WINDOWS & set(file)):
        return "its name cannot be a file's"
    if any(len(part.encode()) > _LONGEST for part in parts):
        return f"its name is too long for a file ({_LONGEST} bytes)"
    return None


def _taken(file: str, root: Path, held: Container[str]) -> str | None:
    path = root / file
    folder_is_file = any((root / parent).is_file() for parent in Path(file).parents)
    if folder_is_file or path.is_dir() or (file not in held and path.exists()):
        return "its name and another object's cannot be files at once"
    return None


def _same_file(file: str) -> str:
    """What is equal for two names that these systems take for one file."""
    return unicodedata.normalize("NFC", file).casefold() if sys.platform in ("darwin", "win32") else file
