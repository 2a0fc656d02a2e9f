"""``histlib notebook``: the incident-investigation notebook, copied to where one works."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Final

import histlib
from histlib.errors import RequestError, SourceError

_NOTEBOOK: Final = "incident_investigation.ipynb"


def add_notebook(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="made where it is not there")


def copy_notebook(options: argparse.Namespace) -> int:
    """Copy it, never over one that is there."""
    target = options.folder / _NOTEBOOK
    if target.exists():
        raise RequestError(f"{target} is there already; remove it or name another folder", str(target))
    options.folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(notebook_file(), target)
    print(f"{target}\nopen it with: jupyter lab {target}")
    return 0


def notebook_file() -> Path:
    """The notebook as installed with the package, or in the clone."""
    package = Path(histlib.__file__).parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / _NOTEBOOK).is_file():
            return folder / _NOTEBOOK
    raise SourceError(f"{_NOTEBOOK} is not in this installation; install histlib again", str(package))
