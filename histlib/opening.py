"""Opens sources: a folder, S3, Athena, exports of DynamoDB, sample incidents, or a name in ``histlib.toml``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from histlib.engines.queries import Source
from histlib.errors import RequestError
from histlib.stores.cache import cache_folder, made_once
from histlib.stores.config import Connection, find_connection, find_file

#: Names the default source.
ENVIRONMENT: Final = "HISTLIB_SOURCE"

_NONE_GIVEN: Final = (
    "no source given: pass one to connect() or --source, set HISTLIB_SOURCE, "
    "or name it in histlib.toml; to look around first, use sample:"
)


@dataclass(frozen=True)
class Options:
    """How to open a source: where to cache, and for sources on AWS as whom, where, and how much may be read."""

    cache: Path | None = None
    profile: str | None = None
    region: str | None = None
    session: Any = None
    max_scan_bytes: int | None = None
    explain: bool = False

    def refuse_aws(self) -> None:
        """For a local history.

        Raises:
            RequestError: something is given that only a source on AWS takes.
        """
        self.refuse_explain()
        names = ("max_scan_bytes", "profile", "region", "session")
        if given := [name for name in names if getattr(self, name) is not None]:
            raise RequestError(f"{', '.join(given)}: only a source on AWS takes this", given)

    def refuse_explain(self) -> None:
        """For a history that is not asked by SQL statements of Athena.

        Raises:
            RequestError: they are to be shown.
        """
        if self.explain:
            raise RequestError("explain: only an athena:// source has statements to show", self.explain)

    def with_defaults(self, connection: Connection) -> Options:
        """With the profile and Region of a named connection, where none is given."""
        profile = self.profile or (connection.profile if self.session is None else None)
        return replace(self, profile=profile, region=self.region or connection.region)


@dataclass(frozen=True)
class Opened:
    """An open source, the name that results show for it, and what is known of the table beside its changes.

    ``table`` is what to call it where no change says its name. ``queries``: those that Athena has been asked, which
    grow; local sources have none.
    """

    source: Source
    name: str
    actor_attribute: str | None = None
    key_schema: Sequence[Mapping[str, str]] = ()
    table: str = ""
    queries: Sequence[Any] = ()


def default_source() -> str:
    """The text in ``HISTLIB_SOURCE``.

    Raises:
        RequestError: it is not set; says what to do.
    """
    text = os.environ.get(ENVIRONMENT, "").strip()
    if not text:
        raise RequestError(_NONE_GIVEN)
    return text


def open_source(text: str, options: Options = Options()) -> Opened:
    """The source that a text names.

    Raises:
        RequestError: no such kind of source, sample or name, or options that this kind does not take.
        SourceError: it cannot be read.
    """
    scheme = _scheme(text)
    if scheme in _SCHEMES:
        return _SCHEMES[scheme](text, options)
    if len(scheme) > 1:
        raise RequestError(
            f"{text!r}: no source of kind {scheme}: in this version; expected a folder, a name from histlib.toml, "
            f"or {', '.join(_KINDS)}",
            text,
        )
    if not _is_path(text) and (connection := find_connection(text)):
        on_aws = _scheme(connection.source) in _ON_AWS
        opened = open_source(connection.source, options.with_defaults(connection) if on_aws else options)
        actor_attribute = connection.actor_attribute or opened.actor_attribute
        return replace(opened, name=text, actor_attribute=actor_attribute)
    return _open_folder(text, options)


def _scheme(text: str) -> str:
    scheme, colon, _ = text.partition(":")
    return scheme if colon else ""


def _is_path(text: str) -> bool:
    return text.startswith((".", "~")) or "/" in text or os.sep in text


def _open_folder(text: str, options: Options) -> Opened:
    from histlib.engines.folder.source import EmbeddedSource

    options.refuse_aws()
    folder = Path(text).expanduser()
    if not folder.exists() and not _is_path(text):
        searched = find_file() or "no histlib.toml here or above"
        raise RequestError(f"{text!r} is neither a folder here nor a name in histlib.toml ({searched})", text)
    source = EmbeddedSource(folder, cache=options.cache)
    return Opened(source, str(folder), table=source.prefix)


def _open_s3(text: str, options: Options) -> Opened:
    from histlib.engines.folder.source import EmbeddedSource
    from histlib.stores.s3.address import parse_address
    from histlib.stores.s3.client import make_client
    from histlib.stores.s3.mirror import Mirror

    options.refuse_explain()
    address = parse_address(text)
    client = make_client(options.profile, options.region, options.session)
    cache = cache_folder(options.cache)
    mirror = Mirror(client, address, cache, profile=options.profile, limit=options.max_scan_bytes)
    return Opened(EmbeddedSource(mirror.folder, upstream=mirror), str(address))


def _open_athena(text: str, options: Options) -> Opened:
    from histlib.engines.athena.opening import open_athena

    source, name = open_athena(
        text,
        profile=options.profile,
        region=options.region,
        session=options.session,
        cache=cache_folder(options.cache),
        limit=options.max_scan_bytes,
        explained=options.explain,
    )
    return Opened(source, name, table=source.prefix, queries=source.runner.queries)


def _open_sample(text: str, options: Options) -> Opened:
    from histlib import samples
    from histlib.engines.folder.source import EmbeddedSource

    options.refuse_aws()
    name = text.removeprefix("sample:") or "products"
    if name not in samples.SAMPLES:
        known = ", ".join(f"sample:{known}" for known in samples.SAMPLES)
        raise RequestError(f"{text!r} is no sample; expected one of {known}", text)
    story = samples.story(name)
    return Opened(
        EmbeddedSource(_sample_folder(name, options.cache)), text, story.actor_attribute, samples.key_schema(name)
    )


def _sample_folder(name: str, cache: Path | None) -> Path:
    from histlib.samples.landing import write_landing

    return made_once(cache_folder(cache), "samples", name, lambda folder: write_landing(name, folder))


def _open_export(text: str, options: Options) -> Opened:
    """``export:PATH``, or ``export:PATH?key=pk,sk`` where the exports do not tell the key."""
    from histlib.engines.folder.source import EmbeddedSource
    from histlib.format.exports import convert as exports

    options.refuse_aws()
    place, _, names = text.removeprefix("export:").partition("?key=")
    if not place or "://" in place:
        raise RequestError(
            f"{text!r}: expected a folder, like export:./exports; copy exports there first, with aws s3 sync", text
        )
    found = exports.find(Path(place).expanduser())
    description = exports.key_schema(found, tuple(filter(None, names.split(","))))
    source = EmbeddedSource(
        made_once(
            cache_folder(options.cache),
            "exports",
            exports.cache_name(found, description),
            lambda folder: exports.convert(found, description, folder),
        )
    )
    ordered = description if all("KeyType" in one for one in description) else ()
    return Opened(source, text, key_schema=ordered, table=found[0].summary.table_arn)


_SCHEMES: Final[dict[str, Callable[[str, Options], Opened]]] = {
    "sample": _open_sample,
    "s3": _open_s3,
    "athena": _open_athena,
    "export": _open_export,
}
#: How a text of each kind begins, or is made.
_KINDS: Final = ("sample:", "s3://bucket/prefix", "athena://database/table", "export:FOLDER")
_ON_AWS: Final = {"s3", "athena"}
