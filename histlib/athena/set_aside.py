"""How a landing object that cannot be read is set aside so that questions are answered, and say what they lack."""

from __future__ import annotations

import shlex


def command(location: str, file: str) -> str:
    """The command for an object, to be run in a clone: ``location`` is the history's, ``file`` the object below it.

    What of the object can be read stays in the landing; the rest is a hole to every answer of its time.
    """
    return shlex.join(["python", "-m", "pipeline", "quarantine", f"{location.rstrip('/')}/{file}"])
