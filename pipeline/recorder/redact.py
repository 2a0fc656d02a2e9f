"""Redaction: attribute paths that are dropped before anything is stored. Key attributes are never dropped."""

import hashlib
import json
import re

_STEP = re.compile(r"""\[(\d+)\]|(?:^|\.)(?:"((?:[^"\\]|\\.)*)"|([^\s.\[\]"']+))""")


class Redaction:
    """The rules of ``REDACT``: paths such as ``email`` or ``address.zip``, separated by white space or line breaks.

    ``id`` names them in each record (None without rules), so that images redacted unlike are never compared.
    """

    def __init__(self, text=""):
        paths = sorted({tuple(parse_path(rule)) for rule in split_rules(text)}, key=str)
        self._paths = paths
        self.id = hashlib.blake2b(json.dumps(paths).encode(), digest_size=6).hexdigest() if paths else None

    def apply(self, item, keys):
        """The attribute map without what the rules name; the given one is left as it is."""
        for path in self._paths:
            if path[0] not in keys:
                item = _without(item, path)
        return item

    def apply_bluntly(self, item, keys):
        """As :meth:`apply` for a map of unknown shape: attributes that a rule touches go whole; None for no map."""
        touched = {path[0] for path in self._paths} - set(keys)
        if not isinstance(item, dict):
            return None
        return {name: attribute for name, attribute in item.items() if name not in touched}


def split_rules(text):
    """The paths in the text of ``REDACT``: white space separates, but not inside quotes."""
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+', text)


def parse_path(text):
    """The steps of a path: names, and list positions.

    Raises ValueError for what is no path, or would drop a list's member (the others would move up).
    """
    steps, position = [], 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None or (match[1] is not None and not steps):
            raise ValueError(f"REDACT: {text!r} is no path; expected like email, address.zip or items[3].qty")
        index, quoted, plain = match.groups()
        steps.append(int(index) if index is not None else json.loads(f'"{quoted}"') if quoted is not None else plain)
        position = match.end()
    if not steps or isinstance(steps[-1], int):
        raise ValueError(f"REDACT: {text!r} names a list's member; name an attribute, or the whole list")
    return steps


def _without(item, path):
    """A map without the value at a path, copied only along the path."""
    name, rest = path[0], path[1:]
    if name not in item:
        return item
    if not rest:
        return {other: attribute for other, attribute in item.items() if other != name}
    return {**item, name: _without_inside(item[name], rest)}


def _without_inside(attribute, path):
    if isinstance(path[0], str):
        return {"M": _without(attribute["M"], path)} if "M" in attribute else attribute
    members = attribute.get("L", [])
    if path[0] >= len(members):
        return attribute
    inside = _without_inside(members[path[0]], path[1:])
    return {"L": [*members[: path[0]], inside, *members[path[0] + 1 :]]}
