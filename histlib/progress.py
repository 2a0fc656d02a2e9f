"""Progress of long work: a bar after a second, where a person watches; silent everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

#: Work shorter than this many seconds shows no bar.
DELAY: Final = 1.0


class _Unwatched:
    """A bar that nobody would see."""

    def update(self, _: float = 1) -> None:
        """Nothing to show."""


@contextmanager
def progress(what: str, total: int | None, unit: str = "B") -> Iterator[Any]:
    """A bar to ``update(n)`` up to ``total`` (None: not known); it shows itself only when the work takes a second.

    Silent where standard error is neither a terminal nor a notebook's.
    """
    if not is_watched():
        yield _Unwatched()
        return
    bar_class = _notebook_bar() if _in_notebook() else _terminal_bar()
    with bar_class(desc=what, total=total, unit=unit, unit_scale=True, delay=DELAY, leave=False) as bar:
        yield bar


@contextmanager
def status(what: str) -> Iterator[Callable[[object], None]]:
    """A line that says how work stands, to be called with what is new; it shows itself after a second.

    Silent where :func:`progress` is.
    """
    if not is_watched():
        yield lambda _: None
        return
    bar_class = _notebook_bar() if _in_notebook() else _terminal_bar()
    how: dict[str, Any] = {"bar_format": "{desc}", "delay": DELAY, "leave": False, "miniters": 0, "mininterval": 0}
    with bar_class(desc=what, total=None, **how) as bar:

        def show(news: object) -> None:
            bar.set_description_str(f"{what}: {news}", refresh=False)
            bar.update(1)

        yield show


def aside(text: str, page: str) -> None:
    """Show something that is no part of an answer: its HTML in a notebook, elsewhere its text on standard error."""
    if _in_notebook():
        from IPython.display import HTML, display

        display(HTML(page))  # type: ignore[no-untyped-call]
    else:
        print(text, file=sys.stderr, flush=True)


def is_watched() -> bool:
    """Whether a person sees what is shown here: standard error is a terminal's or a notebook's."""
    return _in_notebook() or sys.stderr.isatty()


def _in_notebook() -> bool:
    """Whether this runs in a notebook's kernel; that ipykernel was imported says nothing of it."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _terminal_bar() -> Any:
    from tqdm.std import tqdm

    return tqdm


def _notebook_bar() -> Any:
    if find_spec("ipywidgets") is None:  # tqdm's own choice would warn about it
        return _terminal_bar()
    from tqdm.notebook import tqdm

    return tqdm
