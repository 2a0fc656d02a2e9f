"""How a landing object that cannot be read is set aside so that questions are answered, and say what they lack."""

from __future__ import annotations

import shlex


def command(location: str, file: str) -> str:
    """The command for an object: ``location`` is the history's, ``file`` the object below it.

    Below ``failed/`` it is a hole of unknown extent to every answer, until someone reads it and puts it back.
    """
    root = location.rstrip("/") + "/"
    return shlex.join(["aws", "s3", "mv", f"{root}{file}", f"{root}failed/unreadable/{file}"])
