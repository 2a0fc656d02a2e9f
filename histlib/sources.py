"""Opens sources: a folder, ``sample:`` incidents, ``export:`` of DynamoDB, or a name from ``histlib.toml``."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from histlib.config import find_connection, find_file
from histlib.errors import RequestError
from histlib.queries import Source

#: Names the default source.
ENVIRONMENT: Final = "HISTLIB_SOURCE"

_NONE_GIVEN: Final = (
    "no source given: pass one to connect() or --source, set HISTLIB_SOURCE, "
    "or name it in histlib.toml; to look around first, use sample:"
)


@dataclass(frozen=True)
class Opened:
    """An open source, the name that results show for it, and what is known of the table beside its changes.

    ``table`` is what to call it where no change says its name.
    """

    source: Source
    name: str
    actor_attribute: str | None = None
    key_schema: Sequence[Mapping[str, str]] = ()
    table: str = ""


def default_source() -> str:
    """The text in ``HISTLIB_SOURCE``.

    Raises:
        RequestError: it is not set; says what to do.
    """
    text = os.environ.get(ENVIRONMENT, "").strip()
    if not text:
        raise RequestError(_NONE_GIVEN)
    return text


def open_source(text: str, cache: Path | None = None) -> Opened:
    """The source that a text names.

    Raises:
        RequestError: no such kind of source, sample or name.
        SourceError: it cannot be read.
    """
    scheme = text.partition(":")[0]
    if ":" in text and scheme in _SCHEMES:
        return _SCHEMES[scheme](text, cache)
    if ":" in text and len(scheme) > 1:
        raise RequestError(
            f"{text!r}: no source of kind {scheme}: in this version; expected a folder, a name from histlib.toml, "
            f"or {', '.join(f'{name}:' for name in _SCHEMES)}",
            text,
        )
    if not _is_path(text) and (connection := find_connection(text)):
        opened = open_source(connection.source, cache)
        actor_attribute = connection.actor_attribute or opened.actor_attribute
        return replace(opened, name=text, actor_attribute=actor_attribute)
    return _open_folder(text, cache)


def _is_path(text: str) -> bool:
    return text.startswith((".", "~")) or "/" in text or os.sep in text


def _open_folder(text: str, cache: Path | None) -> Opened:
    from histlib.embedded import EmbeddedSource

    folder = Path(text).expanduser()
    if not folder.is_dir() and not _is_path(text):
        searched = find_file() or "no histlib.toml here or above"
        raise RequestError(f"{text!r} is neither a folder here nor a name in histlib.toml ({searched})", text)
    source = EmbeddedSource(folder, cache=cache)
    return Opened(source, str(folder), table=source.prefix)


def _open_sample(text: str, cache: Path | None) -> Opened:
    from histlib import samples
    from histlib.embedded import EmbeddedSource

    name = text.removeprefix("sample:") or "products"
    if name not in samples.SAMPLES:
        known = ", ".join(f"sample:{known}" for known in samples.SAMPLES)
        raise RequestError(f"{text!r} is no sample; expected one of {known}", text)
    story = samples.story(name)
    return Opened(EmbeddedSource(_sample_folder(name, cache)), text, story.actor_attribute, samples.key_schema(name))


def _sample_folder(name: str, cache: Path | None) -> Path:
    from histlib.samples.landing import write_landing

    return _made_once("samples", f"{name}-{_samples_version()}", cache, lambda folder: write_landing(name, folder))


def _made_once(kind: str, name: str, cache: Path | None, make: Callable[[Path], object]) -> Path:
    """A folder in the cache that ``make`` writes: once, whole or not at all."""
    import platformdirs

    root = cache or Path(platformdirs.user_cache_dir("histlib"))
    folder = root / kind / name
    if not folder.is_dir():
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as made:
            make(Path(made) / name)
            with suppress(OSError):  # another process was first
                (Path(made) / name).rename(folder)
    return folder


def _samples_version() -> str:
    """Changes with the code that writes samples, so that no old landing is taken for a new one."""
    package = Path(__file__).parent
    code = [*sorted((package / "samples").glob("*.py")), package / "values.py", package / "record.py"]
    return hashlib.blake2b(b"".join(file.read_bytes() for file in code), digest_size=8).hexdigest()


def _open_export(text: str, cache: Path | None) -> Opened:
    """``export:PATH``, or ``export:PATH?key=pk,sk`` where the exports do not tell the key."""
    from histlib import exports
    from histlib.embedded import EmbeddedSource

    place, _, names = text.removeprefix("export:").partition("?key=")
    if not place or "://" in place:
        raise RequestError(
            f"{text!r}: expected a folder, like export:./exports; copy exports there first, with aws s3 sync", text
        )
    found = exports.find(Path(place).expanduser())
    description = exports.key_schema(found, tuple(filter(None, names.split(","))))
    source = EmbeddedSource(
        _made_once(
            "exports",
            exports.cache_name(found, description),
            cache,
            lambda folder: exports.convert(found, description, folder),
        )
    )
    return Opened(source, text, key_schema=description if all("KeyType" in one for one in description) else ())


_SCHEMES: Final[dict[str, Callable[[str, Path | None], Opened]]] = {"sample": _open_sample, "export": _open_export}
