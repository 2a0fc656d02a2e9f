"""Names that nothing has are never answered by emptiness alone: refused with what there is, or told on the answer.

An attribute that no image has is refused, where images were read that can tell; a path below an attribute is told, and
so is what looks for a type of value that a path never holds. What an answer's own rows show needs no further look; then
a sample tells, and only where that has not the name, all images.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

from histlib.engines.queries import Attributes, Parts, Source
from histlib.engines.shapes import Shape, parts_of, shape_of
from histlib.engines.where import Want
from histlib.engines.where.meaning.sameness import kind
from histlib.engines.where.names import attribute_name, listed
from histlib.errors import PathNotValidError, RequestError
from histlib.values.image_json import MISSING, Item, decode_image
from histlib.values.paths import Path, format_path, get

#: So many rows of an answer are looked at.
_FIRST: Final = 1_000
_KINDS: Final = {
    "S": "a string", "N": "a number", "B": "binary", "BOOL": "a boolean", "NULL": "NULL", "L": "a list", "M": "a map",
    "SS": "a set of strings", "NS": "a set of numbers", "BS": "a set of binaries",
}  # fmt: skip
_HOLDERS: Final = frozenset({"L", "SS", "NS", "BS"})


class ImageNames(Protocol):
    """What some images have; ``exact``: all of them, not only a sample. ``image``: what they are, in a message."""

    key: tuple[str, ...]

    @property
    def image(self) -> str: ...
    def attributes(self, exact: bool) -> frozenset[str]:
        """The top-level names."""
        ...

    def shape(self, path: Path, exact: bool) -> Shape:
        """What is at a path."""
        ...


class HistoryNames:
    """What the images of a history have, as its source tells."""

    def __init__(self, source: Source, key: tuple[str, ...]) -> None:
        self._source = source
        self._sampled = False
        self.key = key

    @property
    def image(self) -> str:
        """Of a sample only, where looking at all would read more than is allowed."""
        return "image of a sample" if self._sampled else "image"

    def attributes(self, exact: bool) -> frozenset[str]:
        """Top-level attributes of the images: all, or those of a sample."""
        return frozenset(self._source.fetch(Attributes(exact)).column("name").to_pylist())

    def shape(self, path: Path, exact: bool) -> Shape:
        """What is at a path in the images: in all, or in a sample."""
        try:
            rows = self._source.fetch(Parts(path, exact))
        except RequestError:
            if not exact:
                raise
            self._sampled = True
            rows = self._source.fetch(Parts(path, exact=False))
        return shape_of(zip(rows.column("kind").to_pylist(), rows.column("name").to_pylist(), strict=True))


class ItemNames:
    """What the images of one item have, or of some, all at hand."""

    key: tuple[str, ...] = ()

    def __init__(self, images: Collection[Item], *, several: bool = False) -> None:
        self._images = images
        self.image = "image of these items" if several else "image of this item"

    def attributes(self, exact: bool) -> frozenset[str]:
        """The top-level names."""
        return frozenset(name for image in self._images for name in image)

    def shape(self, path: Path, exact: bool) -> Shape:
        """What is at a path."""
        return shape_of(part for image in self._images for part in parts_of(get(image, path)))

    def have(self, paths: Iterable[Path]) -> bool:
        """Whether each of the paths is in an image."""
        return all(any(get(image, path) is not MISSING for image in self._images) for path in paths)


def first_images(*columns: Any) -> list[str]:
    """The texts of images that the first rows of an answer have; the columns are lists or Arrow's."""
    parts = (column[:_FIRST] for column in columns)
    cells = (cell for part in parts for cell in (part.to_pylist() if hasattr(part, "to_pylist") else part))
    return [cell for cell in cells if isinstance(cell, str)]


def meant(paths: Sequence[Path], names: ImageNames, images: Sequence[str] = ()) -> tuple[Path, ...]:
    """The paths with top-level names as the images have them; ``images``: some of those that the answer shows.

    Raises:
        PathNotValidError: an attribute that no image has, or more than one is so called but for case.
    """
    return tuple(path if not path or _shown(path[:1], images) else _meant(path, names) for path in paths)


def _meant(path: Path, names: ImageNames) -> Path:
    def refused(message: str) -> PathNotValidError:
        return PathNotValidError(message, format_path(path))

    name = attribute_name(str(path[0]), names, refused, write=_written, image=names.image)
    return (name, *path[1:])


def notices(paths: Iterable[Path], wants: Iterable[Want], names: ImageNames, images: Sequence[str] = ()) -> list[str]:
    """What is to be told of paths that no image has, or whose values are never of a type that is looked for.

    Top-level names are as :func:`meant` gives them; ``images`` as there.
    """
    asked = sorted(filter(None, dict.fromkeys(paths)), key=format_path)
    if asked and not names.attributes(False) and not names.attributes(True):
        unsure = ", ".join(map(format_path, asked))
        return [f"no {names.image} was read, so nothing tells whether there is {unsure}"]
    missing = (_missing(path, names) for path in asked if len(path) > 1 and not _shown(path, images))
    return [*filter(None, missing), *_of_other_kinds(wants, names, images)]


def as_attrs(told: list[str]) -> dict[str, list[str]]:
    """Notices, as a frame's attrs have them: no member where there are none."""
    return {"notices": told} if told else {}


def _missing(path: Path, names: ImageNames) -> str | None:
    """What is to be told of a path, where no image has it."""
    there = next(at for at in range(len(path), 0, -1) if at == 1 or _has(names, path[: at - 1], path[at - 1]))
    if there == len(path):
        return None
    parent = path[:there]
    below = _below(names.shape(parent, True), path[there])
    return f"no {names.image} has {format_path(path)}; {format_path(parent)} {below}"


def _has(names: ImageNames, parent: Path, step: str | int) -> bool:
    return names.shape(parent, False).has(step) or names.shape(parent, True).has(step)


def _below(shape: Shape, step: str | int) -> str:
    """What there is instead of a step."""
    if isinstance(step, int) and shape.longest:
        return f"has at most {shape.longest:,} {'entry' if shape.longest == 1 else 'entries'}, counted from 0"
    if shape.names:
        return f"has {listed(shape.names, str(step), _written)}"
    if shape.longest:
        return f"is a list of at most {shape.longest:,}: its entries are [0] and so on"
    return f"is only {_told_kinds(shape.kinds)}"


def _of_other_kinds(wants: Iterable[Want], names: ImageNames, images: Sequence[str]) -> Iterator[str]:
    for want in wants:
        kinds = frozenset(map(kind, _values(want.path, images)))
        for exact in (False, True):
            kinds = kinds if kinds & want.kinds else names.shape(want.path, exact).kinds
        if kinds and not kinds & want.kinds:
            path = format_path(want.path)
            yield f"{want.what} finds nothing in {path}, which is only {_told_kinds(kinds)}{_instead(want, kinds)}"


def _instead(want: Want, kinds: frozenset[str]) -> str:
    if want.what.startswith("IN "):
        return "; values to choose from stand alone: IN :name"
    return f"; contains(…{format_path(want.path)}, x) finds a member" if kinds & _HOLDERS else ""


def _told_kinds(kinds: frozenset[str]) -> str:
    return " or ".join(_KINDS[one] for one in sorted(kinds))


def _shown(path: Path, images: Sequence[str]) -> bool:
    return any(value is not MISSING for value in _values(path, images))


def _values(path: Path, images: Sequence[str]) -> Iterator[Any]:
    return (get(decode_image(text), path) for text in images)


def _written(name: str) -> str:
    return format_path((name,))
