"""Where things lie in the clone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
ROOT: Final = TESTS.parent
#: Stream events as Lambda delivers them, a file each.
EVENTS: Final = TESTS / "vectors" / "events"
#: Image JSON and what it means, which histlib and the recorder share.
IMAGES: Final = TESTS / "vectors" / "images.json"
#: What each command says to ``--help``.
HELP: Final = TESTS / "vectors" / "help"
