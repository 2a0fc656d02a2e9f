"""The entry ``[history.<table>]`` in ``histlib.toml``, written so that the rest of the file stays as it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from histlib.stores.config import FILE_NAME, find_connection
from pipeline.common.errors import DeploymentError

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ACCOUNT: Final = re.compile(r"(?<!\d)\d{12}(?!\d)")


def write_connection(folder: Path, name: str, entry: Mapping[str, str]) -> bool:
    """Write the entry into the folder's ``histlib.toml``; returns whether that changed the file.

    Raises:
        DeploymentError: the file is no TOML, or is written in a way that cannot be kept; what to write by hand.
    """
    file = folder / FILE_NAME
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    after = with_entry(before, name, entry)
    if after == before:
        return False
    beside = file.with_name(f".{FILE_NAME}.{os.getpid()}")
    beside.write_text(after, encoding="utf-8")
    beside.replace(file)
    found = find_connection(name, folder)
    if found is None or found.source != entry["source"]:
        raise DeploymentError(f"{file} does not read back; write by hand:\n{_section(name, entry)}", str(file))
    return True


def with_entry(text: str, name: str, entry: Mapping[str, str]) -> str:
    """The file's text with the entry's settings in it; its other settings, other entries and comments stay.

    Raises:
        DeploymentError: as :func:`write_connection`.
    """
    wanted = _read(text, name, entry)
    histories = wanted.setdefault("history", {})
    if name in histories and {**histories[name], **entry} == histories[name]:
        return text
    histories[name] = {**histories.get(name, {}), **entry}
    lines = text.splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if _names(line, name)), None)
    written = _appended(text, name, entry) if start is None else _replaced(lines, start, entry)
    if _read(written, name, entry) != wanted:
        raise _by_hand(name, entry, f"{FILE_NAME} is written in a way that cannot be kept")
    return written


def _read(text: str, name: str, entry: Mapping[str, str]) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _by_hand(name, entry, f"{FILE_NAME} is no TOML ({error})") from error


def _by_hand(name: str, entry: Mapping[str, str], why: str) -> DeploymentError:
    return DeploymentError(
        f"{why}: nothing was written there. Mend it, or write by hand:\n{_section(name, entry)}", why
    )


def _names(line: str, name: str) -> bool:
    """Whether a line is the header of the entry, however it is quoted."""
    if not line.lstrip().startswith("["):
        return False
    try:
        return tomllib.loads(line) == {"history": {name: {}}}
    except tomllib.TOMLDecodeError:
        return False


def _appended(text: str, name: str, entry: Mapping[str, str]) -> str:
    whole = text if not text or text.endswith("\n") else f"{text}\n"
    return f"{whole}{chr(10) if whole else ''}{_section(name, entry)}"


def _replaced(lines: list[str], start: int, entry: Mapping[str, str]) -> str:
    """The lines with the entry's settings below its header, in place of those there."""
    end = next((at for at in range(start + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    kept = [line for line in lines[start + 1 : end] if line.partition("=")[0].strip() not in entry]
    header = lines[start] if lines[start].endswith("\n") else f"{lines[start]}\n"
    return "".join([*lines[:start], header, *_settings(entry), *kept, *lines[end:]])


def _section(name: str, entry: Mapping[str, str]) -> str:
    key = name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
    return "".join([f"[history.{key}]\n", *_settings(entry)])


def _settings(entry: Mapping[str, str]) -> list[str]:
    # A JSON text is a basic string of TOML as well, but for surrogates' escapes.
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in entry.items()]


def holds_account(entry: Mapping[str, str]) -> bool:
    """Whether the entry tells an account's id: in a bucket's name, or in the name that SSO gives a profile."""
    return any(_ACCOUNT.search(value) for value in entry.values())


def keep_from_git(folder: Path) -> str:
    """Have git ignore the folder's ``histlib.toml``; returns what is to be said of it, empty where nothing is."""
    if _git(folder, "rev-parse", "--is-inside-work-tree") != 0:
        return ""
    if _git(folder, "ls-files", "--error-unmatch", FILE_NAME) == 0:
        return f"{FILE_NAME} holds an account id and git tracks it: take it out by git rm --cached {FILE_NAME}"
    if _git(folder, "check-ignore", "-q", FILE_NAME) == 0:
        return ""
    file = folder / ".gitignore"
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    ending = "" if not before or before.endswith("\n") else "\n"
    file.write_text(f"{before}{ending}{FILE_NAME}\n", encoding="utf-8")
    return f"{FILE_NAME} holds an account id: added to {file.name}"


def _git(folder: Path, *command: str) -> int:
    """The exit code of git; 127 where there is no git, so nothing of its is touched."""
    try:
        return subprocess.run(["git", *command], cwd=folder, capture_output=True, check=False).returncode
    except FileNotFoundError:
        return 127
