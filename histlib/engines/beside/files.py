"""What many small files say, each read once for as long as it stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from histlib.errors import SourceError
from histlib.stores.tree import Facts, Tree

Row = dict[str, Any]


class FolderFacts:
    """A row for each file below ``root``/``name`` that ``parse(file, content)`` makes one of, in order of path."""

    def __init__(self, root: Path, name: str, parse: Callable[[str, bytes], Row | None]) -> None:
        self._root = root
        self._tree = Tree(root, name)
        self._parse = parse
        self._known: dict[str, tuple[Facts, Row | None]] = {}

    def refresh(self) -> bool:
        """Look again; whether anything has changed."""
        return self._tree.refresh()

    @property
    def rows(self) -> list[Row]:
        """The rows as last refreshed.

        Raises:
            SourceError: a file that cannot be read.
        """
        files = self._tree.files
        self._known = {file: self._row(file, files[file]) for file in sorted(files)}
        return [row for _, row in self._known.values() if row is not None]

    def _row(self, file: str, facts: Facts) -> tuple[Facts, Row | None]:
        known = self._known.get(file)
        if known is not None and known[0] == facts:
            return known
        try:
            return facts, self._parse(file, (self._root / file).read_bytes())
        except FileNotFoundError:
            return facts, None
        except OSError as error:
            path = self._root / file
            raise SourceError(
                f"cannot read {path}: {error.strerror or error}; answers depend on it, so make it readable or move it "
                "out of the history",
                str(path),
            ) from error
